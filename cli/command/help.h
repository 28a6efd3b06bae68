/* SPDX-License-Identifier: Apache-2.0 */
/* --help. */
#ifndef WEFT_CLI_HELP_H
#define WEFT_CLI_HELP_H

#include "cli.h"

/* Of one command of c, or of all in short for one without a name. */
void cli_help(const cli *c, const cli_command *command);

#endif
