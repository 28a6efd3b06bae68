/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the chunks of an AIFF. */
#include "aiff.h"

#include <string.h>

#define CHUNKS_MAX 1000
#define TYPE_AT 18 /* in COMM: behind channels, frames, bits and the rate of 80 bits */

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void spk_aiff_read(spk_bytes *b, spk_aiff *out)
{
    uint8_t  p[12];
    uint64_t at = 12;
    memset(out, 0, sizeof *out);
    if (spk_bytes_peek(b, 0, p, 12) != 12)
        return;
    /* The pad byte of an odd last chunk is often left out, and not counted where it is there. */
    out->cut = b->n >= 0 && be32(p + 4) != UINT32_MAX && (uint64_t)b->n + 1 < be32(p + 4) + 8ull;
    if (memcmp(p + 8, "AIFC", 4) != 0)
        return;
    for (int i = 0; i < CHUNKS_MAX && spk_bytes_peek(b, at, p, 8) == 8; i++) {
        uint64_t n = be32(p + 4);
        if (memcmp(p, "COMM", 4) == 0) {
            (void)spk_bytes_peek(b, at + 8 + TYPE_AT, out->codec, 4);
            return;
        }
        at += 8 + n + (n & 1);
    }
}

int spk_aiff_codec(const spk_aiff *a)
{
    static const char read_here[][5] = {"NONE", "sowt", "twos", "raw ", "fl32", "FL32", "fl64",
                                        "FL64", "in24", "in32", "42ni", "23ni", "alaw", "ALAW",
                                        "ulaw", "ULAW", "ima4", "GSM ", "DWVW"};
    for (size_t i = 0; i < sizeof read_here / sizeof read_here[0]; i++)
        if (memcmp(a->codec, read_here[i], 4) == 0)
            return 0;
    for (int i = 0; i < 4; i++)
        if (a->codec[i] < ' ' || a->codec[i] > '~')
            return 0;
    return 1;
}
