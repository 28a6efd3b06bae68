/* SPDX-License-Identifier: Apache-2.0 */
/* The speech adapter of the Llama 3 paper (section 8.2.1): convolution of kernel 3 and stride 2 (80
 * ms a token), one rotary transformer layer, a linear layer to the text model's width. What the
 * paper leaves open is decided so:
 *
 *   h = conv(x)                      1 zero on both sides; no activation
 *   h += W_o Attn(q, k, v) + b       of LN h; q and k rotated as in the encoder; every row sees all
 *   h += down(silu(up(LN h)))        plain, not gated
 *   out = W_proj LN h + b
 *
 * With memory_size (docs/decisions/0013-memory.md) those rows become the queries of an attention
 * over a learnt table of keys K and values V:
 *
 *   out = softmax(out K^T / sqrt(d_text)) V */
#include "adapter.h"

#define KEY_AT(field) offsetof(spk_adapter_config, field)

static weft_status config(const plg_keys *k, spk_adapter_config *c)
{
    static const plg_int_key keys[] = {
        {"hidden_size", KEY_AT(d), 3072, 1, 65536},
        {"intermediate_size", KEY_AT(d_ffn), 4096, 1, 1 << 20},
        {"num_attention_heads", KEY_AT(n_heads), 24, 1, 4096},
        {"num_hidden_layers", KEY_AT(n_layers), 1, 0, SPK_MAX_LAYERS},
        {"kernel_size", KEY_AT(kernel), 3, 1, SPK_MAX_KERNEL},
        {"stride", KEY_AT(stride), 2, 1, SPK_MAX_KERNEL},
        {"memory_size", KEY_AT(n_memory), 0, 0, 1 << 20},
    };
    double eps = 1e-5, theta = 10000.0;
    c->bias = 1;
    c->act = WEFT_ACT_SILU;
    weft_status status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "use_bias", &c->bias);
    if (status == WEFT_OK)
        status = plg_keys_act(k, "hidden_act", &c->act);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "layer_norm_eps", 0.0, 0.5, &eps);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "rotary_embedding_base", 1.0, 1e9, &theta);
    if (status != WEFT_OK)
        return status;
    c->eps = (float)eps;
    c->theta = (float)theta;
    if (c->d % c->n_heads != 0 || c->d / c->n_heads % 2 != 0 || c->kernel % 2 == 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %shidden_size %d must be an even multiple of its %d heads and "
                         "kernel_size %d odd",
                         k->file, k->prefix, c->d, c->n_heads, c->kernel);
    return WEFT_OK;
}

static void sizes(const spk_adapter_config *c, spk_sizes *s)
{
    const int32_t pad = (c->kernel - 1) / 2;
    s->n_tokens = spk_conv_length(s->n_rows, c->kernel, c->stride, pad);
    s->n_real_tokens = s->n_tokens;
}

static void ask(plg_request *r, const spk_adapter_config *c, const char *prefix,
                spk_adapter_weights *w)
{
    char name[PLG_MAX_NAME];
    plg_ask_dense(r, &w->proj, prefix, "proj", c->d_out, c->d, 0, 1);
    plg_ask_norm(r, &w->norm, prefix, "layer_norm", c->d);
    plg_ask_dense(r, &w->conv, prefix, "conv", c->d, c->d_in, c->kernel, 1);
    if (c->n_memory > 0) {
        const plg_shape table = plg_shape2(c->n_memory, c->d_out);
        plg_ask(r, &w->keys, WEFT_USE_PLAIN, table, prefix, "memory.keys");
        plg_ask(r, &w->values, WEFT_USE_PLAIN, table, prefix, "memory.values");
    }
    for (int32_t i = 0; i < c->n_layers; i++) {
        spk_adapter_layer *layer = &w->layers[i];
        snprintf(name, sizeof name, "%slayers.%d.", prefix, i);
        plg_ask_norm(r, &layer->attn.norm, name, "self_attn_layer_norm", c->d);
        spk_ask_mha(r, &layer->attn, name, "self_attn", c->d, c->bias);
        plg_ask_norm(r, &layer->ffn.norm, name, "ffn_layer_norm", c->d);
        spk_ask_ffn(r, &layer->ffn, name, "ffn", c->d, c->d_ffn, c->bias);
    }
}

/* Buffers of one encode, [n_tokens, columns]. `wide` holds the intermediate results of a layer.
 * `asked` holds the queries to the memory. bounds and memory_bounds are [2]: 0 and the number of
 * rows of the tokens and of the memory. */
typedef struct buffers {
    weft_tensor x, h, wide, table, bounds, asked, memory_bounds;
} buffers;

static buffers layout(const spk_adapter_config *c, int64_t n, plg_arena *a)
{
    const int64_t columns = c->d_ffn > 3 * (int64_t)c->d ? c->d_ffn : 3 * (int64_t)c->d;
    buffers       b;
    b.x = plg_carve(a, WEFT_F32, n, c->d);
    b.h = plg_carve(a, WEFT_F32, n, c->d);
    b.wide = plg_carve(a, WEFT_F32, n, columns);
    b.table = plg_carve(a, WEFT_F32, n, c->d / c->n_heads);
    b.bounds = plg_carve(a, WEFT_I32, 2, 0);
    b.asked = plg_carve(a, WEFT_F32, c->n_memory > 0 ? n : 0, c->d_out);
    b.memory_bounds = plg_carve(a, WEFT_I32, 2, 0);
    return b;
}

static void layer(spk_run *r, const spk_adapter_config *c, const spk_adapter_layer *w,
                  const buffers *b)
{
    const int64_t n = b->x.shape[0], one = n * c->d;
    weft_tensor   q = plg_part(&b->wide, 0, n, c->d), k = plg_part(&b->wide, one, n, c->d);
    weft_tensor   v = plg_part(&b->wide, 2 * one, n, c->d);
    weft_tensor   mid = plg_part(&b->wide, 0, n, c->d_ffn);
    plg_layernorm(&r->on, &b->h, &b->x, &w->attn.norm, c->eps);
    plg_linear(&r->on, &q, &b->h, &w->attn.q, WEFT_ACT_NONE);
    plg_linear(&r->on, &k, &b->h, &w->attn.k, WEFT_ACT_NONE);
    plg_linear(&r->on, &v, &b->h, &w->attn.v, WEFT_ACT_NONE);
    spk_rotate(r, &q, &b->table);
    spk_rotate(r, &k, &b->table);
    spk_attend(r, &b->h, &q, &k, &v, c->n_heads, n, &b->bounds, &b->bounds);
    plg_linear(&r->on, &q, &b->h, &w->attn.out, WEFT_ACT_NONE);
    plg_add(&r->on, &b->x, &q, 1.0f);
    spk_feed_forward(r, &b->x, &b->h, &mid, &w->ffn, c->act, c->eps, 1.0f);
}

/* out = softmax(asked K^T / sqrt(d_out)) V, with the memory's keys and values. */
static void remember(spk_run *r, const spk_adapter_config *c, const spk_adapter_weights *w,
                     const buffers *b, const weft_tensor *out)
{
    const weft_attention how = {.hdr = WEFT_HDR(weft_attention),
                                .q_begin = &b->bounds,
                                .k_begin = &b->memory_bounds,
                                .n = 1};
    spk_bounds(r, &b->memory_bounds, c->n_memory);
    plg_attend(&r->on, out, &b->asked, &w->keys, &w->values, 1, &how);
}

static void encode(spk_run *r, const spk_adapter_config *c, const spk_adapter_weights *w,
                   const spk_sizes *s, const weft_tensor *x, const weft_tensor *out, plg_arena *a)
{
    const buffers b = layout(c, s->n_tokens, a);
    if (r == NULL)
        return;
    plg_conv_rows(&r->on, &b.x, x, &w->conv, c->stride, (c->kernel - 1) / 2);
    spk_rope_table(r, &b.table, c->theta);
    spk_bounds(r, &b.bounds, s->n_tokens);
    for (int32_t i = 0; i < c->n_layers; i++)
        layer(r, c, &w->layers[i], &b);
    plg_layernorm(&r->on, &b.h, &b.x, &w->norm, c->eps);
    plg_linear(&r->on, c->n_memory > 0 ? &b.asked : out, &b.h, &w->proj, WEFT_ACT_NONE);
    if (c->n_memory > 0)
        remember(r, c, w, &b, out);
}

const spk_adapter spk_paper_adapter = {config, sizes, ask, encode};
