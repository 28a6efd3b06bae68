/* SPDX-License-Identifier: Apache-2.0 */
/* Says things to the person at the terminal: prints messages on standard error, one line each. */
#ifndef WEFT_CLI_SAY_H
#define WEFT_CLI_SAY_H

#include "cli.h"

#define CLI_LINE_BYTES 1024u /* of a line that is said, with its end */

/* Says one line, with "weft: " before it. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The text of a failure, into buf: its message, or its status where it has none; and its exit code.
 */
void    cli_error_line(const weft_error *err, char *buf, size_t cap);
int32_t cli_error_code(const weft_error *err);
/* Says the error and gives its exit code. */
int32_t cli_say_error(const weft_error *err);
/* As cli_say(), with a hint to --help after the text. Returns CLI_EXIT_USAGE. */
int32_t cli_usage(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says a message of the library's: warnings, unless -q was given, and more with -v. */
void cli_log_now(int32_t level, const char *utf8);

#endif
