/* SPDX-License-Identifier: Apache-2.0 */
/* What a model can do and what it would take to run it here, for model inspect. */
#ifndef WEFT_CLI_ABILITIES_H
#define WEFT_CLI_ABILITIES_H

#include <jansson.h>

#include "cli.h"

#define CLI_ABILITIES 5 /* text, chat, pictures, recordings, clips */
#define CLI_FORMATS_MAX 16

typedef struct cli_ability {
    const char *name;   /* "pictures" */
    const char *plugin; /* that takes them; NULL: none, or it is no medium. Lives as the engine */
    weft_error  why;    /* not able: one sentence; else OK */
} cli_ability;

/* The memory that all of it takes with --quantize `format`. */
typedef struct cli_format_bytes {
    char     format[16];
    uint64_t weights, total;
} cli_format_bytes;

typedef struct cli_abilities {
    cli_ability      can[CLI_ABILITIES];
    cli_format_bytes formats[CLI_FORMATS_MAX];
    uint32_t         n_formats;
    weft_error       weights;                        /* why they cannot be loaded, or OK */
    uint64_t         needs, free_bytes, total_bytes; /* free and total 0: not known */
} cli_abilities;

/* What each --quantize of the library takes; before the engine is opened, since a further one is
 * opened for each, without weights and without a word. */
void cli_abilities_formats(cli_abilities *a, cli *c);
/* The rest, of an engine without weights. */
void cli_abilities_ask(cli_abilities *a, const cli *c, weft_engine *e);
void cli_abilities_show(const cli_abilities *a);
/* Adds "can", "memory_by_format" and "runs_here" to v. False: out of memory. */
bool cli_abilities_json(const cli_abilities *a, json_t *v);
/* Whether text can be made here; else *why is a sentence. */
bool cli_abilities_runs(const cli_abilities *a, char *why, size_t cap);

#endif
