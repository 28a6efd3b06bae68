/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes through weft.jpeg. Corpus: tests/fixtures/images. */
#include "still_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    still_fuzz(data, size);
    return 0;
}
