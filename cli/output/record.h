/* SPDX-License-Identifier: Apache-2.0 */
/* The line of JSON that describe prints of a file, or of files that are one prompt. */
#ifndef WEFT_CLI_RECORD_H
#define WEFT_CLI_RECORD_H

#include "cli.h"
#include "output/json.h"

/* {"path": ...}, or with --together {"paths": [...]}; {"audio": [...]} with --audio; "times" of the
 * frames that were looked at: of one file, or a list of such lists with null for files that have
 * none. items [n] or NULL: they could not be opened. NULL: out of memory. */
json_t *cli_record_head(const cli *c, char *const *paths, weft_item *const *items, uint32_t n);
/* Prints what head has and then what rest has in the place (NULL: at once), and takes both. False:
 * out of memory, which was said. */
bool cli_record_print(cli_place *place, json_t *head, json_t *rest);

#endif
