/* SPDX-License-Identifier: Apache-2.0 */
/* One document of a transcript: a file that appears whole under its name, or
 * standard output. */
#ifndef WEFT_CLI_SHEET_H
#define WEFT_CLI_SHEET_H

#include <stdbool.h>
#include <stdio.h>

#include "output/ordered.h"

typedef struct cli_sheet {
    cli_place *place; /* of its results and messages in their order; NULL: at once */
    FILE      *file;  /* NULL: standard output */
    char      *path;  /* of the file */
    char      *temp;  /* what is written until the end; NULL: path itself, which is no
                         plain file */
    int error;        /* errno of the first write that failed; 0: none */
} cli_sheet;

/* path NULL: standard output. place is borrowed until the sheet is closed. False: said on standard
 * error, and nothing stays open. */
bool cli_sheet_open(cli_sheet *s, const char *path, cli_place *place);
/* To the document. A failed write is kept in error and later ones do nothing.
 */
void cli_sheet_put(cli_sheet *s, const char *text, size_t bytes);
void cli_sheet_putf(cli_sheet *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What was put so far goes to the file or the reader. False: it could not be
 * written. */
bool cli_sheet_flush(cli_sheet *s);
/* keep: gives the file its name; else it is removed. The exit code; failures
 * are said, but those of standard output, which cli_out_close() says. */
int32_t cli_sheet_close(cli_sheet *s, bool keep);

/* Whether writing output would replace input ("-": standard input), a plain file under this or
 * another name. */
bool cli_is_same_file(const char *output, const char *input);

#endif
