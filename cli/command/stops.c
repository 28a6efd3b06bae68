/* SPDX-License-Identifier: Apache-2.0 */
/* A search in a short buffer: it never holds more than a token and the longest stop text. */
#include "command/stops.h"

#include <stdlib.h>
#include <string.h>

static bool append(cli_stops *s, const char *text, size_t bytes)
{
    if (bytes > s->cap - s->bytes) {
        if (bytes > SIZE_MAX / 4 - s->bytes)
            return false;
        size_t cap = 2 * (s->bytes + bytes) + 64;
        char  *grown = realloc(s->held, cap);
        if (grown == NULL)
            return false;
        s->held = grown;
        s->cap = cap;
    }
    if (bytes > 0)
        memcpy(s->held + s->bytes, text, bytes);
    s->bytes += bytes;
    return true;
}

/* Whether the stop text stands at held + at, or with part as much of it as there is. */
static bool matches(const cli_stops *s, const char *stop, size_t at, bool part)
{
    size_t n = strlen(stop), left = s->bytes - at;
    if (n > left && !part)
        return false;
    return memcmp(s->held + at, stop, n < left ? n : left) == 0;
}

/* The first place where a stop text is, or where the end may be the beginning of one; where none
 * is, the end. */
static size_t find(const cli_stops *s, bool part)
{
    for (size_t at = 0; at < s->bytes; at++)
        for (int32_t i = 0; i < s->n; i++)
            if (matches(s, s->texts[i], at, part))
                return at;
    return s->bytes;
}

size_t cli_stops_add(cli_stops *s, const char *text, size_t bytes)
{
    if (s->met)
        return 0;
    if (!append(s, text, bytes))
        return SIZE_MAX;
    size_t at = find(s, false);
    s->met = at < s->bytes;
    return s->met ? at : find(s, true);
}

void cli_stops_drop(cli_stops *s, size_t bytes)
{
    s->bytes -= bytes;
    if (s->bytes > 0)
        memmove(s->held, s->held + bytes, s->bytes);
}

size_t cli_stops_rest(const cli_stops *s)
{
    return s->met ? 0 : s->bytes;
}

void cli_stops_deinit(cli_stops *s)
{
    free(s->held);
    s->held = NULL;
    s->bytes = s->cap = 0;
}
