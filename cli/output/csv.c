/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of CSV. */
#include "output/csv.h"

#include <stdbool.h>
#include <string.h>

static bool needs_quotes(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (strchr(",\"\r\n", text[i]) != NULL)
            return true;
    return false;
}

void cli_csv_field(cli_place *place, const char *text, size_t bytes)
{
    if (text == NULL || !needs_quotes(text, bytes)) {
        cli_place_put(place, text != NULL ? text : "", text != NULL ? bytes : 0);
        return;
    }
    cli_place_put(place, "\"", 1);
    while (bytes > 0) {
        const char *quote = memchr(text, '"', bytes);
        size_t      n = quote != NULL ? (size_t)(quote - text) + 1 : bytes;
        cli_place_put(place, text, n);
        if (quote != NULL)
            cli_place_put(place, "\"", 1);
        text += n;
        bytes -= n;
    }
    cli_place_put(place, "\"", 1);
}
