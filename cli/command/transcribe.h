/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one `weft transcribe`, which transcribe.c fills from the options and
 * transcribe_files.c works with. */
#ifndef WEFT_CLI_TRANSCRIBE_H
#define WEFT_CLI_TRANSCRIBE_H

#include "command/task.h"
#include "output/transcript.h"

typedef struct cli_transcribe {
    cli              *c;
    weft_engine      *e;       /* open while files are worked on */
    weft_long_request request; /* of every recording, without path and callbacks */
    weft_sampling     sampling;
    cli_outputs       out;
    weft_scheduler   *scheduler;
    uint32_t          at_once; /* recordings that are worked on at the same time at most */
    uint32_t          n_early; /* finished before anybody waited for them */
    cli_tasks         at_work;
    cli_tally         tally;
} cli_transcribe;

/* Opens the engine, transcribes every recording of the operands and closes the engine. Needs c,
 * request, sampling, at_once, and task and language of out; all else is zero. Returns the exit
 * code; failures are said. */
int32_t cli_transcribe_files(cli_transcribe *j);

#endif
