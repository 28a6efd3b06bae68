/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command that the words of the command line name. */
#ifndef WEFT_CLI_COMMAND_NAME_H
#define WEFT_CLI_COMMAND_NAME_H

#include "cli.h"

/* The command of the table that argv names, and how many words its name took. NULL: said on
 * standard error. The table ends with a row without a name. */
const cli_command *cli_command_find(const cli_command *commands, int argc, char **argv, int *words);

#endif
