/* SPDX-License-Identifier: Apache-2.0 */
/* Operands that may be folders, walked one file at a time. */
#ifndef WEFT_CLI_FILES_H
#define WEFT_CLI_FILES_H

#include <stdbool.h>

#include "weft/weft.h"

typedef struct cli_file {
    char *path;  /* the caller frees it */
    bool  found; /* in a folder, not named by the user */
} cli_file;

typedef struct cli_files {
    cli_file *stack; /* what is still to come, the next one on top */
    size_t    n, cap;
    bool      recursive, many; /* many: several operands or a folder */
} cli_files;

weft_status cli_files_init(cli_files *f, char *const *operands, int32_t n, bool recursive,
                           weft_error *err);
void        cli_files_deinit(cli_files *f);
/* The next file; *out's path is NULL at the end. In folders: sorted by name, hidden and special
 * ones left out. A folder that cannot be read is a failure of that folder alone (its path is in the
 * message): call again. */
weft_status cli_files_next(cli_files *f, cli_file *out, weft_error *err);

#endif
