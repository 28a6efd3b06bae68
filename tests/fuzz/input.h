/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of decoder modules share: a host, an input as a source, and the decoder of
 * the module that is linked in. A target runs one input at a time. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "weft/sdk.h"

/* Counts the blocks that are out; cancels nothing. */
extern const weft_host fuzz_host;

/* The first component of the linked module, initialised on h. */
const weft_decoder *fuzz_decoder(const weft_host *h);

/* The input from now on. is_pipe: it does not know its length; chop: at most so many bytes a read
 * (0: as many as are asked for). */
weft_source fuzz_begin(const uint8_t *data, size_t n, int is_pipe, size_t chop);
/* Aborts where memory was kept. */
void fuzz_end(void);

#endif
