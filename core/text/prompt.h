/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts in which media stand, as weft_prompt says, into a sequence. */
#ifndef WF_PROMPT_H
#define WF_PROMPT_H

#include "core/sequence/sequence.h"
#include "core/text/text.h"

/* t is open. On failure s may hold a part of the prompt. */
weft_status wf_prompt_feed(const wf_text *t, weft_sequence *s, const weft_prompt *prompt,
                           weft_error *err);
/* The language that a modality's own prompt for a task of a kind of media names where nobody names
 * one; NULL: its prompt names none. */
const char *wf_prompt_language(const wf_modality *m, const char *kind, const char *task);

#endif
