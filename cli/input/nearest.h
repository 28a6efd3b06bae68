/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known name that a misspelt word is closest to. */
#ifndef WEFT_CLI_NEAREST_H
#define WEFT_CLI_NEAREST_H

#include <stdint.h>

/* The name nearest to word, or NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names, uint32_t n);

#endif
