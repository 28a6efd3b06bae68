/* SPDX-License-Identifier: Apache-2.0 */
/* The image encoder as a forward pass. Source: transformers models/mllama/modeling_mllama.py
 * (4.49), class MllamaVisionModel; Meta's models/llama3/multimodal/model.py agrees.
 *
 *   e       = LN_pre( patches or class row, + tile and position tables )     embed
 *   x       = e in the encoder's row order, padded to n_padded a tile        arrange (ops/rows.c)
 *   local   x += Attn(LN1 x);  x += FC2(act(FC1(LN2 x)))                     block, n_layers times
 *           before block i in capture[]: x is kept                           keep
 *   x       = LN_post x + tanh(g_post) post_tile[id]
 *   global  the same with both branches times tanh(gate)                     block, n_global times
 *   output  = projector( concat(x, kept states interleaved by channel) )     project
 *
 * All max_tiles tiles are encoded, unused (zero) ones too: real tokens attend to padding, as they
 * did in training. Padding attends to real tokens only. Everything is enqueued and nothing waits;
 * once a call has failed, those after it do nothing. */
#include "vision.h"

#include <math.h>

#define LN_EPS 1e-5f /* layernorm_pre and _post keep PyTorch's default whatever norm_eps says */

/* One encode call: where it runs, its device buffers, its first failure. Buffers [rows, columns]:
 * wide holds what a block needs in between: patches, q k v, the output projection, the MLP. */
typedef struct run {
    const vis_modality *m;
    const vis_config   *c;
    weft_queue         *q;
    weft_error         *err;
    weft_status         status;
    int32_t             num_tiles, ratio_id;
    int64_t             n_real, n_rows; /* tokens of used tiles; all rows with padding */
    weft_tensor         x, h;           /* [n_rows, d] */
    weft_tensor         wide;           /* [n_rows, max(3 d, d_ffn)] */
    weft_tensor         features;       /* [n_real, d_out] */
    weft_tensor         bounds;         /* i32 [2]: one sequence of n_rows */
    weft_tensor         k_begin, k_end; /* i32 [n_rows] */
} run;

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

static int64_t wide_columns(const vis_config *c)
{
    return c->d_ffn > 3 * (int64_t)c->d ? c->d_ffn : 3 * (int64_t)c->d;
}

/* The next part of scratch as [rows, columns]; with scratch NULL only *used grows. */
static weft_tensor carve(const weft_tensor *scratch, uint64_t *used, weft_dtype type, int64_t rows,
                         int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    char         *base = scratch != NULL ? (char *)scratch->data + *used : NULL;
    weft_tensor   t = weft_view(scratch, base, type, columns == 0 ? 1 : 2, shape);
    *used += aligned(t.bytes);
    return t;
}

/* Lays the buffers out; returns their bytes. Sizes are bounded by config.c: 2^20 rows of at most
 * 2^20 or 65 * 2^16 columns stay far from 2^63. */
static uint64_t layout(run *r, const weft_tensor *scratch)
{
    uint64_t          used = 0;
    const vis_config *c = r->c;
    r->n_real = (int64_t)r->num_tiles * c->n;
    r->n_rows = (int64_t)c->max_tiles * c->n_padded;
    r->x = carve(scratch, &used, WEFT_F32, r->n_rows, c->d);
    r->h = carve(scratch, &used, WEFT_F32, r->n_rows, c->d);
    r->wide = carve(scratch, &used, WEFT_F32, r->n_rows, wide_columns(c));
    r->features = carve(scratch, &used, WEFT_F32, r->n_real, c->d_out);
    r->bounds = carve(scratch, &used, WEFT_I32, 2, 0);
    r->k_begin = carve(scratch, &used, WEFT_I32, r->n_rows, 0);
    r->k_end = carve(scratch, &used, WEFT_I32, r->n_rows, 0);
    return used;
}

uint64_t vis_vit_scratch_bytes(const vis_config *c, int32_t num_tiles)
{
    run r;
    memset(&r, 0, sizeof r);
    r.c = c;
    r.num_tiles = num_tiles;
    return layout(&r, NULL);
}

/* Part of a buffer as a C-order tensor of its own, from element `from` on. */
static weft_tensor part(const weft_tensor *buffer, int64_t from, int32_t ndim, const int64_t *shape)
{
    return weft_view(buffer, (float *)buffer->data + from, WEFT_F32, ndim, shape);
}

static weft_tensor rows_of(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    return part(buffer, from, 2, shape);
}

static void linear(run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                   const weft_tensor *bias, int32_t act)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->linear(r->m->host, r->q, y, x, w, bias, act, r->err);
}

static void layernorm(run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                      const weft_tensor *bias, float eps)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->norm(r->m->host, r->q, y, x, w, bias, eps, 0, r->err);
}

static void add(run *r, const weft_tensor *y, const weft_tensor *b, float scale)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->add(r->m->host, r->q, y, y, b, scale, r->err);
}

/* One of our kernels over rows; a block of 128 threads a row on a GPU. */
static void launch(run *r, const weft_kernel *kernel, int64_t rows, void *const *args)
{
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)rows, 1, 1}, {128, 1, 1}, 0, 0, rows, 8};
    if (r->status == WEFT_OK && rows > 0)
        r->status = r->m->launcher->launch(r->m->host, r->q, kernel, &how, args, r->err);
}

/* Row ratio_id of a table [n_ratios + 1, columns]. */
static float *table_row(const run *r, const weft_tensor *table)
{
    return (float *)table->data + r->ratio_id * table->shape[1];
}

/* Patches, then every row's tables, into h as [max_tiles, n, d]; patches stand in wide meanwhile.
 */
static void embed(run *r, const weft_tensor *pixels)
{
    const vis_config  *c = r->c;
    const vis_weights *w = &r->m->weights;
    const int64_t      shape[3] = {c->max_tiles, c->n - 1, c->d};
    const int32_t      stride[2] = {c->patch, c->patch}, pad[4] = {0, 0, 0, 0};
    weft_tensor        patches = part(&r->wide, 0, 3, shape);
    weft_tensor        e = rows_of(&r->h, 0, (int64_t)c->max_tiles * c->n, c->d);
    if (r->status == WEFT_OK)
        r->status = r->m->ops->conv(r->m->host, r->q, &patches, pixels, &w->patch_w, NULL, stride,
                                    pad, r->err);

    const float *pre_tile = table_row(r, &w->pre_tile), *tile_pos = table_row(r, &w->tile_pos);
    const float  gate_pre = w->gate_pre, gate_pos = w->gate_pos;
    int64_t      n = c->n, d = c->d;
    void        *args[] = {&e.data,
                           &patches.data,
                           (void *)(uintptr_t)&w->class_row.data,
                           &pre_tile,
                           (void *)(uintptr_t)&w->pos.data,
                           &tile_pos,
                           (void *)(uintptr_t)&gate_pre,
                           (void *)(uintptr_t)&gate_pos,
                           &n,
                           &d};
    launch(r, r->m->kernels.embed, e.shape[0], args);
    layernorm(r, &e, &e, &w->pre_w, &w->pre_b, LN_EPS);
}

/* h to x in the encoder's row order, and what each row may attend to. */
static void arrange(run *r)
{
    int64_t       n = r->c->n, n_padded = r->c->n_padded, num_tiles = r->num_tiles, d = r->c->d;
    void         *x_args[] = {&r->x.data, &r->h.data, &n, &n_padded, &num_tiles, &d};
    void         *k_args[] = {&r->k_begin.data, &r->k_end.data, &r->n_real, &r->n_rows};
    const int32_t bounds[2] = {0, (int32_t)r->n_rows};
    launch(r, r->m->kernels.arrange, r->n_rows, x_args);
    launch(r, r->m->kernels.intervals, r->n_rows, k_args);
    if (r->status == WEFT_OK)
        r->status = r->m->ops->upload(r->m->host, r->q, &r->bounds, bounds, sizeof bounds, r->err);
}

/* h = softmax(q k^T / sqrt(head_dim)) v, per head; q, k, v [n_rows, d] are parts of wide. */
static void attend(run *r, weft_tensor *q, weft_tensor *k, weft_tensor *v)
{
    const int64_t head_dim = r->c->d / r->c->n_heads;
    const int64_t shape[3] = {r->n_rows, r->c->n_heads, head_dim};
    weft_tensor   q3 = part(q, 0, 3, shape), k3 = part(k, 0, 3, shape), v3 = part(v, 0, 3, shape);
    weft_tensor   out = part(&r->h, 0, 3, shape);
    const weft_attention a = {.hdr = WEFT_HDR(weft_attention),
                              .q = &q3,
                              .k = &k3,
                              .v = &v3,
                              .out = &out,
                              .q_begin = &r->bounds,
                              .k_begin = &r->bounds,
                              .row_k_begin = &r->k_begin,
                              .row_k_end = &r->k_end,
                              .scale = 1.0f / sqrtf((float)head_dim),
                              .n = 1};
    if (r->status == WEFT_OK)
        r->status = r->m->ops->attention(r->m->host, r->q, &a, r->err);
}

static void block(run *r, const vis_block *b)
{
    const int64_t one = r->n_rows * r->c->d;
    weft_tensor   q = rows_of(&r->wide, 0, r->n_rows, r->c->d);
    weft_tensor   k = rows_of(&r->wide, one, r->n_rows, r->c->d);
    weft_tensor   v = rows_of(&r->wide, 2 * one, r->n_rows, r->c->d);
    weft_tensor   mid = rows_of(&r->wide, 0, r->n_rows, r->c->d_ffn);

    layernorm(r, &r->h, &r->x, &b->norm1_w, &b->norm1_b, r->c->norm_eps);
    linear(r, &q, &r->h, &b->w_q, NULL, WEFT_ACT_NONE);
    linear(r, &k, &r->h, &b->w_k, NULL, WEFT_ACT_NONE);
    linear(r, &v, &r->h, &b->w_v, NULL, WEFT_ACT_NONE);
    attend(r, &q, &k, &v);
    linear(r, &q, &r->h, &b->w_o, NULL, WEFT_ACT_NONE);
    add(r, &r->x, &q, b->gate_attn);

    layernorm(r, &r->h, &r->x, &b->norm2_w, &b->norm2_b, r->c->norm_eps);
    linear(r, &mid, &r->h, &b->fc1_w, &b->fc1_b, r->c->act);
    linear(r, &r->h, &mid, &b->fc2_w, &b->fc2_b, WEFT_ACT_NONE);
    add(r, &r->x, &r->h, b->gate_ffn);
}

/* The real rows of x, the input of block `layer`, into every place of features that captures it. */
static void keep(run *r, int32_t layer)
{
    int64_t d = r->c->d, n_capture = r->c->n_capture;
    for (int64_t j = 0; j < n_capture; j++) {
        void *args[] = {&r->features.data, &r->x.data, &d, &n_capture, &j};
        if (r->c->capture[j] == layer)
            launch(r, r->m->kernels.capture, r->n_real, args);
    }
}

static void between(run *r)
{
    const vis_weights *w = &r->m->weights;
    const float       *table = table_row(r, &w->post_tile);
    const float        gate = w->gate_post;
    int64_t n = r->c->n, n_padded = r->c->n_padded, num_tiles = r->num_tiles, d = r->c->d;
    void   *args[] = {&r->x.data, &table, (void *)(uintptr_t)&gate, &n, &n_padded, &num_tiles, &d};
    layernorm(r, &r->x, &r->x, &w->post_w, &w->post_b, LN_EPS);
    launch(r, r->m->kernels.add_tile, r->n_rows, args);
}

/* The final state to the head of each feature row, then into the text model's width. */
static void project(run *r, const weft_tensor *out)
{
    const int64_t d_text = r->c->text.d_model;
    weft_tensor   last = rows_of(&r->x, 0, r->n_real, r->c->d);
    weft_tensor   head = rows_of(&r->features, 0, r->n_real, r->c->d);
    weft_tensor   used = rows_of(out, 0, r->n_real, d_text);
    weft_tensor   unused =
        rows_of(out, r->n_real * d_text, (int64_t)r->c->max_tiles * r->c->n - r->n_real, d_text);
    void *args[] = {&unused.data, (void *)(uintptr_t)&d_text};
    head.stride[0] = r->c->d_out;
    head.bytes = r->features.bytes;
    if (r->status == WEFT_OK)
        r->status = r->m->ops->copy(r->m->host, r->q, &head, &last, r->err);
    linear(r, &used, &r->features, &r->m->weights.proj_w, &r->m->weights.proj_b, WEFT_ACT_NONE);
    launch(r, r->m->kernels.zero, unused.shape[0], args);
}

weft_status vis_vit_encode(const vis_modality *m, weft_queue *q, const weft_tensor *pixels,
                           int32_t ratio_id, int32_t num_tiles, const weft_tensor *out,
                           const weft_tensor *scratch, weft_error *err)
{
    run r;
    memset(&r, 0, sizeof r);
    r.m = m;
    r.c = &m->config;
    r.q = q;
    r.err = err;
    r.num_tiles = num_tiles;
    r.ratio_id = ratio_id;
    if (layout(&r, scratch) > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %d tiles was given too little scratch memory", VIS_ID,
                         num_tiles);
    embed(&r, pixels);
    arrange(&r);
    for (int32_t i = 0; i < r.c->n_layers; i++) {
        keep(&r, i);
        block(&r, &m->weights.local[i]);
    }
    between(&r);
    for (int32_t i = 0; i < r.c->n_global; i++)
        block(&r, &m->weights.global[i]);
    project(&r, out);
    return r.status;
}
