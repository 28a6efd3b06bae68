/* SPDX-License-Identifier: Apache-2.0 */
/* Where the adapter meets the text core: its cross-attention layers and its marker.
 *
 * text_config counts self- and cross-attention layers together. A cross layer c comes just before
 * self-attention block c - (cross layers before c), which is its hook coordinate: 0 is before the
 * first block, n_self after the last. Formula of the layer: weft/hooks.h, transformers
 * models/mllama, class MllamaCrossAttentionDecoderLayer. */
#include "vision.h"

#include "../shared/layer.h"

weft_status vis_adapter_check(const vis_modality *m, weft_error *err)
{
    const vis_text_config *t = &m->config.text;
    if (m->core_layers == 0)
        return WEFT_OK;
    if (m->core_layers != t->n_self || m->core_d_model != t->d_model)
        return weft_fail(
            err, WEFT_E_INVALID,
            "the image adapter of %s is for a text core of %d self-attention layers of width %d, "
            "and the text core that is open has %d of width %d",
            VIS_ID, t->n_self, t->d_model, m->core_layers, m->core_d_model);
    if (m->config.image_token >= t->vocab && m->config.image_token < m->core_vocab)
        return weft_fail(
            err, WEFT_E_INVALID,
            "the image adapter of %s calls its marker token %d, beyond its vocabulary of %d, and "
            "in the text core that is open (vocabulary %d) that is a word",
            VIS_ID, m->config.image_token, t->vocab, m->core_vocab);
    return WEFT_OK;
}

static weft_xattn xattn_of(const vis_text_config *t)
{
    weft_xattn x = {.hdr = WEFT_HDR(weft_xattn),
                    .n_heads = t->n_heads,
                    .n_kv_heads = t->n_kv_heads,
                    .head_dim = t->d_model / t->n_heads,
                    .d_src = t->d_model, /* the projector has made it the text model's width */
                    .d_ffn = t->d_ffn,
                    .flags = WEFT_XATTN_QK_NORM | WEFT_XATTN_GATE_TANH,
                    .norm_eps = t->norm_eps};
    return x;
}

/* Declares layer `layer` of the file as a site at coordinate `at`; it is the rank-th site there. */
static weft_status add_site(const vis_modality *m, const weft_hook_sink *sink, int32_t layer,
                            int32_t at, int32_t rank, weft_error *err)
{
    const vis_names *names = vis_names_of(m->host, m->package);
    char             prefix[PLG_MAX_NAME], title[64];
    vis_layer_names  tensors;
    snprintf(prefix, sizeof prefix, "%slayers.%d.", names->text, layer);
    snprintf(title, sizeof title, "image cross-attention layer %d", layer);
    weft_xattn x = xattn_of(&m->config.text);
    vis_layer_name(&x, VIS_LAYER_MLLAMA, prefix, &tensors);
    weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                           .kind = WEFT_HOOK_XATTN,
                           .layer = at,
                           .order = m->config.hook_order + rank,
                           .stream = VIS_STREAM,
                           .xattn = &x,
                           .name = title};
    return sink->add_site(sink->ctx, &site, err);
}

static weft_status add_marker(const vis_modality *m, const weft_hook_sink *sink, weft_error *err)
{
    const int32_t token = m->config.image_token;
    char          table[PLG_MAX_NAME];
    snprintf(table, sizeof table, "%sembed_tokens.weight", vis_names_of(m->host, m->package)->text);
    weft_marker marker = {.hdr = WEFT_HDR(weft_marker),
                          .token = VIS_MARKER,
                          .stream = VIS_STREAM,
                          .token_id = token,
                          .visibility = WEFT_VIS_UNTIL_NEXT_GROUP,
                          .embedding_weight = table,
                          .embedding_row = token};
    if (token <
        m->core_vocab) /* the token is in the core's vocabulary and has its embedding there */
        marker.embedding_weight = NULL;
    return sink->add_marker(sink->ctx, &marker, err);
}

weft_status vis_adapter_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const vis_modality    *m = self;
    const vis_text_config *t = &m->config.text;
    int32_t at = 0, rank = 0; /* self-attention blocks so far; cross layers since the last one */
    weft_status status = WEFT_OK;
    for (int32_t layer = 0; status == WEFT_OK && layer < t->n_layers; layer++) {
        if (t->is_cross[layer]) {
            status = add_site(m, sink, layer, at, rank++, err);
        } else {
            at++;
            rank = 0;
        }
    }
    return status == WEFT_OK ? add_marker(m, sink, err) : status;
}
