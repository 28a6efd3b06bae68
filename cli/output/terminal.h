/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the terminal: which of the standard streams are one, how much is to be said on
 * it, and the progress line that may stand on it. */
#ifndef WEFT_CLI_TERMINAL_H
#define WEFT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Makes descriptors 0 to 2 safe to use, even where the caller closed them, and a broken pipe an
 * error of the write. First thing in main. */
void cli_terminal_init(void);
/* How often -q and -v were given. */
void    cli_verbosity(int32_t quiet, int32_t verbose);
bool    cli_is_quiet(void);
int32_t cli_verbose(void);
bool    cli_err_is_terminal(void); /* and not -q: progress and summaries are welcome */
bool    cli_out_is_terminal(void);
bool    cli_in_is_terminal(void);

/* Text that may hold anything, for a terminal: control characters that are not in allowed, and
 * bytes that are not UTF-8, become U+FFFD. */
void cli_write_clean(FILE *to, const char *text, size_t bytes, const char *allowed);

/* The one rewritten line on standard error. Due: a terminal is there that welcomes it, and the last
 * line has stood for as long as anybody takes to read it. */
bool cli_line_due(void);
void cli_line_show(const char *text);
void cli_line_clear(void);

#endif
