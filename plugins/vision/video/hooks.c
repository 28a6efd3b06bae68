/* SPDX-License-Identifier: Apache-2.0 */
/* Where clips meet the text core: the video cross-attention layers, which the paper puts before
 * every fourth image cross-attention layer (section 7.2), and the marker. Formula of a layer:
 * weft/hooks.h; its tensors have the names of Mllama's. */
#include "video.h"

#include "../shared/layer.h"

weft_status vid_hooks_check(const vid_modality *m, weft_error *err)
{
    const vid_config *c = &m->config;
    if (m->core_layers == 0)
        return WEFT_OK;
    if (m->core_layers != c->n_text_layers || m->core_d_model != c->d_text)
        return weft_fail(err, WEFT_E_INVALID,
                         "the video adapter of %s is for a text core of %d layers of width %d, and "
                         "the text core "
                         "that is open has %d of width %d",
                         VID_ID, c->n_text_layers, c->d_text, m->core_layers, m->core_d_model);
    return WEFT_OK;
}

/* Declares the index-th site of the list. */
static weft_status add_site(const vid_config *c, const weft_hook_sink *sink, int32_t index,
                            weft_error *err)
{
    char            prefix[PLG_MAX_NAME], title[64];
    vis_layer_names tensors;
    snprintf(prefix, sizeof prefix, "video_layers.%d.", index);
    snprintf(title, sizeof title, "video cross-attention layer %d", index);
    weft_xattn x = {.hdr = WEFT_HDR(weft_xattn),
                    .n_heads = c->n_heads,
                    .n_kv_heads = c->n_kv_heads,
                    .head_dim = c->head_dim,
                    .d_src = c->resampler.d,
                    .d_ffn = c->d_ffn,
                    .flags = WEFT_XATTN_QK_NORM | WEFT_XATTN_GATE_TANH,
                    .norm_eps = c->norm_eps};
    vis_layer_name(&x, VIS_LAYER_MLLAMA, prefix, &tensors);
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_XATTN,
                                 .layer = c->site[index],
                                 .order = c->hook_order,
                                 .stream = VID_STREAM,
                                 .xattn = &x,
                                 .name = title};
    return sink->add_site(sink->ctx, &site, err);
}

weft_status vid_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const vid_modality *m = self;
    const vid_config   *c = &m->config;
    const weft_marker   marker = {
          .hdr = WEFT_HDR(weft_marker),
          .token = c->marker,
          .stream = VID_STREAM,
          .token_id = c->marker_id,
          .visibility = WEFT_VIS_UNTIL_NEXT_GROUP,
          /* a token of the core's vocabulary has its embedding there */
          .embedding_weight = c->marker_id >= m->core_vocab ? "video_token_embedding.weight" : NULL,
          .embedding_row = 0};
    weft_status status = WEFT_OK;
    for (int32_t i = 0; status == WEFT_OK && i < c->n_sites; i++)
        status = add_site(c, sink, i, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}
