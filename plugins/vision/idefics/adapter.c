/* SPDX-License-Identifier: Apache-2.0 */
/* Where the adapter meets the text core: gated cross-attention layer g stands before block
 * g * cross_layer_interval, and the marker <image> between two <fake_token_around_image>. Source:
 * transformers 4.49 models/idefics, IdeficsGatedCrossAttentionLayer and processing_idefics.py.
 *
 * A row sees the latest picture at or before it, and none after the end of a text until the next.
 * What it does not see is masked in the attention branch alone: the feed-forward branch is every
 * row's (WEFT_BLIND_FFN_ONLY). */
#include "idefics.h"

enum {
    W_Q,
    W_K,
    W_V,
    W_O,
    NORM_IN,
    NORM_Q,
    NORM_K,
    GATE_ATTN,
    NORM_FFN,
    W_GATE,
    W_UP,
    W_DOWN,
    GATE_FFN,
    N_NAMES
};

static const char *const tensor_names[N_NAMES] = {
    [W_Q] = "cross_attn.q_proj.weight",
    [W_K] = "cross_attn.k_proj.weight",
    [W_V] = "cross_attn.v_proj.weight",
    [W_O] = "cross_attn.o_proj.weight",
    [NORM_IN] = "input_layernorm.weight",
    [NORM_Q] = "cross_attn.q_layer_norm.weight",
    [NORM_K] = "cross_attn.k_layer_norm.weight",
    [GATE_ATTN] = "alpha_cross_attn",
    [NORM_FFN] = "post_attention_layernorm.weight",
    [W_GATE] = "mlp.gate_proj.weight",
    [W_UP] = "mlp.up_proj.weight",
    [W_DOWN] = "mlp.down_proj.weight",
    [GATE_FFN] = "alpha_dense",
};

weft_status idf_adapter_check(const idf_modality *m, weft_error *err)
{
    const idf_text *t = &m->config.text;
    if (m->core_layers == 0)
        return WEFT_OK;
    if (m->core_layers != t->n_layers || m->core_d_model != t->d_model ||
        m->core_vocab != t->vocab + t->extra)
        return weft_fail(err, WEFT_E_INVALID,
                         "the image adapter of %s is for a text core of %d layers of width %d with "
                         "%d tokens, and the text core that is open has %d of width %d with %d",
                         IDF_ID, t->n_layers, t->d_model, t->vocab + t->extra, m->core_layers,
                         m->core_d_model, m->core_vocab);
    return WEFT_OK;
}

static weft_xattn xattn_of(const idf_config *c, char name[N_NAMES][VIS_MAX_NAME])
{
    const idf_text *t = &c->text;
    weft_xattn      x = {.hdr = WEFT_HDR(weft_xattn),
                         .n_heads = t->n_heads,
                         .n_kv_heads = t->n_heads,
                         .head_dim = t->d_model / t->n_heads,
                         .d_src = c->d,
                         .d_ffn = t->d_ffn,
                         .flags = WEFT_XATTN_GATE_TANH,
                         .norm_eps = t->norm_eps,
                         .blind_rows = WEFT_BLIND_FFN_ONLY,
                         .w_q = name[W_Q],
                         .w_k = name[W_K],
                         .w_v = name[W_V],
                         .w_o = name[W_O],
                         .norm_in = name[NORM_IN],
                         .gate_attn = name[GATE_ATTN],
                         .norm_ffn = name[NORM_FFN],
                         .w_gate = name[W_GATE],
                         .w_up = name[W_UP],
                         .w_down = name[W_DOWN],
                         .gate_ffn = name[GATE_FFN]};
    if (t->gate_each)
        x.flags |= WEFT_XATTN_GATE_EACH;
    if (t->qk_norm) {
        x.flags |= WEFT_XATTN_QK_NORM;
        x.norm_q = name[NORM_Q];
        x.norm_k = name[NORM_K];
    }
    return x;
}

static weft_status add_site(const idf_config *c, const weft_hook_sink *sink, int32_t g,
                            weft_error *err)
{
    char name[N_NAMES][VIS_MAX_NAME], title[64];
    for (int i = 0; i < N_NAMES; i++)
        snprintf(name[i], VIS_MAX_NAME, "model.gated_cross_attn_layers.%d.%s", g, tensor_names[i]);
    snprintf(title, sizeof title, "gated cross-attention layer %d", g);
    weft_xattn     x = xattn_of(c, name);
    weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                           .kind = WEFT_HOOK_XATTN,
                           .layer = g * c->text.interval,
                           .stream = IDF_STREAM,
                           .xattn = &x,
                           .name = title};
    return sink->add_site(sink->ctx, &site, err);
}

weft_status idf_adapter_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const idf_config *c = &((const idf_modality *)self)->config;
    const weft_marker marker = {.hdr = WEFT_HDR(weft_marker),
                                .token = IDF_MARKER,
                                .stream = IDF_STREAM,
                                .token_id = c->text.vocab + 1,
                                .visibility = WEFT_VIS_UNTIL_NEXT,
                                .before = IDF_AROUND,
                                .after = IDF_AROUND,
                                .flags = WEFT_MARKER_ENDS,
                                .end_id = c->text.eos};
    weft_status       status = WEFT_OK;
    for (int32_t g = 0; status == WEFT_OK && g < c->text.n_layers / c->text.interval; g++)
        status = add_site(c, sink, g, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}
