/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: what the engine is at, or how far the files are that are at work. One file at
 * work has the line to itself; several share it. One thread. */
#ifndef WEFT_CLI_PROGRESS_H
#define WEFT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* weft_progress.fn. Where several files are at work, or one of them tells its time, the line is
 * theirs. */
void cli_progress(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);

/* A file at work. Its fields belong to progress.c. */
typedef struct cli_progress_file {
    struct cli_progress_file *next;
    int64_t                   done_us, total_us; /* of a recording; total -1: unknown */
    double                    speed;             /* times real time */
    bool                      timed;
} cli_progress_file;

/* *f is borrowed until cli_progress_end(). */
void cli_progress_begin(cli_progress_file *f);
/* Of a recording done_us of total_us (-1: unknown) are done, after elapsed_s. */
void cli_progress_time(cli_progress_file *f, int64_t done_us, int64_t total_us, double elapsed_s);
/* Clears the line. */
void cli_progress_end(cli_progress_file *f);

#endif
