/* SPDX-License-Identifier: Apache-2.0 */
/* The escapes in string literals: Python's unicode-escape. An unknown one stays as it is. */
#include "lexer.h"

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \x, \u or \U at p[*at], with that many digits behind it. */
static void by_code(tpl_build *b, const uint8_t *p, uint64_t n, uint64_t *at, uint32_t many)
{
    uint32_t cp = 0;
    for (uint32_t i = 0; i < many; i++) {
        const int digit = *at + 1 + i < n ? hex(p[*at + 1 + i]) : -1;
        if (digit < 0) {
            tpl_fail(b->s, WEFT_E_CORRUPT, "a string holds an escape with too few digits");
            return;
        }
        cp = cp << 4 | (uint32_t)digit;
    }
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        tpl_fail(b->s, WEFT_E_CORRUPT, "a string holds an escape that is no character");
    else
        tpl_add_char(b, cp, TPL_OWN);
    *at += 1 + many;
}

static void octal(tpl_build *b, const uint8_t *p, uint64_t n, uint64_t *at)
{
    uint32_t cp = 0;
    for (uint32_t i = 0; i < 3 && *at < n && p[*at] >= '0' && p[*at] <= '7'; i++)
        cp = cp * 8 + (uint32_t)(p[(*at)++] - '0');
    tpl_add_char(b, cp, TPL_OWN);
}

const tpl_text *tpl_unescape(tpl_state *s, const uint8_t *p, uint64_t n)
{
    static const char names[] = "ntrabfv\\'\"", values[] = "\n\t\r\a\b\f\v\\'\"";
    tpl_build         b = {.s = s};
    for (uint64_t at = 0; at < n && !tpl_failed(s);) {
        const uint8_t *slash = memchr(p + at, '\\', n - at);
        const uint64_t to = slash != NULL ? (uint64_t)(slash - p) : n;
        tpl_add(&b, p + at, to - at, TPL_OWN);
        at = to + 1;
        if (at >= n) /* the lexer leaves no lone backslash at the end */
            break;
        const char *name = p[at] != '\0' ? strchr(names, p[at]) : NULL;
        if (name != NULL) {
            tpl_add(&b, &values[name - names], 1, TPL_OWN);
            at++;
        } else if (p[at] == '\n')
            at++;
        else if (p[at] == 'x' || p[at] == 'u' || p[at] == 'U')
            by_code(&b, p, n, &at, p[at] == 'x' ? 2 : p[at] == 'u' ? 4 : 8);
        else if (p[at] >= '0' && p[at] <= '7')
            octal(&b, p, n, &at);
        else
            tpl_add(&b, "\\", 1, TPL_OWN);
    }
    return tpl_built(&b);
}
