/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 and the character classes of the splitting expression. */
#include "unicode.h"

#include "weft/utf8.h"

uint32_t txt_utf8(const uint8_t *s, uint64_t n, uint32_t *length)
{
    uint32_t cp = TXT_NONE;
    int32_t  bytes = weft_utf8_char((const char *)s, n, &cp);
    *length = bytes > 0 ? (uint32_t)bytes : 1;
    return cp;
}

bool txt_utf8_valid(const uint8_t *s, uint64_t n)
{
    return weft_utf8_prefix((const char *)s, n) == n;
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

int txt_category_of(uint32_t cp)
{
    uint32_t lo = 0, hi = txt_n_categories;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cp > txt_categories[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < txt_n_categories && cp >= txt_categories[lo].first ? txt_categories[lo].category
                                                                   : TXT_CAT_OTHER;
}

bool txt_is_space(uint32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

/* The letters in circles and squares are symbols by category, and alphabetic by property. */
bool txt_is_word(uint32_t cp)
{
    int category = txt_category_of(cp);
    if (category != TXT_CAT_OTHER)
        return category != TXT_CAT_NUMBER;
    return cp == 0x200c || cp == 0x200d || (cp >= 0x24b6 && cp <= 0x24e9) ||
           (cp >= 0x1f130 && cp <= 0x1f149) || (cp >= 0x1f150 && cp <= 0x1f169) ||
           (cp >= 0x1f170 && cp <= 0x1f189);
}

int txt_class(uint32_t cp)
{
    if (cp < 0x80) {
        uint32_t lower = cp | 0x20;
        if (lower >= 'a' && lower <= 'z')
            return TXT_LETTER;
        if (cp >= '0' && cp <= '9')
            return TXT_NUMBER;
        return txt_is_space(cp) ? TXT_SPACE : TXT_OTHER;
    }
    if (txt_is_space(cp))
        return TXT_SPACE;
    int category = txt_category_of(cp);
    if (category >= TXT_CAT_UPPER && category <= TXT_CAT_CASELESS)
        return TXT_LETTER;
    return category >= TXT_CAT_DIGIT && category <= TXT_CAT_NUMBER ? TXT_NUMBER : TXT_OTHER;
}
