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
} encoding;

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

static weft_status encode_normal(const encoding *e, const uint8_t *text, uint64_t n, bool is_first,
                                 weft_error *err)
{
    uint32_t    which;
    txt_found   found;
    weft_status s = txt_normalise(&e->t->normalizers, text, n, e->scratch->text, &which, err);
    if (s != WEFT_OK)
        return s;
    if (which != 2) {
        text = e->scratch->text[which].p;
        n = e->scratch->text[which].n;
    }
    txt_search search = {.set = &e->t->normal, .text = text, .n = n, .specials = e->specials};
    while (s == WEFT_OK && txt_search_next(&search, &found)) {
        if (found.from > search.done)
            s = encode_plain(e, text + search.done, found.from - search.done,
                             is_first && search.done == 0, err);
        txt_sink_put(e->out, found.id);
        search.done = found.to;
    }
    return s == WEFT_OK && search.done < n ? encode_plain(e, text + search.done, n - search.done,
                                                          is_first && search.done == 0, err)
                                           : s;
}

weft_status txt_encode_into(const txt_tokenizer *t, const char *text, uint64_t n, uint32_t flags,
                            txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const encoding e = {t, scratch, out, (flags & WEFT_TOK_SPECIAL) != 0};
    txt_search     search = {.set = &t->raw, .text = bytes, .n = n, .specials = e.specials};
    txt_found      found;
    weft_status    s = WEFT_OK;
    if (n == 0)
        return WEFT_OK; /* text may be NULL */
    while (s == WEFT_OK && txt_search_next(&search, &found)) {
        if (found.from > search.done)
            s = encode_normal(&e, bytes + search.done, found.from - search.done, search.done == 0,
                              err);
        txt_sink_put(out, found.id);
        search.done = found.to;
    }
    return s == WEFT_OK && search.done < n
               ? encode_normal(&e, bytes + search.done, n - search.done, search.done == 0, err)
               : s;
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
