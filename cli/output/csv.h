/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of CSV (RFC 4180, with newlines of one byte). */
#ifndef WEFT_CLI_CSV_H
#define WEFT_CLI_CSV_H

#include "output/ordered.h"

/* Puts a field, quoted where it has to be; text NULL: an empty one. */
void cli_csv_field(cli_place *place, const char *text, size_t bytes);

#endif
