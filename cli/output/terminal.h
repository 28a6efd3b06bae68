/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: which of the standard streams are one, how much is to be printed on it, and the
 * progress line. */
#ifndef WEFT_CLI_TERMINAL_H
#define WEFT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* To be called first in main. Makes descriptors 0 to 2 safe to use even where the caller closed
 * them, and makes a broken pipe a failure of the write and not a signal. */
void cli_terminal_init(void);
/* Tells how often -q and -v were given. */
void    cli_verbosity(int32_t quiet, int32_t verbose);
bool    cli_is_quiet(void);
int32_t cli_verbose(void);
bool    cli_err_is_terminal(void); /* false also with -q: no progress and no summaries then */
bool    cli_err_can_edit(void);    /* it is a terminal, also with -q, whose cursor can be moved */
bool    cli_out_is_terminal(void);
bool    cli_in_is_terminal(void);

/* Writes text that may hold anything so that a terminal is safe from it: control characters that
 * are not in `allowed`, and bytes that are not UTF-8, become U+FFFD. */
void cli_write_clean(FILE *to, const char *text, size_t bytes, const char *allowed);

/* The progress line is one line on standard error that is written over again and again. It is due
 * where standard error is a terminal, -q was not given, and the line has not just been written. */
bool cli_line_due(void);
void cli_line_show(const char *text);
void cli_line_clear(void);

#endif
