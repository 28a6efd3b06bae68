/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over a command's files. Each file is started in one step and finished in a later one, so
 * that several can be worked on at once. */
#ifndef WEFT_CLI_WALK_H
#define WEFT_CLI_WALK_H

#include "command/task.h"

typedef struct cli_walk {
    uint32_t at_once; /* how many files may be worked on at the same time, at least 1 */
    /* Whether there is memory for another file beside those at work; NULL: always. */
    bool (*room)(void *ctx);
    const char *nothing; /* said of the first operand where there was nothing to do */
    void       *ctx;
    /* Starts a file. It takes over file->path, and it or wait() ends the place. False: the file is
     * finished already. */
    bool (*start)(void *ctx, const cli_file *file, cli_place *place);
    /* Works on the files that were started until at least one is finished. Returns how many are. */
    uint32_t (*wait)(void *ctx);
} cli_walk;

/* Starts every file, in order, until there are no more, the user interrupts, standard output is
 * gone, memory is out, or, with --fail-fast, one has failed; returns when those that were started
 * are done. Where no file was done and none failed, says `nothing` of the first operand, and the
 * exit code becomes CLI_EXIT_MEDIA. */
void cli_walk_files(const cli_walk *w, const cli *c, cli_files *f, cli_tally *t);

/* What files that are worked on together may hold: half of the device's free memory, so that others
 * have some too. 0: it is not known. */
uint64_t cli_spare_memory(const cli *c);

#endif
