/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the command line's own options that are more than a text. */
#ifndef WEFT_CLI_VALUES_H
#define WEFT_CLI_VALUES_H

#include "cli.h"

/* "90", "1:30", "1:01:30.5": to microseconds. False: it is none, or over 10000
 * hours. */
bool cli_parse_time(const char *text, int64_t *us);
/* The option's time into *us, which is left as it is where the option was not
 * given. The exit code; a value that is none, or out of least..most, is said.
 */
int32_t cli_time_option(const cli *c, enum cli_own option, int64_t least, int64_t most,
                        int64_t *us);
/* Likewise a whole number from 1 on. */
int32_t cli_count_option(const cli *c, enum cli_own option, int32_t *n);
/* Which part of a clip is looked at: --frames, --start, --end. The exit code;
 * what is wrong is said. */
int32_t cli_clip_request(const cli *c, weft_item_request *rq);

#endif
