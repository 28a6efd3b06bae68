/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to a person, on standard error: a line each. */
#ifndef WEFT_CLI_SAY_H
#define WEFT_CLI_SAY_H

#include "cli.h"

#define CLI_LINE_BYTES 1024u /* of a line that is said, with its end */

/* One line, "weft: " before it. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Text and exit code of a failure: its message, or its status where it has none. */
void    cli_error_line(const weft_error *err, char *buf, size_t cap);
int32_t cli_error_code(const weft_error *err);
/* Says the error and gives its exit code. */
int32_t cli_say_error(const weft_error *err);
/* cli_say() with the hint to --help; gives CLI_EXIT_USAGE. */
int32_t cli_usage(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* weft_log_fn: warnings unless -q, more with -v. */
void cli_log(void *ctx, int32_t level, const char *utf8);

#endif
