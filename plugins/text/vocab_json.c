/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the vocabulary and the merges of tokenizer.json. Merges are looked up in the vocabulary as
 * it is written. Only at the end, when it is known whether the vocabulary is byte-level, are its
 * tokens turned into bytes. Source: huggingface/tokenizers (serialisation of BPE, byte-level
 * alphabet). */
#include "text.h"

#include "unicode.h"

static weft_status vocab_entry(txt_json *j, txt_vocab *v, weft_error *err)
{
    uint32_t    id;
    weft_status s = txt_json_uint(j, TXT_MAX_VOCAB - 1, &id, err);
    if (s != WEFT_OK)
        return s;
    if (j->key.n == 0 || j->key.n > TXT_MAX_TOKEN)
        return txt_json_bad(j, err, "a token is empty or longer than 4096 bytes");
    return txt_vocab_put(v, id, j->key.p, (uint32_t)j->key.n, 0, err);
}

weft_status txt_vocab_index_named(txt_vocab *v, const char *file, weft_error *err)
{
    uint32_t    twice, first;
    weft_status s = txt_vocab_index(v, &twice, &first, err);
    if (twice != TXT_NONE)
        return weft_fail(err, s, "%s: ids %u and %u are the same token", file, first, twice);
    return s;
}

weft_status txt_json_vocab(txt_json *j, txt_vocab *v, weft_error *err)
{
    weft_status s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        if ((s = vocab_entry(j, v, err)) != WEFT_OK)
            return s;
    return s == WEFT_OK ? txt_vocab_index_named(v, j->in.name, err) : s;
}

/* Reads a merge, "A B" or ["A", "B"], whose event was just read. `pair` receives A and B without
 * anything between them, and *first the bytes of A. */
static weft_status merge_text(txt_json *j, txt_buf *pair, uint64_t *first, weft_error *err)
{
    weft_status s = WEFT_OK;
    pair->n = 0;
    if (j->event == TXT_J_STRING) {
        const uint8_t *space = j->text.n != 0 ? memchr(j->text.p, ' ', j->text.n) : NULL;
        if (space == NULL)
            return txt_json_bad(j, err, "a merge has no space between its halves");
        uint64_t left = (uint64_t)(space - j->text.p);
        s = txt_buf_add(pair, j->text.p, left, err);
        *first = left;
        return s == WEFT_OK ? txt_buf_add(pair, space + 1, j->text.n - left - 1, err) : s;
    }
    if (j->event != TXT_J_ARRAY)
        return txt_json_bad(j, err, "a merge is neither a string nor a pair");
    for (int i = 0; i < 2 && s == WEFT_OK; i++) {
        if ((s = txt_json_next(j, err)) != WEFT_OK)
            return s;
        if (j->event != TXT_J_STRING)
            return txt_json_bad(j, err, "a merge is not a pair of strings");
        if (i == 0)
            *first = j->text.n;
        s = txt_buf_add(pair, j->text.p, j->text.n, err);
    }
    if (s == WEFT_OK)
        s = txt_json_next(j, err);
    return s == WEFT_OK && j->event != TXT_J_CLOSE
               ? txt_json_bad(j, err, "a merge has more than two halves")
               : s;
}

static weft_status merge_read(txt_json *j, txt_tokenizer *t, txt_buf *both, weft_error *err)
{
    const txt_vocab *v = &t->vocab;
    uint64_t         left = 0;
    weft_status      s = merge_text(j, both, &left, err);
    if (s != WEFT_OK)
        return s;
    const txt_merge m = {txt_vocab_find(v, both->p, left),
                         txt_vocab_find(v, both->p + left, both->n - left),
                         txt_vocab_find(v, both->p, both->n), 0};
    if (m.left == TXT_NONE || m.right == TXT_NONE || m.id == TXT_NONE)
        return txt_json_bad(j, err,
                            "a merge is of tokens, or makes one, that are not in the vocabulary");
    return txt_buf_add(&t->merges.list, &m, sizeof m, err);
}

weft_status txt_json_merges(txt_json *j, txt_tokenizer *t, weft_error *err)
{
    txt_buf     both = {.host = t->host};
    uint32_t    n = 0;
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && (s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        s = n++ == TXT_MAX_MERGES ? weft_fail(err, WEFT_E_LIMIT, "%s has more than %u merges",
                                              j->in.name, TXT_MAX_MERGES)
                                  : merge_read(j, t, &both, err);
    txt_buf_free(&both);
    return s == WEFT_OK ? txt_merges_index(&t->merges, t->host, err) : s;
}

/* Fills the table of the byte-level alphabet, in which every byte is a printable character: bytes
 * that print are themselves, and the others are U+0100 and on, in order. */
static void alphabet_make(uint16_t *byte_of)
{
    uint16_t shifted = 256;
    for (uint32_t i = 0; i < 512; i++)
        byte_of[i] = 256;
    for (uint16_t byte = 0; byte < 256; byte++) {
        bool prints =
            (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
        byte_of[prints ? byte : shifted++] = byte;
    }
}

/* Turns text in the byte-level alphabet into bytes, in place. False: it has a character that is not
 * in the alphabet. */
static bool alphabet_undo(const uint16_t *byte_of, uint8_t *text, uint64_t *n)
{
    uint64_t out = 0;
    uint32_t length;
    for (uint64_t at = 0; at < *n; at += length) {
        uint32_t cp = txt_utf8(text + at, *n - at, &length);
        if (cp >= 512 || byte_of[cp] > 255)
            return false;
        text[out++] = (uint8_t)byte_of[cp];
    }
    *n = out;
    return true;
}

static weft_status to_bytes(txt_tokenizer *t, weft_error *err)
{
    uint16_t   byte_of[512];
    txt_token *tokens = txt_vocab_tokens(&t->vocab);
    alphabet_make(byte_of);
    for (uint32_t id = 0; id < t->vocab.n_base; id++) {
        uint8_t  own[TXT_MAX_TOKEN], *text = t->vocab.bytes.p + tokens[id].at;
        uint64_t n = tokens[id].length;
        memcpy(own, text, n);
        if (!alphabet_undo(byte_of, own, &n)) {
            tokens[id].flags |= TXT_LITERAL;
            continue;
        }
        memcpy(text, own, n);
        tokens[id].length = (uint16_t)n;
    }
    return txt_vocab_index_named(&t->vocab, t->from, err);
}

/* Finds the tokens that stand for single bytes; whether all are there. */
static bool bytes_find(txt_tokenizer *t)
{
    bool all = true;
    for (uint32_t i = 0; i < 256; i++) {
        char name[8];
        name[0] = (char)i;
        uint32_t n = 1;
        if (t->merges.of_chars)
            n = (uint32_t)snprintf(name, sizeof name, "<0x%02X>", i);
        uint32_t id = txt_vocab_find(&t->vocab, (const uint8_t *)name, n);
        t->merges.byte_id[i] = id;
        all &= id != TXT_NONE;
        if (id != TXT_NONE && t->merges.of_chars && t->merges.falls_back)
            txt_vocab_tokens(&t->vocab)[id].flags |= TXT_BYTE;
    }
    return all;
}

weft_status txt_json_model(txt_tokenizer *t, const txt_buf *unknown, weft_error *err)
{
    weft_status s = WEFT_OK;
    t->merges.is_used = true;
    t->merges.of_chars = !txt_pieces_are_bytes(&t->pre_tokenizers);
    t->merges.unknown = txt_vocab_find(&t->vocab, unknown->p, unknown->n);
    if (!t->merges.of_chars)
        s = to_bytes(t, err);
    if (s != WEFT_OK)
        return s;
    if (bytes_find(t) && (t->merges.falls_back || !t->merges.of_chars))
        return WEFT_OK; /* nothing is unknown */
    if (t->merges.falls_back && !t->merges.of_chars)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "%s has byte_fallback and a byte-level vocabulary without all bytes, "
                         "which is not known here",
                         t->from);
    return unknown->n == 0 || t->merges.unknown != TXT_NONE
               ? WEFT_OK
               : weft_fail(err, WEFT_E_CORRUPT, "%s has no token for its unk_token %.*s", t->from,
                           (int)(unknown->n < 64 ? unknown->n : 64), (const char *)unknown->p);
}
