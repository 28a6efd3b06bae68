/* SPDX-License-Identifier: Apache-2.0 */
/* Where the projector meets the text core: soft tokens at [AUDIO], behind [BEGIN_AUDIO]; and what
 * the model is asked. */
#include "voxtral.h"

weft_status vxt_hooks_check(const vxt_modality *m, weft_error *err)
{
    const vxt_config *c = &m->config;
    if (m->core_d_model == 0)
        return WEFT_OK;
    if (m->core_d_model != c->d_text)
        return weft_fail(err, WEFT_E_INVALID,
                         "the projector of %s is for a text core of width %d, and the one that is "
                         "open has %d",
                         VXT_ID, c->d_text, m->core_d_model);
    if (c->audio_id >= m->core_vocab)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: audio_token_id is %d, and the text core has %d tokens", VXT_CONFIG,
                         c->audio_id, m->core_vocab);
    return WEFT_OK;
}

weft_status vxt_hooks_install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const vxt_modality  *m = self;
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .stream = VXT_STREAM,
                                 .name = "speech tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = VXT_MARKER,
                                   .stream = VXT_STREAM,
                                   .token_id = m->config.audio_id,
                                   .before = VXT_BEGIN,
                                   .visibility = WEFT_VIS_UNTIL_END};
    weft_status          status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

/* Questions in the chat format. A transcript is asked for in another way (below) where nobody gives
 * a system message. */
weft_status vxt_hooks_prompt(void *self, const char *task, const char **system, const char **user,
                             weft_error *err)
{
    (void)self;
    (void)err;
    *system = NULL;
    *user = VXT_MARKER;
    if (strcmp(task, "describe") == 0)
        *user = VXT_MARKER "What can you tell me about this audio?";
    else if (strcmp(task, "transcribe") == 0)
        *user = VXT_MARKER "Transcribe this audio word by word.";
    else if (strcmp(task, "translate") == 0)
        *user =
            VXT_MARKER "Translate this audio into {language}. Answer with the translation alone.";
    return WEFT_OK;
}

/* The model was trained to transcribe behind [TRANSCRIBE], with the language before it or not. */
weft_status vxt_hooks_whole_prompt(void *self, const char *task, int32_t has_language,
                                   const char **prompt, weft_error *err)
{
    (void)self;
    (void)err;
    if (strcmp(task, "transcribe") == 0)
        *prompt = has_language ? "[INST]" VXT_MARKER "[/INST]lang:{code}[TRANSCRIBE]"
                               : "[INST]" VXT_MARKER "[/INST][TRANSCRIBE]";
    return WEFT_OK;
}
