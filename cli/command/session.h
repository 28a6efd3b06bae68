/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of a run. */
#ifndef WEFT_CLI_SESSION_H
#define WEFT_CLI_SESSION_H

#include "cli.h"

/* NULL: *code is the exit code and the reason was said. */
weft_engine *cli_engine_open(cli *c, uint32_t flags, int32_t *code);
void         cli_engine_close(weft_engine **e);

#endif
