/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a small file whole. */
#ifndef WEFT_CLI_DOCUMENT_H
#define WEFT_CLI_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_document {
    const char *option; /* that named it, such as "--messages"; messages tell it */
    const char *path;   /* "-": standard input */
    size_t      max;    /* bytes that it may have */
} cli_document;

/* Reads it. Returns 0, and *text belongs to the caller; on failure *text is NULL, the reason was
 * said, and the exit code is returned. */
int32_t cli_read_document(const cli_document *d, char **text, size_t *bytes);

#endif
