/* SPDX-License-Identifier: Apache-2.0 */
/* Words of other programs, and what they are called here. */
#ifndef WEFT_CLI_HINTS_H
#define WEFT_CLI_HINTS_H

/* What to say to somebody who wrote the option `name` ("f", "image") at the command; NULL: nothing
 * is known of it. */
const char *cli_option_hint(const char *command, const char *name);
/* The same of a command. */
const char *cli_command_hint(const char *name);

#endif
