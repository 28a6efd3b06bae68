/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of standard input. */
#include "input/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/edit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "output/say.h"
#include "output/terminal.h"

#define CHUNK 65536u

struct cli_lines {
    cli_edit *edit; /* NULL: plain lines */
    char     *held; /* what was read: [at, n) is still to be given */
    size_t    at, n, cap;
    bool      begun; /* a line was given */
};

void cli_choices_clear(cli_choices *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->v[i]);
    free(c->v);
    *c = (cli_choices){.n = 0};
}

cli_lines *cli_lines_open(cli_complete complete)
{
    cli_lines *l = calloc(1, sizeof *l);
    if (l != NULL && cli_in_is_terminal() && cli_err_can_edit())
        l->edit = cli_edit_open(complete);
    return l;
}

void cli_lines_close(cli_lines **l)
{
    if (*l == NULL)
        return;
    cli_edit_close(&(*l)->edit);
    free((*l)->held);
    free(*l);
    *l = NULL;
}

/* Room for more bytes behind those that are still to be given. */
static bool make_room(cli_lines *l)
{
    if (l->at > 0) {
        memmove(l->held, l->held + l->at, l->n - l->at);
        l->n -= l->at;
        l->at = 0;
    }
    if (l->cap - l->n >= CHUNK)
        return true;
    size_t cap = 2 * l->cap + CHUNK;
    char  *grown = realloc(l->held, cap);
    if (grown == NULL) {
        cli_say("out of memory: %zu bytes for a line", cap);
        return false;
    }
    l->held = grown;
    l->cap = cap;
    return true;
}

/* Reads up to the end of the line that has begun, and keeps nothing of it. */
static enum cli_line skip_line(cli_lines *l)
{
    cli_say("a line has more than %u bytes, the most that a message may have; it was skipped",
            CLI_PROMPT_BYTES_MAX);
    for (;;) {
        const char *end = memchr(l->held, '\n', l->n);
        if (end != NULL) {
            l->at = (size_t)(end - l->held) + 1;
            return CLI_LINE_LONG;
        }
        ptrdiff_t got = cli_read_some(l->held, l->cap);
        l->at = 0;
        l->n = got > 0 ? (size_t)got : 0;
        if (got <= 0)
            return CLI_LINE_LONG;
    }
}

/* The last line may lack its end. */
static enum cli_line read_plain(cli_lines *l, const char **text, size_t *bytes)
{
    size_t seen = 0; /* behind l->at, without an end of line */
    for (;;) {
        const char *from = l->held + l->at;
        const char *end = l->n > l->at ? memchr(from + seen, '\n', l->n - l->at - seen) : NULL;
        *text = from;
        *bytes = end != NULL ? (size_t)(end - from) : l->n - l->at;
        if (end != NULL) {
            l->at += *bytes + 1;
            return CLI_LINE_TEXT;
        }
        seen = *bytes;
        if (!make_room(l))
            return CLI_LINE_NO_MEMORY;
        if (seen > CLI_PROMPT_BYTES_MAX)
            return skip_line(l);
        ptrdiff_t got = cli_read_some(l->held + l->n, CHUNK);
        if (got < 0)
            return cli_interrupted() ? CLI_LINE_INTERRUPTED : CLI_LINE_FAILED;
        l->n += (size_t)got;
        if (got == 0 && seen == 0)
            return CLI_LINE_END;
        if (got == 0) {
            *text = l->held;
            l->at = l->n;
            return CLI_LINE_TEXT;
        }
    }
}

/* Some programs write a mark of the encoding before a text; it is no part of the first line. */
static void drop_mark(cli_lines *l, const char **text, size_t *bytes)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (!l->begun && *bytes >= 3 && memcmp(*text, mark, 3) == 0) {
        *text += 3;
        *bytes -= 3;
    }
    l->begun = true;
}

enum cli_line cli_lines_next(cli_lines *l, const char *prompt, const char **text, size_t *bytes)
{
    enum cli_line what;
    cli_line_clear();
    if (l->edit != NULL)
        return cli_edit_next(l->edit, prompt, text, bytes);
    if (cli_in_is_terminal()) {
        fputs(prompt, stderr);
        fflush(stderr);
    }
    what = read_plain(l, text, bytes);
    if (what != CLI_LINE_TEXT)
        return what;
    drop_mark(l, text, bytes);
    if (*bytes > 0 && (*text)[*bytes - 1] == '\r')
        --*bytes;
    return what;
}
