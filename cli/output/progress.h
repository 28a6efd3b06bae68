/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: what the engine is doing, or how far the files that are being worked on are. A
 * single file has the line to itself; several share it. One thread. */
#ifndef WEFT_CLI_PROGRESS_H
#define WEFT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* The engine's progress callback (weft_progress.fn). It shows the engine's step where at most one
 * file is worked on. With several files it shows how far these are instead, and while a single file
 * shows its time it leaves the line alone. */
void cli_progress(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);

/* A file that is being worked on. Its fields belong to progress.c. */
typedef struct cli_progress_file {
    struct cli_progress_file *next;
    int64_t                   done_us, total_us; /* of a recording; total -1: unknown */
    double                    speed;             /* times real time */
    bool                      timed;
} cli_progress_file;

/* How many files there will be, so that the line tells how many of them are done and how long the
 * rest takes. */
void cli_progress_total(uint32_t n);
/* Adds a file to the line. *f is borrowed until cli_progress_end(). */
void cli_progress_begin(cli_progress_file *f);
/* Shows that done_us of a recording's total_us (-1: unknown) are done, after elapsed_s seconds. */
void cli_progress_time(cli_progress_file *f, int64_t done_us, int64_t total_us, double elapsed_s);
/* Takes a file out of the line, and clears the line. */
void cli_progress_end(cli_progress_file *f);

#endif
