/* SPDX-License-Identifier: Apache-2.0 */
/* What the hand-written splitting expressions have in common. A byte that is not UTF-8 counts as a
 * character of its own that is neither letter, number nor space, so any bytes come back from
 * decoding as they were. */
#ifndef TXT_SCAN_H
#define TXT_SCAN_H

#include "unicode.h"

typedef struct scan {
    const uint8_t *text;
    uint64_t       n;
} scan;

/* The class of the character at `at` (-1 at the end of the text). *next becomes the place where the
 * next character begins. */
static inline int class_at(const scan *s, uint64_t at, uint64_t *next)
{
    uint32_t length;
    if (at >= s->n)
        return -1;
    uint32_t cp = txt_utf8(s->text + at, s->n - at, &length);
    *next = at + length;
    return txt_class(cp);
}

static inline bool is_newline(const scan *s, uint64_t at)
{
    return at < s->n && (s->text[at] == '\r' || s->text[at] == '\n');
}

/* The end of the longest run of characters of one class from `at`, of at most `most` characters. */
static inline uint64_t run(const scan *s, uint64_t at, int class, uint64_t most)
{
    uint64_t next = at;
    while (most-- > 0 && class_at(s, at, &next) == class)
        at = next;
    return at;
}

/* "'s" and its like in either case, at an apostrophe: returns the end of the piece, or `at` where
 * it does not fit. (`| 0x20` makes ASCII letters lower case and turns no other byte into a letter.)
 */
static inline uint64_t contraction(const scan *s, uint64_t at)
{
    static const char long_s[] = "\xc5\xbf";
    if (s->n - at < 2)
        return at;
    uint8_t a = s->text[at + 1] | 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return at + 2;
    if (s->n - at < 3)
        return at;
    if (memcmp(s->text + at + 1, long_s, 2) == 0)
        return at + 3;
    uint8_t b = s->text[at + 2] | 0x20;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? at + 3 : at;
}

/* At white space: up to the last CR or LF of the run where `newlines` says so and there is one;
 * else all of it at the end of the text, and before more text all but its last character, or that
 * one. */
static inline uint64_t white(const scan *s, uint64_t at, bool newlines)
{
    uint64_t end = at, last = at, after_newline = at, next = at;
    while (class_at(s, end, &next) == TXT_SPACE) {
        if (newlines && is_newline(s, end))
            after_newline = next;
        last = end;
        end = next;
    }
    if (after_newline != at)
        return after_newline;
    return end == s->n || last == at ? end : last;
}

#endif
