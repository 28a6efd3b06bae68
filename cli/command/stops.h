/* SPDX-License-Identifier: Apache-2.0 */
/* Texts at which an answer ends (--stop). They are looked for across the borders of tokens, so the
 * end of what was generated is held back while it may be the beginning of one. */
#ifndef WEFT_CLI_STOPS_H
#define WEFT_CLI_STOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_stops {
    const char *const *texts; /* borrowed; none is empty */
    int32_t            n;
    char              *held; /* owned */
    size_t             bytes, cap;
    bool               met; /* one of them came */
} cli_stops;

/* Adds generated text. Returns how many of the bytes at s->held are the answer's now, before a stop
 * text where one came; cli_stops_drop() is due with that number. SIZE_MAX: out of memory. */
size_t cli_stops_add(cli_stops *s, const char *text, size_t bytes);
void   cli_stops_drop(cli_stops *s, size_t bytes);
/* At the end of the answer: what is still held belongs to it, unless a stop text came. */
size_t cli_stops_rest(const cli_stops *s);
void   cli_stops_deinit(cli_stops *s);

#endif
