/* SPDX-License-Identifier: Apache-2.0 */
/* What a transcript is made with: a run may go on with the parts of an earlier one only where it
 * would have made the same. */
#ifndef WEFT_CLI_RESUME_H
#define WEFT_CLI_RESUME_H

#include <jansson.h>

#include "command/transcribe.h"

/* The options that the text depends on and the files of the model, for cli_journal_head(). Needs
 * the engine, which brings the model's own settings. Limits, threads and the like are left out, and
 * so are the formats, which are made from the parts. The caller releases it; NULL: out of memory.
 */
json_t *cli_resume_identity(const cli_transcribe *j);
/* Begins the recording of task, with --resume where an earlier run was ended: then the parts up to
 * text->journal.end_us are in the documents. False: it is finished already, done before or failed,
 * which is counted. */
bool cli_resume_start(cli_transcribe *j, const cli_task *task, cli_transcript *text);
/* Refuses --resume where there is no file to go on with. Returns the exit code; said. */
int32_t cli_resume_check(const cli *c);

#endif
