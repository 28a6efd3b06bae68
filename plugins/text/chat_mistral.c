/* SPDX-License-Identifier: Apache-2.0 */
/* The chat format of Mistral's models since version 7 of its tokenizers, for directories that have
 * tekken.json and no chat template:
 *   <s>, then per message
 *   [SYSTEM_PROMPT] content [/SYSTEM_PROMPT]     [INST] content [/INST]     content </s>
 * The space at the end of an answer is cut, nothing else is. Each part of a message is encoded on
 * its own. Earlier versions put the system message into the last of the user's, and are not written
 * here. Source: mistral-common 1.13 tokens/tokenizers/instruct.py, InstructTokenizerV7 and what it
 * extends. */
#include "text.h"

#define FIRST_VERSION 7

typedef struct writer {
    const txt_tokenizer *t;
    txt_scratch          scratch;
    txt_sink             out;
} writer;

/* The special tokens that enclose a message; "": none. */
typedef struct frame {
    const char *role, *before, *after;
} frame;

static const frame frames[] = {{"system", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
                               {"user", "[INST]", "[/INST]"},
                               {"assistant", "", "</s>"}};

static const frame *frame_of(const char *role)
{
    for (uint32_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (strcmp(frames[i].role, role) == 0)
            return &frames[i];
    return NULL;
}

static weft_status put_special(writer *w, const char *token, weft_error *err)
{
    if (token[0] == '\0')
        return WEFT_OK;
    uint32_t id = txt_added_find(&w->t->vocab, token);
    if (id == TXT_NONE)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "%s lacks the special token %s of Mistral's chat format: use a raw prompt",
                         w->t->from, token);
    txt_sink_put(&w->out, id);
    return WEFT_OK;
}

/* The length of a part; of the last one of an answer without the spaces at its end. */
static uint64_t length_of(const weft_part *p, bool is_last)
{
    uint64_t n = p->bytes;
    while (is_last && n > 0 && p->text[n - 1] == ' ')
        n--;
    return n;
}

static weft_status put_content(writer *w, const weft_message *m, bool is_answer, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint32_t i = 0; s == WEFT_OK && i < m->n_parts; i++) {
        const weft_part *p = WEFT_AT(m->parts, i);
        if (p->id >= 0)
            txt_sink_put(&w->out, (uint32_t)p->id);
        else
            s = txt_encode_into(w->t, p->text, length_of(p, is_answer && i + 1 == m->n_parts), 0,
                                &w->scratch, &w->out, err);
    }
    return s;
}

static weft_status put_message(writer *w, const weft_message *m, weft_error *err)
{
    const frame *f = frame_of(m->role);
    if (f == NULL)
        return weft_fail(err, WEFT_E_INVALID,
                         "the chat format has no role \"%.32s\": use system, user or assistant",
                         m->role);
    weft_status s = put_special(w, f->before, err);
    if (s == WEFT_OK)
        s = put_content(w, m, f->before[0] == '\0', err);
    return s == WEFT_OK ? put_special(w, f->after, err) : s;
}

bool txt_chat_is_mistral(const txt_tokenizer *t)
{
    return t->tekken_version >= FIRST_VERSION;
}

weft_status txt_chat_mistral(const txt_tokenizer *t, const weft_message *m, uint32_t n,
                             int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    writer w = {.t = t, .out = {ids, cap, 0}};
    txt_scratch_init(&w.scratch, t->host);
    weft_status s = put_special(&w, t->begin, err);
    for (uint32_t i = 0; s == WEFT_OK && i < n; i++)
        s = put_message(&w, WEFT_AT(m, i), err);
    txt_scratch_free(&w.scratch);
    *need = w.out.n;
    return s;
}
