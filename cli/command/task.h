/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a command is working on, and a count of what became of them. */
#ifndef WEFT_CLI_TASK_H
#define WEFT_CLI_TASK_H

#include "cli.h"
#include "input/files.h"
#include "output/ordered.h"
#include "output/progress.h"

#define CLI_ENDING_BYTES 12
#define CLI_ENDINGS_TOLD 6

/* How many of a command's files are done or failed, and the exit code that follows. */
typedef struct cli_tally {
    int32_t code; /* the exit code of the worst failure so far */
    int32_t n_done, n_failed, n_skipped;
    struct {
        char    ending[CLI_ENDING_BYTES]; /* ".txt"; empty: without one */
        int32_t n;
    } skipped[CLI_ENDINGS_TOLD]; /* those that came first */
} cli_tally;

/* Counts a file of a folder that is none of the command's, and tells it with -v. */
void cli_tally_skip(cli_tally *t, cli_place *place, const char *path, const char *why);
/* Says how many files were skipped, and of what kinds; nothing where there were none. */
void cli_tally_tell_skipped(const cli_tally *t);

/* Counts a file that failed. Its error is said in its place (ordered.h); place NULL: at once. */
void cli_tally_fail(cli_tally *t, cli_place *place, const weft_error *err, int32_t code);
/* Ends a place. Where memory ran out for what it had to hold, that is counted as a failure. */
void cli_tally_end(cli_tally *t, cli_place **place);

/* A file that a command is working on. Each command has a struct of its own that begins with this
 * one. */
typedef struct cli_task {
    struct cli_task  *next;
    cli_file          file;
    cli_place        *place;
    cli_progress_file progress;
} cli_task;

/* Allocates a zeroed struct of `size` bytes that begins with a cli_task, and adds it to the
 * progress line. It takes over the file's path and the place, also on failure. NULL: out of memory,
 * which was said and counted. */
void *cli_task_begin(cli_tally *t, size_t size, const cli_file *file, cli_place *place);
/* Ends the place, leaves the progress line and frees the task. */
void cli_task_end(cli_tally *t, cli_task *task);

/* A queue of tasks, in the order in which they were started. */
typedef struct cli_tasks {
    cli_task *first, *last;
} cli_tasks;

void cli_tasks_add(cli_tasks *q, cli_task *task);
/* Takes the oldest task out of the queue; NULL where it is empty. */
void *cli_tasks_take(cli_tasks *q);

#endif
