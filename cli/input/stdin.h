/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, read so that Ctrl-C ends the wait. */
#ifndef WEFT_CLI_STDIN_H
#define WEFT_CLI_STDIN_H

#include <stdbool.h>
#include <stddef.h>

#include "weft/weft.h"

#define CLI_PROMPT_BYTES_MAX (16u << 20) /* text of one prompt or one line of tokenize */

/* All of standard input, at most max bytes. On failure *text is NULL and the exit code is returned,
 * the reason said; else 0 and *text belongs to the caller. */
int32_t cli_read_stdin(size_t max, char **text, size_t *bytes);
/* read(2) on standard input that goes on after a signal unless it was Ctrl-C. 0: the end; -1: said,
 * or interrupted. */
ptrdiff_t cli_read_some(char *buf, size_t cap);
/* Waits until standard input has something to read or is at its end. False: Ctrl-C. */
bool cli_wait_stdin(void);
/* Waits until path can be read, where it is "-". A terminal is no media: a usage error. */
weft_status cli_media_ready(const char *path, weft_error *err);

#endif
