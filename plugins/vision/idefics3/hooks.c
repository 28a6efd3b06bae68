/* SPDX-License-Identifier: Apache-2.0 */
/* Where the connector meets the text core: soft tokens at the token <image>. */
#include "idefics3.h"

weft_status id3_hooks_check(const id3_modality *m, weft_error *err)
{
    const id3_config *c = &m->config;
    if (m->core_d_model == 0)
        return WEFT_OK;
    if (m->core_d_model != c->d_text)
        return weft_fail(err, WEFT_E_INVALID,
                         "the connector of %s is for a text core of width %d, and the one that is "
                         "open has %d",
                         ID3_ID, c->d_text, m->core_d_model);
    if (c->image_id >= m->core_vocab)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: image_token_id is %d, and the text core has %d tokens", ID3_CONFIG,
                         c->image_id, m->core_vocab);
    return WEFT_OK;
}

weft_status id3_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const id3_modality  *m = self;
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .stream = ID3_STREAM,
                                 .name = "picture tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = ID3_MARKER,
                                   .stream = ID3_STREAM,
                                   .token_id = m->config.image_id,
                                   .visibility = WEFT_VIS_UNTIL_END,
                                   .before = ID3_AROUND,
                                   .after = ID3_AROUND};
    weft_status          status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}
