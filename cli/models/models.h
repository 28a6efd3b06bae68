/* SPDX-License-Identifier: Apache-2.0 */
/* The released models that weft runs: one table, for `weft model list` and docs/MODELS.md. */
#ifndef WEFT_CLI_MODELS_H
#define WEFT_CLI_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

/* How it is known that weft gives the model's own numbers. */
typedef enum cli_proof {
    CLI_PROOF_RANDOM, /* against the reference's code on small models of random weights */
    CLI_PROOF_RUN     /* against the reference on the released weights */
} cli_proof;

/* What a family's plugin makes of it. Releases of one family share the sentences. */
typedef struct cli_family {
    const char *name;   /* "Llama 3.2 Vision" */
    const char *plugin; /* "weft.vision"; NULL: the text core alone */
    const char *takes;  /* "text, pictures" */
    const char *about;  /* one sentence */
    cli_proof   proof;
} cli_family;

/* A directory that can be fetched. Parameters are exact: they were counted on the reference's own
 * classes, or from the files' sizes. */
typedef struct cli_release {
    const cli_family *family;
    const char       *name;       /* "Llama 3.1 8B Instruct" */
    const char       *repository; /* of the weights, "OWNER/NAME" */
    const char       *core;       /* the text model that it needs beside it; NULL: it has its own */
    uint64_t          text;       /* parameters of the text core and its cross-attention layers */
    uint64_t          tables;     /* of these, embedding and head */
    uint64_t          encoders;   /* of encoders and projectors */
    int32_t           context;    /* tokens */
    bool              gated;      /* the licence must be accepted before it can be fetched */
    const char       *licence;
    const char       *use; /* a command that runs it */
} cli_release;

extern const cli_release cli_releases[]; /* ends with a row without a name */

typedef enum cli_weights { CLI_WEIGHTS_BF16, CLI_WEIGHTS_Q8, CLI_WEIGHTS_Q4 } cli_weights;

/* Bytes of all weights in memory where the text core has this format and encoders stay bf16; K and
 * V, and what a run takes beside them, are not counted (`weft model inspect` counts them). */
uint64_t cli_release_bytes(const cli_release *r, cli_weights format);
#define CLI_RELEASES_ALIKE 8 /* the table has no more releases of the same numbers */

/* What an engine tells of its model. */
typedef struct cli_numbers {
    uint64_t text, encoders; /* parameters, as of a release */
    int32_t  context;        /* positions that the model was made for */
    bool     clips;          /* whether it takes them */
} cli_numbers;

/* Writes the releases with these numbers to out, which has room for CLI_RELEASES_ALIKE, and returns
 * how many there are. Base models have the numbers of their Instruct models, and the table lists
 * the latter. */
size_t cli_releases_of(const cli_numbers *of, const cli_release **out);
/* The folder that the fetch line makes: the repository's name without its owner. */
const char *cli_release_folder(const cli_release *r);

/* Print the table: for people, as one JSON array, as docs/MODELS.md. */
void cli_models_text(void);
bool cli_models_json(void);
void cli_models_markdown(void);

#endif
