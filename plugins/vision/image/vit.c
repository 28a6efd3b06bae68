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
 *   features = concat(x, kept states interleaved by channel)                 finish
 *   output  = projector(features)                                            project
 *
 * Several pictures of one grid may go through together, each as a sequence of its own. Weights are
 * then read once for all of them, and each picture gets the bytes that it gets alone. All max_tiles
 * tiles are encoded, also those that are unused (zero), because real tokens attended to padding in
 * training. Padding attends to real tokens only; so unused tiles that begin alike stay alike, and
 * one of them is computed for all (unused.c). Everything is enqueued and nothing is waited for;
 * after one call has failed, later ones do nothing. */
#include "vision.h"

#define LN_EPS 1e-5f /* layernorm_pre and _post keep PyTorch's default whatever norm_eps says */

/* One encode call: where it runs, and its device buffers [rows, columns], which hold the rows of
 * all n pictures. `wide` holds intermediate results: the patches; in a block q, k and v, the output
 * projection and the inner rows of the MLP. */
typedef struct run {
    plg_run             ops;
    const vis_modality *m;
    const vis_config   *c;
    int32_t             n, num_tiles, ratio_id;
    int32_t             tiles;  /* that are computed: max_tiles, or num_tiles + 1 */
    int64_t     n_real, n_rows; /* of one picture: tokens of used tiles; rows with padding */
    int64_t     n_keys;         /* n_rows, and more where tiles is less than max_tiles */
    weft_tensor x, h;           /* [n * n_rows, d] */
    weft_tensor wide;           /* [n * n_keys, max(3 d, d_ffn)] */
    weft_tensor features;       /* [n * n_real, d_out], the caller's */
    weft_tensor bounds;         /* i32 [n + 1]: n sequences of n_rows */
    weft_tensor key_bounds;     /* i32 [2]: one sequence of n_keys */
    weft_tensor k_begin, k_end; /* i32 [n * n_rows] */
} run;

/* Lays the buffers out; returns their bytes. Sizes are bounded by config.c: 2^20 rows of at most
 * 2^20 or 65 * 2^16 columns, times VIS_MAX_BATCH, stay far from 2^63. */
static uint64_t layout(run *r, const weft_tensor *scratch)
{
    plg_arena         a = {scratch, 0, 0};
    const vis_config *c = r->c;
    r->n_real = (int64_t)r->num_tiles * c->n;
    r->n_rows = (int64_t)r->tiles * c->n_padded;
    r->n_keys = (int64_t)c->max_tiles * c->n_padded;
    const int64_t all = r->n * r->n_rows;
    r->x = plg_carve(&a, WEFT_F32, all, c->d);
    r->h = plg_carve(&a, WEFT_F32, all, c->d);
    r->wide = plg_carve(&a, WEFT_F32, r->n * r->n_keys, vis_block_wide(c->d, c->d_ffn));
    r->bounds = plg_carve(&a, WEFT_I32, r->n + 1, 0);
    r->key_bounds = plg_carve(&a, WEFT_I32, 2, 0);
    r->k_begin = plg_carve(&a, WEFT_I32, all, 0);
    r->k_end = plg_carve(&a, WEFT_I32, all, 0);
    return a.used;
}

uint64_t vis_vit_scratch_bytes(const vis_config *c, int32_t num_tiles, int32_t n)
{
    run r;
    memset(&r, 0, sizeof r);
    r.c = c;
    r.num_tiles = num_tiles;
    r.tiles = c->max_tiles;
    r.n = n;
    return layout(&r, NULL);
}

/* The features of one picture, which vis_vit_encode keeps behind the encoder's own scratch. */
static weft_tensor features_of(const vis_config *c, int32_t num_tiles, plg_arena *a)
{
    return plg_carve(a, WEFT_F32, (int64_t)num_tiles * c->n, c->d_out);
}

uint64_t vis_vit_encode_bytes(const vis_config *c, int32_t num_tiles)
{
    plg_arena a = {NULL, vis_vit_scratch_bytes(c, num_tiles, 1), 0};
    (void)features_of(c, num_tiles, &a);
    return a.used;
}

/* Launches one of the plugin's kernels over rows. On a GPU each row gets a block of 128 threads. */
static void launch(run *r, const weft_kernel *kernel, int64_t rows, void *const *args)
{
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)rows, 1, 1}, {128, 1, 1}, 0, 0, rows, 8};
    if (r->ops.status == WEFT_OK && rows > 0)
        r->ops.status =
            r->m->launcher->launch(r->m->host, r->ops.q, kernel, &how, args, r->ops.err);
}

/* Row ratio_id of a table [n_ratios + 1, columns]. */
static float *table_row(const run *r, const weft_tensor *table)
{
    return (float *)table->data + r->ratio_id * table->shape[1];
}

/* Computes the patches into wide, and from them and the position tables the rows of h, [n, tiles,
 * tokens, d]. */
static void embed(run *r, const weft_tensor *pixels)
{
    const vis_config  *c = r->c;
    const vis_weights *w = &r->m->weights;
    const int64_t      all = (int64_t)r->n * r->tiles, shape[3] = {all, c->n - 1, c->d};
    const int64_t      flat[4] = {all, c->n_channels, c->tile, c->tile};
    const int32_t      stride[2] = {c->patch, c->patch}, pad[4] = {0, 0, 0, 0};
    weft_tensor        patches = weft_view(&r->wide, r->wide.data, WEFT_F32, 3, shape);
    weft_tensor        e = plg_rows(&r->h, 0, all * c->n, c->d);
    weft_tensor        picture = weft_view(pixels, pixels->data, WEFT_F32, 4, flat);
    if (r->ops.status == WEFT_OK)
        r->ops.status = r->ops.ops->conv(r->ops.host, r->ops.q, &patches, &picture, &w->patch_w,
                                         NULL, stride, pad, r->ops.err);

    const float *pre_tile = table_row(r, &w->pre_tile), *tile_pos = table_row(r, &w->tile_pos);
    const float  gate_pre = w->gate_pre, gate_pos = w->gate_pos;
    int64_t      n = c->n, tiles = r->tiles, d = c->d;
    void        *args[] = {&e.data,
                           &patches.data,
                           (void *)(uintptr_t)&w->class_row.data,
                           &pre_tile,
                           (void *)(uintptr_t)&w->pos.data,
                           &tile_pos,
                           (void *)(uintptr_t)&gate_pre,
                           (void *)(uintptr_t)&gate_pos,
                           &n,
                           &tiles,
                           &d};
    launch(r, r->m->kernels.embed, e.shape[0], args);
    plg_layernorm(&r->ops, &e, &e, &w->pre, LN_EPS);
}

/* Copies h to x in the order of rows that the encoder uses (ops/rows.c), and computes what each row
 * may attend to. */
static void arrange(run *r)
{
    int64_t n = r->c->n, n_padded = r->c->n_padded, num_tiles = r->num_tiles, d = r->c->d;
    int64_t tiles = r->tiles;
    void   *x_args[] = {&r->x.data, &r->h.data, &n, &n_padded, &num_tiles, &tiles, &d};
    /* With one picture its keys begin at 0 however many rows there are. */
    void   *k_args[] = {&r->k_begin.data, &r->k_end.data, &r->n_real, &r->n_keys};
    int32_t bounds[VIS_MAX_BATCH + 1], key_bounds[2] = {0, (int32_t)r->n_keys};
    for (int32_t i = 0; i <= r->n; i++)
        bounds[i] = (int32_t)(i * r->n_rows);
    launch(r, r->m->kernels.arrange, r->n * r->n_rows, x_args);
    launch(r, r->m->kernels.intervals, r->n * r->n_rows, k_args);
    plg_upload(&r->ops, &r->bounds, bounds);
    if (r->n_rows < r->n_keys)
        plg_upload(&r->ops, &r->key_bounds, key_bounds);
}

static void block(run *r, const vis_block *b)
{
    const vis_block_repeat unused = {&r->key_bounds, r->c->n_padded, r->n_keys};
    const vis_block_rows   rows = {.x = &r->x,
                                   .h = &r->h,
                                   .wide = &r->wide,
                                   .bounds = &r->bounds,
                                   .k_begin = &r->k_begin,
                                   .k_end = &r->k_end,
                                   .repeat = r->n_rows < r->n_keys ? &unused : NULL,
                                   .n_rows = r->n * r->n_rows,
                                   .n = r->n,
                                   .d = r->c->d,
                                   .d_ffn = r->c->d_ffn,
                                   .n_heads = r->c->n_heads,
                                   .act = r->c->act,
                                   .eps = r->c->norm_eps};
    vis_block_run(&r->ops, b, &rows);
}

/* Called before block `layer`: copies the real rows of x to every place of the features that
 * captures the input of this block. */
static void keep(run *r, int32_t layer)
{
    int64_t d = r->c->d, n_capture = r->c->n_capture;
    for (int64_t j = 0; j < n_capture; j++) {
        void *args[] = {&r->features.data, &r->x.data, &r->n_real, &r->n_rows, &d, &n_capture, &j};
        if (r->c->capture[j] == layer)
            launch(r, r->m->kernels.capture, r->n * r->n_real, args);
    }
}

static void between(run *r)
{
    const vis_weights *w = &r->m->weights;
    const float       *table = table_row(r, &w->post_tile);
    const float        gate = w->gate_post;
    int64_t n = r->c->n, n_padded = r->c->n_padded, num_tiles = r->num_tiles, d = r->c->d;
    void   *args[] = {&r->x.data, &table, (void *)(uintptr_t)&gate, &n, &n_padded, &num_tiles,
                      &r->n_rows, &d};
    plg_layernorm(&r->ops, &r->x, &r->x, &w->post, LN_EPS);
    launch(r, r->m->kernels.add_tile, r->n * r->n_rows, args);
}

/* Copies the final state to the beginning of each row of the features. */
static void finish(run *r)
{
    const int64_t shape[3] = {r->n, r->n_real, r->c->d};
    weft_tensor   last = weft_view(&r->x, r->x.data, WEFT_F32, 3, shape);
    weft_tensor   head = weft_view(&r->features, r->features.data, WEFT_F32, 3, shape);
    last.stride[0] = r->n_rows * r->c->d;
    last.bytes = r->x.bytes;
    head.stride[0] = r->n_real * r->c->d_out;
    head.stride[1] = r->c->d_out;
    head.bytes = r->features.bytes;
    plg_copy(&r->ops, &head, &last);
}

weft_status vis_vit_features(const vis_modality *m, const plg_run *on, const vis_batch *b,
                             const weft_tensor *out, const weft_tensor *scratch)
{
    run r;
    memset(&r, 0, sizeof r);
    r.ops = *on;
    r.m = m;
    r.c = &m->config;
    r.n = b->n;
    r.num_tiles = b->num_tiles;
    r.ratio_id = b->ratio_id;
    r.tiles = vis_unused_alike(m, b) ? b->num_tiles + 1 : r.c->max_tiles;
    if (b->n < 1 || b->n > VIS_MAX_BATCH || layout(&r, scratch) > scratch->bytes)
        return weft_fail(on->err, WEFT_E_INVALID,
                         "%s: encoding %d pictures of %d tiles was given too little scratch memory",
                         VIS_ID, b->n, b->num_tiles);
    r.features = plg_rows(out, 0, r.n * r.n_real, r.c->d_out);
    embed(&r, b->pixels);
    arrange(&r);
    for (int32_t i = 0; i < r.c->n_layers; i++) {
        keep(&r, i);
        block(&r, &m->weights.local[i]);
    }
    between(&r);
    for (int32_t i = 0; i < r.c->n_global; i++)
        block(&r, &m->weights.global[i]);
    finish(&r);
    return r.ops.status;
}

/* Projects the features of one picture to the text model's width. */
static void project(const vis_modality *m, plg_run *on, const weft_tensor *features,
                    const weft_tensor *out)
{
    const int64_t     d_text = m->config.text.d_model, n = features->shape[0];
    const int64_t     n_unused = (int64_t)m->config.max_tiles * m->config.n - n;
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)n_unused, 1, 1}, {128, 1, 1}, 0, 0, n_unused, 8};
    weft_tensor used = plg_rows(out, 0, n, d_text), unused = plg_rows(out, n, n_unused, d_text);
    void       *args[] = {&unused.data, (void *)(uintptr_t)&d_text};
    plg_linear(on, &used, features, &m->weights.proj, WEFT_ACT_NONE);
    if (on->status == WEFT_OK && n_unused > 0)
        on->status = m->launcher->launch(m->host, on->q, m->kernels.zero, &how, args, on->err);
}

weft_status vis_vit_encode(const vis_modality *m, weft_queue *q, const vis_batch *b,
                           const weft_tensor *out, const weft_tensor *scratch, weft_error *err)
{
    plg_run     on = plg_run_begin(m->host, m->ops, q, err);
    plg_arena   a = {scratch, vis_vit_scratch_bytes(&m->config, b->num_tiles, 1), 0};
    weft_tensor features = features_of(&m->config, b->num_tiles, &a);
    if (a.used > scratch->bytes)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoding %d tiles was given too little scratch memory", VIS_ID,
                         b->num_tiles);
    on.status = vis_vit_features(m, &on, b, &features, scratch);
    project(m, &on, &features, out);
    return on.status;
}
