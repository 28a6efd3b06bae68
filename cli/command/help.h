/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the help. */
#ifndef WEFT_CLI_HELP_H
#define WEFT_CLI_HELP_H

#include "cli.h"

/* Prints the help of a command; for the one without a name, a short list of all commands. */
void cli_help(const cli *c, const cli_command *command);

#endif
