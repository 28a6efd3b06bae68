/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a tokenizer.json of Llama 3. It checks that the file describes such a tokenizer and reads
 * its vocabulary and its added tokens. Anything that would encode differently is UNSUPPORTED, and
 * the message names it, so that another plugin may be asked.
 *
 * The merges are only checked and not kept. They must come in the order of the ids that they make;
 * merging the pair of lowest id first then has the same result, and the vocabulary alone is enough.
 * Source: huggingface/tokenizers (serialisation of BPE, byte-level alphabet); transformers
 * convert_slow_tokenizer.py. */
#include "text.h"

#define FILE_NAME "tokenizer.json"

typedef struct rule {
    const char *path;
    int         is;
    const char *text;
    bool        needed;
    const char *name; /* for the message */
} rule;

static const rule rules[] = {
    {"normalizer", TXT_IS_NULL, NULL, false, "a normalizer"},
    {"pre_tokenizer.type", TXT_IS_TEXT, "Sequence", true, "a pre_tokenizer that is no Sequence"},
    {"pre_tokenizer.pretokenizers[0].type", TXT_IS_TEXT, "Split", true,
     "a pre_tokenizer that does not begin with Split"},
    {"pre_tokenizer.pretokenizers[0].pattern.Regex", TXT_IS_TEXT, txt_split_regex, true,
     "another splitting expression than Llama 3's"},
    {"pre_tokenizer.pretokenizers[0].behavior", TXT_IS_TEXT, "Isolated", true,
     "a Split that is not Isolated"},
    {"pre_tokenizer.pretokenizers[0].invert", TXT_IS_FALSE, NULL, false, "an inverted Split"},
    {"pre_tokenizer.pretokenizers[1].type", TXT_IS_TEXT, "ByteLevel", true,
     "a Split not followed by ByteLevel"},
    {"pre_tokenizer.pretokenizers[1].add_prefix_space", TXT_IS_FALSE, NULL, true,
     "a ByteLevel that adds a space"},
    {"pre_tokenizer.pretokenizers[1].use_regex", TXT_IS_FALSE, NULL, true,
     "a ByteLevel that splits by itself"},
    {"pre_tokenizer.pretokenizers[2]", TXT_IS_ABSENT, NULL, false, "a third pre_tokenizer"},
    {"model.type", TXT_IS_TEXT, "BPE", true, "a model that is not BPE"},
    {"model.dropout", TXT_IS_NULL, NULL, false, "dropout"},
    {"model.continuing_subword_prefix", TXT_IS_EMPTY, NULL, false, "a continuing_subword_prefix"},
    {"model.end_of_word_suffix", TXT_IS_EMPTY, NULL, false, "an end_of_word_suffix"},
    {"model.byte_fallback", TXT_IS_FALSE, NULL, false, "byte_fallback"},
    {"model.ignore_merges", TXT_IS_TRUE, NULL, true, "no ignore_merges"},
};
#define N_RULES (uint32_t)(sizeof rules / sizeof rules[0])
#define SEEN_VOCAB (1u << N_RULES)
#define SEEN_ADDED (SEEN_VOCAB << 1)
#define SEEN_MERGES (SEEN_VOCAB << 2)

typedef struct document {
    txt_json        json;
    txt_vocab      *base; /* may be NULL */
    txt_added_list *added;
    uint32_t        seen;         /* bit i: rules[i]; SEEN_* */
    uint16_t        byte_of[512]; /* byte-level alphabet: code point to byte, 256: none */
} document;

bool txt_json_is(const txt_json *j, int what, const char *text)
{
    switch (what) {
    case TXT_IS_NULL:
        return j->event == TXT_J_NULL;
    case TXT_IS_EMPTY:
        return j->event == TXT_J_NULL || (j->event == TXT_J_STRING && j->text.n == 0);
    case TXT_IS_TRUE:
        return j->event == TXT_J_TRUE;
    case TXT_IS_FALSE:
        return j->event == TXT_J_FALSE || j->event == TXT_J_NULL;
    case TXT_IS_TEXT:
        return j->event == TXT_J_STRING && j->text.n == strlen(text) &&
               memcmp(j->text.p, text, j->text.n) == 0;
    default:
        return false;
    }
}

static weft_status see(document *d, uint32_t bit, weft_error *err)
{
    if ((d->seen & bit) != 0)
        return txt_json_bad(&d->json, err, "this is there for the second time");
    d->seen |= bit;
    return WEFT_OK;
}

static weft_status apply_rules(document *d, weft_error *err)
{
    for (uint32_t i = 0; i < N_RULES; i++) {
        if (strcmp(rules[i].path, d->json.path) != 0)
            continue;
        if (!txt_json_is(&d->json, rules[i].is, rules[i].text))
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             FILE_NAME " has %s: it is not a Llama 3 tokenizer", rules[i].name);
        return see(d, 1u << i, err);
    }
    return WEFT_OK;
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
static bool alphabet_undo(const document *d, uint8_t *text, uint64_t *n)
{
    uint64_t out = 0;
    uint32_t length;
    for (uint64_t at = 0; at < *n; at += length) {
        uint32_t cp = txt_utf8(text + at, *n - at, &length);
        if (cp >= 512 || d->byte_of[cp] > 255)
            return false;
        text[out++] = (uint8_t)d->byte_of[cp];
    }
    *n = out;
    return true;
}

static weft_status vocab_entry(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    uint32_t    id;
    weft_status s = txt_json_uint(j, TXT_MAX_VOCAB - 1, &id, err);
    if (s != WEFT_OK)
        return s;
    if (!alphabet_undo(d, j->key.p, &j->key.n))
        return weft_fail(
            err, WEFT_E_UNSUPPORTED,
            FILE_NAME
            ":%u: token %u is not in the byte-level alphabet: it is not a Llama 3 tokenizer",
            j->in.line, id);
    if (j->key.n == 0 || j->key.n > TXT_MAX_TOKEN)
        return txt_json_bad(j, err, "a token is empty or longer than 4096 bytes");
    return txt_vocab_put(d->base, id, j->key.p, (uint32_t)j->key.n, 0, err);
}

static weft_status vocab_check(txt_vocab *v, weft_error *err)
{
    uint32_t    twice, first;
    weft_status s = txt_vocab_index(v, &twice, &first, err);
    if (twice != TXT_NONE)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME ": ids %u and %u are the same token", first,
                         twice);
    uint32_t byte = s == WEFT_OK ? txt_vocab_missing_byte(v) : 256;
    if (byte < 256)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no token for the single byte 0x%02x",
                         byte);
    return s;
}

static weft_status vocab_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    weft_status s = see(d, SEEN_VOCAB, err);
    if (s != WEFT_OK || d->base == NULL)
        return s == WEFT_OK ? txt_json_skip(j, err) : s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE)
        if ((s = vocab_entry(d, err)) != WEFT_OK)
            return s;
    return s == WEFT_OK ? vocab_check(d->base, err) : s;
}

weft_status txt_json_merge(txt_json *j, txt_buf *pair, uint64_t *first, weft_error *err)
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

/* Checks one merge. *last is the id that the merge before it made. */
static weft_status merge_check(document *d, txt_buf *pair, uint32_t *last, weft_error *err)
{
    uint64_t    left = 0;
    weft_status s = txt_json_merge(&d->json, pair, &left, err);
    if (s != WEFT_OK)
        return s;
    uint32_t id =
        alphabet_undo(d, pair->p, &pair->n) ? txt_vocab_find(d->base, pair->p, pair->n) : TXT_NONE;
    if (id == TXT_NONE)
        return txt_json_bad(&d->json, err, "a merge makes a token that is not in the vocabulary");
    if (id < *last)
        return weft_fail(
            err, WEFT_E_UNSUPPORTED,
            FILE_NAME
            ":%u: merges are not in the order of the ids that they make: it is not a Llama 3 "
            "tokenizer",
            d->json.in.line);
    *last = id;
    return WEFT_OK;
}

static weft_status merges_read(document *d, weft_error *err)
{
    txt_json   *j = &d->json;
    txt_buf     pair = {.host = j->in.host};
    uint32_t    last = 0, n = 0;
    weft_status s = see(d, SEEN_MERGES, err);
    if (s != WEFT_OK || d->base == NULL)
        return s == WEFT_OK ? txt_json_skip(j, err) : s;
    if ((d->seen & SEEN_VOCAB) == 0)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         FILE_NAME " has its merges before its vocabulary");
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE) {
        if (n++ == TXT_MAX_MERGES)
            s = weft_fail(err, WEFT_E_LIMIT, FILE_NAME " has more than %u merges", TXT_MAX_MERGES);
        else
            s = merge_check(d, &pair, &last, err);
        if (s != WEFT_OK)
            break;
    }
    txt_buf_free(&pair);
    return s;
}

weft_status txt_json_added(txt_json *j, txt_added_list *list, weft_error *err)
{
    weft_status s;
    while ((s = txt_json_next(j, err)) == WEFT_OK && j->event != TXT_J_CLOSE) {
        if (j->event != TXT_J_OBJECT)
            return txt_json_bad(j, err, "an added token is not an object");
        if ((s = txt_added_read(j, list, TXT_NONE, err)) != WEFT_OK)
            return s;
    }
    return s;
}

static weft_status added_read(document *d, weft_error *err)
{
    weft_status s = see(d, SEEN_ADDED, err);
    return s == WEFT_OK ? txt_json_added(&d->json, d->added, err) : s;
}

static weft_status document_value(document *d, weft_error *err)
{
    const txt_json *j = &d->json;
    if (j->event == TXT_J_OBJECT && strcmp(j->path, "model.vocab") == 0)
        return vocab_read(d, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "model.merges") == 0)
        return merges_read(d, err);
    if (j->event == TXT_J_ARRAY && strcmp(j->path, "added_tokens") == 0)
        return added_read(d, err);
    return j->event == TXT_J_CLOSE ? WEFT_OK : apply_rules(d, err);
}

/* Checks that a document that has been read to its end had everything it must have. */
static weft_status document_complete(const document *d, weft_error *err)
{
    for (uint32_t i = 0; i < N_RULES; i++)
        if (rules[i].needed && (d->seen & 1u << i) == 0)
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             FILE_NAME " has no %s: it is not a Llama 3 tokenizer", rules[i].path);
    if ((d->seen & SEEN_VOCAB) == 0)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no model.vocab");
    return WEFT_OK;
}

static weft_status document_read(document *d, weft_error *err)
{
    weft_status s;
    alphabet_make(d->byte_of);
    while ((s = txt_json_next(&d->json, err)) == WEFT_OK && d->json.event != TXT_J_END)
        if ((s = document_value(d, err)) != WEFT_OK)
            return s;
    return s == WEFT_OK ? document_complete(d, err) : s;
}

weft_status txt_tokenizer_json_read(txt_vocab *base, txt_added_list *added, const weft_host *h,
                                    const weft_package *p, weft_error *err)
{
    document    d = {.base = base, .added = added};
    weft_status s = txt_json_open(h, p, FILE_NAME, &d.json, err);
    if (s != WEFT_OK)
        return s;
    s = document_read(&d, err);
    txt_json_close(&d.json);
    return s;
}
