/* SPDX-License-Identifier: Apache-2.0 */
/* A command's way over its files: each is started and, later, done. */
#ifndef WEFT_CLI_WALK_H
#define WEFT_CLI_WALK_H

#include "command/task.h"

typedef struct cli_walk {
    uint32_t    at_once; /* files that may be at work at the same time, from 1 on */
    const char *nothing; /* said of the first operand where there was nothing to do */
    void       *ctx;
    /* Begins with a file, of which it takes the path, in a place that it or wait() ends. False:
     * it is done with already. */
    bool (*start)(void *ctx, const cli_file *file, cli_place *place);
    /* Goes on with the files that were started until some are done: how many, from 1 on. */
    uint32_t (*wait)(void *ctx);
} cli_walk;

/* Starts every file, in order, until there are no more, the user interrupts, standard output is
 * gone, memory is out, or, with --fail-fast, one has failed; returns when those that were started
 * are done. Where none was done and none failed, nothing is said of the first operand, and the code
 * is CLI_EXIT_MEDIA. */
void cli_walk_files(const cli_walk *w, const cli *c, cli_files *f, cli_tally *t);

#endif
