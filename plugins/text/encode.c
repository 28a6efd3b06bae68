/* SPDX-License-Identifier: Apache-2.0 */
/* Text to ids: added tokens are cut out of the text as it is; what is between them is normalised;
 * added tokens that stand in normalised text are cut out of that; the rest is cut into pieces, and
 * the model turns each piece into ids. Source: huggingface/tokenizers tokenizer/mod.rs,
 * added_vocabulary.rs (extract_and_normalize). */
#include "text.h"

/* What all parts of one text share. */
typedef struct encoding {
    const txt_tokenizer *t;
    txt_scratch         *scratch;
    txt_sink            *out;
    bool                 specials;
    bool                 continues; /* something of the text stands before this */
} encoding;

/* Text, and which of its bytes may be no part of a special token: NULL, or [n], not 0. */
typedef struct stretch {
    const uint8_t *p, *given;
    uint64_t       n;
} stretch;

/* Encodes normalised text without added tokens. */
static weft_status encode_plain(const encoding *e, const uint8_t *text, uint64_t n, bool is_first,
                                weft_error *err)
{
    const txt_pieces *pieces;
    weft_status       s;
    if (n == 0)
        return WEFT_OK;
    s = txt_pieces_cut(&e->t->pre_tokenizers, text, n, is_first, e->scratch->pieces, &pieces, err);
    if (s != WEFT_OK)
        return s;
    for (uint64_t i = 0; s == WEFT_OK && i < pieces->spans.n / sizeof(txt_span); i++) {
        txt_span span;
        memcpy(&span, pieces->spans.p + i * sizeof span, sizeof span);
        const uint8_t *piece = pieces->text + span.from;
        s = e->t->merges.is_used
                ? txt_merges_encode(&e->t->merges, &e->t->vocab, piece, span.to - span.from,
                                    e->scratch, e->out, err)
                : txt_bpe(&e->t->vocab, piece, span.to - span.from, e->scratch, e->out, err);
    }
    return s;
}

static bool has_specials(const txt_patterns *set)
{
    return set->items.n / sizeof(txt_pattern) > set->n_plain;
}

/* Sets up the search for added tokens in what the normalizers made of part. Where it is not known
 * which of its bytes are given, no special token is looked for. */
static weft_status search_normal(const encoding *e, const stretch *part, txt_search *search,
                                 weft_error *err)
{
    weft_status s = WEFT_OK;
    search->specials = e->specials && has_specials(&e->t->normal);
    if (part->given == NULL || !search->specials || memchr(part->given, 1, part->n) == NULL)
        return WEFT_OK;
    s = txt_given_normalised(&e->t->normalizers, part->p, part->given, part->n,
                             (txt_text_bytes){search->text, search->n}, e->scratch, &search->given,
                             err);
    search->specials = search->given != NULL;
    return s;
}

static weft_status encode_normal(const encoding *e, stretch part, bool is_first, weft_error *err)
{
    uint32_t    which;
    txt_found   found;
    txt_search  search = {.set = &e->t->normal, .text = part.p, .n = part.n};
    weft_status s =
        txt_normalise(&e->t->normalizers, part.p, part.n, e->scratch->text, &which, err);
    if (s != WEFT_OK)
        return s;
    if (which != 2) {
        search.text = e->scratch->text[which].p;
        search.n = e->scratch->text[which].n;
    }
    s = search_normal(e, &part, &search, err);
    while (s == WEFT_OK && txt_search_next(&search, &found)) {
        if (found.from > search.done)
            s = encode_plain(e, search.text + search.done, found.from - search.done,
                             is_first && search.done == 0, err);
        txt_sink_put(e->out, found.id);
        search.done = found.to;
    }
    return s == WEFT_OK && search.done < search.n
               ? encode_plain(e, search.text + search.done, search.n - search.done,
                              is_first && search.done == 0, err)
               : s;
}

static weft_status encode_rest(const encoding *e, stretch whole, uint64_t from, uint64_t to,
                               weft_error *err)
{
    const stretch part = {whole.p + from, whole.given != NULL ? whole.given + from : NULL,
                          to - from};
    return from < to ? encode_normal(e, part, from == 0 && !e->continues, err) : WEFT_OK;
}

static weft_status encode(const encoding *e, stretch whole, weft_error *err)
{
    txt_search  search = {.set = &e->t->raw,
                          .text = whole.p,
                          .n = whole.n,
                          .specials = e->specials,
                          .given = whole.given};
    txt_found   found;
    weft_status s = WEFT_OK;
    if (whole.n == 0)
        return WEFT_OK; /* the text may be NULL */
    while (s == WEFT_OK && txt_search_next(&search, &found)) {
        s = encode_rest(e, whole, search.done, found.from, err);
        txt_sink_put(e->out, found.id);
        search.done = found.to;
    }
    return s == WEFT_OK ? encode_rest(e, whole, search.done, whole.n, err) : s;
}

weft_status txt_encode_into(const txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags,
                            txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    const encoding e = {t, scratch, out, (flags & WEFT_TOK_SPECIAL) != 0, false};
    return encode(&e, (stretch){(const uint8_t *)text, NULL, n}, err);
}

weft_status txt_encode_given(const txt_tokenizer *t, const uint8_t *text, const uint8_t *given,
                             uint64_t n, bool is_first, txt_scratch *scratch, txt_sink *out,
                             weft_error *err)
{
    const encoding e = {t, scratch, out, true, !is_first};
    return encode(&e, (stretch){text, given, n}, err);
}

weft_status txt_encode(void *self, const char *text, uint64_t bytes, uint32_t flags, int32_t *ids,
                       uint64_t cap, uint64_t *need, weft_error *err)
{
    const txt_tokenizer *t = self;
    txt_scratch          scratch;
    txt_sink             out = {ids, cap, 0};
    if ((flags & ~WEFT_TOK_SPECIAL) != 0)
        return weft_fail(err, WEFT_E_INVALID, "encode knows no flags but WEFT_TOK_SPECIAL");
    txt_scratch_init(&scratch, t->host);
    weft_status s = txt_encode_into(t, text, bytes, flags, &scratch, &out, err);
    txt_scratch_free(&scratch);
    *need = out.n;
    return s;
}
