/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several files in the order in which the files were given, whichever is done first.
 *
 * Each file begins a place. The first place that has not ended writes straight through, so that its
 * text streams; what the others write and say is held, and released in order when their turn
 * comes. NULL in the place of a place writes straight through, for results that have no others
 * beside them.
 *
 *   cli_ordered  order = {0};
 *   cli_place   *a = cli_place_begin(&order), *b = cli_place_begin(&order);
 *   cli_place_put(b, "B\n", 2);    held
 *   cli_place_end(&b);             still held
 *   cli_place_put(a, "A\n", 2);    written
 *   cli_place_end(&a);             B is written
 *
 * One thread. */
#ifndef WEFT_CLI_ORDERED_H
#define WEFT_CLI_ORDERED_H

#include "weft/weft.h"

typedef struct cli_place cli_place;

typedef struct cli_ordered {
    cli_place *first, *last; /* that have not been released whole */
} cli_ordered;

/* The next place, which belongs to the order until it has ended. NULL: out of memory. */
cli_place *cli_place_begin(cli_ordered *order);
/* Text for standard output. */
void cli_place_put(cli_place *p, const char *text, size_t bytes);
/* What was put goes to the reader, if it is its turn; else when it is. */
void cli_place_flush(cli_place *p);
/* Lines for standard error, as cli_say(), cli_say_error() and a warning by cli_log() give them. */
void    cli_place_say(cli_place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
int32_t cli_place_error(cli_place *p, const weft_error *err);
void    cli_place_warn(cli_place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The place is done with, and *p NULL. CLI_EXIT_MEMORY: what it put could not be held; then nothing
 * of what was to be held is written, and that is said in its place. */
int32_t cli_place_end(cli_place **p);

#endif
