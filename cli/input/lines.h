/* SPDX-License-Identifier: Apache-2.0 */
/* Reads standard input line by line. On a terminal, where the program was built with libedit, lines
 * are edited, and those before are found again with the arrow keys. */
#ifndef WEFT_CLI_LINES_H
#define WEFT_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_lines cli_lines;

/* What the end of a line, up to the cursor, may become: v[i] has `typed` bytes in common with it,
 * which are its first and the line's last. */
typedef struct cli_choices {
    char **v; /* [n], each owned */
    size_t n, cap, typed;
} cli_choices;
/* Finds them, for bytes of line; none where memory is out. True: the line is one in which Tab
 * completes; else it is a character like others. */
typedef bool (*cli_complete)(const char *line, size_t bytes, cli_choices *out);
void cli_choices_clear(cli_choices *c);

enum cli_line {
    CLI_LINE_TEXT,
    CLI_LINE_LONG,        /* more than CLI_PROMPT_BYTES_MAX; said, and it was skipped */
    CLI_LINE_END,         /* of the input, or Ctrl-D */
    CLI_LINE_INTERRUPTED, /* a signal ended the wait */
    CLI_LINE_FAILED,      /* said */
    CLI_LINE_NO_MEMORY,   /* said */
};

/* One for the program, which reads all of standard input. complete is for Tab, where lines are
 * edited. NULL: out of memory. */
cli_lines *cli_lines_open(cli_complete complete);
void       cli_lines_close(cli_lines **l); /* NULL inside is fine */
/* Reads the next line. On a terminal the prompt stands before it, on standard error. *text, *bytes
 * long, is the line without its end, valid until the next call. */
enum cli_line cli_lines_next(cli_lines *l, const char *prompt, const char **text, size_t *bytes);

#endif
