/* SPDX-License-Identifier: Apache-2.0 */
/* The conformer of the Llama 3 paper's speech encoder (section 8.2.1; arXiv 2005.08100 for the
 * block), and the code that other conformers share with it. Where the paper leaves something open,
 * the notes at the right say what was chosen:
 *
 *   x     = W_in rows + b                                (rows: stacked frames; no norm before it)
 *   block x += 1/2 FFN1(LN x)                            FFN: down(silu(up x)), 24 layers of 4096
 *         x += W_o Attn(q, k, v) + b                     of LN x; q and k are rotated after their
 *                                                        projection, half-split, base 10000
 *         x += Conv(x)                                   point2(silu(LN(depth(glu(point1(LN x))))))
 *         x += 1/2 FFN2(LN x)
 *         x  = LN x                                      so that no norm is left for the end
 *   Attn: every row sees every row, scaled by head_dim^-1/2.
 *   depth: kernel 7, (kernel - 1) / 2 zeros on both sides; a layer norm after it, where the
 *   original block has a batch norm, so that a row does not depend on statistics of the training.
 * Tensor names are those of transformers' Wav2Vec2-BERT. */
#include "conformer.h"

#define KEY_AT(field) offsetof(spk_encoder_config, field)

weft_status spk_conformer_config(const plg_keys *k, spk_encoder_config *c)
{
    const plg_int_key keys[] = {
        {"hidden_size", KEY_AT(d), c->d, 1, 65536},
        {"num_hidden_layers", KEY_AT(n_layers), c->n_layers, 1, SPK_MAX_LAYERS},
        {"num_attention_heads", KEY_AT(n_heads), c->n_heads, 1, 4096},
        {"intermediate_size", KEY_AT(d_ffn), c->d_ffn, 1, 1 << 20},
        {"feature_projection_input_dim", KEY_AT(d_in), c->d_in, 1, 65536},
        {"conv_depthwise_kernel_size", KEY_AT(kernel), c->kernel, 1, SPK_MAX_KERNEL},
    };
    double      eps = 1e-5;
    int32_t     act = WEFT_ACT_SILU;
    weft_status status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "layer_norm_eps", 0.0, 0.5, &eps);
    if (status == WEFT_OK)
        status = plg_keys_act(k, "hidden_act", &act);
    if (status != WEFT_OK)
        return status;
    c->eps = (float)eps;
    if (act != WEFT_ACT_SILU)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED, "%s: %shidden_act must be silu (swish)",
                         k->file, k->prefix);
    if (c->d % c->n_heads != 0 || c->kernel % 2 == 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %shidden_size %d must be a multiple of its %d heads and "
                         "conv_depthwise_kernel_size %d odd",
                         k->file, k->prefix, c->d, c->n_heads, c->kernel);
    return WEFT_OK;
}

static void ask_block(plg_request *r, const spk_conformer_kind *kind, const spk_encoder_config *c,
                      const char *p, spk_block *b)
{
    const int64_t d = c->d;
    plg_ask_norm(r, &b->ffn1.norm, p, "ffn1_layer_norm", d);
    spk_ask_ffn(r, &b->ffn1, p, "ffn1", d, c->d_ffn, c->bias);
    plg_ask_norm(r, &b->attn.norm, p, "self_attn_layer_norm", d);
    spk_ask_mha(r, &b->attn, p, "self_attn", d, c->bias);
    if (kind->relative)
        plg_ask(r, &b->attn.distance, WEFT_USE_PLAIN,
                plg_shape2(c->left + 1 + c->right, d / c->n_heads), p,
                "self_attn.distance_embedding.weight");
    plg_ask_norm(r, &b->conv_norm, p, "conv_module.layer_norm", d);
    plg_ask_dense(r, &b->point1, p, "conv_module.pointwise_conv1", 2 * d, d, 1, 0);
    plg_ask(r, &b->depth, WEFT_USE_PLAIN, (plg_shape){3, {d, 1, c->kernel, 0}}, p,
            "conv_module.depthwise_conv.weight");
    plg_ask_norm(r, &b->depth_norm, p, "conv_module.depthwise_layer_norm", d);
    plg_ask_dense(r, &b->point2, p, "conv_module.pointwise_conv2", d, d, 1, 0);
    plg_ask_norm(r, &b->ffn2.norm, p, "ffn2_layer_norm", d);
    spk_ask_ffn(r, &b->ffn2, p, "ffn2", d, c->d_ffn, c->bias);
    plg_ask_norm(r, &b->last, p, "final_layer_norm", d);
}

void spk_conformer_ask(plg_request *r, const spk_conformer_kind *kind, const spk_encoder_config *c,
                       const char *prefix, spk_encoder_weights *w)
{
    char name[PLG_MAX_NAME];
    if (kind->input_norm)
        plg_ask_norm(r, &w->in_norm, prefix, "feature_projection.layer_norm", c->d_in);
    plg_ask_dense(r, &w->in, prefix, "feature_projection.projection", c->d, c->d_in, 0, 1);
    for (int32_t i = 0; i < c->n_layers; i++) {
        snprintf(name, sizeof name, "%sencoder.layers.%d.", prefix, i);
        ask_block(r, kind, c, name, &w->blocks[i]);
    }
}

static void layout(spk_conformer_run *f, plg_arena *a)
{
    const int64_t d = f->c->d, ffn = f->c->d_ffn, head_dim = d / f->c->n_heads;
    f->h = plg_carve(a, WEFT_F32, f->n_rows, d);
    f->wide = plg_carve(a, WEFT_F32, f->n_rows, ffn > 3 * d ? ffn : 3 * d);
    f->table = plg_carve(a, WEFT_F32, f->n_rows, head_dim);
    f->bounds_q = plg_carve(a, WEFT_I32, 2, 0);
    f->bounds_k = plg_carve(a, WEFT_I32, 2, 0);
}

static void feed_forward(spk_conformer_run *f, const spk_ffn *w)
{
    weft_tensor mid = plg_part(&f->wide, 0, f->n_rows, f->c->d_ffn);
    spk_feed_forward(f->r, &f->x, &f->h, &mid, w, WEFT_ACT_SILU, f->c->eps, 0.5f);
}

static void attention(spk_conformer_run *f, const spk_conformer_kind *kind, const spk_mha *w)
{
    const int64_t d = f->c->d, one = f->n_rows * d;
    weft_tensor   q = plg_part(&f->wide, 0, f->n_rows, d);
    weft_tensor   k = plg_part(&f->wide, one, f->n_rows, d);
    weft_tensor   v = plg_part(&f->wide, 2 * one, f->n_rows, d);
    plg_layernorm(&f->r->on, &f->h, &f->x, &w->norm, f->c->eps);
    plg_linear(&f->r->on, &q, &f->h, &w->q, WEFT_ACT_NONE);
    plg_linear(&f->r->on, &k, &f->h, &w->k, WEFT_ACT_NONE);
    plg_linear(&f->r->on, &v, &f->h, &w->v, WEFT_ACT_NONE);
    kind->attend(f, w, &q, &k, &v);
    plg_linear(&f->r->on, &q, &f->h, &w->out, WEFT_ACT_NONE);
    plg_add(&f->r->on, &f->x, &q, 1.0f);
}

/* y = silu(LN(depthwise convolution of x)) */
static void depthwise(spk_conformer_run *f, const spk_conformer_kind *kind, const spk_block *b,
                      const weft_tensor *y, const weft_tensor *x)
{
    void   *to = y->data, *from = x->data, *w = b->depth.data;
    void   *norm_w = b->depth_norm.w.data, *norm_b = b->depth_norm.b.data;
    int64_t n = f->n_rows, d = f->c->d, size = f->c->kernel;
    int64_t before = kind->causal_conv ? size - 1 : (size - 1) / 2;
    float   eps = f->c->eps;
    void   *args[] = {&to, &from, &w, &norm_w, &norm_b, &n, &d, &size, &before, &eps};
    spk_launch(f->r, f->r->m->kernels.depthwise, n, d * (size + 16), args);
}

/* The convolution module. The rows of padding are set to zero first; point1 has no bias, so they
 * are still zero behind it and the gate, where the depthwise convolution reads them. */
static void convolution(spk_conformer_run *f, const spk_conformer_kind *kind, const spk_block *b)
{
    weft_tensor pair = plg_part(&f->wide, 0, f->n_rows, 2 * (int64_t)f->c->d);
    weft_tensor mid = plg_part(&f->wide, 0, f->n_rows, f->c->d);
    plg_layernorm(&f->r->on, &f->h, &f->x, &b->conv_norm, f->c->eps);
    spk_zero(f->r, &f->h, f->n_keys);
    plg_linear(&f->r->on, &pair, &f->h, &b->point1, WEFT_ACT_NONE);
    spk_glu(f->r, &f->h, &pair);
    depthwise(f, kind, b, &mid, &f->h);
    plg_linear(&f->r->on, &f->h, &mid, &b->point2, WEFT_ACT_NONE);
    plg_add(&f->r->on, &f->x, &f->h, 1.0f);
}

void spk_conformer_encode(spk_run *r, const spk_conformer_kind *kind, const spk_encoder_config *c,
                          const spk_encoder_weights *w, const spk_sizes *s, const weft_tensor *rows,
                          const weft_tensor *x, plg_arena *a)
{
    spk_conformer_run f = {.c = c, .r = r, .n_rows = s->n_rows, .n_keys = s->n_real, .x = *x};
    layout(&f, a);
    if (r == NULL)
        return;
    if (kind->input_norm)
        plg_layernorm(&r->on, rows, rows, &w->in_norm, c->eps);
    plg_linear(&r->on, &f.x, rows, &w->in, WEFT_ACT_NONE);
    spk_zero(r, &f.x, f.n_keys);
    if (kind->prepare != NULL)
        kind->prepare(&f);
    for (int32_t i = 0; i < c->n_layers; i++) {
        const spk_block *b = &w->blocks[i];
        feed_forward(&f, &b->ffn1);
        attention(&f, kind, &b->attn);
        convolution(&f, kind, b);
        feed_forward(&f, &b->ffn2);
        plg_layernorm(&r->on, &f.x, &f.x, &b->last, c->eps);
    }
}

/* What is the paper's own: rotary positions, and attention in which every row sees all. */
static void rotary_prepare(spk_conformer_run *f)
{
    spk_rope_table(f->r, &f->table, f->c->theta);
    spk_bounds(f->r, &f->bounds_q, f->n_rows);
    spk_bounds(f->r, &f->bounds_k, f->n_keys);
}

static void rotary_attend(spk_conformer_run *f, const spk_mha *w, const weft_tensor *q,
                          const weft_tensor *k, const weft_tensor *v)
{
    (void)w;
    spk_rotate(f->r, q, &f->table);
    spk_rotate(f->r, k, &f->table);
    spk_attend(f->r, &f->h, q, k, v, f->c->n_heads, f->n_keys, &f->bounds_q, &f->bounds_k);
}

static const spk_conformer_kind paper = {0, 0, 0, rotary_prepare, rotary_attend};

static weft_status config(const plg_keys *k, spk_encoder_config *c)
{
    double theta = 10000.0;
    c->d = 1536;
    c->n_layers = 24;
    c->n_heads = 24;
    c->d_ffn = 4096;
    c->d_in = 320;
    c->kernel = 7;
    c->bias = 1;
    weft_status status = spk_conformer_config(k, c);
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "use_bias", &c->bias);
    if (status == WEFT_OK)
        status = plg_keys_f64(k, "rotary_embedding_base", 1.0, 1e9, &theta);
    c->theta = (float)theta;
    if (status == WEFT_OK && c->d / c->n_heads % 2 != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %shidden_size %d must be an even multiple of its %d heads", k->file,
                         k->prefix, c->d, c->n_heads);
    return status;
}

static void ask(plg_request *r, const spk_encoder_config *c, const char *prefix,
                spk_encoder_weights *w)
{
    spk_conformer_ask(r, &paper, c, prefix, w);
}

static void encode(spk_run *r, const spk_encoder_config *c, const spk_encoder_weights *w,
                   const spk_sizes *s, const weft_tensor *rows, const weft_tensor *x, plg_arena *a)
{
    spk_conformer_encode(r, &paper, c, w, s, rows, x, a);
}

const spk_encoder spk_conformer = {.model_type = "conformer",
                                   .front = spk_features_own,
                                   .config = config,
                                   .ask = ask,
                                   .encode = encode};
