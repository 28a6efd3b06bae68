/* SPDX-License-Identifier: Apache-2.0 */
/* The perceiver resampler; the recipe is in resampler.h. */
#include "resampler.h"

#define MAX_KEYS (1 << 28) /* rows of context and latents in one run: far from 2^31 */

/* The device buffers of one run; L = n_groups * n_latents rows of latents, K = n_context + L keys,
 * I = n_heads * head_dim. */
typedef struct buffers {
    weft_tensor z, y;             /* [L, d] */
    weft_tensor cat;              /* [K, d]: a group's normed context, then its normed latents */
    weft_tensor q, att;           /* [L, I] */
    weft_tensor k, v;             /* [K, I] */
    weft_tensor mid;              /* [L, d_ffn] */
    weft_tensor q_begin, k_begin; /* i32 [n_groups + 1] */
    int64_t     n_latents;        /* L */
} buffers;

typedef struct call {
    plg_run             *run;
    const vis_resampler *r;
    const weft_tensor   *context;
    const int32_t       *begin;
    int32_t              n_groups;
    buffers              b;
} call;

weft_status vis_resampler_check(const vis_resampler_config *c, const char *file, weft_error *err)
{
    int64_t inner = (int64_t)c->n_heads * c->head_dim;
    if (c->d < 1 || c->d > 65536 || c->d_ffn < 1 || c->d_ffn > 1 << 20 || c->n_heads < 1 ||
        c->head_dim < 1 || inner > 65536 || c->depth < 1 || c->depth > VIS_RESAMPLER_MAX_DEPTH ||
        c->n_latents < 1 || c->n_latents > 65536)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: a resampler of width %d, %d blocks, %d latents, %d heads of %d and a "
                         "feed-forward of %d is not possible",
                         file, c->d, c->depth, c->n_latents, c->n_heads, c->head_dim, c->d_ffn);
    return WEFT_OK;
}

weft_status vis_resampler_init(vis_resampler *r, const weft_host *h, const vis_resampler_config *c,
                               weft_error *err)
{
    uint64_t bytes = (uint64_t)c->depth * sizeof *r->blocks;
    memset(r, 0, sizeof *r);
    r->config = *c;
    r->blocks = plg_alloc(h, bytes, "resampler blocks", err);
    return r->blocks != NULL ? WEFT_OK : WEFT_E_NOMEM;
}

void vis_resampler_free(vis_resampler *r, const weft_host *h)
{
    h->free(h, r->blocks);
    memset(r, 0, sizeof *r);
}

static void ask_block(plg_request *q, vis_resampler_block *b, const vis_resampler_config *c,
                      const char *p)
{
    const int64_t inner = (int64_t)c->n_heads * c->head_dim;
    plg_ask_norm(q, &b->context, p, "0.context_layer_norm", c->d);
    plg_ask_norm(q, &b->latents, p, "0.latents_layer_norm", c->d);
    if (c->qk_norm) {
        plg_ask_norm(q, &b->q_norm, p, "0.q_layer_norm", c->head_dim);
        plg_ask_norm(q, &b->k_norm, p, "0.k_layer_norm", c->head_dim);
    }
    plg_ask_dense(q, &b->q, p, "0.q_proj", inner, c->d, 0, 0);
    plg_ask_dense(q, &b->k, p, "0.k_proj", inner, c->d, 0, 0);
    plg_ask_dense(q, &b->v, p, "0.v_proj", inner, c->d, 0, 0);
    plg_ask_dense(q, &b->o, p, "0.output_proj", c->d, inner, 0, 0);
    plg_ask_norm(q, &b->ln, p, "1.ln", c->d);
    plg_ask_dense(q, &b->fc, p, "1.fc", c->d_ffn, c->d, 0, 0);
    plg_ask_dense(q, &b->c_proj, p, "1.c_proj", c->d, c->d_ffn, 0, 0);
}

void vis_resampler_ask(plg_request *q, vis_resampler *r, const char *prefix)
{
    const vis_resampler_config *c = &r->config;
    char                        name[PLG_MAX_NAME];
    plg_ask(q, &r->latents, WEFT_USE_PLAIN, plg_shape2(c->n_latents, c->d), prefix, "latents");
    for (int32_t i = 0; i < c->depth; i++) {
        snprintf(name, sizeof name, "%sblocks.%d.", prefix, i);
        ask_block(q, &r->blocks[i], c, name);
    }
    plg_ask_norm(q, &r->norm, prefix, "layer_norm", c->d);
}

/* Lays the buffers out; returns their bytes. */
static uint64_t layout(buffers *b, const vis_resampler_config *c, int64_t n_context,
                       int64_t n_groups, const weft_tensor *scratch)
{
    plg_arena     a = {scratch, 0, 0};
    const int64_t latents = n_groups * c->n_latents, keys = n_context + latents;
    const int64_t inner = (int64_t)c->n_heads * c->head_dim;
    b->n_latents = latents;
    b->z = plg_carve(&a, WEFT_F32, latents, c->d);
    b->y = plg_carve(&a, WEFT_F32, latents, c->d);
    b->cat = plg_carve(&a, WEFT_F32, keys, c->d);
    b->q = plg_carve(&a, WEFT_F32, latents, inner);
    b->att = plg_carve(&a, WEFT_F32, latents, inner);
    b->k = plg_carve(&a, WEFT_F32, keys, inner);
    b->v = plg_carve(&a, WEFT_F32, keys, inner);
    b->mid = plg_carve(&a, WEFT_F32, latents, c->d_ffn);
    b->q_begin = plg_carve(&a, WEFT_I32, n_groups + 1, 0);
    b->k_begin = plg_carve(&a, WEFT_I32, n_groups + 1, 0);
    return a.used;
}

uint64_t vis_resampler_scratch_bytes(const vis_resampler_config *c, int64_t n_context,
                                     int64_t n_groups)
{
    buffers b;
    return layout(&b, c, n_context, n_groups, NULL);
}

/* Where group g's keys start: its context rows, then its latents. */
static int64_t keys_before(const call *c, int32_t g)
{
    return c->begin[g] + (int64_t)g * c->r->config.n_latents;
}

static int64_t context_rows(const call *c, int32_t g)
{
    return c->begin[g + 1] - c->begin[g];
}

/* Sets z to the latents of every group, and uploads the bounds, one value at a time because their
 * number is not fixed. */
static void start(call *c)
{
    const int64_t n = c->r->config.n_latents, d = c->r->config.d, one = 1;
    for (int32_t g = 0; g <= c->n_groups; g++) {
        const int32_t q = (int32_t)(g * n), k = (int32_t)keys_before(c, g);
        weft_tensor   to_q =
            weft_view(&c->b.q_begin, (int32_t *)c->b.q_begin.data + g, WEFT_I32, 1, &one);
        weft_tensor to_k =
            weft_view(&c->b.k_begin, (int32_t *)c->b.k_begin.data + g, WEFT_I32, 1, &one);
        plg_upload(c->run, &to_q, &q);
        plg_upload(c->run, &to_k, &k);
    }
    for (int32_t g = 0; g < c->n_groups; g++) {
        weft_tensor z = plg_rows(&c->b.z, g * n, n, d);
        plg_copy(c->run, &z, &c->r->latents);
    }
}

/* y = LN(z); cat = every group's LN(context), then its rows of y. */
static void gather(call *c, const vis_resampler_block *w)
{
    const int64_t n = c->r->config.n_latents, d = c->r->config.d;
    const float   eps = c->r->config.eps;
    plg_layernorm(c->run, &c->b.y, &c->b.z, &w->latents, eps);
    for (int32_t g = 0; g < c->n_groups; g++) {
        const int64_t rows = context_rows(c, g), at = keys_before(c, g);
        weft_tensor   from = plg_rows(c->context, c->begin[g], rows, d);
        weft_tensor   to = plg_rows(&c->b.cat, at, rows, d);
        weft_tensor   y = plg_rows(&c->b.y, g * n, n, d);
        weft_tensor   to_y = plg_rows(&c->b.cat, at + rows, n, d);
        plg_layernorm(c->run, &to, &from, &w->context, eps);
        plg_copy(c->run, &to_y, &y);
    }
}

/* z += softmax(q k^T / sqrt(head_dim)) v Wo^T, once y and cat are computed. */
static void attend(call *c, const vis_resampler_block *w)
{
    const vis_resampler_config *o = &c->r->config;
    weft_tensor          q = plg_heads(&c->b.q, o->n_heads), k = plg_heads(&c->b.k, o->n_heads);
    const weft_attention how = {.hdr = WEFT_HDR(weft_attention),
                                .q_begin = &c->b.q_begin,
                                .k_begin = &c->b.k_begin,
                                .n = c->n_groups};
    plg_linear(c->run, &c->b.q, &c->b.y, &w->q, WEFT_ACT_NONE);
    plg_linear(c->run, &c->b.k, &c->b.cat, &w->k, WEFT_ACT_NONE);
    plg_linear(c->run, &c->b.v, &c->b.cat, &w->v, WEFT_ACT_NONE);
    if (o->qk_norm) {
        plg_layernorm(c->run, &q, &q, &w->q_norm, o->eps);
        plg_layernorm(c->run, &k, &k, &w->k_norm, o->eps);
    }
    plg_attend(c->run, &c->b.att, &c->b.q, &c->b.k, &c->b.v, o->n_heads, &how);
    plg_linear(c->run, &c->b.y, &c->b.att, &w->o, WEFT_ACT_NONE);
    plg_add(c->run, &c->b.z, &c->b.y, 1.0f);
}

static void feed_forward(call *c, const vis_resampler_block *w)
{
    plg_layernorm(c->run, &c->b.y, &c->b.z, &w->ln, c->r->config.eps);
    plg_linear(c->run, &c->b.mid, &c->b.y, &w->fc, WEFT_ACT_RELU);
    plg_linear(c->run, &c->b.y, &c->b.mid, &w->c_proj, WEFT_ACT_NONE);
    plg_add(c->run, &c->b.z, &c->b.y, 1.0f);
}

/* Do begin and the sizes fit the tensors that were given? */
static int fits(const call *c, const weft_tensor *out, const weft_tensor *scratch)
{
    const vis_resampler_config *o = &c->r->config;
    buffers                     b;
    if (c->n_groups < 1 || c->begin[0] != 0)
        return 0;
    for (int32_t g = 0; g < c->n_groups; g++)
        if (c->begin[g + 1] <= c->begin[g])
            return 0;
    const int64_t n_context = c->begin[c->n_groups];
    const int64_t latents = (int64_t)c->n_groups * o->n_latents;
    return n_context + latents <= MAX_KEYS &&
           c->context->bytes >= (uint64_t)(n_context * o->d) * sizeof(float) &&
           out->bytes >= (uint64_t)(latents * o->d) * sizeof(float) &&
           scratch->bytes >= layout(&b, o, n_context, c->n_groups, NULL);
}

void vis_resampler_run(plg_run *run, const vis_resampler *r, const weft_tensor *context,
                       const int32_t *begin, int32_t n_groups, const weft_tensor *out,
                       const weft_tensor *scratch)
{
    call c = {.run = run, .r = r, .context = context, .begin = begin, .n_groups = n_groups};
    if (run->status != WEFT_OK)
        return;
    if (!fits(&c, out, scratch)) {
        run->status = weft_fail(run->err, WEFT_E_INVALID,
                                "the resampler was given %d groups of context rows that do not fit "
                                "its buffers",
                                n_groups);
        return;
    }
    (void)layout(&c.b, &r->config, begin[n_groups], n_groups, scratch);
    start(&c);
    for (int32_t i = 0; i < r->config.depth; i++) {
        gather(&c, &r->blocks[i]);
        attend(&c, &r->blocks[i]);
        feed_forward(&c, &r->blocks[i]);
    }
    weft_tensor flat = plg_rows(out, 0, c.b.n_latents, r->config.d);
    plg_layernorm(run, &flat, &c.b.z, &r->norm, r->config.eps);
}
