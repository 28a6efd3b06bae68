/* SPDX-License-Identifier: Apache-2.0 */
/* One picture through the encoder and the resampler. Source: transformers 4.49
 * models/idefics/vision.py, class IdeficsVisionTransformer.
 *
 *   x = LN([class row; patches] + positions; pre_layrnorm)
 *   x += Attn(LN1 x);  x += FC2(act(FC1(LN2 x)))              n_layers times, with biases
 *   rows = resampler(x), or x itself      (post_layernorm only serves a pooled row, not used here)
 *
 * Everything is enqueued and nothing is waited for. After one call has failed, later ones do
 * nothing. */
#include "idefics.h"

typedef struct buffers {
    weft_tensor x, h;   /* [n, d] */
    weft_tensor wide;   /* [n, vis_block_wide()] */
    weft_tensor bounds; /* i32 [2]: one sequence of n rows */
    weft_tensor rest;   /* the resampler's */
} buffers;

static uint64_t layout(buffers *b, const idf_config *c, const weft_tensor *scratch)
{
    plg_arena     a = {scratch, 0, 0};
    const int64_t rest =
        c->use_resampler ? (int64_t)vis_resampler_scratch_bytes(&c->resampler, c->n, 1) : 1;
    b->x = plg_carve(&a, WEFT_F32, c->n, c->d);
    b->h = plg_carve(&a, WEFT_F32, c->n, c->d);
    b->wide = plg_carve(&a, WEFT_F32, c->n, vis_block_wide(c->d, c->d_ffn));
    b->bounds = plg_carve(&a, WEFT_I32, 2, 0);
    b->rest = plg_carve(&a, WEFT_U8, rest, 0);
    return a.used;
}

uint64_t idf_scratch_bytes(const idf_config *c)
{
    buffers b;
    return layout(&b, c, NULL);
}

/* x = LN([class row; patches] + positions) */
static void embed(plg_run *r, const idf_modality *m, const weft_tensor *pixels, const buffers *b)
{
    const idf_config  *c = &m->config;
    const idf_weights *w = &m->weights;
    const int64_t      in[4] = {1, c->n_channels, c->tile, c->tile};
    const int64_t      out[3] = {1, c->n - 1, c->d};
    const int32_t      stride[2] = {c->patch, c->patch}, pad[4] = {0, 0, 0, 0};
    weft_tensor        picture = weft_view(pixels, pixels->data, WEFT_F32, 4, in);
    weft_tensor        first = plg_rows(&b->x, 0, 1, c->d);
    weft_tensor        others = plg_rows(&b->x, 1, c->n - 1, c->d);
    weft_tensor        patches = weft_view(&others, others.data, WEFT_F32, 3, out);
    weft_tensor        class_row = plg_rows(&w->class_row, 0, 1, c->d);
    plg_copy(r, &first, &class_row);
    if (r->status == WEFT_OK)
        r->status =
            r->ops->conv(r->host, r->q, &patches, &picture, &w->patch_w, NULL, stride, pad, r->err);
    plg_add(r, &b->x, &w->pos, 1.0f);
    plg_layernorm(r, &b->x, &b->x, &w->pre, c->norm_eps);
}

static void blocks(plg_run *r, const idf_modality *m, const buffers *b)
{
    const idf_config    *c = &m->config;
    const int32_t        bounds[2] = {0, c->n};
    const vis_block_rows rows = {.x = &b->x,
                                 .h = &b->h,
                                 .wide = &b->wide,
                                 .bounds = &b->bounds,
                                 .n_rows = c->n,
                                 .n = 1,
                                 .d = c->d,
                                 .d_ffn = c->d_ffn,
                                 .n_heads = c->n_heads,
                                 .act = c->act,
                                 .eps = c->norm_eps};
    plg_upload(r, &b->bounds, bounds);
    for (int32_t i = 0; i < c->n_layers; i++)
        vis_block_run(r, &m->weights.blocks[i], &rows);
}

weft_status idf_encode(const idf_modality *m, weft_queue *q, const weft_tensor *pixels,
                       const weft_tensor *rows, const weft_tensor *encoded,
                       const weft_tensor *scratch, weft_error *err)
{
    const idf_config *c = &m->config;
    const int32_t     whole[2] = {0, c->n};
    buffers           b;
    plg_run           r = plg_run_begin(m->host, m->ops, q, err);
    if (layout(&b, c, scratch) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding a picture was given too little scratch memory", IDF_ID);
    embed(&r, m, pixels, &b);
    blocks(&r, m, &b);
    if (encoded->ndim > 0 && encoded->data != NULL)
        plg_copy(&r, encoded, &b.x);
    if (c->use_resampler)
        vis_resampler_run(&r, &m->weights.resampler, &b.x, whole, 1, rows, &b.rest);
    else
        plg_copy(&r, rows, &b.x);
    return r.status;
}
