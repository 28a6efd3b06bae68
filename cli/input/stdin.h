/* SPDX-License-Identifier: Apache-2.0 */
/* Reads standard input in such a way that Ctrl-C ends the wait. */
#ifndef WEFT_CLI_STDIN_H
#define WEFT_CLI_STDIN_H

#include <stdbool.h>
#include <stddef.h>

#include "weft/weft.h"

#define CLI_PROMPT_BYTES_MAX (16u << 20) /* text of one prompt or one line of tokenize */

/* Reads all of standard input, at most max bytes, for an option whose name messages tell. Returns
 * 0, and *text belongs to the caller; on failure *text is NULL, the reason was said, and the exit
 * code is returned. */
int32_t cli_read_stdin(const char *option, size_t max, char **text, size_t *bytes);
/* As read(2) on standard input, but goes on after a signal other than Ctrl-C. Returns 0 at the end,
 * and -1 on Ctrl-C or after a failure, which was said. */
ptrdiff_t cli_read_some(char *buf, size_t cap);
/* Waits until standard input has something to read or is at its end. False: Ctrl-C ended the wait.
 */
bool cli_wait_stdin(void);
/* Where path is "-", waits until standard input can be read. A terminal there is a usage error,
 * since no medium comes from it, and so is a file that is not there (NOTFOUND). Does nothing for
 * other paths. */
weft_status cli_media_ready(const char *path, weft_error *err);

#endif
