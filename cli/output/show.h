/* SPDX-License-Identifier: Apache-2.0 */
/* Engines and items as text for a person. */
#ifndef WEFT_CLI_SHOW_H
#define WEFT_CLI_SHOW_H

#include "weft/weft.h"

/* "12.5 MiB", into buf. */
const char *cli_bytes(uint64_t bytes, char *buf, size_t cap);
/* Model, shape, parameters and memory. The exit code. */
int32_t cli_show_engine(const weft_engine *e);
/* Hook sites; and the tokens at which items stand in the text. */
void cli_show_sites(const weft_engine *e);
void cli_show_markers(const weft_engine *e);
void cli_show_item(const char *path, const weft_item *item);

#endif
