/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to standard output, which gets results and nothing else. */
#ifndef WEFT_CLI_OUT_H
#define WEFT_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes text, which may come from a model or a file. On a terminal, control characters other than
 * newline and tab, and bytes that are not UTF-8, become U+FFFD; elsewhere the text is left as it
 * is. */
void cli_out(const char *text, size_t bytes);
void cli_outf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_out_flush(void);
/* Whether a write failed, so that there is no point in going on. */
bool cli_out_failed(void);
/* Closes standard output. Returns `code`, or, where the output could not be written, the worse of
 * `code` and CLI_EXIT_UNEXPECTED; that is said. A reader that has closed the pipe is no failure. */
int32_t cli_out_close(int32_t code);

#endif
