/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the files that a command is to work on, one at a time. Operands may be folders. */
#ifndef WEFT_CLI_FILES_H
#define WEFT_CLI_FILES_H

#include <stdbool.h>

#include "weft/weft.h"

typedef struct cli_file {
    char *path;  /* the caller frees it */
    bool  found; /* it was found in a folder, and not named by the user */
} cli_file;

typedef struct cli_files {
    cli_file *stack; /* the files and folders still to come, the next one on top */
    size_t    n, cap;
    bool      recursive, many; /* many: several operands or a folder */
} cli_files;

weft_status cli_files_init(cli_files *f, char *const *operands, int32_t n, bool recursive,
                           weft_error *err);
void        cli_files_deinit(cli_files *f);
/* Sets *out to the next file; its path is NULL at the end. The files of a folder come sorted by
 * name, and hidden and special files are left out. A folder that cannot be read is a failure of
 * that folder alone, whose path is in the message: the next call goes on. */
weft_status cli_files_next(cli_files *f, cli_file *out, weft_error *err);

/* How many files cli_files_next() would give; what cannot be read counts as none. */
uint32_t cli_files_count(char *const *operands, int32_t n, bool recursive);

#endif
