/* SPDX-License-Identifier: Apache-2.0 */
/* Operands that may be folders, walked one file at a time. */
#ifndef WEFT_CLI_FILES_H
#define WEFT_CLI_FILES_H

#include "cli.h"

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

/* What became of a command's files. */
typedef struct cli_tally {
    int32_t code; /* the worst so far */
    int32_t n_done, n_failed;
} cli_tally;

/* One that failed: err is said. */
void cli_tally_fail(cli_tally *t, const weft_error *err, int32_t code);
/* Gives every file to one(), in order, until there are no more, the user interrupts, standard
 * output is gone, memory is out, or, with --fail-fast, one has failed. Where none was done and none
 * failed, nothing is said of the first operand, and the code is CLI_EXIT_MEDIA. */
void cli_files_each(cli_files *f, const cli *c, cli_tally *t, const char *nothing,
                    void (*one)(void *ctx, const cli_file *file), void *ctx);

/* Whether writing output would replace input ("-": standard input), a plain file under this or
 * another name. */
bool cli_is_same_file(const char *output, const char *input);

/* Waits until path can be read, where it is "-". A terminal is no media: a usage error. */
weft_status cli_media_ready(const char *path, weft_error *err);

#endif
