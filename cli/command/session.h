/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the engine for a command. */
#ifndef WEFT_CLI_SESSION_H
#define WEFT_CLI_SESSION_H

#include "cli.h"

/* Opens the engine with the settings of c. NULL: it could not be opened; *code is the exit code,
 * and the reason was said. */
weft_engine *cli_engine_open(cli *c, uint32_t flags, int32_t *code);
void         cli_engine_close(weft_engine **e);

#endif
