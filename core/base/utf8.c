/* SPDX-License-Identifier: Apache-2.0 */
/* Reads UTF-8. */
#include "core/base/utf8.h"

/* The length that a first byte announces; -1: it begins no character. C0 and C1 could only begin
 * a longer form than needed, and what follows F4 lies beyond U+10FFFF. */
static int32_t announced(unsigned char first)
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
static bool may_follow(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

int32_t wf_utf8_char(const char *s, uint64_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    int32_t              length = announced(u[0]);
    for (int32_t i = 1; i < length; i++) {
        if ((uint64_t)i >= n)
            return 0;
        if (i == 1 ? !may_follow(u[0], u[1]) : !wf_utf8_continues(s[i]))
            return -1;
    }
    return length;
}

uint64_t wf_utf8_prefix(const char *s, uint64_t n)
{
    uint64_t at = 0;
    while (at < n) {
        int32_t length = wf_utf8_char(s + at, n - at);
        if (length <= 0)
            break;
        at += (uint64_t)length;
    }
    return at;
}
