/* SPDX-License-Identifier: Apache-2.0 */
/* Ids to bytes and bytes to ids, and the added tokens. */
#ifndef TXT_VOCAB_H
#define TXT_VOCAB_H

#include "json.h"

/* Flags of a token. LSTRIP, RSTRIP: white space on that side belongs to it. WORD: it is found only
 * where no character of a word stands beside it. LITERAL: its text is not in the byte-level
 * alphabet, so nothing leads to it. */
#define TXT_ADDED 1u   /* an added token, which merging never reaches */
#define TXT_SPECIAL 2u /* an added token: found in text only if asked for, decoded to nothing */
#define TXT_NORMAL 4u  /* an added token that is looked for in normalised text */
#define TXT_BYTE 8u    /* <0x00> to <0xFF>, which stands for that byte */
#define TXT_LSTRIP 16u
#define TXT_RSTRIP 32u
#define TXT_WORD 64u
#define TXT_LITERAL 128u
typedef struct txt_token {
    uint32_t at;            /* in bytes.p */
    uint16_t length, flags; /* length 0: no such id */
} txt_token;
typedef struct txt_vocab {
    const weft_host *host;
    txt_buf          bytes, tokens;          /* tokens: txt_token [n_ids] */
    uint32_t         n_ids, n_base, longest; /* n_base: ids that came before the added ones */
    uint32_t        *slots, n_slots;         /* open addressing, a power of two; TXT_NONE: empty */
    uint32_t        *added, n_added;         /* ids of added tokens in order of their bytes */
} txt_vocab;
void txt_vocab_init(txt_vocab *v, const weft_host *h);
void txt_vocab_free(txt_vocab *v);
/* id at most TXT_MAX_IDS - 1, length 1 to TXT_MAX_TOKEN. CORRUPT where the id is taken. */
weft_status txt_vocab_put(txt_vocab *v, uint32_t id, const void *bytes, uint32_t length,
                          uint32_t flags, weft_error *err);
/* Builds the table that finds ids by their bytes, anew where there was one. Where two ids have the
 * same bytes, returns CORRUPT without a message and sets *twice and *first to the two; else both
 * are TXT_NONE. */
weft_status      txt_vocab_index(txt_vocab *v, uint32_t *twice, uint32_t *first, weft_error *err);
uint32_t         txt_vocab_find(const txt_vocab *v, const uint8_t *bytes,
                                uint64_t length);                 /* TXT_NONE: no */
const txt_token *txt_vocab_token(const txt_vocab *v, int64_t id); /* NULL: no */
txt_token       *txt_vocab_tokens(const txt_vocab *v);            /* all of them */
const uint8_t   *txt_vocab_bytes(const txt_vocab *v, const txt_token *t);
/* The first byte value that is no token by itself, or 256. */
uint32_t txt_vocab_missing_byte(const txt_vocab *v);

/* added.c: added tokens are all put first and then sorted. CORRUPT: two of them have the same text.
 */
weft_status txt_added_put(txt_vocab *v, const char *file, int64_t id, const void *text, uint64_t n,
                          uint32_t flags, weft_error *err);
weft_status txt_added_sort(txt_vocab *v, const char *file, weft_error *err);
uint32_t    txt_added_find(const txt_vocab *v, const char *text); /* TXT_NONE: no */

/* specials.c: lists of added tokens as files give them. */
typedef struct txt_added_token {
    uint32_t at, length, id; /* at: in the list's bytes */
    uint32_t flags;
} txt_added_token;
typedef struct txt_added_list {
    txt_buf bytes, items; /* items: txt_added_token */
} txt_added_list;
weft_status txt_list_add(txt_added_list *list, const void *text, uint64_t n, uint32_t id,
                         uint32_t flags, weft_error *err);
/* Reads one {"id", "content", "special", ...} whose OBJECT was just read. With id TXT_NONE its "id"
 * is taken. */
weft_status txt_added_read(txt_json *j, txt_added_list *list, uint32_t id, weft_error *err);

/* patterns.c: which texts are added tokens. */
typedef struct txt_pattern {
    uint32_t at, length, id, flags; /* at: in the set's bytes; flags: the token's */
} txt_pattern;
typedef struct txt_patterns {
    txt_buf  bytes, items; /* items: txt_pattern, in order of their bytes */
    uint32_t n_plain;      /* how many of them are not special */
} txt_patterns;
typedef struct txt_found {
    uint64_t from, to; /* with the white space that the token takes */
    uint32_t id;
} txt_found;
/* A search through one text, for one caller. done: where the last token found ended. */
typedef struct txt_search {
    const txt_patterns *set;
    const uint8_t      *text;
    uint64_t            n, at, done, white_end;
    bool                specials; /* special tokens are found too */
    const uint8_t      *given;    /* NULL, or [n]: not 0 where no special token may have a byte */
} txt_search;
weft_status txt_patterns_put(txt_patterns *set, const uint8_t *bytes, uint64_t n, uint32_t id,
                             uint32_t flags, weft_error *err);
void        txt_patterns_sort(txt_patterns *set);
void        txt_patterns_free(txt_patterns *set);
/* The next token: the leftmost, and of those that begin there the longest that may stand there. */
bool txt_search_next(txt_search *s, txt_found *found);

#endif
