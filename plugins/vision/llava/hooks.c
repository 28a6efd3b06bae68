/* SPDX-License-Identifier: Apache-2.0 */
/* Where the projector meets the text core: soft tokens at the token <image>. */
#include "llava.h"

weft_status llv_hooks_check(const llv_modality *m, weft_error *err)
{
    const llv_config *c = &m->config;
    if (m->core_d_model == 0)
        return WEFT_OK;
    if (m->core_d_model != c->d_text)
        return weft_fail(err, WEFT_E_INVALID,
                         "the projector of %s is for a text core of width %d, and the one that is "
                         "open has %d",
                         LLV_ID, c->d_text, m->core_d_model);
    if (c->image_id >= m->core_vocab)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: the token of a picture is %d, and the text core has %d tokens",
                         LLV_CONFIG, c->image_id, m->core_vocab);
    return WEFT_OK;
}

weft_status llv_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const llv_modality  *m = self;
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .stream = LLV_STREAM,
                                 .name = "picture tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = LLV_MARKER,
                                   .stream = LLV_STREAM,
                                   .token_id = m->config.image_id,
                                   .visibility = WEFT_VIS_UNTIL_END};
    weft_status          status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}
