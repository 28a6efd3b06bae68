/* SPDX-License-Identifier: Apache-2.0 */
/* One prompt run to its text. */
#include "command/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

void cli_answer_init(cli_answer *a, const cli *c, enum cli_form form, const char *path,
                     cli_place *place)
{
    memset(a, 0, sizeof *a);
    a->stops.texts = c->stop;
    a->stops.n = c->given[OWN_STOP];
    a->max_new = (int32_t)weft_settings_i64(c->settings, "max_new_tokens");
    a->form = form;
    a->path = path;
    a->place = place;
    a->run = (weft_generation){.hdr = WEFT_HDR(weft_generation)};
    a->err = (weft_error)CLI_ERROR_INIT;
}

static void drop_sequence(cli_answer *a)
{
    if (!a->lent)
        weft_sequence_destroy(&a->sequence);
    a->sequence = NULL;
}

void cli_answer_deinit(cli_answer *a)
{
    drop_sequence(a);
    cli_stops_deinit(&a->stops);
    free(a->text);
    a->text = NULL;
}

static void keep(cli_answer *a, const char *text, size_t n)
{
    if (a->text_cap - a->text_bytes < n) {
        size_t cap = 2 * (a->text_bytes + n) + 256;
        char  *grown = realloc(a->text, cap);
        if (grown == NULL) {
            a->no_memory = true;
            return;
        }
        a->text = grown;
        a->text_cap = cap;
    }
    if (n > 0)
        memcpy(a->text + a->text_bytes, text, n);
    a->text_bytes += n;
}

/* A record is a line: newlines of the text become spaces. */
static void put_on_line(const cli_answer *a, const char *text, size_t n)
{
    while (n > 0) {
        const char *newline = memchr(text, '\n', n);
        size_t      part = newline != NULL ? (size_t)(newline - text) : n;
        cli_place_put(a->place, text, part);
        if (newline != NULL) {
            cli_place_put(a->place, " ", 1);
            part++;
        }
        text += part;
        n -= part;
    }
}

static void begin(cli_answer *a)
{
    if (a->begun)
        return;
    if (a->form == CLI_FORM_LINE) {
        cli_place_path(a->place, a->path);
        cli_place_put(a->place, "\t", 1);
    }
    a->begun = true;
}

static void put(cli_answer *a, const char *text, size_t n)
{
    if (a->form == CLI_FORM_KEEP || a->lent)
        keep(a, text, n);
    if (a->form == CLI_FORM_KEEP)
        return;
    begin(a);
    if (a->form == CLI_FORM_LINE)
        put_on_line(a, text, n);
    else
        cli_place_put(a->place, text, n);
    if (n > 0)
        a->ends_line = a->form == CLI_FORM_STREAM && text[n - 1] == '\n';
    cli_place_flush(a->place);
}

/* Text that no stop text can begin in any more. */
static void put_text(cli_answer *a, const char *text, size_t n)
{
    for (; a->after_space && n > 0 && *text == ' '; n--)
        text++;
    if (n == 0)
        return;
    a->after_space = false;
    put(a, text, n);
}

static void put_before_stop(cli_answer *a, const char *text, size_t n)
{
    size_t ours = cli_stops_add(&a->stops, text, n);
    if (ours == SIZE_MAX) {
        a->no_memory = true;
        return;
    }
    put_text(a, a->stops.held, ours);
    cli_stops_drop(&a->stops, ours);
}

static int32_t take_token(void *ctx, const weft_token *t)
{
    cli_answer *a = ctx;
    if (a->stops.n > 0)
        put_before_stop(a, t->text, (size_t)t->text_bytes);
    else
        put_text(a, t->text, (size_t)t->text_bytes);
    return cli_out_failed() || cli_interrupted() || a->no_memory || a->stops.met;
}

/* What stopped the run from outside counts before what the engine says of it. */
static void settle(cli_answer *a)
{
    const char *why = a->no_memory ? "out of memory: the text of an answer" : "interrupted";
    if (cli_interrupted() || a->no_memory) {
        a->err.code = a->no_memory ? WEFT_E_NOMEM : WEFT_E_CANCELLED;
        snprintf(a->err.message, sizeof a->err.message, "%s", why);
    } else if (cli_out_failed()) {
        a->err.code = WEFT_OK; /* said at the end */
    } else if (a->status != WEFT_OK && a->err.code == WEFT_OK) {
        a->err.code = a->status;
    }
}

void cli_answer_start(cli_answer *a, weft_engine *e, const weft_prompt *prompt)
{
    /* An answer; raw text goes on where the prompt ended. */
    a->after_space = (prompt->flags & WEFT_PROMPT_CHAT) != 0 || prompt->n_items > 0;
    a->status = weft_sequence_create(e, &a->sequence, &a->err);
    if (a->status == WEFT_OK)
        a->status = weft_sequence_feed_prompt(a->sequence, prompt, &a->err);
}

/* Keys and values are given back at once: others may wait for them. */
static void take_end(void *ctx, const weft_job_result *result)
{
    cli_answer *a = ctx;
    a->status = result->status;
    a->run = *result->generation;
    if (result->status != WEFT_OK)
        a->err = *result->error;
    drop_sequence(a);
    a->done = true;
}

void cli_answer_submit(cli_answer *a, weft_scheduler *s, const weft_sampling *sampling)
{
    weft_job_request rq = {
        WEFT_HDR(weft_job_request), a->sequence, sampling, take_token, take_end, a};
    if (a->status == WEFT_OK && !a->nothing)
        a->status = weft_scheduler_add(s, &rq, NULL, &a->err);
    a->done = a->status != WEFT_OK || a->nothing;
}

void cli_answer_finish(cli_answer *a, const cli *c)
{
    weft_sampling sampling = {.hdr = WEFT_HDR(weft_sampling)};
    weft_sampling_from_settings(c->settings, &sampling);
    if (a->status == WEFT_OK && !a->nothing)
        a->status = weft_generate(a->sequence, &sampling, take_token, a, &a->run, &a->err);
    cli_answer_end(a);
}

const char *cli_answer_reason(const cli_answer *a)
{
    if (a->err.code != WEFT_OK)
        return NULL;
    return a->nothing || a->stops.met || a->run.stopped != 0 ? "stop" : "length";
}

/* Of an answer that -n 0 leaves out nothing was cut. */
static void tell_cut(const cli_answer *a)
{
    const char *reason = cli_answer_reason(a), *of = a->path != NULL ? a->path : "";
    if (reason == NULL || strcmp(reason, "length") != 0 || a->max_new == 0 || cli_out_failed())
        return;
    bool full = a->run.n_new >= a->max_new;
    cli_place_warn(a->place, "%.600s%sthe answer was cut after %d token%s: %s", of,
                   of[0] != '\0' ? ": " : "", (int)a->run.n_new, a->run.n_new == 1 ? "" : "s",
                   full ? "-n allows more"
                        : "the context is full; -c raises it, up to the model's own");
}

static void end_line(cli_answer *a)
{
    if (a->status == WEFT_OK)
        begin(a); /* an empty answer still takes a line */
    if (a->begun && !a->ends_line)
        cli_place_put(a->place, "\n", 1);
    cli_place_flush(a->place);
}

void cli_answer_end(cli_answer *a)
{
    drop_sequence(a);
    put_text(a, a->stops.held, cli_stops_rest(&a->stops));
    settle(a);
    if (a->form != CLI_FORM_KEEP)
        end_line(a);
    tell_cut(a);
}

int32_t cli_answer_code(const cli_answer *a)
{
    if (a->err.code == WEFT_OK)
        return CLI_EXIT_OK;
    return a->err.code == WEFT_E_CANCELLED ? CLI_EXIT_INTERRUPTED : weft_exit_code(&a->err);
}

json_t *cli_answer_json(const cli_answer *a, const weft_engine *e)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    bool             none = a->err.code != WEFT_OK && a->text_bytes == 0;
    if (weft_engine_describe(e, &d, NULL) != WEFT_OK)
        return NULL;
    json_t *tokens =
        json_pack("{s:i, s:i}", "prompt", (int)a->run.n_prompt, "generated", (int)a->run.n_new);
    json_t *timings =
        json_pack("{s:o, s:o, s:o, s:o}", "decode_s", cli_json_real(a->decode_s), "encode_s",
                  cli_json_real(a->encode_s), "prefill_s", cli_json_real(a->run.prefill_s),
                  "generate_s", cli_json_real(a->run.decode_s));
    json_t *text =
        none ? json_null() : cli_json_text(a->text != NULL ? a->text : "", a->text_bytes);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "text", text, "finish_reason",
                     cli_json_string(cli_answer_reason(a)), "model", cli_json_string(d.model),
                     "levels", cli_json_levels(e), "plugins", cli_json_plugins(e), "tokens", tokens,
                     "timings", timings, "error", cli_json_error(&a->err));
}

int32_t cli_prompt_text(const cli *c, weft_prompt *prompt, char **owned)
{
    const char *text = weft_settings_str(c->settings, "prompt");
    size_t      n = text != NULL ? strlen(text) : 0;
    *owned = NULL;
    if (text != NULL && strcmp(text, "-") == 0) {
        int32_t code = cli_read_stdin("--prompt", CLI_PROMPT_BYTES_MAX, owned, &n);
        if (code != CLI_EXIT_OK)
            return code;
        if (n > 0 &&
            (*owned)[n - 1] == '\n') /* the newline that echo adds is no part of the text */
            n -= n > 1 && (*owned)[n - 2] == '\r' ? 2 : 1;
        text = n > 0 ? *owned : "";
    }
    if (n > CLI_PROMPT_BYTES_MAX) {
        cli_say("--prompt has %zu bytes, and %u is the most that it takes: give it a part of that",
                n, CLI_PROMPT_BYTES_MAX);
        return CLI_EXIT_LIMIT;
    }
    prompt->user = text;
    prompt->user_bytes = n;
    prompt->system = weft_settings_str(c->settings, "system");
    return CLI_EXIT_OK;
}

void cli_summary(const weft_generation *sum, double decode_s, double encode_s)
{
    if (!cli_err_is_terminal() && cli_verbose() == 0)
        return;
    double rate = sum->decode_s > 0.0 ? (double)sum->n_new / sum->decode_s : 0.0;
    char   media[80] = "";
    if (decode_s > 0.0 || encode_s > 0.0)
        snprintf(media, sizeof media, "; media decoded in %.2f s, encoded in %.2f s", decode_s,
                 encode_s);
    cli_say("%d prompt token%s in %.2f s, %d generated in %.2f s (%.1f a second)%s",
            (int)sum->n_prompt, sum->n_prompt == 1 ? "" : "s", sum->prefill_s, (int)sum->n_new,
            sum->decode_s, rate, media);
}
