/* SPDX-License-Identifier: Apache-2.0 */
/* Ids to bytes. Tokens of a byte-level vocabulary are their bytes. In one of characters a U+2581 is
 * a space, <0x41> is its byte, and the space that stands before every text is left out. Source:
 * huggingface/tokenizers decoders/{byte_fallback,strip}.rs, pre_tokenizers/metaspace.rs. */
#include "text.h"

#define FILE_NAME "tokenizer.json"
#define MARK "\xe2\x96\x81"

static weft_status replace_check(txt_steps *s, txt_step *step, weft_error *err)
{
    return txt_step_is(s, step->pattern, MARK) && txt_step_is(s, step->content, " ")
               ? WEFT_OK
               : weft_fail(err, WEFT_E_UNSUPPORTED,
                           FILE_NAME " has a decoder that replaces something else than U+2581");
}

static weft_status strip_check(txt_steps *s, txt_step *step, weft_error *err)
{
    return txt_step_is(s, step->content, " ") && step->start == 1 && step->stop == 0
               ? WEFT_OK
               : weft_fail(err, WEFT_E_UNSUPPORTED,
                           FILE_NAME " has a decoder that strips something else than one space");
}

const txt_step_kind txt_decoders[] = {
    {"ByteLevel", NULL, NULL, NULL},    {"Replace", replace_check, NULL, NULL},
    {"ByteFallback", NULL, NULL, NULL}, {"Fuse", NULL, NULL, NULL},
    {"Strip", strip_check, NULL, NULL}, {"Metaspace", NULL, NULL, NULL},
};
const uint32_t txt_n_decoders = sizeof txt_decoders / sizeof *txt_decoders;

void txt_decoder_use(txt_tokenizer *t, const txt_steps *decoder)
{
    for (uint32_t i = 0; i < decoder->n; i++) {
        const txt_step *step = &decoder->at[i];
        const bool      metaspace = strcmp(step->type, "Metaspace") == 0;
        t->marks |= metaspace || strcmp(step->type, "Replace") == 0;
        t->strips |= strcmp(step->type, "Strip") == 0 ||
                     (metaspace && step->prefix != TXT_PREFIX_NEVER && step->adds_space);
    }
}

/* Writes the text of a token to dst, which has room for the token's length. */
static uint64_t token_text(const txt_tokenizer *t, const txt_token *token, uint32_t id,
                           uint8_t *dst)
{
    const uint8_t *from = txt_vocab_bytes(&t->vocab, token);
    uint64_t       n = 0;
    if ((token->flags & TXT_BYTE) != 0) {
        uint32_t byte = 0;
        while (t->merges.byte_id[byte] != id)
            byte++;
        dst[0] = (uint8_t)byte;
        return 1;
    }
    for (uint32_t i = 0; i < token->length;) {
        bool mark = t->marks && token->length - i >= 3 && memcmp(from + i, MARK, 3) == 0;
        dst[n++] = mark ? ' ' : from[i];
        i += mark ? 3 : 1;
    }
    return n;
}

/* As above; sets *text to where the text begins. is_first: the whole text begins with it. */
static uint64_t stripped_text(const txt_tokenizer *t, const txt_token *token, uint32_t id,
                              bool is_first, uint8_t *dst, const uint8_t **text)
{
    uint64_t n = token_text(t, token, id, dst);
    bool     strip = is_first && t->strips && n > 0 && dst[0] == ' ';
    *text = dst + strip;
    return n - strip;
}

/* Whether a token gives no text. Special ones control the model; those that models mark up pages
 * with are special too, but are not written as control tokens are, <|end_of_text|>. */
static bool is_hidden(const txt_tokenizer *t, const txt_token *token, txt_shown shown)
{
    const uint8_t *p = txt_vocab_bytes(&t->vocab, token);
    const uint32_t n = token->length;
    if ((token->flags & TXT_SPECIAL) == 0 || shown == TXT_SHOWN_ALL)
        return false;
    return shown == TXT_SHOWN_NONE ||
           (n >= 4 && memcmp(p, "<|", 2) == 0 && memcmp(p + n - 2, "|>", 2) == 0);
}

static weft_status decode(const txt_tokenizer *t, txt_shown shown, const int32_t *ids, uint64_t n,
                          char *text, uint64_t cap, uint64_t *need, weft_error *err)
{
    uint64_t count = 0;
    uint8_t  own[TXT_MAX_TOKEN];
    bool     is_first = n > 1; /* a single id may come from the middle of an answer */
    uint32_t end = t->vocab_size > t->vocab.n_ids ? t->vocab_size : t->vocab.n_ids;
    for (uint64_t i = 0; i < n; i++) {
        const txt_token *token = txt_vocab_token(&t->vocab, ids[i]);
        /* Ids that the model has and the tokenizer does not name give no text. */
        if (ids[i] < 0 || (uint32_t)ids[i] >= end)
            return weft_fail(err, WEFT_E_INVALID,
                             "id %d is not in the vocabulary, which ends at %u", ids[i], end - 1);
        if (token == NULL || is_hidden(t, token, shown))
            continue;
        const uint8_t *bytes = txt_vocab_bytes(&t->vocab, token);
        uint64_t       length = token->length, room = count < cap ? cap - count : 0;
        if (t->merges.is_used && t->merges.of_chars)
            length = stripped_text(t, token, (uint32_t)ids[i], is_first, own, &bytes);
        if (room != 0)
            memcpy(text + count, bytes, length < room ? length : room);
        count += length;
        is_first = false;
    }
    *need = count;
    return WEFT_OK;
}

weft_status txt_decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err)
{
    return decode(self, TXT_SHOWN_NONE, ids, n, text, cap, need, err);
}

weft_status txt_answer(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                       uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    return decode(t, t->shown, ids, n, text, cap, need, err);
}
