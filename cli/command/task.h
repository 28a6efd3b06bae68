/* SPDX-License-Identifier: Apache-2.0 */
/* A file that a command is at work on, and what became of all of them. */
#ifndef WEFT_CLI_TASK_H
#define WEFT_CLI_TASK_H

#include "cli.h"
#include "input/files.h"
#include "output/ordered.h"
#include "output/progress.h"

/* What became of a command's files. */
typedef struct cli_tally {
    int32_t code; /* the worst so far */
    int32_t n_done, n_failed;
} cli_tally;

/* One that failed: err is said in its place (NULL: at once). */
void cli_tally_fail(cli_tally *t, cli_place *place, const weft_error *err, int32_t code);
/* The place ends; the tally hears of what could not be held in it. */
void cli_tally_end(cli_tally *t, cli_place **place);

/* The first member of what a command knows of a file at work. */
typedef struct cli_task {
    struct cli_task  *next;
    cli_file          file;
    cli_place        *place;
    cli_progress_file progress;
} cli_task;

/* Zeroed bytes of the given size that begin with a task, in the progress line from now on. It takes
 * the file's path and the place, also on failure. NULL: out of memory, which was said and counted.
 */
void *cli_task_begin(cli_tally *t, size_t size, const cli_file *file, cli_place *place);
/* Ends the place, leaves the progress line and frees the task. */
void cli_task_end(cli_tally *t, cli_task *task);

/* Tasks by the order in which they were started. */
typedef struct cli_tasks {
    cli_task *first, *last;
} cli_tasks;

void cli_tasks_add(cli_tasks *q, cli_task *task);
/* The oldest, or NULL. */
void *cli_tasks_take(cli_tasks *q);

#endif
