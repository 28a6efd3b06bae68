/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the documents of one folder. */
#ifndef WEFT_CLI_NAMES_H
#define WEFT_CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Names that were given so far, so that none is given twice. */
typedef struct cli_names {
    char **taken;
    size_t n, cap;
} cli_names;

/* The source's name without folder and ending ("stdin" for "-"); of a second one called talk,
 * "talk-2". The list keeps it. A further call for the same source gives the next name. NULL: out of
 * memory, or too many. */
const char *cli_names_for(cli_names *names, const char *source);
/* The same name without giving it; the caller frees it. NULL: as above. */
char *cli_names_next(const cli_names *names, const char *source);
void  cli_names_deinit(cli_names *names);
/* Whether the names of two sources' documents in one folder may depend on which of them is opened
 * first. */
bool cli_may_share_name(const char *a, const char *b);

#endif
