/* SPDX-License-Identifier: Apache-2.0 */
/* The line of JSON that describe prints for a file, or for several files that are in one prompt. */
#ifndef WEFT_CLI_RECORD_H
#define WEFT_CLI_RECORD_H

#include "cli.h"
#include "output/json.h"

/* Makes the first members of the record: "path", or "paths" with --together; "audio" with --audio;
 * and "times", the times of the frames that were used. For one file "times" is a list; for several
 * it is a list of such lists, with null for files without frames. items: [n], or NULL where the
 * files could not be opened. Returns NULL where memory is out. */
json_t *cli_record_head(const cli *c, char *const *paths, weft_item *const *items, uint32_t n);
/* Prints the members of head and then those of rest, as one object, in the place (NULL: at once),
 * and releases both. False: out of memory, which was said. */
bool cli_record_print(cli_place *place, json_t *head, json_t *rest);

#endif
