/* SPDX-License-Identifier: Apache-2.0 */
/* The chat format of Llama 3, for directories without a template of their own:
 *   <|begin_of_text|>, then per message <|start_header_id|> role <|end_header_id|> "\n\n" content
 *   <|eot_id|>, then <|start_header_id|> assistant <|end_header_id|> "\n\n".
 * The templates of 3.1, 3.2 and 3.3 put the dates of the model's knowledge before the system text,
 * and write a system message for them where there is none. Those of the vision models and of Llama
 * 3 do not. White space at the ends of a message is cut, as the templates do it. To the templates a
 * message with media in it is a list, and they leave it as it is; so does this. Source:
 * llama-models chat_format.py; chat_template of the released directories. */
#include "text.h"

#include "weft/utf8.h"

#include "unicode.h"

#define DATES "Cutting Knowledge Date: December 2023\nToday Date: "

typedef struct writer {
    const txt_tokenizer *t;
    txt_scratch          scratch;
    txt_sink             out;
} writer;

static weft_status put_text(writer *w, const char *text, uint64_t n, weft_error *err)
{
    return txt_encode_into(w->t, text, n, 0, &w->scratch, &w->out, err);
}

static weft_status put_header(writer *w, const char *role, weft_error *err)
{
    txt_sink_put(&w->out, w->t->start_header);
    weft_status s = put_text(w, role, strlen(role), err);
    txt_sink_put(&w->out, w->t->end_header);
    return s == WEFT_OK ? put_text(w, "\n\n", 2, err) : s;
}

static weft_status put_dates(writer *w, weft_error *err)
{
    txt_buf     text = {.host = w->t->host};
    weft_status s = txt_buf_add(&text, DATES, strlen(DATES), err);
    if (s == WEFT_OK)
        s = txt_buf_add(&text, w->t->date, strlen(w->t->date), err);
    if (s == WEFT_OK)
        s = txt_buf_add(&text, "\n\n", 2, err);
    if (s == WEFT_OK)
        s = put_text(w, (const char *)text.p, text.n, err);
    txt_buf_free(&text);
    return s;
}

/* Whether the templates' trim takes cp for white space. It does so with the separators U+001C to
 * U+001F too. */
static bool trims(uint32_t cp)
{
    return txt_class(cp) == TXT_SPACE || (cp >= 0x1c && cp <= 0x1f);
}

static uint64_t trim_start(const uint8_t *s, uint64_t n)
{
    uint32_t length;
    uint64_t at = 0;
    while (at < n && trims(txt_utf8(s + at, n - at, &length)))
        at += length;
    return at;
}

/* The length of s[0..n) without the white space at its end. */
static uint64_t trim_end(const uint8_t *s, uint64_t n)
{
    while (n > 0) {
        uint32_t length;
        uint64_t at = n - 1;
        while (at > 0 && n - at < 4 && weft_utf8_continues((char)s[at]))
            at--;
        if (!trims(txt_utf8(s + at, n - at, &length)) || at + length != n)
            return n;
        n = at;
    }
    return n;
}

/* The i-th part of a message, and the i-th message: the host's elements may be longer than ours. */
static const weft_part *part_at(const weft_message *m, uint32_t i)
{
    return WEFT_AT(m->parts, i);
}

static const weft_message *message_at(const weft_message *m, uint32_t i)
{
    return WEFT_AT(m, i);
}

static bool is_blank(const weft_part *p)
{
    return trim_start((const uint8_t *)p->text, p->bytes) == p->bytes;
}

static weft_status put_trimmed(writer *w, const weft_message *m, weft_error *err)
{
    uint32_t    first = 0, end = m->n_parts;
    weft_status s = WEFT_OK;
    while (end > 0 && is_blank(part_at(m, end - 1)))
        end--;
    while (first < end && is_blank(part_at(m, first)))
        first++;
    for (uint32_t i = first; s == WEFT_OK && i < end; i++) {
        const char *text = part_at(m, i)->text;
        uint64_t    n = part_at(m, i)->bytes;
        if (i == end - 1)
            n = trim_end((const uint8_t *)text, n);
        if (i == first) {
            uint64_t skip = trim_start((const uint8_t *)text, n);
            text += skip;
            n -= skip;
        }
        s = put_text(w, text, n, err);
    }
    return s;
}

static weft_status put_content(writer *w, const weft_message *m, weft_error *err)
{
    weft_status s = WEFT_OK;
    bool        has_media = false;
    for (uint32_t i = 0; i < m->n_parts; i++)
        has_media |= part_at(m, i)->id >= 0;
    if (!has_media)
        return put_trimmed(w, m, err);
    for (uint32_t i = 0; s == WEFT_OK && i < m->n_parts; i++) {
        if (part_at(m, i)->id >= 0)
            txt_sink_put(&w->out, (uint32_t)part_at(m, i)->id);
        else
            s = put_text(w, part_at(m, i)->text, part_at(m, i)->bytes, err);
    }
    return s;
}

/* The role as it is written in the text; NULL: the format has no such role. */
static const char *role_written(const char *role)
{
    static const char *const roles[][2] = {{"system", "system"},
                                           {"user", "user"},
                                           {"assistant", "assistant"},
                                           {"ipython", "ipython"},
                                           {"tool", "ipython"}};
    for (uint32_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i][0]) == 0)
            return roles[i][1];
    return NULL;
}

static weft_status put_message(writer *w, const weft_message *m, bool dated, weft_error *err)
{
    const char *role = role_written(m->role);
    if (role == NULL)
        return weft_fail(
            err, WEFT_E_INVALID,
            "the chat format has no role \"%.32s\": use system, user, assistant or tool", m->role);
    weft_status s = put_header(w, role, err);
    if (s == WEFT_OK && dated)
        s = put_dates(w, err);
    if (s == WEFT_OK)
        s = put_content(w, m, err);
    txt_sink_put(&w->out, w->t->eot);
    return s;
}

static weft_status put_all(writer *w, const weft_message *m, uint32_t n, weft_error *err)
{
    static const weft_message nothing = {WEFT_HDR(weft_message), "system", NULL, 0, 0};
    bool                      begins = n > 0 && strcmp(m->role, "system") == 0;
    weft_status               s = WEFT_OK;
    txt_sink_put(&w->out, w->t->bos);
    if (w->t->system_block && !begins)
        s = put_message(w, &nothing, true, err);
    for (uint32_t i = 0; s == WEFT_OK && i < n; i++)
        s = put_message(w, message_at(m, i), w->t->system_block && begins && i == 0, err);
    return s == WEFT_OK ? put_header(w, "assistant", err) : s;
}

/* The format of Idefics. For its instruct models a turn is "User:", the message,
 * <end_of_utterance>, and "Assistant:" on a new line; a system message stands before the turns. The
 * other models only continue a text, so the messages are written as they are. Source: the model
 * cards of idefics-9b and idefics-9b-instruct; transformers processing_idefics.py. */
static weft_status put_turns(writer *w, const weft_message *m, uint32_t n, weft_error *err)
{
    const bool  turns = w->t->end_turn != TXT_NONE;
    weft_status s = WEFT_OK;
    txt_sink_put(&w->out, w->t->bos);
    for (uint32_t i = 0; s == WEFT_OK && i < n; i++) {
        const bool  is_turn = turns && strcmp(message_at(m, i)->role, "system") != 0;
        const char *role =
            strcmp(message_at(m, i)->role, "assistant") == 0 ? "\nAssistant:" : "\nUser:";
        if (is_turn)
            s = put_text(w, role + (i == 0), strlen(role + (i == 0)), err);
        if (s == WEFT_OK)
            s = put_content(w, message_at(m, i), err);
        if (is_turn)
            txt_sink_put(&w->out, w->t->end_turn);
    }
    return s == WEFT_OK && turns ? put_text(w, "\nAssistant:", 11, err) : s;
}

/* Llama 1 and 2, and with them Idefics. */
static bool is_of_chars(const txt_tokenizer *t)
{
    return t->merges.is_used && t->merges.of_chars;
}

/* Whether the tokenizer has the special tokens that its chat format needs. */
static bool has_chat(const txt_tokenizer *t)
{
    if (is_of_chars(t))
        return t->bos != TXT_NONE;
    return t->bos != TXT_NONE && t->start_header != TXT_NONE && t->end_header != TXT_NONE &&
           t->eot != TXT_NONE;
}

weft_status txt_chat(void *self, const weft_message *m, uint32_t n, int32_t *ids, uint64_t cap,
                     uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    writer               w = {.t = t, .out = {ids, cap, 0}};
    if (t->templates.is_there)
        return txt_template_chat(t, m, n, ids, cap, need, err);
    if (txt_chat_is_mistral(t))
        return txt_chat_mistral(t, m, n, ids, cap, need, err);
    if (!has_chat(t))
        return weft_fail(
            err, WEFT_E_UNSUPPORTED,
            "this tokenizer lacks the special tokens of Llama 3's chat format: use a raw prompt");
    txt_scratch_init(&w.scratch, t->host);
    weft_status s = is_of_chars(t) ? put_turns(&w, m, n, err) : put_all(&w, m, n, err);
    txt_scratch_free(&w.scratch);
    *need = w.out.n;
    return s;
}
