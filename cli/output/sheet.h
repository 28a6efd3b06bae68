/* SPDX-License-Identifier: Apache-2.0 */
/* One document of a transcript. It is a file, which gets its name when it is complete, or standard
 * output. */
#ifndef WEFT_CLI_SHEET_H
#define WEFT_CLI_SHEET_H

#include <stdbool.h>
#include <stdio.h>

#include "output/ordered.h"

typedef struct cli_sheet {
    cli_place *place; /* where its text and messages are put; NULL: at once */
    FILE      *file;  /* NULL: standard output */
    char      *path;  /* of the file */
    /* The temporary file that is written until the end; NULL: path, which is no plain file, is
     * written itself. */
    char *temp;
    int   error; /* errno of the first write that failed; 0: none */
} cli_sheet;

/* Opens a document; path NULL: standard output. place is borrowed until the sheet is closed. False:
 * it could not be opened, which was said; nothing stays open. */
bool cli_sheet_open(cli_sheet *s, const char *path, cli_place *place);
/* Writes text to the document. The first failed write is kept in `error`, and later writes do
 * nothing. */
void cli_sheet_put(cli_sheet *s, const char *text, size_t bytes);
void cli_sheet_putf(cli_sheet *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Flushes what was written so far. False: it could not be written. */
bool cli_sheet_flush(cli_sheet *s);
/* Closes the document. With keep the file gets its name, else it is removed. Returns the exit code;
 * failures are said, except those of standard output, which cli_out_close() says. */
int32_t cli_sheet_close(cli_sheet *s, bool keep);

/* Whether writing output would replace input ("-": standard input), a plain file under this or
 * another name. */
bool cli_is_same_file(const char *output, const char *input);

#endif
