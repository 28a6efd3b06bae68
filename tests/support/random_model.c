/* SPDX-License-Identifier: Apache-2.0 */
/* Weights made in memory. One block of random numbers is made and uploaded once; every piece of a
 * weight is packed from a place in it that is drawn anew, so that making billions of weights costs
 * what writing them costs, and no two rows are alike (equal rows would give equal logits). */
#include "tests/support/random_model.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/half.h"

#define PIECE ((int64_t)4 << 20) /* elements packed by one op: bounds the block */
#define DEVIATION 0.02f
#define SQRT3 1.7320508f /* half the width of a uniform distribution of deviation 1 */

typedef struct maker {
    wf_device  *device;
    weft_queue *queue;
    wf_buffers *to;    /* whose memory is filled */
    void       *block; /* device [n] of dtype */
    float      *host;  /* [host_n], for what is not packed */
    int64_t     n, host_n;
    uint64_t    state;
    int32_t     dtype, reserved;
} maker;

/* SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t draw(maker *k)
{
    uint64_t z = k->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in middle - half..middle + half. */
static float uniform(maker *k, float middle, float half)
{
    return middle + half * ((float)(draw(k) >> 40) * 0x1p-23f - 1.0f);
}

static void fill(maker *k, void *dst)
{
    for (int64_t i = 0; i < k->n; i++) {
        float v = uniform(k, 0.0f, DEVIATION * SQRT3);
        if (k->dtype == WF_F32)
            ((float *)dst)[i] = v;
        else
            ((uint16_t *)dst)[i] = k->dtype == WF_BF16 ? wf_to_bf16(v) : wf_to_f16(v);
    }
}

/* The block on the device, long enough for a piece of rows of most elements at any of as many
 * places. */
static weft_status make_block(maker *k, int64_t most, weft_error *err)
{
    int64_t  piece = most > PIECE ? most : PIECE;
    uint64_t bytes = (uint64_t)(2 * piece) * (uint64_t)wf_dtype_bytes(k->dtype);
    k->n = 2 * piece;
    weft_status status = wf_device_alloc(k->device, bytes, &k->block, err);
    if (status != WEFT_OK)
        return status;
    void *host = wf_alloc_aligned((size_t)bytes);
    if (host == NULL)
        return wf_fail_nomem(err, bytes, "random weights");
    fill(k, host);
    status = wf_queue_upload(k->queue, k->block, host, bytes, err);
    if (status == WEFT_OK)
        status = wf_queue_wait(k->queue, err);
    wf_free_aligned(host);
    return status;
}

/* most: elements of the longest row and of the longest vector. */
static weft_status maker_open(maker *k, wf_buffers *to, int32_t dtype, uint64_t seed, int64_t most,
                              weft_error *err)
{
    *k = (maker){.device = to->device, .to = to, .host_n = most, .state = seed, .dtype = dtype};
    weft_status status = wf_queue_create(k->device, &k->queue, err);
    if (status != WEFT_OK)
        return status;
    k->host = wf_alloc_aligned((size_t)most * sizeof *k->host);
    return k->host != NULL ? make_block(k, most, err)
                           : wf_fail_nomem(err, (uint64_t)most * sizeof *k->host, "random weights");
}

static void maker_close(maker *k)
{
    if (k->queue != NULL)
        (void)wf_queue_wait(k->queue, NULL);
    wf_queue_destroy(&k->queue);
    wf_device_free(k->device, k->block);
    wf_free_aligned(k->host);
}

/* Rows of w from one place of the block. */
static weft_status pack_piece(maker *k, const wf_weight *w, int64_t row0, int64_t rows,
                              weft_error *err)
{
    uint64_t at = draw(k) % (uint64_t)(k->n - rows * w->k + 1);
    wf_op    op = {
           .kind = WF_OP_PACK,
           .u.pack = {.w = *w,
                      .row0 = row0,
                      .rows = rows,
                      .src_dtype = k->dtype,
                      .src = (const uint8_t *)k->block + at * (uint64_t)wf_dtype_bytes(k->dtype)}};
    return wf_queue_submit(k->queue, &op, err);
}

static weft_status make_linear(maker *k, int64_t n, int64_t width, wf_weight *out, weft_error *err)
{
    uint64_t    bytes;
    int64_t     piece = PIECE / width > 0 ? PIECE / width : 1;
    weft_status status = wf_device_weight_bytes(k->device, k->dtype, n, width, &bytes, err);
    *out = (wf_weight){.n = n, .k = width, .format = k->dtype};
    if (status != WEFT_OK)
        return status;
    status = wf_buffers_add(k->to, k->queue, bytes, false, &out->data, err);
    for (int64_t r = 0; r < n && status == WEFT_OK; r += piece)
        status = pack_piece(k, out, r, n - r < piece ? n - r : piece, err);
    return status;
}

/* n floats that k->host holds. */
static weft_status put_host(maker *k, int64_t n, float **out, weft_error *err)
{
    void       *mem;
    uint64_t    bytes = (uint64_t)n * sizeof(float);
    weft_status status = wf_buffers_add(k->to, k->queue, bytes, false, &mem, err);
    *out = mem;
    if (status == WEFT_OK)
        status = wf_queue_upload(k->queue, mem, k->host, bytes, err);
    return status == WEFT_OK ? wf_queue_wait(k->queue, err) : status;
}

static weft_status make_norm(maker *k, int64_t n, float **out, weft_error *err)
{
    for (int64_t i = 0; i < n; i++)
        k->host[i] = uniform(k, 1.0f, 0.5f);
    return put_host(k, n, out, err);
}

static weft_status make_layer(maker *k, const wf_config *c, wf_layer_weights *y, weft_error *err)
{
    int64_t     q = (int64_t)c->n_heads * c->head_dim, kv = (int64_t)c->n_kv_heads * c->head_dim;
    weft_status status;
    if ((status = make_norm(k, c->d_model, &y->norm_attn, err)) != WEFT_OK ||
        (status = make_norm(k, c->d_model, &y->norm_ffn, err)) != WEFT_OK ||
        (status = make_linear(k, q + 2 * kv, c->d_model, &y->qkv[0], err)) != WEFT_OK ||
        (status = make_linear(k, c->d_model, q, &y->o, err)) != WEFT_OK ||
        (status = make_linear(k, 2 * (int64_t)c->d_ffn, c->d_model, &y->gate_up[0], err)) !=
            WEFT_OK)
        return status;
    return make_linear(k, c->d_model, c->d_ffn, &y->down, err);
}

static weft_status make_core(maker *k, wf_model *m, weft_error *err)
{
    const wf_config *c = &m->config;
    wf_config_inv_freq(c, k->host);
    weft_status status = put_host(k, c->head_dim / 2, &m->inv_freq, err);
    for (int32_t i = 0; i < c->n_layers && status == WEFT_OK; i++)
        status = make_layer(k, c, &m->layers[i], err);
    if (status == WEFT_OK)
        status = make_norm(k, c->d_model, &m->norm_out, err);
    if (status == WEFT_OK)
        status = make_linear(k, c->vocab, c->d_model, &m->embed, err);
    m->head = m->embed;
    if (status == WEFT_OK && !c->tied)
        status = make_linear(k, c->vocab, c->d_model, &m->head, err);
    return status == WEFT_OK ? wf_queue_wait(k->queue, err) : status;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

weft_status wf_random_model(wf_device *d, const wf_config *c, int32_t dtype, uint64_t seed,
                            wf_model **out, weft_error *err)
{
    maker     k;
    wf_model *m = wf_zalloc(sizeof *m);
    *out = NULL;
    if (m == NULL)
        return wf_fail_nomem(err, sizeof *m, "a model");
    m->config = *c;
    m->device = m->buffers.device = d;
    m->layers = wf_zalloc_n((size_t)c->n_layers, sizeof *m->layers);
    int64_t     longest = most(most(c->d_model, c->d_ffn), (int64_t)c->n_heads * c->head_dim);
    weft_status status = maker_open(&k, &m->buffers, dtype, seed, longest, err);
    if (status == WEFT_OK && m->layers == NULL)
        status = wf_fail_nomem(err, (uint64_t)c->n_layers * sizeof *m->layers, "layers");
    if (status == WEFT_OK)
        status = make_core(&k, m, err);
    maker_close(&k);
    if (status == WEFT_OK)
        *out = m;
    else
        wf_model_free(&m);
    return status;
}

static weft_status make_ffn(maker *k, wf_site *s, int32_t d, weft_error *err)
{
    weft_status status = make_norm(k, d, &s->norm_ffn, err);
    s->gate_ffn = (wf_gate){.scale = uniform(k, 0.5f, 0.25f)};
    if (status == WEFT_OK)
        status = make_linear(k, 2 * (int64_t)s->x.d_ffn, d, &s->gate_up[0], err);
    return status == WEFT_OK ? make_linear(k, d, s->x.d_ffn, &s->down, err) : status;
}

static weft_status make_site(maker *k, wf_site *s, int32_t d, weft_error *err)
{
    const weft_xattn *x = &s->x;
    int64_t     q = (int64_t)x->n_heads * x->head_dim, kv = (int64_t)x->n_kv_heads * x->head_dim;
    bool        norms = (x->flags & WEFT_XATTN_QK_NORM) != 0;
    weft_status status = make_norm(k, d, &s->norm_in, err);
    s->gate_attn = (wf_gate){.scale = uniform(k, 0.5f, 0.25f)};
    if (status == WEFT_OK && norms)
        status = make_norm(k, x->head_dim, &s->norm_q, err);
    if (status == WEFT_OK && norms)
        status = make_norm(k, x->head_dim, &s->norm_k, err);
    if (status == WEFT_OK)
        status = make_linear(k, q, d, &s->q, err);
    if (status == WEFT_OK)
        status = make_linear(k, 2 * kv, x->d_src, &s->kv, err);
    if (status == WEFT_OK)
        status = make_linear(k, d, q, &s->o, err);
    return status == WEFT_OK && x->d_ffn > 0 ? make_ffn(k, s, d, err) : status;
}

weft_status wf_random_sites(wf_hooks *h, int32_t d_model, int32_t dtype, uint64_t seed,
                            weft_error *err)
{
    maker   k;
    int64_t longest = d_model;
    for (int32_t i = 0; i < h->n_sites; i++) {
        const weft_xattn *x = &h->sites[i].x;
        longest = most(most(longest, x->d_src), most(x->d_ffn, (int64_t)x->n_heads * x->head_dim));
    }
    weft_status status = maker_open(&k, &h->buffers, dtype, seed, longest, err);
    for (int32_t i = 0; i < h->n_sites && status == WEFT_OK; i++)
        if (h->sites[i].kind == WEFT_HOOK_XATTN)
            status = make_site(&k, &h->sites[i], d_model, err);
    if (status == WEFT_OK)
        status = wf_queue_wait(k.queue, err);
    maker_close(&k);
    return status;
}
