/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several files in the order in which the files were given, whichever is done first.
 *
 * Each file has a place in that order. What is put into the first place that has not ended is
 * written at once, so that its text appears while it is made. What is put into later places,
 * results and messages, is held back until their turn comes. Functions that take a place accept
 * NULL, and then write at once: that is for results that stand alone.
 *
 *   cli_ordered  order = {0};
 *   cli_place   *a = cli_place_begin(&order, "a"), *b = cli_place_begin(&order, "b");
 *   cli_place_put(b, "B\n", 2);    held
 *   cli_place_end(&b);             still held
 *   cli_place_put(a, "A\n", 2);    written
 *   cli_place_end(&a);             B is written
 *
 * The library's warnings (cli_log) go to the place of the file that they are about. One thread uses
 * the functions; cli_log() may be called by any. */
#ifndef WEFT_CLI_ORDERED_H
#define WEFT_CLI_ORDERED_H

#include "weft/weft.h"

typedef struct cli_place cli_place;

typedef struct cli_ordered {
    cli_place *first, *last; /* that have not been released whole */
    cli_place *starting;     /* NULL: none */
} cli_ordered;

/* Begins the next place, that of file (copied; NULL: of none). It belongs to the order until it is
 * ended. NULL: out of memory. */
cli_place *cli_place_begin(cli_ordered *order, const char *file);
/* Text for standard output. */
void cli_place_put(cli_place *p, const char *text, size_t bytes);
/* A path as a field of a line: control characters and \ are escaped as in C, so that a newline in a
 * name does not end the line. */
void cli_place_path(cli_place *p, const char *path);
/* Flushes what was put to standard output, now if it is the place's turn, else when its turn comes.
 */
void cli_place_flush(cli_place *p);
/* Results of p that have not been written, because it is not its turn yet, never will be: an answer
 * that was cut short must not pass for one. Messages stay. */
void cli_place_drop(cli_place *p);
/* Lines for standard error, as cli_say(), cli_say_error() and a warning by cli_log_now() give them.
 */
void    cli_place_say(cli_place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
int32_t cli_place_error(cli_place *p, const weft_error *err);
void    cli_place_warn(cli_place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Ends a place and sets *p to NULL. Returns CLI_EXIT_MEMORY where there was no memory to hold what
 * was put; then nothing of it is written, and a message says so in its place. Else returns 0. */
int32_t cli_place_end(cli_place **p);

/* From now on warnings are put to the places of this order; NULL: they are said at once. */
void cli_ordered_listen(cli_ordered *order);
/* The file of p is being started: warnings that name no file are about it; NULL: none is. */
void cli_ordered_starting(cli_ordered *order, cli_place *p);
/* The library's log callback (weft_log_fn). A warning is said when it is its file's turn, all else
 * at once. Any thread. */
void cli_log(void *ctx, int32_t level, const char *utf8);

#endif
