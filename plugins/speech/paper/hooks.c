/* SPDX-License-Identifier: Apache-2.0 */
/* Where speech meets the text core: the adapter's tokens take the places of placeholders, between
 * the two special tokens that the directory names (Llama 3 paper, section 8.2.1). */
#include "speech.h"

weft_status spk_hooks_check(const spk_modality *m, weft_error *err)
{
    const spk_adapter_config *a = &m->config.adapter;
    if (m->core_d_model == 0)
        return WEFT_OK;
    if (a->family == NULL)
        return weft_fail(err, WEFT_E_INVALID,
                         "the weights of %s are an encoder without an adapter, which no text core "
                         "can read: give a directory of %s",
                         SPK_ID, SPK_ARCH_OWN);
    if (a->d_out != m->core_d_model)
        return weft_fail(err, WEFT_E_INVALID,
                         "the speech adapter of %s is for a text core of width %d, and the text "
                         "core that is open has width %d",
                         SPK_ID, a->d_out, m->core_d_model);
    return WEFT_OK;
}

weft_status spk_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const spk_config    *c = &((const spk_modality *)self)->config;
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .order = c->hook_order,
                                 .stream = SPK_STREAM,
                                 .name = "speech tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = c->marker,
                                   .stream = SPK_STREAM,
                                   .token_id = c->marker_id,
                                   .visibility = WEFT_VIS_UNTIL_END,
                                   .before = c->begin,
                                   .after = c->end,
                                   .flags = WEFT_MARKER_LAST};
    weft_status          status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}
