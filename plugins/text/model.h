/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of text to ids: byte pair merging by the ids themselves (tiktoken's files), or by a list
 * of merges (tokenizer.json). */
#ifndef TXT_MODEL_H
#define TXT_MODEL_H

#include "steps.h"
#include "vocab.h"

/* A sink receives the ids: it keeps the first `cap` of them and counts all. */
typedef struct txt_sink {
    int32_t *ids;
    uint64_t cap, n; /* n also counts the ids past cap */
} txt_sink;
static inline void txt_sink_put(txt_sink *s, uint32_t id)
{
    if (s->n < s->cap)
        s->ids[s->n] = (int32_t)id;
    s->n++;
}
/* Memory for one call from outside, and a count of the work that it took. */
typedef struct txt_scratch {
    txt_buf    lists, parts, text[2]; /* text: the normalised one */
    txt_buf    prefix[2], given;      /* given.c */
    txt_pieces pieces[2];
    uint64_t   work; /* heap and lookup steps done: what the tests of linear time count */
} txt_scratch;
void txt_scratch_init(txt_scratch *s, const weft_host *h);
void txt_scratch_free(txt_scratch *s);

/* bpe.c: the pair whose concatenation has the lowest id is joined first. */
weft_status txt_bpe(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                    txt_sink *out, weft_error *err);
/* bpe_long.c: the same for a piece of at least 2 bytes that is no token itself. */
weft_status txt_bpe_long(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                         txt_sink *out, weft_error *err);

/* merges.c: the pair whose merge comes first in the file is joined first. The symbols that merging
 * begins with are bytes, or characters. One that is no token becomes its bytes' tokens <0x00> to
 * <0xFF> where byte_fallback is on and all of them are there, else the unknown token where there is
 * one, and else nothing. */
typedef struct txt_merge { /* its index is its rank */
    uint32_t left, right, id, reserved;
} txt_merge;
typedef struct txt_merges {
    bool      is_used;           /* else the ids are the ranks */
    bool      of_chars;          /* symbols are characters */
    bool      takes_whole;       /* ignore_merges: a piece that is a token is taken as it is */
    bool      falls_back, fuses; /* byte_fallback, fuse_unk */
    uint32_t  unknown;           /* TXT_NONE: there is none */
    uint32_t  byte_id[256];      /* of single bytes, or of <0x00> to <0xFF>; TXT_NONE: missing */
    txt_buf   list;              /* txt_merge */
    uint32_t *slots, n_slots;    /* pairs to merges: open addressing, a power of two */
} txt_merges;
weft_status txt_merges_index(txt_merges *m, const weft_host *h, weft_error *err);
/* After the added tokens are known: no merge and no byte leads to a special one, so that text which
 * may not have any has none. The unknown token is the exception. */
void        txt_merges_leave_out_specials(txt_merges *m, const txt_vocab *v);
void        txt_merges_free(txt_merges *m, const weft_host *h);
weft_status txt_merges_encode(const txt_merges *m, const txt_vocab *v, const uint8_t *piece,
                              uint64_t n, txt_scratch *scratch, txt_sink *out, weft_error *err);

#endif
