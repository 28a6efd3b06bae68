/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the words of the command line. */
#ifndef WEFT_CLI_ARGS_H
#define WEFT_CLI_ARGS_H

#include "cli.h"

/* Reads the words after the command into *c and its settings. False: said on standard error, and
 * the exit code is in *code. */
bool cli_parse(cli *c, int argc, char **argv, int32_t *code);

#endif
