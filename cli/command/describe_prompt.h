/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of describe for one file, or for files that are asked about together: opening it,
 * running its prompt, and printing the record of it. */
#ifndef WEFT_CLI_DESCRIBE_PROMPT_H
#define WEFT_CLI_DESCRIBE_PROMPT_H

#include "command/answer.h"
#include "command/task.h"
#include "output/names.h"

/* The state of one run of describe: the engine, what all prompts have in common, and the results so
 * far. */
typedef struct cli_describe {
    cli              *c;
    weft_engine      *e;
    weft_prompt       prompt;               /* of every file, without its items */
    weft_item_request request;              /* of every file, without its path */
    weft_item        *audio[CLI_AUDIO_MAX]; /* the recordings of --audio, in every prompt */
    uint32_t          n_audio;
    bool              audio_timed; /* their encoding, done once, is in the summed times */
    bool              json, csv, many;
    const char       *folder;    /* of -o; NULL: standard output */
    cli_names         names;     /* of the documents in it */
    weft_scheduler   *scheduler; /* runs the answers of files that are worked on at once */
    weft_sampling     sampling;
    uint32_t          at_once;              /* such files at most */
    uint64_t          held, largest, spare; /* bytes of the items at work, of one, and for all */
    cli_tasks         at_work;
    cli_tally         tally;
    weft_generation   sum;
    double            decode_s, encode_s;
} cli_describe;

/* Opens a file as an item, and writes its preview where one is asked for. On success the caller
 * releases *out; on failure it is NULL. A preview that cannot be written is said and counted, and
 * is no failure here. */
weft_status cli_describe_open(cli_describe *j, const char *path, weft_item **out, weft_error *err);
/* Starts the prompt of n items and the recordings; then finishes its answer and adds its times to
 * the sums. */
void cli_describe_start(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n);
void cli_describe_finish(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n);
/* Adds the times of an answer that has ended to the sums. */
void cli_describe_count(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n);
/* Ends one prompt: prints its record with --json, says the failure where a->err holds one, and
 * counts it as done or failed. items NULL: the files could not be opened. */
void cli_describe_tell(cli_describe *j, cli_answer *a, char *const *paths, weft_item *const *items,
                       uint32_t n);
/* With --plan: prints the plan of an item instead of running a prompt. */
void cli_describe_plan(cli_describe *j, const char *path, const weft_item *item);

/* Every file with a prompt of its own, j->at_once of them at work at the same time at most. */
void cli_describe_each(cli_describe *j, cli_files *files);

/* Opens the recordings of --audio. False: one of them could not be opened, which was said; no
 * prompt can be run without it. */
bool cli_describe_open_audio(cli_describe *j);
void cli_describe_close_audio(cli_describe *j);

#endif
