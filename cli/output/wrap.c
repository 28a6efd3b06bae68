/* SPDX-License-Identifier: Apache-2.0 */
/* Lines are filled with as many words as they take. */
#include "output/wrap.h"

static bool begins_char(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

int64_t cli_count_chars(const char *text, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += begins_char(text[i]);
    return count;
}

size_t cli_wrap_line(const cli_wrap *w, const char *text, size_t n, size_t at, size_t *end)
{
    size_t  space = at; /* the last one that the line may break at */
    int32_t count = 0;
    *end = n;
    if (w->max_line == 0)
        return n;
    for (size_t i = at; i < n; i++) {
        if (text[i] == ' ')
            space = i;
        if (!begins_char(text[i]) || ++count <= w->max_line)
            continue;
        *end = space > at ? space : i;
        return space > at ? space + 1 : i;
    }
    return n;
}

bool cli_wrap_next(const cli_wrap *w, const char *text, size_t n, cli_cue *cue)
{
    size_t next = cue->end;
    while (next < n && text[next] == ' ')
        next++;
    if (next >= n)
        return false;
    cue->chars_before += cue->chars;
    cue->begin = next;
    for (int32_t i = 0; i < w->max_lines && next < n; i++)
        next = cli_wrap_line(w, text, n, next, &cue->end);
    cue->chars = cli_count_chars(text + cue->begin, cue->end - cue->begin);
    return true;
}
