/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8. */
#include "output/utf8.h"

/* Shortest form only, no surrogates: Unicode 15, table 3-7. */
size_t cli_utf8_char(const char *p, size_t n, uint32_t *code_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char  *u = (const unsigned char *)p;
    size_t                len = n == 0        ? 0
                                : u[0] < 0x80 ? 1
                                : u[0] < 0xC2 ? 0
                                : u[0] < 0xE0 ? 2
                                : u[0] < 0xF0 ? 3
                                : u[0] < 0xF5 ? 4
                                              : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3F);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *code_point = c;
    return len;
}
