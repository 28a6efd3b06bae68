/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what is known of engines and items as text for a person. */
#ifndef WEFT_CLI_SHOW_H
#define WEFT_CLI_SHOW_H

#include "weft/weft.h"

/* Writes a number of bytes to buf as "12.5 MiB", and returns buf. */
const char *cli_bytes(uint64_t bytes, char *buf, size_t cap);
/* Prints the model, its shape, its parameters and its memory. Returns the exit code. */
int32_t cli_show_engine(const weft_engine *e);
/* Prints what a GGUF file is stored in, and what weft holds that as. Returns the exit code. */
int32_t cli_show_stored(const weft_engine *e);
/* Print the hook sites, and the markers: the tokens at which items stand in the text. */
void cli_show_sites(const weft_engine *e);
void cli_show_markers(const weft_engine *e);
void cli_show_item(const char *path, const weft_item *item);

#endif
