/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as a file names others beside it. */
#ifndef WEFT_CLI_RELATIVE_H
#define WEFT_CLI_RELATIVE_H

/* How a document at `document` names the file at `path`: from the document's folder on, links
 * followed. A file that is not there keeps its path. The caller frees it; NULL: out of memory. */
char *cli_relative(const char *document, const char *path);
/* The reverse: where the file `name` of the document is. The caller frees it; NULL: out of memory.
 */
char *cli_beside(const char *document, const char *name);

#endif
