/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output. Values that could not be made are NULL, and so is what they are packed into, so one
 * check at the print sees every failed allocation. */
#ifndef WEFT_CLI_JSON_H
#define WEFT_CLI_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "output/ordered.h"

/* Text with bytes that are not UTF-8 as U+FFFD; JSON null for NULL. */
json_t *cli_json_text(const char *text, size_t bytes);
json_t *cli_json_string(const char *text);
/* A number; JSON null where it is not finite. */
json_t *cli_json_real(double v);
/* Prints *v on one line in the place (NULL: at once) and takes it. False: out of memory, which was
 * said. */
bool cli_json_print(cli_place *place, json_t *v);

/* What `model inspect` and --plan say of an engine; and {id: version} of its loaded plugins. */
json_t *cli_json_engine(const weft_engine *e);
json_t *cli_json_plugins(const weft_engine *e);
/* {code, status, message}; JSON null where there is no error. */
json_t *cli_json_error(const weft_error *err);
json_t *cli_json_item(const weft_item *item);
/* Frames that are taken of a clip; 0: it is none. */
int64_t cli_item_frames(const weft_item *item);
/* Their times in seconds, once they were decoded; JSON null where there are none. */
json_t *cli_json_times(const weft_item *item);

#endif
