/* SPDX-License-Identifier: Apache-2.0 */
/* Reads standard input line by line. On a terminal, where the program was built with libedit, lines
 * are edited, and those before are found again with the arrow keys. */
#ifndef WEFT_CLI_LINES_H
#define WEFT_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_lines cli_lines;

enum cli_line {
    CLI_LINE_TEXT,
    CLI_LINE_LONG,        /* more than CLI_PROMPT_BYTES_MAX; said, and it was skipped */
    CLI_LINE_END,         /* of the input, or Ctrl-D */
    CLI_LINE_INTERRUPTED, /* a signal ended the wait */
    CLI_LINE_FAILED,      /* said */
};

/* One for the program, which reads all of standard input. NULL: out of memory. */
cli_lines *cli_lines_open(void);
void       cli_lines_close(cli_lines **l); /* NULL inside is fine */
/* Reads the next line. On a terminal the prompt stands before it, on standard error. *text, *bytes
 * long, is the line without its end, valid until the next call. */
enum cli_line cli_lines_next(cli_lines *l, const char *prompt, const char **text, size_t *bytes);

#endif
