/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter that a Wav2Vec2-BERT directory may hold (add_adapter). Source: transformers 4.49,
 * models/wav2vec2_bert/modeling_wav2vec2_bert.py, Wav2Vec2BertAdapter.
 *
 *   x += 1/2 FFN(x)                         relu, no norm: use_intermediate_ffn_before_adapter
 *   x  = LN(W_proj x + b)                   where output_hidden_size is another width
 *   layer, num_adapter_layers times:
 *     res = glu(conv(LN_res x))             kernel 3, stride 2, stride / 2 zeros on both sides
 *     y   = glu(conv(LN_attn x))            the same shape, weights of its own
 *     x   = res + W_o Attn(y) + b           no positions; rows of padding are no keys
 *     x  += FFN(LN x)                       relu */
#include "adapter.h"

#define KEY_AT(field) offsetof(spk_adapter_config, field)

static weft_status config(const plg_keys *k, spk_adapter_config *c)
{
    const plg_int_key keys[] = {
        {"output_hidden_size", KEY_AT(d), c->d_in, 1, 65536},
        {"intermediate_size", KEY_AT(d_ffn), 4096, 1, 1 << 20},
        {"num_attention_heads", KEY_AT(n_heads), 16, 1, 4096},
        {"num_adapter_layers", KEY_AT(n_layers), 1, 0, 16},
        {"adapter_kernel_size", KEY_AT(kernel), 3, 1, SPK_MAX_KERNEL},
        {"adapter_stride", KEY_AT(stride), 2, 1, SPK_MAX_KERNEL},
    };
    double eps = 1e-5;
    c->act = WEFT_ACT_RELU;
    c->bias = 1;
    weft_status status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    if (status == WEFT_OK)
        status = plg_keys_act(k, "adapter_act", &c->act);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "use_intermediate_ffn_before_adapter", &c->pre_ffn);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "layer_norm_eps", 0.0, 0.5, &eps);
    c->eps = (float)eps;
    c->d_out = c->d;
    if (status == WEFT_OK && c->d % c->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %soutput_hidden_size %d must be a multiple of its %d heads", k->file,
                         k->prefix, c->d, c->n_heads);
    return status;
}

static int64_t shorter(const spk_adapter_config *c, int64_t n)
{
    return spk_conv_length(n, c->kernel, c->stride, c->stride / 2);
}

/* Computes the numbers of tokens. The reference counts the unmasked ones as if kernel / 2 zeros
 * stood around the rows, whatever padding the convolution itself has. */
static void sizes(const spk_adapter_config *c, spk_sizes *s)
{
    s->n_tokens = s->n_rows;
    s->n_real_tokens = s->n_real;
    for (int32_t i = 0; i < c->n_layers; i++) {
        s->n_tokens = shorter(c, s->n_tokens);
        s->n_real_tokens = spk_conv_length(s->n_real_tokens, c->kernel, c->stride, c->kernel / 2);
    }
    if (s->n_real_tokens > s->n_tokens)
        s->n_real_tokens = s->n_tokens;
}

static void ask_layer(plg_request *r, const spk_adapter_config *c, const char *p,
                      spk_adapter_layer *w)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &w->res_norm, p, "residual_layer_norm", d);
    plg_ask_dense(r, &w->res_conv, p, "residual_conv", 2 * d, d, c->kernel, 1);
    plg_ask_norm(r, &w->attn.norm, p, "self_attn_layer_norm", d);
    plg_ask_dense(r, &w->conv, p, "self_attn_conv", 2 * d, d, c->kernel, 1);
    spk_ask_mha(r, &w->attn, p, "self_attn", d, 1);
    plg_ask_norm(r, &w->ffn.norm, p, "ffn_layer_norm", d);
    spk_ask_ffn(r, &w->ffn, p, "ffn", d, c->d_ffn, 1);
}

static void ask(plg_request *r, const spk_adapter_config *c, const char *prefix,
                spk_adapter_weights *w)
{
    char name[PLG_MAX_NAME];
    if (c->pre_ffn)
        spk_ask_ffn(r, &w->pre_ffn, prefix, "intermediate_ffn", c->d_in, c->d_ffn, 1);
    if (c->d != c->d_in) {
        plg_ask_dense(r, &w->proj, prefix, "adapter.proj", c->d, c->d_in, 0, 1);
        plg_ask_norm(r, &w->norm, prefix, "adapter.proj_layer_norm", c->d);
    }
    for (int32_t i = 0; i < c->n_layers; i++) {
        snprintf(name, sizeof name, "%sadapter.layers.%d.", prefix, i);
        ask_layer(r, c, name, &w->layers[i]);
    }
}

/* Buffers of the longest layer: [rows, columns]. */
typedef struct buffers {
    weft_tensor x, h, res, y; /* [n_rows, d or d_in] */
    weft_tensor pair;         /* [n_tokens of the first layer, max(2 d, d_ffn)] */
    weft_tensor wide;         /* q, k, v */
    weft_tensor bounds_q, bounds_k;
} buffers;

static buffers layout(const spk_adapter_config *c, const spk_sizes *s, plg_arena *a)
{
    const int64_t n = s->n_rows, d = c->d > c->d_in ? c->d : c->d_in;
    buffers       b;
    b.x = plg_carve(a, WEFT_F32, n, d);
    b.h = plg_carve(a, WEFT_F32, n, d);
    b.res = plg_carve(a, WEFT_F32, n, d);
    b.y = plg_carve(a, WEFT_F32, n, d);
    b.pair = plg_carve(a, WEFT_F32, n, c->d_ffn > 2 * d ? c->d_ffn : 2 * d);
    b.wide = plg_carve(a, WEFT_F32, n, 3 * d);
    b.bounds_q = plg_carve(a, WEFT_I32, 2, 0);
    b.bounds_k = plg_carve(a, WEFT_I32, 2, 0);
    return b;
}

/* y = glu(conv(LN x)) */
static void gated_conv(spk_run *r, const spk_adapter_config *c, const buffers *b,
                       const weft_tensor *y, const weft_tensor *x, const plg_pair *norm,
                       const plg_pair *conv)
{
    const int64_t n = x->shape[0], m = y->shape[0], d = c->d;
    weft_tensor   h = plg_part(&b->h, 0, n, d), pair = plg_part(&b->pair, 0, m, 2 * d);
    plg_layernorm(&r->on, &h, x, norm, c->eps);
    plg_conv_rows(&r->on, &pair, &h, conv, c->stride, c->stride / 2);
    spk_glu(r, y, &pair);
}

/* x += W_o Attn(y) + b over n_keys keys */
static void attention(spk_run *r, const spk_adapter_config *c, const buffers *b, const spk_mha *w,
                      const weft_tensor *x, const weft_tensor *y, int64_t n_keys)
{
    const int64_t n = y->shape[0], one = n * c->d;
    weft_tensor   q = plg_part(&b->wide, 0, n, c->d), k = plg_part(&b->wide, one, n, c->d);
    weft_tensor   v = plg_part(&b->wide, 2 * one, n, c->d), h = plg_part(&b->h, 0, n, c->d);
    plg_linear(&r->on, &q, y, &w->q, WEFT_ACT_NONE);
    plg_linear(&r->on, &k, y, &w->k, WEFT_ACT_NONE);
    plg_linear(&r->on, &v, y, &w->v, WEFT_ACT_NONE);
    spk_bounds(r, &b->bounds_q, n);
    spk_bounds(r, &b->bounds_k, n_keys);
    spk_attend(r, &h, &q, &k, &v, c->n_heads, n_keys, &b->bounds_q, &b->bounds_k);
    plg_linear(&r->on, &q, &h, &w->out, WEFT_ACT_NONE);
    plg_add(&r->on, x, &q, 1.0f);
}

/* Runs one layer: x [n, d] becomes [shorter(n), d]. *real is the number of rows without padding,
 * before and after. */
static void layer(spk_run *r, const spk_adapter_config *c, const spk_adapter_layer *w,
                  const buffers *b, weft_tensor *x, int64_t *real)
{
    const int64_t m = shorter(c, x->shape[0]);
    weft_tensor   res = plg_part(&b->res, 0, m, c->d), y = plg_part(&b->y, 0, m, c->d);
    weft_tensor   h = plg_part(&b->h, 0, m, c->d), mid = plg_part(&b->pair, 0, m, c->d_ffn);
    *real = spk_conv_length(*real, c->kernel, c->stride, c->kernel / 2);
    *real = *real > m ? m : *real;
    gated_conv(r, c, b, &res, x, &w->res_norm, &w->res_conv);
    gated_conv(r, c, b, &y, x, &w->attn.norm, &w->conv);
    attention(r, c, b, &w->attn, &res, &y, *real > 0 ? *real : m);
    spk_feed_forward(r, &res, &h, &mid, &w->ffn, c->act, c->eps, 1.0f);
    *x = plg_part(&b->x, 0, m, c->d);
    plg_copy(&r->on, x, &res);
}

static void encode(spk_run *r, const spk_adapter_config *c, const spk_adapter_weights *w,
                   const spk_sizes *s, const weft_tensor *from, const weft_tensor *out,
                   plg_arena *a)
{
    const buffers b = layout(c, s, a);
    const int64_t n = s->n_rows;
    int64_t       real = s->n_real;
    if (r == NULL)
        return;
    weft_tensor x = plg_part(&b.x, 0, n, c->d), h = plg_part(&b.h, 0, n, c->d_in);
    weft_tensor mid = plg_part(&b.pair, 0, n, c->d_ffn);
    if (c->pre_ffn)
        spk_feed_forward(r, from, &h, &mid, &w->pre_ffn, WEFT_ACT_RELU, c->eps, 0.5f);
    if (c->d != c->d_in) {
        plg_linear(&r->on, &x, from, &w->proj, WEFT_ACT_NONE);
        plg_layernorm(&r->on, &x, &x, &w->norm, c->eps);
    } else {
        plg_copy(&r->on, &x, from);
    }
    for (int32_t i = 0; i < c->n_layers; i++)
        layer(r, c, &w->layers[i], &b, &x, &real);
    plg_copy(&r->on, out, &x);
}

const spk_adapter spk_w2vbert_adapter = {config, sizes, ask, encode};
