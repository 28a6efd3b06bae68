/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a small file whole. */
#ifndef WEFT_CLI_DOCUMENT_H
#define WEFT_CLI_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

/* The file at path, or standard input for "-", at most max bytes of it. Returns 0, and *text
 * belongs to the caller; on failure *text is NULL, the reason was said, and the exit code is
 * returned. */
int32_t cli_read_document(const char *path, size_t max, char **text, size_t *bytes);

#endif
