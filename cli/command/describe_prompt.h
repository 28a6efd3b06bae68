/* SPDX-License-Identifier: Apache-2.0 */
/* What describe makes of an opened file: a prompt, its answer, and the line that tells it. */
#ifndef WEFT_CLI_DESCRIBE_PROMPT_H
#define WEFT_CLI_DESCRIBE_PROMPT_H

#include "command/answer.h"
#include "command/task.h"

/* The state of one describe: the engine, what every prompt has, and what came of it. */
typedef struct cli_describe {
    cli              *c;
    weft_engine      *e;
    weft_prompt       prompt;               /* without items */
    weft_item_request request;              /* of a FILE, without its path */
    weft_item        *audio[CLI_AUDIO_MAX]; /* in every prompt, behind its files */
    uint32_t          n_audio;
    bool              audio_timed; /* their times are in a sum: they are encoded once */
    bool              json, many;
    cli_tasks         at_work;
    cli_tally         tally;
    weft_generation   sum;
    double            decode_s, encode_s;
} cli_describe;

/* Of a FILE. On success the caller releases *out; on failure it is NULL. Writes the preview too,
 * whose failure is said and counted. */
weft_status cli_describe_open(cli_describe *j, const char *path, weft_item **out, weft_error *err);
/* The prompt of n items and the recordings, begun; then its answer, with its times added up. */
void cli_describe_start(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n);
void cli_describe_finish(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n);
/* With --json the record, and the failure if a->err is one; counted. items NULL: they could not be
 * opened. */
void cli_describe_tell(cli_describe *j, cli_answer *a, char *const *paths, weft_item *const *items,
                       uint32_t n);
/* In place of a prompt, the plan of an item, at once: it is done with where it is started. */
void cli_describe_plan(cli_describe *j, const char *path, const weft_item *item);

/* The recordings of --audio. False: said; without one of them there is nothing to ask. */
bool cli_describe_open_audio(cli_describe *j);
void cli_describe_close_audio(cli_describe *j);

#endif
