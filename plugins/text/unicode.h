/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, the classes of characters that splitting expressions name, and normal form C. */
#ifndef TXT_UNICODE_H
#define TXT_UNICODE_H

#include "base.h"

enum { TXT_OTHER, TXT_LETTER, TXT_NUMBER, TXT_SPACE };
/* General categories, as the tables have them. The first three are letters, the three of numbers
 * follow each other too. */
enum {
    TXT_CAT_OTHER,
    TXT_CAT_UPPER,    /* Lu, Lt */
    TXT_CAT_LOWER,    /* Ll */
    TXT_CAT_CASELESS, /* Lm, Lo */
    TXT_CAT_MARK,     /* M */
    TXT_CAT_DIGIT,    /* Nd */
    TXT_CAT_ROMAN,    /* Nl */
    TXT_CAT_NUMBER,   /* No */
    TXT_CAT_JOINS     /* Pc */
};
typedef struct txt_category {
    uint32_t first, last;
    uint8_t  category;
} txt_category;
extern const txt_category txt_categories[]; /* in order; what is in no run is TXT_CAT_OTHER */
extern const uint32_t     txt_n_categories;

/* Returns the code point at s, where n >= 1 bytes are left, and sets *length to its bytes. A byte
 * that begins no well-formed character counts by itself: *length is 1 and the result TXT_NONE.
 * Source: the Unicode Standard, table 3-7. */
uint32_t txt_utf8(const uint8_t *s, uint64_t n, uint32_t *length);
int      txt_class(uint32_t cp);       /* TXT_OTHER for TXT_NONE */
int      txt_category_of(uint32_t cp); /* TXT_CAT_OTHER for TXT_NONE */
bool     txt_is_space(uint32_t cp);    /* the White_Space property */
bool     txt_is_word(uint32_t cp);     /* \w: Alphabetic, M, Nd, Pc, Join_Control (UTS 18) */
bool     txt_utf8_valid(const uint8_t *s, uint64_t n);
/* Writes cp (a scalar value) to dst [4]; returns its length. */
uint32_t txt_utf8_put(uint32_t cp, uint8_t *dst);

/* nfc.c: appends text in normal form C to `to`. Bytes that are not UTF-8 stay as they are. Takes
 * time linear in n whatever the text. Source: UAX 15. */
weft_status txt_nfc(const uint8_t *text, uint64_t n, txt_buf *to, weft_error *err);

/* nfc_tables.c */
typedef struct txt_nfc_class {
    uint32_t first, last, class; /* canonical combining class, not 0 */
} txt_nfc_class;
typedef struct txt_nfc_parts {
    uint32_t cp, at, n; /* its full canonical decomposition: txt_nfc_chars[at..at + n) */
} txt_nfc_parts;
typedef struct txt_nfc_pair {
    uint32_t first, second, whole;
} txt_nfc_pair;
extern const txt_nfc_class txt_nfc_classes[];
extern const txt_nfc_parts txt_nfc_decompositions[];
extern const uint32_t      txt_nfc_chars[];
extern const txt_nfc_pair  txt_nfc_pairs[]; /* in order of first, then second */
extern const uint32_t      txt_n_nfc_classes, txt_n_nfc_decompositions, txt_n_nfc_pairs;

#endif
