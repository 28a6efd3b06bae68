/* SPDX-License-Identifier: Apache-2.0 */
/* libedit on a terminal. It is left without its own handlers of signals: a Ctrl-C reaches ours,
 * which ends the read. */
#include "input/edit.h"

#ifdef WEFT_LIBEDIT

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "input/interrupt.h"

#define HISTORY_LINES 1000

struct cli_edit {
    EditLine   *el;
    History    *history;
    const char *prompt;
};

static char *prompt_of(EditLine *el)
{
    void *client = NULL;
    el_get(el, EL_CLIENTDATA, &client);
    return (char *)(uintptr_t)((cli_edit *)client)->prompt;
}

/* One character. libedit's own read would sleep through a signal that comes just before it. */
static int next_character(EditLine *el, wchar_t *c)
{
    mbstate_t state;
    size_t    took = (size_t)-2;
    (void)el;
    memset(&state, 0, sizeof state);
    while (took == (size_t)-2) { /* a part of a character */
        char byte;
        if (!cli_interrupt_wait(STDIN_FILENO))
            return -1;
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return n < 0 ? -1 : 0;
        took = mbrtowc(c, &byte, 1, &state);
        if (took == (size_t)-1) { /* bytes that are no character are passed over */
            memset(&state, 0, sizeof state);
            took = (size_t)-2;
        }
    }
    return 1;
}

/* The numbers of the locale stay those of C. */
static void take_characters(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

cli_edit *cli_edit_open(void)
{
    HistEvent event;
    cli_edit *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    take_characters();
    e->prompt = "";
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
    el_resize(e->el);
    *text = el_gets(e->el, &n);
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
