/* SPDX-License-Identifier: Apache-2.0 */
/* The options that belong to the command line alone: one table, from which parsing, --help and
 * docs/CLI.md are made. */
#ifndef WEFT_CLI_OPTIONS_H
#define WEFT_CLI_OPTIONS_H

#include <stdbool.h>

#include "weft/weft.h"

/* The indices of cli_own_options. Each is also the number of a bit in cli_command.own. */
enum cli_own {
    OWN_HELP,
    OWN_VERSION,
    OWN_LIST_DEVICES,
    OWN_PRINT_CONFIG,
    OWN_CONFIG,
    OWN_SET,
    OWN_QUIET,
    OWN_VERBOSE,
    OWN_JSON,
    OWN_PLAN,
    OWN_CHAT,
    OWN_RAW,
    OWN_TOGETHER,
    OWN_RECURSIVE,
    OWN_FAIL_FAST,
    OWN_OUTPUT,
    OWN_DECODE,
    OWN_TOKENIZER,
    OWN_PARITY,
    OWN_DUMP,
    OWN_ALL,
    OWN_FORMAT,
    OWN_LANGUAGE,
    OWN_TASK,
    OWN_MAX_SEGMENT,
    OWN_AUDIO,
    OWN_FRAMES,
    OWN_START,
    OWN_END,
    OWN_PREVIEW,
    OWN_PARALLEL,
    OWN_ROWS,
    OWN_SHAPE,
    OWN_REPEAT,
    OWN_QUICK,
    OWN_LIMITS,
    OWN_OP,
    OWN_STOP,
    OWN_MAX_LINE,
    OWN_MAX_LINES,
    OWN_SKIP_EXISTING,
    OWN_APPEND,
    OWN_CSV,
    OWN_MESSAGES,
    OWN_TOOLS,
    OWN_DATE,
    OWN_MARKDOWN,
    OWN_RESUME,
    OWN_CALIBRATE,
    OWN_COUNT
};
#define OWN_BIT(o) (UINT64_C(1) << (o))
/* The options that every command takes. */
#define OWN_COMMON                                                                                 \
    (OWN_BIT(OWN_HELP) | OWN_BIT(OWN_PRINT_CONFIG) | OWN_BIT(OWN_CONFIG) | OWN_BIT(OWN_SET) |      \
     OWN_BIT(OWN_QUIET) | OWN_BIT(OWN_VERBOSE))

extern const weft_option_info cli_own_options[OWN_COUNT];

/* Writes the option's long name to buf, "--max-pixels" for the key "max_pixels", and returns buf.
 */
const char *cli_option_name(const weft_option_info *o, char *buf, size_t cap);

#endif
