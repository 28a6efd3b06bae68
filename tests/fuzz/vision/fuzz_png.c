/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.png. Checksums are repaired first, so that what the fuzzer
 * changes is read and not merely refused. Corpus: tests/fixtures/images. */
#include "still_fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair(uint8_t *p, size_t n)
{
    for (size_t at = 8; n - at >= 12;) {
        size_t len =
            (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
        if (len > n - at - 12)
            return;
        uLong crc = crc32(0, p + at + 4, (uInt)(len + 4));
        at += 8 + len;
        for (int i = 0; i < 4; i++)
            p[at++] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    if (size > 8)
        repair(copy, size);
    still_fuzz(copy, size);
    free(copy);
    return 0;
}
