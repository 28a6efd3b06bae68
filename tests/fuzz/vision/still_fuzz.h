/* SPDX-License-Identifier: Apache-2.0 */
/* One input through a still picture's decoder: probe, open, info, read, close, under a small
 * limit. */
#ifndef STILL_FUZZ_H
#define STILL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The size decides how the bytes arrive (short reads, a pipe without length), so that one corpus
 * covers all ways. Aborts where the decoder breaks its contract. */
void still_fuzz(const uint8_t *data, size_t size);

#endif
