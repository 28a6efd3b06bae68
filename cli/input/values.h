/* SPDX-License-Identifier: Apache-2.0 */
/* Reads values of the command line's own options that are more than plain text. */
#ifndef WEFT_CLI_VALUES_H
#define WEFT_CLI_VALUES_H

#include "cli.h"

/* Reads a time such as "90", "1:30" or "1:01:30.5" as microseconds. False: it is no time, or over
 * 10000 hours. */
bool cli_parse_time(const char *text, int64_t *us);
/* Sets *us to the time that the option gives, or leaves it where the option was not given. Returns
 * the exit code; a value that is no time, or not in least..most, is said. */
int32_t cli_time_option(const cli *c, enum cli_own option, int64_t least, int64_t most,
                        int64_t *us);
/* The same for a whole number of at least 1. */
int32_t cli_count_option(const cli *c, enum cli_own option, int32_t *n);
/* How many files are worked on at once: --parallel, or the default; 1 with --fail-fast, which
 * promises that nothing comes after a failure, and with standard input, which would make the others
 * wait. Returns the exit code; what is wrong is said. */
int32_t cli_parallel_option(const cli *c, uint32_t *n);
/* Fills the request from --frames, --start and --end, which say what part of a clip is used.
 * Returns the exit code; what is wrong is said. */
int32_t cli_clip_request(const cli *c, weft_item_request *rq);

#endif
