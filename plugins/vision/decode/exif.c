/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for the orientation tag in the first TIFF directory, with every offset checked. */
#include "exif.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112u
#define TYPE_SHORT 3u
#define TYPE_LONG 4u
#define ENTRY_BYTES 12u
#define PREFIX_BYTES 6u /* "Exif" and two zeros */

/* Reads two bytes, which the caller has checked to be there. */
static uint32_t get16(const uint8_t *p, int big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t get32(const uint8_t *p, int big)
{
    uint32_t a = get16(p, big), b = get16(p + 2, big);
    return big ? a << 16 | b : b << 16 | a;
}

/* The value of a directory entry, if it is an orientation; 0 otherwise. */
static uint32_t entry_orientation(const uint8_t *e, int big)
{
    uint32_t type = get16(e + 2, big);
    if (get16(e, big) != TAG_ORIENTATION || get32(e + 4, big) != 1)
        return 0;
    if (type != TYPE_SHORT && type != TYPE_LONG)
        return 0;
    uint32_t v = type == TYPE_SHORT ? get16(e + 8, big) : get32(e + 8, big);
    return v <= 8 ? v : 0;
}

int32_t vis_exif_orientation(const uint8_t *p, uint64_t n)
{
    while (n >= PREFIX_BYTES && memcmp(p, "Exif\0", PREFIX_BYTES) == 0) {
        p += PREFIX_BYTES;
        n -= PREFIX_BYTES;
    }
    if (n < 8 || p[0] != p[1] || (p[0] != 'I' && p[0] != 'M'))
        return 0;
    int      big = p[0] == 'M';
    uint64_t at = get32(p + 4, big);
    if (get16(p + 2, big) != 42 || at > n - 2 || at < 8)
        return 0;
    uint32_t count = get16(p + at, big), found = 0;
    at += 2;
    for (uint32_t i = 0; i < count && n - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        uint32_t v = entry_orientation(p + at, big);
        found = v != 0 ? v : found;
    }
    return (int32_t)found;
}

int32_t vis_xmp_orientation(const uint8_t *p, uint64_t n)
{
    static const char name[] = "tiff:Orientation";
    const uint64_t    m = sizeof name - 1;
    for (uint64_t i = 0; i + m + 3 <= n; i++) {
        const uint8_t *q = p + i + m;
        if (p[i] != 't' || memcmp(p + i, name, m) != 0)
            continue;
        uint8_t digit = q[0] == '>' ? q[1] : q[0] == '=' && q[1] == '"' ? q[2] : 0;
        if (digit >= '0' && digit <= '9')
            return digit >= '1' && digit <= '8' ? digit - '0' : 0;
    }
    return 0;
}
