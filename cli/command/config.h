/* SPDX-License-Identifier: Apache-2.0 */
/* Options that are given instead of a command: --print-config and --list-devices. */
#ifndef WEFT_CLI_CONFIG_H
#define WEFT_CLI_CONFIG_H

#include "cli.h"

void    cli_print_config(cli *c);
int32_t cli_list_devices(const cli *c); /* devices.c; an exit code */

#endif
