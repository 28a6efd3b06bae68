/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and the character classes of the splitting expression. */
#include "text.h"

/* The length of the character that a first byte begins, and the code point's bits that it holds.
 * Length 0: no character begins with it. */
static uint32_t lead(uint8_t byte, uint32_t *bits)
{
    if (byte >= 0xc2 && byte <= 0xdf) {
        *bits = byte & 0x1fu;
        return 2;
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        *bits = byte & 0x0fu;
        return 3;
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        *bits = byte & 0x07u;
        return 4;
    }
    return 0;
}

uint32_t txt_utf8(const uint8_t *s, uint64_t n, uint32_t *length)
{
    uint32_t cp = 0;
    *length = 1;
    if (s[0] < 0x80)
        return s[0];
    uint32_t want = lead(s[0], &cp);
    if (want == 0 || want > n)
        return TXT_NONE;
    for (uint32_t i = 1; i < want; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return TXT_NONE;
        cp = cp << 6 | (s[i] & 0x3fu);
    }
    if ((want == 3 && (cp < 0x800 || (cp >= 0xd800 && cp <= 0xdfff))) ||
        (want == 4 && (cp < 0x10000 || cp > 0x10ffff)))
        return TXT_NONE;
    *length = want;
    return cp;
}

bool txt_utf8_valid(const uint8_t *s, uint64_t n)
{
    uint32_t length;
    for (uint64_t at = 0; at < n; at += length)
        if (txt_utf8(s + at, n - at, &length) == TXT_NONE)
            return false;
    return true;
}

uint32_t txt_utf8_put(uint32_t cp, uint8_t *dst)
{
    if (cp < 0x80) {
        dst[0] = (uint8_t)cp;
        return 1;
    }
    uint32_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (uint32_t i = n - 1; i > 0; i--) {
        dst[i] = (uint8_t)(0x80u | (cp & 0x3fu));
        cp >>= 6;
    }
    dst[0] = (uint8_t)(cp | (0xf00u >> n & 0xffu));
    return n;
}

static bool in_ranges(const txt_range *ranges, uint32_t n, uint32_t cp)
{
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cp > ranges[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && cp >= ranges[lo].first;
}

/* The White_Space property. */
static bool is_space(uint32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

int txt_class(uint32_t cp)
{
    if (cp < 0x80) {
        uint32_t lower = cp | 0x20;
        if (lower >= 'a' && lower <= 'z')
            return TXT_LETTER;
        if (cp >= '0' && cp <= '9')
            return TXT_NUMBER;
        return is_space(cp) ? TXT_SPACE : TXT_OTHER;
    }
    if (is_space(cp))
        return TXT_SPACE;
    if (in_ranges(txt_letters, txt_n_letters, cp))
        return TXT_LETTER;
    return in_ranges(txt_numbers, txt_n_numbers, cp) ? TXT_NUMBER : TXT_OTHER;
}
