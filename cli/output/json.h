/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and prints JSON. A value that could not be allocated is NULL, and so is every value that it
 * is packed into. So one check, when the whole is printed, finds every failed allocation. */
#ifndef WEFT_CLI_JSON_H
#define WEFT_CLI_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "output/ordered.h"

bool cli_is_utf8(const char *text, size_t bytes);
/* A string; bytes that are not UTF-8 become U+FFFD. JSON null for NULL. */
json_t *cli_json_text(const char *text, size_t bytes);
json_t *cli_json_string(const char *text);
/* A number; JSON null where it is not finite. */
json_t *cli_json_real(double v);
/* Prints *v on one line in the place (NULL: at once) and releases it. False: out of memory, which
 * was said. */
bool cli_json_print(cli_place *place, json_t *v);

/* Types that the model's file has, as a list; empty where that is no GGUF file. *out is NULL on
 * failure, and where there is no memory for it. */
weft_status cli_json_stored(const weft_engine *e, json_t **out, weft_error *err);
/* What `model inspect` and --plan print of an engine; and its loaded plugins as {id: version}. */
json_t *cli_json_engine(const weft_engine *e);
json_t *cli_json_plugins(const weft_engine *e);
/* The level of each family of ops, as {family: isa}; empty where the device is no CPU. */
json_t *cli_json_levels(const weft_engine *e);
/* An error as {code, status, message}; JSON null where there is none. */
json_t *cli_json_error(const weft_error *err);
json_t *cli_json_item(const weft_item *item);
/* How many frames are taken of a clip; 0 where the item is no clip. */
int64_t cli_item_frames(const weft_item *item);
/* Their times in seconds, once they were decoded; JSON null where there are none. */
json_t *cli_json_times(const weft_item *item);

#endif
