/* SPDX-License-Identifier: Apache-2.0 */
/* Where the adapter meets the text core: gated cross-attention layer g stands before block
 * g * cross_layer_interval, and the marker <image> between two <fake_token_around_image>. Source:
 * transformers 4.49 models/idefics, IdeficsGatedCrossAttentionLayer and processing_idefics.py.
 *
 * A row sees the latest picture at or before it. After the token that ends a text it sees none,
 * until the next picture. Rows that see no picture are left out of the attention branch only; every
 * row passes the feed-forward branch (WEFT_BLIND_FFN_ONLY). */
#include "idefics.h"

#include "../shared/layer.h"

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

static weft_xattn xattn_of(const idf_config *c)
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
                         .blind_rows = WEFT_BLIND_FFN_ONLY};
    if (t->gate_each)
        x.flags |= WEFT_XATTN_GATE_EACH;
    if (t->qk_norm)
        x.flags |= WEFT_XATTN_QK_NORM;
    return x;
}

static weft_status add_site(const idf_config *c, const weft_hook_sink *sink, int32_t g,
                            weft_error *err)
{
    char            prefix[PLG_MAX_NAME], title[64];
    vis_layer_names tensors;
    snprintf(prefix, sizeof prefix, "model.gated_cross_attn_layers.%d.", g);
    snprintf(title, sizeof title, "gated cross-attention layer %d", g);
    weft_xattn x = xattn_of(c);
    vis_layer_name(&x, VIS_LAYER_IDEFICS, prefix, &tensors);
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
