/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: results only. */
#ifndef WEFT_CLI_OUT_H
#define WEFT_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text may come from a model or a file: on a terminal its control characters other than newline and
 * tab, and bytes that are not UTF-8, become U+FFFD; elsewhere it is left as it is. */
void cli_out(const char *text, size_t bytes);
void cli_outf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_out_flush(void);
/* A write failed: there is no point in going on. */
bool cli_out_failed(void);
/* Closes standard output; the exit code is code unless the output could not be written. */
int32_t cli_out_close(int32_t code);

#endif
