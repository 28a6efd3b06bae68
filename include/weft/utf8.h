/* SPDX-License-Identifier: Apache-2.0 */
/* weft/utf8.h: reads UTF-8, the encoding of all text that crosses the ABI. Inline, so that the
 * library, programs and plugins read it with the same few lines; never part of the ABI. Well-formed
 * is what table 3-7 of the Unicode standard lists: no surrogates, no longer form than a character
 * needs, at most U+10FFFF. All of it may be called from any thread. */
#ifndef WEFT_UTF8_H
#define WEFT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define WEFT_UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, shown in place of what is no character */

/* Is this a byte that continues a character, so that none begins at it? 1: yes. */
static inline int weft_utf8_continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The length that a first byte announces; -1: it begins no character. C0 and C1 could only begin
 * a longer form than needed, and what follows F4 lies beyond U+10FFFF. */
static inline int32_t weft_utf8_announced(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return -1;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* May `second` follow `first`, which announced more than one byte? After four first bytes the table
 * allows fewer than the 64 continuing bytes: the others would make longer forms than needed
 * (E0, F0), surrogates (ED) or code points beyond the last one (F4). */
static inline int weft_utf8_may_follow(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* Bytes of the well-formed character at s, of which n bytes may be read: 1 to 4, and *code_point
 * (which may be NULL) is the character. 0: these n bytes are the beginning of a character that more
 * bytes may complete, or n is 0. -1: no character begins here. In both cases *code_point is left as
 * it was. NUL is a character of one byte. */
static inline int32_t weft_utf8_char(const char *s, uint64_t n, uint32_t *code_point)
{
    const unsigned char *u = (const unsigned char *)s;
    int32_t              length = n == 0 ? 0 : weft_utf8_announced(u[0]);
    uint32_t             c;
    if (length <= 0)
        return length;
    c = length == 1 ? u[0] : u[0] & (0x7Fu >> length);
    for (int32_t i = 1; i < length; i++) {
        if ((uint64_t)i >= n)
            return 0;
        if (i == 1 ? !weft_utf8_may_follow(u[0], u[1]) : !weft_utf8_continues(s[i]))
            return -1;
        c = c << 6 | (u[i] & 0x3Fu);
    }
    if (code_point != NULL)
        *code_point = c;
    return length;
}

/* Bytes of the longest prefix of s[0..n) that is well-formed; n: all of it is. */
static inline uint64_t weft_utf8_prefix(const char *s, uint64_t n)
{
    uint64_t at = 0;
    while (at < n) {
        int32_t length = weft_utf8_char(s + at, n - at, NULL);
        if (length <= 0)
            break;
        at += (uint64_t)length;
    }
    return at;
}

#endif
