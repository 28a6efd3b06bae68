/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair merging of one piece of text. A piece that is a token becomes that token. Any other
 * piece is taken as single bytes at first. Then, again and again, the adjacent pair whose
 * concatenation has the lowest id is joined, the leftmost of equal ones, until no concatenation of
 * two neighbours is a token. The id of a token serves as its rank. Source: openai/tiktoken
 * src/lib.rs; huggingface/tokenizers models/bpe (ignore_merges).
 *
 * Nearly all pieces are words, which are short: their lowest pair is found by looking at all pairs.
 * Longer pieces go to bpe_long.c, where the work does not grow with the square of the length. */
#include "model.h"

#define SHORT_PIECE 256u

typedef struct part {
    uint32_t begin, rank; /* rank: of this part and the next, TXT_NONE: no token */
} part;

static uint32_t pair_rank(const txt_vocab *v, const uint8_t *piece, const part *pair)
{
    return txt_vocab_find(v, piece + pair[0].begin, pair[2].begin - pair[0].begin);
}

static uint32_t lowest(const part *parts, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (parts[i].rank < parts[best].rank)
            best = i;
    return best;
}

/* Merges the n parts of a short piece; parts[n] is its end. Returns how many parts are left. */
static uint32_t merge_short(const txt_vocab *v, const uint8_t *piece, part *parts, uint32_t n)
{
    for (;;) {
        uint32_t at = lowest(parts, n);
        if (parts[at].rank == TXT_NONE)
            return n;
        memmove(parts + at + 1, parts + at + 2, (n - at - 1) * sizeof *parts);
        n--;
        parts[at].rank = at + 1 < n ? pair_rank(v, piece, parts + at) : TXT_NONE;
        if (at > 0)
            parts[at - 1].rank = pair_rank(v, piece, parts + at - 1);
    }
}

static void encode_short(const txt_vocab *v, const uint8_t *piece, uint32_t n, txt_sink *out)
{
    part parts[SHORT_PIECE + 1];
    for (uint32_t i = 0; i <= n; i++)
        parts[i].begin = i;
    for (uint32_t i = 0; i < n; i++)
        parts[i].rank = i + 1 < n ? pair_rank(v, piece, parts + i) : TXT_NONE;
    n = merge_short(v, piece, parts, n);
    for (uint32_t i = 0; i < n; i++)
        txt_sink_put(
            out, txt_vocab_find(v, piece + parts[i].begin, parts[i + 1].begin - parts[i].begin));
}

void txt_scratch_init(txt_scratch *s, const weft_host *h)
{
    memset(s, 0, sizeof *s);
    s->lists.host = s->parts.host = s->given.host = h;
    for (int i = 0; i < 2; i++)
        s->text[i].host = s->prefix[i].host = s->pieces[i].own.host = s->pieces[i].spans.host = h;
}

void txt_scratch_free(txt_scratch *s)
{
    txt_buf_free(&s->lists);
    txt_buf_free(&s->parts);
    txt_buf_free(&s->given);
    for (int i = 0; i < 2; i++) {
        txt_buf_free(&s->prefix[i]);
        txt_buf_free(&s->text[i]);
        txt_buf_free(&s->pieces[i].own);
        txt_buf_free(&s->pieces[i].spans);
    }
}

weft_status txt_bpe(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                    txt_sink *out, weft_error *err)
{
    uint32_t whole = txt_vocab_find(v, piece, n);
    if (whole != TXT_NONE) {
        txt_sink_put(out, whole);
        return WEFT_OK;
    }
    if (n > SHORT_PIECE)
        return txt_bpe_long(v, piece, n, scratch, out, err);
    encode_short(v, piece, (uint32_t)n, out);
    return WEFT_OK;
}
