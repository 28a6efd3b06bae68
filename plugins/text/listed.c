/* SPDX-License-Identifier: Apache-2.0 */
/* Vocabularies that are given as a list, with kinds and scores. */
#include "listed.h"

typedef struct text_span {
    uint32_t at, n;
} text_span;

void txt_listed_init(txt_listed *l, const weft_host *h, const char *file, const char *root)
{
    memset(l, 0, sizeof *l);
    l->file = file;
    l->root = root;
    l->bytes.host = l->spans.host = l->scores.host = l->kinds.host = h;
    l->unknown = TXT_NONE;
}

void txt_listed_free(txt_listed *l)
{
    txt_buf_free(&l->bytes);
    txt_buf_free(&l->spans);
    txt_buf_free(&l->scores);
    txt_buf_free(&l->kinds);
}

uint32_t txt_listed_count(const txt_listed *l)
{
    return (uint32_t)(l->spans.n / sizeof(text_span));
}

static text_span span_of(const txt_listed *l, uint32_t id)
{
    text_span span;
    memcpy(&span, l->spans.p + id * sizeof span, sizeof span);
    return span;
}

static int kind_of(const txt_listed *l, uint32_t id)
{
    return l->kinds.n != 0 ? l->kinds.p[id] : TXT_KIND_NORMAL;
}

weft_status txt_listed_add(txt_listed *l, const void *text, uint64_t n, weft_error *err)
{
    const text_span span = {(uint32_t)l->bytes.n, (uint32_t)n};
    if (txt_listed_count(l) == TXT_MAX_VOCAB)
        return weft_fail(err, WEFT_E_LIMIT, "the vocabulary has more than %u tokens",
                         TXT_MAX_VOCAB);
    weft_status s = txt_buf_add(&l->bytes, text, n, err);
    return s == WEFT_OK ? txt_buf_add(&l->spans, &span, sizeof span, err) : s;
}

static weft_status length_check(const txt_listed *l, const char *name, uint64_t count,
                                weft_error *err)
{
    if (count == 0 || count == txt_listed_count(l))
        return WEFT_OK;
    return weft_fail(err, WEFT_E_CORRUPT, "%s%s has %llu elements for %u tokens", l->root, name,
                     (unsigned long long)count, txt_listed_count(l));
}

weft_status txt_listed_check(const txt_listed *l, weft_error *err)
{
    const uint32_t n = txt_listed_count(l);
    if (n == 0)
        return weft_fail(err, WEFT_E_NOTFOUND, "%s has no tokenizer (%stokens)", l->file, l->root);
    weft_status s = length_check(l, "token_type", l->kinds.n, err);
    if (s == WEFT_OK)
        s = length_check(l, "scores", l->scores.n / sizeof(double), err);
    if (s == WEFT_OK && l->unknown != TXT_NONE && l->unknown >= n)
        return weft_fail(err, WEFT_E_CORRUPT, "%sunknown_token_id is %u of %u tokens", l->root,
                         l->unknown, n);
    return s;
}

/* Whether the byte-level alphabet leaves the text as it is. */
static bool is_printable_ascii(const uint8_t *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (s[i] < 0x21 || s[i] > 0x7e)
            return false;
    return true;
}

static weft_status token_put(txt_tokenizer *t, const txt_listed *l, uint32_t id, bool of_chars,
                             txt_added_list *added, weft_error *err)
{
    const text_span span = span_of(l, id);
    const uint8_t  *text = l->bytes.p + span.at;
    const int       kind = kind_of(l, id);
    const bool      special = kind == TXT_KIND_CONTROL || (kind == TXT_KIND_UNKNOWN && of_chars);
    const bool      is_added = (special || kind == TXT_KIND_USER) && span.n > 0;
    weft_status     s = WEFT_OK;
    if (is_added && span.n > TXT_MAX_ADDED_BYTES)
        return weft_fail(err, WEFT_E_LIMIT, "the added token %u has more than %u bytes", id,
                         TXT_MAX_ADDED_BYTES);
    if (is_added)
        s = txt_list_add(added, text, span.n, id, special ? TXT_SPECIAL : 0, err);
    if (s == WEFT_OK && span.n > 0 && (!is_added || of_chars || is_printable_ascii(text, span.n)))
        s = txt_vocab_put(&t->vocab, id, text, span.n, 0, err);
    return s;
}

weft_status txt_listed_vocab(txt_tokenizer *t, const txt_listed *l, bool of_chars,
                             txt_added_list *added, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint32_t id = 0; id < txt_listed_count(l) && s == WEFT_OK; id++)
        s = token_put(t, l, id, of_chars, added, err);
    if (s == WEFT_OK && added->items.n / sizeof(txt_added_token) > TXT_MAX_ADDED)
        s = weft_fail(err, WEFT_E_LIMIT, "%s has more than %u added tokens", l->file,
                      TXT_MAX_ADDED);
    return s == WEFT_OK ? txt_vocab_index_named(&t->vocab, l->file, err) : s;
}

weft_status txt_listed_merges(txt_tokenizer *t, const txt_listed *l, weft_error *err)
{
    txt_buf unknown = {.host = t->host};
    if (l->scores.n == 0)
        return weft_fail(err, WEFT_E_CORRUPT, "%sscores is missing", l->root);
    weft_status s = txt_score_merges(t, (const double *)(const void *)l->scores.p, err);
    if (s == WEFT_OK && l->unknown != TXT_NONE) {
        const text_span span = span_of(l, l->unknown);
        s = txt_buf_add(&unknown, l->bytes.p + span.at, span.n, err);
    }
    if (s == WEFT_OK)
        s = txt_json_model(t, &unknown, err);
    txt_buf_free(&unknown);
    return s;
}
