/* SPDX-License-Identifier: Apache-2.0 */
/* weft chat: opens the model once, and answers one message after the other. */
#include "chat/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/answer.h"
#include "command/commands.h"
#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "output/json.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

#define PROMPT "> "
#define PROMPT_ON ". " /* of a line that goes on */

/* Messages as they come in. */
typedef struct inbox {
    cli_lines *lines;
    char      *text; /* a message of several lines */
    size_t     bytes, cap;
    bool       warned;  /* of the Ctrl-C before */
    bool       is_text; /* there was a message that was text */
} inbox;

static bool append(inbox *in, const char *text, size_t n)
{
    if (in->cap - in->bytes < n + 1) {
        size_t cap = 2 * (in->bytes + n + 1);
        char  *grown = realloc(in->text, cap);
        if (grown == NULL) {
            cli_say("out of memory: a message");
            return false;
        }
        in->text = grown;
        in->cap = cap;
    }
    if (n > 0)
        memcpy(in->text + in->bytes, text, n);
    in->bytes += n;
    return true;
}

/* A message: a line, with those that it goes on in. A line goes on where it ends in \. One that is
 * too long is skipped to its end. */
static enum cli_line next_message(inbox *in)
{
    const char *line;
    size_t      n;
    bool        skips = false;
    in->bytes = 0;
    for (const char *prompt = PROMPT;; prompt = PROMPT_ON) {
        enum cli_line what = cli_lines_next(in->lines, prompt, &line, &n);
        if (what == CLI_LINE_END && in->bytes > 0)
            return skips ? CLI_LINE_LONG : CLI_LINE_TEXT;
        if (what != CLI_LINE_TEXT)
            return what;
        bool goes_on = n > 0 && line[n - 1] == '\\';
        if (!skips && (!append(in, line, goes_on ? n - 1 : n) || (goes_on && !append(in, "\n", 1))))
            return CLI_LINE_NO_MEMORY;
        if (!skips && in->bytes > CLI_PROMPT_BYTES_MAX) {
            cli_say("a message may have %u bytes; this one was skipped", CLI_PROMPT_BYTES_MAX);
            skips = true;
        }
        if (!goes_on)
            return skips ? CLI_LINE_LONG : CLI_LINE_TEXT;
    }
}

/* A picture on standard input is a mistake, and its bytes are no messages. Names of files may be
 * any bytes. */
static bool is_binary(const inbox *in)
{
    return memchr(in->text, '\0', in->bytes) != NULL ||
           (!in->is_text && !cli_is_utf8(in->text, in->bytes) && in->text[0] != '/');
}

static int32_t take_message(cli_chat *h, const char *text, size_t n)
{
    size_t blank = 0;
    while (blank < n && strchr(" \t\n", text[blank]) != NULL && text[blank] != '\0')
        blank++;
    if (blank == n)
        return CLI_EXIT_OK;
    if (text[0] == '/' && (n < 2 || text[1] != '/'))
        return cli_chat_word(h, text, n);
    if (!cli_is_utf8(text, n)) {
        cli_say("a message is not UTF-8, and was skipped");
        return CLI_EXIT_MEDIA;
    }
    bool escaped = text[0] == '/';
    return cli_chat_ask(h, text + escaped, n - escaped);
}

/* Ctrl-C where a message is waited for: a person means it the second time. */
static bool leaves(cli_chat *h, inbox *in)
{
    if (!h->person || !cli_interrupt_forget() || in->warned)
        return true;
    in->warned = true;
    cli_chat_note("Ctrl-C once more leaves, and so do Ctrl-D and /quit");
    return false;
}

/* A failure of a script's line is the exit code's to tell; a person has read it. */
static bool count(cli_chat *h, int32_t failed, int32_t *code)
{
    bool interrupted = cli_interrupted() && !(h->person && cli_interrupt_forget());
    if (interrupted)
        failed = CLI_EXIT_INTERRUPTED;
    if (!h->person || interrupted)
        *code = cli_worse(*code, failed);
    return !interrupted && !cli_out_failed() && !h->leave &&
           (failed == CLI_EXIT_OK || !cli_has(h->c, OWN_FAIL_FAST));
}

static int32_t talk(cli_chat *h, inbox *in)
{
    const char *first = weft_settings_str(h->c->settings, "prompt");
    int32_t     code = CLI_EXIT_OK;
    bool        on = true;
    if (h->c->n_operands > 0)
        on = count(h, cli_chat_load(h, h->c->operands[0]), &code) && code == CLI_EXIT_OK;
    if (on && first != NULL)
        on = count(h, take_message(h, first, strlen(first)), &code);
    while (on) {
        enum cli_line what = next_message(in);
        if (what == CLI_LINE_END)
            break;
        if (what == CLI_LINE_FAILED || what == CLI_LINE_NO_MEMORY)
            return cli_worse(code, what == CLI_LINE_FAILED ? CLI_EXIT_UNEXPECTED : CLI_EXIT_MEMORY);
        if (what == CLI_LINE_INTERRUPTED) {
            if (leaves(h, in))
                return CLI_EXIT_INTERRUPTED;
            continue;
        }
        in->warned = false;
        if (what == CLI_LINE_TEXT && !h->person && is_binary(in)) {
            cli_say("standard input is no text: messages are lines of UTF-8, and /image FILE, "
                    "/audio FILE and /clip FILE put a file into one");
            return cli_worse(code, CLI_EXIT_MEDIA);
        }
        in->is_text = true;
        on = count(h, what == CLI_LINE_LONG ? CLI_EXIT_LIMIT : take_message(h, in->text, in->bytes),
                   &code);
    }
    return code;
}

static void greet(const cli_chat *h)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    const char      *about = weft_settings_str(h->c->settings, "about");
    if (h->person && weft_engine_describe(h->e, &d, NULL) == WEFT_OK)
        cli_chat_note("%.600s, %d tokens of context; /help lists the commands", d.model,
                      (int)d.context);
    if (about != NULL)
        cli_chat_note("%s", about);
}

static int32_t open_and_talk(cli_chat *h, inbox *in)
{
    weft_error  err = CLI_ERROR_INIT;
    const char *system = weft_settings_str(h->c->settings, "system");
    int32_t     code = CLI_EXIT_OK;
    in->lines = cli_lines_open(cli_chat_complete);
    h->system = system != NULL ? strdup(system) : NULL;
    if (in->lines == NULL || (system != NULL && h->system == NULL)) {
        cli_say("out of memory: a conversation");
        return CLI_EXIT_MEMORY;
    }
    h->e = cli_engine_open(h->c, WEFT_OPEN_CHAT, &code);
    if (h->e == NULL)
        return code;
    if (weft_sequence_create(h->e, &h->sequence, &err) != WEFT_OK)
        return cli_say_error(&err);
    greet(h);
    return talk(h, in);
}

int32_t cli_run_chat(cli *c)
{
    cli_chat    h = {.c = c, .json = cli_has(c, OWN_JSON), .person = cli_in_is_terminal()};
    inbox       in = {.bytes = 0};
    const char *first = weft_settings_str(c->settings, "prompt");
    if (first != NULL && strcmp(first, "-") == 0)
        return cli_usage(c, "-p -: standard input is where all messages come from");
    if (h.person)
        cli_interrupt_patient();
    int32_t code = open_and_talk(&h, &in);
    cli_turns_clear(&h.turns);
    cli_media_clear(&h.waiting);
    weft_sequence_destroy(&h.sequence);
    cli_engine_close(&h.e);
    cli_lines_close(&in.lines);
    free(in.text);
    free(h.system);
    free(h.file);
    return code;
}
