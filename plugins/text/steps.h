/* SPDX-License-Identifier: Apache-2.0 */
/* What tokenizer.json does with text before tokens are merged: its normalizers change the text, and
 * its pre-tokenizers cut it into pieces. A file has a list of steps of either sort, and each sort
 * has a table of the kinds that it knows. */
#ifndef TXT_STEPS_H
#define TXT_STEPS_H

#include "json.h"

/* Metaspace: where a mark is put before a text that does not begin with one. FIRST: only at the
 * whole text's start. */
enum { TXT_PREFIX_ALWAYS, TXT_PREFIX_FIRST, TXT_PREFIX_NEVER };
/* Split: what becomes of a match. BEFORE, AFTER: it joins the piece before it, or after it. */
enum { TXT_ISOLATED, TXT_REMOVED, TXT_MERGED_BEFORE, TXT_MERGED_AFTER, TXT_CONTIGUOUS };

/* split.c: an expression written as a function, which returns the end of the piece that starts at
 * `at` (at < n) in time linear in the piece. */
typedef uint64_t (*txt_cut)(const uint8_t *text, uint64_t n, uint64_t at);
extern const char txt_split_regex[];                                              /* Llama 3's */
uint64_t          txt_split_next(const uint8_t *text, uint64_t n, uint64_t at);   /* Llama 3 */
uint64_t          txt_split_digits(const uint8_t *text, uint64_t n, uint64_t at); /* Qwen2 */
uint64_t          txt_split_gpt2(const uint8_t *text, uint64_t n, uint64_t at);   /* split_gpt2.c */
uint64_t txt_split_tekken(const uint8_t *text, uint64_t n, uint64_t at); /* split_cased.c */
uint64_t txt_split_gpt4o(const uint8_t *text, uint64_t n, uint64_t at);  /* split_cased.c */
txt_cut  txt_cut_find(const uint8_t *regex, uint64_t n); /* by the expression; NULL: none of ours */

/* regex.c: any other expression, by PCRE2. */
typedef struct txt_regex txt_regex;
/* UNSUPPORTED: it is no expression that is understood here as the reference understands it. */
weft_status txt_regex_make(const uint8_t *pattern, uint64_t n, txt_regex **out, weft_error *err);
void        txt_regex_free(txt_regex *r);
/* The first match from `at` on in text, which must be UTF-8; *from is n where there is none. LIMIT:
 * it would take too many steps. Any thread may call it. */
weft_status txt_regex_find(const txt_regex *r, const uint8_t *text, uint64_t n, uint64_t at,
                           uint64_t *from, uint64_t *to, weft_error *err);

typedef struct txt_step_kind txt_step_kind;
typedef struct txt_text {
    uint32_t at, n; /* in txt_steps.strings; at TXT_NONE: not given */
} txt_text;
typedef struct txt_step {
    char                 type[32];
    const txt_step_kind *kind;
    txt_text             pattern, content; /* content: also "prepend" and "replacement" */
    bool                 is_regex, invert, individual, adds_space;
    bool                 splits; /* ByteLevel's use_regex, Metaspace's split */
    bool                 said_prefix;
    int                  behavior, prefix;
    uint32_t             start, stop; /* Strip */
    txt_cut              cut;
    txt_regex           *regex;
} txt_step;
typedef struct txt_steps {
    txt_step at[TXT_MAX_STEPS + 1];
    uint32_t n;
    bool     is_said; /* the file has this list */
    txt_buf  strings;
} txt_steps;
/* steps.c */
void           txt_steps_init(txt_steps *s, const weft_host *h);
void           txt_steps_free(txt_steps *s);
const uint8_t *txt_step_bytes(const txt_steps *s, txt_text t);
bool           txt_step_is(const txt_steps *s, txt_text t, const char *text);
/* Takes the value that was just read, whose path is `root` and `rest`; `list` is the name of a
 * Sequence's list. */
weft_status txt_steps_value(txt_steps *s, txt_json *j, const char *root, const char *list,
                            weft_error *err);
/* After all values: finds the kind of each step. UNSUPPORTED names what is not known. */
weft_status txt_steps_finish(txt_steps *s, const char *root, const txt_step_kind *kinds,
                             uint32_t n_kinds, weft_error *err);
/* Makes the steps one Split by this expression. */
weft_status txt_steps_split(txt_steps *s, const void *regex, uint64_t n, weft_error *err);

/* The pieces of a text: spans in `text`, which is the caller's or in `own`. */
typedef struct txt_span {
    uint32_t from, to;
} txt_span;
typedef struct txt_pieces {
    const uint8_t *text;
    txt_buf        own, spans; /* spans: txt_span */
    bool           is_first;   /* the whole text begins with the first piece */
} txt_pieces;

/* check: NULL, or whether this step can be done. One of the next two is set. `to` is empty. */
struct txt_step_kind {
    const char *type;
    weft_status (*check)(txt_steps *s, txt_step *step, weft_error *err);
    weft_status (*normal)(const txt_steps *s, const txt_step *step, const txt_buf *from,
                          txt_buf *to, weft_error *err);
    weft_status (*cut)(const txt_steps *s, const txt_step *step, const txt_pieces *from,
                       txt_pieces *to, weft_error *err);
};
/* normal.c: runs the normalizers on text. The result is in bufs[*which] or, where there is nothing
 * to do, text itself (*which is 2). */
extern const txt_step_kind txt_normalizers[];
extern const uint32_t      txt_n_normalizers;
weft_status txt_normalise(const txt_steps *s, const uint8_t *text, uint64_t n, txt_buf bufs[2],
                          uint32_t *which, weft_error *err);
/* pieces.c: runs the pre-tokenizers on text, which has at most UINT32_MAX / 4 bytes. */
extern const txt_step_kind txt_pre_tokenizers[];
extern const uint32_t      txt_n_pre_tokenizers;
weft_status txt_pieces_cut(const txt_steps *s, const uint8_t *text, uint64_t n, bool is_first,
                           txt_pieces pieces[2], const txt_pieces **out, weft_error *err);
bool        txt_pieces_are_bytes(const txt_steps *s); /* the last step is ByteLevel */

/* ranges.c: what a step does with the matches of one piece. */
typedef struct txt_ranges {
    txt_pieces *to;
    uint32_t    base; /* of the piece, in its text */
    int         behavior;
    bool        invert, any, before, held; /* before: the last range was a match */
    txt_span    hold;
} txt_ranges;
weft_status txt_range_add(txt_ranges *r, uint64_t from, uint64_t to, bool is_match,
                          weft_error *err);
weft_status txt_ranges_end(txt_ranges *r, weft_error *err);
weft_status txt_span_add(txt_pieces *p, uint64_t from, uint64_t to, weft_error *err);

#endif
