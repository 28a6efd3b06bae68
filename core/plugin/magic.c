/* SPDX-License-Identifier: Apache-2.0 */
/* The magic= and kinds= lines of a manifest: for which files a plugin's decoders may be. */
#include <string.h>

#include "core/plugin/manifest.h"

#define OFFSET_MAX 65535 /* a probe sees no more of a file */

/* The value of a hexadecimal digit, 16 for the '.' that stands for any; -1: neither. */
static int digit_of(char c)
{
    const char *digits = "0123456789abcdef.", *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* The offset of "OFFSET:HEX", with *hex at the digits. -1: it is not of that form. */
static int64_t magic_offset(const char *text, const char **hex)
{
    const char *p = text;
    int64_t     offset = 0;
    for (; *p >= '0' && *p <= '9' && offset <= OFFSET_MAX; p++)
        offset = offset * 10 + (*p - '0');
    if (p == text || offset > OFFSET_MAX || *p != ':')
        return -1;
    *hex = p + 1;
    return offset;
}

bool wf_magic_ok(const char *text)
{
    const char *hex = NULL;
    size_t      n = 0;
    if (magic_offset(text, &hex) < 0)
        return false;
    while (digit_of(hex[n]) >= 0)
        n++;
    return hex[n] == '\0' && n > 0 && n % 2 == 0;
}

static bool magic_fits(const char *text, const uint8_t *head, uint64_t n)
{
    const char *hex = NULL;
    int64_t     at = magic_offset(text, &hex);
    for (; at >= 0 && *hex != '\0'; hex += 2, at++) {
        int high = digit_of(hex[0]), low = digit_of(hex[1]);
        if ((uint64_t)at >= n || (high < 16 && high != head[at] >> 4) ||
            (low < 16 && low != (head[at] & 15)))
            return false;
    }
    return at >= 0;
}

bool wf_manifest_may_decode(const wf_manifest *m, const uint8_t *head, uint64_t n, const char *kind)
{
    bool fits = m->n_magic == 0, gives = m->n_kinds == 0 || kind == NULL;
    for (uint32_t i = 0; i < m->n_kinds && !gives; i++)
        gives = strcmp(m->kinds[i], kind) == 0;
    for (uint32_t i = 0; i < m->n_magic && !fits; i++)
        fits = magic_fits(m->magic[i], head, n);
    return fits && gives;
}
