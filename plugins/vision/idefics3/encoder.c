/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles through SigLIP and the connector. Source: transformers 4.49 models/idefics3,
 * Idefics3VisionTransformer and Idefics3Connector.
 *
 *   x = tower(tile)                                          [side * side, d]
 *   y: row R * (side / s) + C holds the rows (R s + a, C s + b), a, b < s, of x side by side
 *   tokens = y Wproj^T
 *
 * Tiles go one after another, so that none of them depends on the others. Everything is enqueued
 * and nothing is waited for. */
#include "idefics3.h"

typedef struct buffers {
    weft_tensor x;    /* [n, d] */
    weft_tensor y;    /* [seq, d * scale * scale] */
    weft_tensor rest; /* the tower's */
} buffers;

static uint64_t layout(buffers *b, const id3_config *c, const weft_tensor *scratch)
{
    plg_arena a = {scratch, 0, 0};
    b->x = plg_carve(&a, WEFT_F32, c->tower.n, c->tower.d);
    b->y = plg_carve(&a, WEFT_F32, c->seq, (int64_t)c->tower.d * c->scale * c->scale);
    b->rest = plg_carve(&a, WEFT_U8, (int64_t)vis_tower_scratch_bytes(&c->tower), 0);
    return a.used;
}

uint64_t id3_scratch_bytes(const id3_config *c)
{
    buffers b;
    return layout(&b, c, NULL);
}

/* The connector's shuffle. Along a line of patches s of them lie side by side already, so rows
 * [R, a, C] of s * d values change places. */
static void shuffle(plg_run *r, const id3_config *c, const buffers *b)
{
    const int64_t s = c->scale, tokens = c->tower.side / s, row = s * c->tower.d;
    const int64_t shape[4] = {tokens, s, tokens, row};
    weft_tensor   from = weft_view(&b->x, b->x.data, WEFT_F32, 4, shape);
    weft_tensor   to = weft_view(&b->y, b->y.data, WEFT_F32, 4, shape);
    to.stride[0] = tokens * s * row;
    to.stride[1] = row;
    to.stride[2] = s * row;
    plg_copy(r, &to, &from);
}

/* A mask of one tile in host memory; NULL: every patch counts. */
static weft_status read_mask(const id3_modality *m, const int64_t *pixels, int32_t *room,
                             vis_tower_mask *mask, const vis_tower_mask **out, weft_error *err)
{
    const vis_tower_config *c = &m->config.tower;
    *out = NULL;
    if (pixels == NULL)
        return WEFT_OK;
    mask->positions = room;
    mask->keys = room + c->n;
    mask->n_keys = id3_mask_read(c, pixels, room, room + c->n);
    if (mask->n_keys == 0)
        return weft_fail(err, WEFT_E_INVALID, "pixel_attention_mask hides a whole tile");
    if (mask->n_keys < c->n)
        *out = mask;
    return WEFT_OK;
}

static void encode_tile(plg_run *r, const id3_modality *m, const weft_tensor *pixels,
                        const vis_tower_mask *mask, const weft_tensor *tokens,
                        const weft_tensor *rows, const buffers *b)
{
    const id3_config *c = &m->config;
    const plg_pair    project = {.w = m->weights.project};
    vis_tower_run(r, &m->weights.tower, pixels, mask, NULL, &b->x, &b->rest);
    if (rows->data != NULL)
        plg_copy(r, rows, &b->x);
    shuffle(r, c, b);
    plg_linear(r, tokens, &b->y, &project, WEFT_ACT_NONE);
}

weft_status id3_encode(const id3_modality *m, weft_queue *q, int32_t n, const weft_tensor *pixels,
                       const int64_t *mask, const weft_tensor *tokens, const weft_tensor *rows,
                       const weft_tensor *scratch, weft_error *err)
{
    const id3_config *c = &m->config;
    const int64_t     area = (int64_t)c->tower.tile * c->tower.tile;
    const int64_t     tile[3] = {3, c->tower.tile, c->tower.tile};
    buffers           b;
    plg_run           r = plg_run_begin(m->host, m->ops, q, err);
    int32_t *room = mask != NULL ? m->host->alloc(m->host, 8 * (uint64_t)c->tower.n, 64) : NULL;
    if (mask != NULL && room == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a mask of patches");
    if (layout(&b, c, scratch) > scratch->bytes)
        r.status = weft_fail(err, WEFT_E_INVALID,
                             "%s: encoding a picture was given too little scratch memory", ID3_ID);
    for (int32_t i = 0; i < n && r.status == WEFT_OK; i++) {
        weft_tensor           in = plg_part(pixels, i * 3 * area, 1, 3 * area);
        weft_tensor           of = weft_view(&in, in.data, WEFT_F32, 3, tile);
        weft_tensor           out = plg_rows(tokens, (int64_t)i * c->seq, c->seq, c->d_text);
        weft_tensor           seen = {.data = NULL};
        vis_tower_mask        some;
        const vis_tower_mask *use = NULL;
        if (rows->ndim > 0 && rows->data != NULL)
            seen = plg_rows(rows, (int64_t)i * c->tower.n, c->tower.n, c->tower.d);
        r.status = read_mask(m, mask != NULL ? mask + i * area : NULL, room, &some, &use, err);
        encode_tile(&r, m, &of, use, &out, &seen, &b);
    }
    m->host->free(m->host, room);
    return r.status;
}
