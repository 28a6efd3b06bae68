/* SPDX-License-Identifier: Apache-2.0 */
/* libedit on a terminal. It is left without its own handlers of signals, which pass a signal on to
 * the whole pipeline a second time: a Ctrl-C reaches ours, which ends the read, and a Ctrl-Z the
 * handler of input/interrupt.h. */
#include "input/edit.h"

#ifdef WEFT_LIBEDIT

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "input/interrupt.h"

#define HISTORY_LINES 1000
#define LISTED 40u /* choices that are shown */

struct cli_edit {
    EditLine    *el;
    History     *history;
    const char  *prompt;
    cli_complete complete;
    int          early; /* bytes that were typed before the line; -1: not counted yet */
};

static cli_edit *client_of(EditLine *el)
{
    void *client = NULL;
    el_get(el, EL_CLIENTDATA, &client);
    return client;
}

static char *prompt_of(EditLine *el)
{
    return (char *)(uintptr_t)client_of(el)->prompt;
}

/* Waits for a key. A program that was stopped finds the terminal as the shell left it. */
static bool wait_key(EditLine *el)
{
    while (!cli_interrupt_wait(STDIN_FILENO)) {
        if (!cli_stop_came())
            return false;
        el_set(el, EL_PREP_TERM, 0);
        cli_stop();
        el_set(el, EL_PREP_TERM, 1);
        el_set(el, EL_REFRESH);
    }
    return true;
}

/* A Ctrl-D that was typed while the terminal still made lines by itself, as it does during an
 * answer, is kept by it as a zero byte and read as that once libedit has the terminal. Later a zero
 * byte is Ctrl-Space. */
static bool is_early_end(EditLine *el, char byte)
{
    const LineInfo *line = el_line(el);
    cli_edit       *e = client_of(el);
    bool            is_early = e->early > 0;
    e->early -= is_early;
    return is_early && byte == '\0' && line->lastchar == line->buffer;
}

/* Once for each line, when libedit has the terminal: what was typed before. */
static void count_early(cli_edit *e)
{
    if (e->early < 0 && ioctl(STDIN_FILENO, FIONREAD, &e->early) != 0)
        e->early = 0;
}

/* One character. libedit's own read would sleep through a signal that comes just before it. */
static int next_character(EditLine *el, wchar_t *c)
{
    mbstate_t state;
    size_t    took = (size_t)-2;
    memset(&state, 0, sizeof state);
    count_early(client_of(el));
    while (took == (size_t)-2) { /* a part of a character */
        char byte;
        if (!wait_key(el))
            return -1;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return n < 0 ? -1 : 0;
        if (is_early_end(el, byte))
            return 0;
        took = mbrtowc(c, &byte, 1, &state);
        if (took == (size_t)-1) { /* bytes that are no character are passed over */
            memset(&state, 0, sizeof state);
            took = (size_t)-2;
        }
    }
    return 1;
}

/* ---- Tab ---- */

/* How many bytes all choices begin with: whole characters. */
static size_t in_common(const cli_choices *c)
{
    size_t n = strlen(c->v[0]);
    for (size_t i = 1; i < c->n; i++) {
        size_t same = 0;
        while (same < n && c->v[i][same] == c->v[0][same])
            same++;
        n = same;
    }
    while (n > 0 && ((unsigned char)c->v[0][n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void list(const cli_choices *c)
{
    fputc('\n', stderr);
    for (size_t i = 0; i < c->n && i < LISTED; i++)
        fprintf(stderr, "%s\n", c->v[i]);
    if (c->n > LISTED)
        fprintf(stderr, "... and %zu more\n", c->n - LISTED);
}

static unsigned char take_choices(EditLine *el, const cli_choices *c)
{
    size_t n = c->n > 0 ? in_common(c) : 0;
    if (n > c->typed) {
        char *more = strndup(c->v[0] + c->typed, n - c->typed);
        int   put = more != NULL ? el_insertstr(el, more) : -1;
        free(more);
        return put == 0 ? CC_REFRESH : CC_ERROR;
    }
    if (c->n < 2)
        return CC_ERROR;
    list(c);
    return CC_REDISPLAY;
}

static unsigned char on_tab(EditLine *el, int c)
{
    const LineInfo *line = el_line(el);
    cli_choices     choices = {.n = 0};
    (void)c;
    if (!client_of(el)->complete(line->buffer, (size_t)(line->cursor - line->buffer), &choices))
        return el_insertstr(el, "\t") == 0 ? CC_REFRESH : CC_ERROR;
    unsigned char did = take_choices(el, &choices);
    cli_choices_clear(&choices);
    return did;
}

/* The numbers of the locale stay those of C. */
static void take_characters(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

cli_edit *cli_edit_open(cli_complete complete)
{
    HistEvent event;
    cli_edit *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    take_characters();
    e->prompt = "";
    e->complete = complete;
    e->history = history_init();
    e->el = e->history != NULL ? el_init("weft", stdin, stderr, stderr) : NULL;
    if (e->el == NULL) {
        cli_edit_close(&e);
        return NULL;
    }
    history(e->history, &event, H_SETSIZE, HISTORY_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    el_set(e->el, EL_CLIENTDATA, (void *)e);
    el_set(e->el, EL_PROMPT, prompt_of);
    el_set(e->el, EL_EDITOR, "emacs");
    el_set(e->el, EL_GETCFN, next_character);
    el_set(e->el, EL_HIST, history, e->history);
    el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    /* el_set() copies the two and never frees them. */
    el_wset(e->el, EL_ADDFN, L"weft-complete", L"complete a command or a name", on_tab);
    el_set(e->el, EL_BIND, "^I", "weft-complete", NULL);
    (void)el_source(e->el, NULL); /* ~/.editrc */
    return e;
}

void cli_edit_close(cli_edit **e)
{
    if (*e == NULL)
        return;
    if ((*e)->el != NULL)
        el_end((*e)->el);
    if ((*e)->history != NULL)
        history_end((*e)->history);
    free(*e);
    *e = NULL;
}

enum cli_line cli_edit_next(cli_edit *e, const char *prompt, const char **text, size_t *bytes)
{
    HistEvent event;
    int       n = 0;
    e->prompt = prompt;
    e->early = -1;
    el_resize(e->el);
    cli_stops_hold();
    *text = el_gets(e->el, &n);
    cli_stops_release();
    if (cli_interrupted() || *text == NULL || n <= 0) {
        fputc('\n', stderr);
        return cli_interrupted() ? CLI_LINE_INTERRUPTED : CLI_LINE_END;
    }
    *bytes = (size_t)n;
    if (strspn(*text, " \t\r\n") < *bytes)
        history(e->history, &event, H_ENTER, *text);
    while (*bytes > 0 && ((*text)[*bytes - 1] == '\n' || (*text)[*bytes - 1] == '\r'))
        --*bytes;
    return CLI_LINE_TEXT;
}

#else
typedef int cli_edit_is_not_built;
#endif
