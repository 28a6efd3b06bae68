/* SPDX-License-Identifier: Apache-2.0 */
/* What languages a model says that it can do. */
#include "weft/languages.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "core/engine/engine.h"
#include "core/media/modalities.h"
#include "core/text/prompt.h"

#define LIST_BYTES 1024 /* more than all codes of two letters with their commas */

/* Those that the tokenizer has a token of, as Whisper's has: <|de|>. One token alone is none of
 * a list of languages. */
static char *from_tokens(weft_engine *e)
{
    char                 list[LIST_BYTES] = "", token[16];
    size_t               used = 0;
    uint32_t             n = 0;
    const weft_language *l;
    if (wf_engine_text(e, NULL) != WEFT_OK)
        return NULL;
    for (uint32_t i = 0; (l = weft_language_at(i)) != NULL && used + 4 < sizeof list; i++) {
        snprintf(token, sizeof token, "<|%s|>", l->code);
        if (wf_text_special(&e->text, token) < 0)
            continue;
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", n > 0 ? "," : "", l->code);
        n++;
    }
    return n > 1 ? wf_strdup(list) : NULL;
}

const char *weft_engine_languages(weft_engine *e, const char *kind, const char *task)
{
    const wf_modality *m = wf_modality_of(&e->modalities, kind);
    const char        *list = m != NULL ? wf_modality_languages(m, task) : NULL;
    if (list != NULL)
        return list;
    if (e->languages == NULL)
        e->languages = from_tokens(e);
    return e->languages;
}

const char *weft_engine_asked_language(weft_engine *e, const char *kind, const char *task)
{
    const wf_modality *m = wf_modality_of(&e->modalities, kind);
    return m != NULL ? wf_prompt_language(m, kind, task) : NULL;
}
