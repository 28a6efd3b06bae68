/* SPDX-License-Identifier: Apache-2.0 */
/* The exit codes, which are those of weft_exit_code(), by name. */
#ifndef WEFT_CLI_EXIT_H
#define WEFT_CLI_EXIT_H

#include "weft/weft.h"

#define CLI_EXIT_OK 0
#define CLI_EXIT_UNEXPECTED 1
#define CLI_EXIT_USAGE 2
#define CLI_EXIT_MEDIA 3
#define CLI_EXIT_MODEL 4
#define CLI_EXIT_PLUGIN 5
#define CLI_EXIT_MEMORY 6
#define CLI_EXIT_LIMIT 7
#define CLI_EXIT_CHECK 9
#define CLI_EXIT_INTERRUPTED 130

/* An empty error, ready to be passed to a function that may fail. */
#define CLI_ERROR_INIT                                                                             \
    {                                                                                              \
        WEFT_HDR(weft_error), WEFT_OK, WEFT_STAGE_NONE, ""                                         \
    }

/* The exit code for two failures: the one that comes first in 130, 1, 6, 5, 4, 8, 7, 3, 9, and the
 * rest. */
int32_t cli_worse(int32_t a, int32_t b);

#endif
