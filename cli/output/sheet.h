/* SPDX-License-Identifier: Apache-2.0 */
/* One document: a file, which gets its name when it is complete, or standard output. */
#ifndef WEFT_CLI_SHEET_H
#define WEFT_CLI_SHEET_H

#include <stdbool.h>

#include "output/ordered.h"

typedef struct cli_sheet {
    cli_place   *place; /* where its text and messages are put; NULL: at once */
    weft_output *file;  /* NULL: standard output */
    char        *held;  /* what is not yet written to the file */
    size_t       n_held;
    weft_error   error; /* of the first write that failed, or WEFT_OK */
} cli_sheet;

/* How the opening of a document went. */
enum cli_opened { CLI_OPENED, CLI_OPEN_FAILED, CLI_OPEN_BUSY };

/* Opens a document; path NULL, "-" or a name of descriptor 1: standard output. place is borrowed
 * until the sheet is closed. Where it could not be opened, which was said, nothing stays open; BUSY
 * is not said: another process is writing it. */
enum cli_opened cli_sheet_open(cli_sheet *s, const char *path, cli_place *place);
/* Writes text to the document. The first failed write is kept in `error`, and later writes do
 * nothing. */
void cli_sheet_put(cli_sheet *s, const char *text, size_t bytes);
void cli_sheet_putf(cli_sheet *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Flushes what was written so far. False: it could not be written. */
bool cli_sheet_flush(cli_sheet *s);
/* Closes the document. With keep the file gets its name, else it is removed. Returns the exit code;
 * failures are said, except those of standard output, which cli_out_close() says. */
int32_t cli_sheet_close(cli_sheet *s, bool keep);

#endif
