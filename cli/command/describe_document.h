/* SPDX-License-Identifier: Apache-2.0 */
/* describe -o DIR: a document NAME.txt for each file. */
#ifndef WEFT_CLI_DESCRIBE_DOCUMENT_H
#define WEFT_CLI_DESCRIBE_DOCUMENT_H

#include "command/describe_prompt.h"

/* Checks -o and what goes with it, and sets j->folder where documents are written, which is made.
 * Returns the exit code; what is wrong is said. */
int32_t cli_document_init(cli_describe *j);
/* The path of the source's document, which the caller frees. NULL: out of memory, with err. */
char *cli_document_path(cli_describe *j, const char *source, weft_error *err);
bool  cli_document_exists(const char *path);
/* Writes the answer's text, kept in it, as the document at *path, whole or not at all; under the
 * next free name, which is then in *path, where another run has written that one. Returns the exit
 * code; failures are said in the answer's place. */
int32_t cli_document_write(cli_describe *j, const char *source, char **path, const cli_answer *a);

#endif
