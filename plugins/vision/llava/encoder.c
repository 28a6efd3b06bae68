/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles through the tower and the projector:
 *
 *   x = rows of the tower after the layers that are read, side by side; without the first row
 *   y = linear_2(act(linear_1(x)))
 *
 * and, in LLaVA-NeXT, the rows of y in the order of the picture with image_newline between lines.
 * Tiles go one after another. Everything is enqueued and nothing is waited for. */
#include "llava.h"

typedef struct buffers {
    weft_tensor x;      /* [n, d] */
    weft_tensor wide;   /* [rows, d * n_layers] */
    weft_tensor middle; /* [rows, d_text] */
    weft_tensor y;      /* [tiles * rows + 1, d_text], the last one image_newline */
    weft_tensor index;  /* i32 [n_tokens] */
    weft_tensor rest;   /* the tower's */
} buffers;

static uint64_t layout(buffers *b, const llv_config *c, const llv_grid *g,
                       const weft_tensor *scratch)
{
    plg_arena a = {scratch, 0, 0};
    b->x = plg_carve(&a, WEFT_F32, c->tower.n, c->tower.d);
    b->wide = plg_carve(&a, WEFT_F32, c->rows, (int64_t)c->tower.d * c->n_layers);
    b->middle = plg_carve(&a, WEFT_F32, c->rows, c->d_text);
    b->y = plg_carve(&a, WEFT_F32, (int64_t)llv_grid_tiles(g) * c->rows + 1, c->d_text);
    b->index = plg_carve(&a, WEFT_I32, g->n_tokens, 0);
    b->rest = plg_carve(&a, WEFT_U8, (int64_t)vis_tower_scratch_bytes(&c->tower), 0);
    return a.used;
}

uint64_t llv_scratch_bytes(const llv_config *c, const llv_grid *g)
{
    buffers b;
    return layout(&b, c, g, NULL);
}

/* What vis_tower_run gives of the layers that are read. */
typedef struct tap {
    const llv_config *c;
    const buffers    *b;
} tap;

static void take(plg_run *r, void *ctx, int32_t layer)
{
    const tap        *t = ctx;
    const llv_config *c = t->c;
    const int64_t     d = c->tower.d, shape[2] = {c->rows, d};
    weft_tensor       from = plg_rows(&t->b->x, c->drops_first, c->rows, d);
    for (int32_t i = 0; i < c->n_layers; i++) {
        if (c->layers[i] != layer)
            continue;
        weft_tensor to =
            weft_view(&t->b->wide, (float *)t->b->wide.data + i * d, WEFT_F32, 2, shape);
        to.stride[0] = d * c->n_layers;
        to.bytes = t->b->wide.bytes - 4 * (uint64_t)(i * d);
        plg_copy(r, &to, &from);
    }
}

static void encode_tile(plg_run *r, const llv_modality *m, const weft_tensor *pixels,
                        const weft_tensor *seen, const weft_tensor *y, const buffers *b)
{
    const llv_config *c = &m->config;
    tap               ctx = {c, b};
    vis_tower_tap     taps = {take, &ctx};
    vis_tower_run(r, &m->weights.tower, pixels, NULL, &taps, &b->x, &b->rest);
    if (seen->data != NULL)
        plg_copy(r, seen, &b->wide);
    plg_linear(r, &b->middle, &b->wide, &m->weights.linear1, c->act);
    plg_linear(r, y, &b->middle, &m->weights.linear2, WEFT_ACT_NONE);
}

/* The tokens in the picture's order. */
static void pack(plg_run *r, const llv_modality *m, const llv_grid *g, const weft_tensor *tokens,
                 const buffers *b)
{
    const llv_config *c = &m->config;
    const int64_t     n = (int64_t)llv_grid_tiles(g) * c->rows;
    int32_t          *index = m->host->alloc(m->host, 4 * (uint64_t)g->n_tokens, 64);
    if (index == NULL) {
        r->status = weft_fail(r->err, WEFT_E_NOMEM, "out of memory for the places of tokens");
        return;
    }
    if (c->has_newline) {
        weft_tensor last = plg_rows(&b->y, n, 1, c->d_text);
        weft_tensor newline = plg_rows(&m->weights.newline, 0, 1, c->d_text);
        plg_copy(r, &last, &newline);
    }
    llv_grid_index(c, g, index);
    plg_upload(r, &b->index, index);
    m->host->free(m->host, index);
    plg_gather(r, tokens, &b->y, &b->index);
}

static weft_tensor part_of(const weft_tensor *t, int64_t i, int64_t rows, int64_t columns)
{
    weft_tensor none = {.data = NULL};
    return t->ndim > 0 && t->data != NULL ? plg_rows(t, i * rows, rows, columns) : none;
}

weft_status llv_encode(const llv_modality *m, weft_queue *q, const llv_grid *g,
                       const weft_tensor *pixels, const weft_tensor *tokens,
                       const weft_tensor *seen, const weft_tensor *projected,
                       const weft_tensor *scratch, weft_error *err)
{
    const llv_config *c = &m->config;
    const int64_t     area = (int64_t)c->tower.tile * c->tower.tile, n = llv_grid_tiles(g);
    const int64_t     tile[3] = {3, c->tower.tile, c->tower.tile};
    buffers           b;
    plg_run           r = plg_run_begin(m->host, m->ops, q, err);
    if (layout(&b, c, g, scratch) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding a picture was given too little scratch memory", LLV_ID);
    for (int64_t i = 0; i < n && r.status == WEFT_OK; i++) {
        weft_tensor in = plg_part(pixels, i * 3 * area, 1, 3 * area);
        weft_tensor of = weft_view(&in, in.data, WEFT_F32, 3, tile);
        weft_tensor rows = part_of(seen, i, c->rows, (int64_t)c->tower.d * c->n_layers);
        weft_tensor y = plg_rows(&b.y, i * c->rows, c->rows, c->d_text);
        encode_tile(&r, m, &of, &rows, &y, &b);
    }
    weft_tensor all = plg_rows(&b.y, 0, n * c->rows, c->d_text);
    weft_tensor made = part_of(projected, 0, n * c->rows, c->d_text);
    if (r.status == WEFT_OK && made.data != NULL)
        plg_copy(&r, &made, &all);
    if (r.status == WEFT_OK && c->is_next)
        pack(&r, m, g, tokens, &b);
    else
        plg_copy(&r, tokens, &all);
    return r.status;
}
