/* SPDX-License-Identifier: Apache-2.0 */
/* weft transcribe: recordings to text, subtitles and JSON, part by part. */
#include "command/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/answer.h"
#include "command/session.h"
#include "command/walk.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "input/values.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"
#include "output/transcript.h"

#define SECOND_US 1000000
#define SEGMENT_LEAST_US (SECOND_US / 2) /* a word takes about that long */
#define SEGMENT_MOST_US (600ll * SECOND_US)

/* The state of one transcribe. */
typedef struct job {
    cli              *c;
    weft_engine      *e;
    weft_long_request request; /* without a path */
    weft_sampling     sampling;
    cli_outputs       out;
    cli_tasks         at_work;
    cli_tally         tally;
} job;

/* One recording. */
typedef struct run {
    cli_task       base;
    cli_transcript text;
    double         begin_s, encode_s, prefill_s, decode_s;
    weft_item_info info;
    weft_error     err;
} run;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int32_t take_part(void *ctx, const weft_part_result *part)
{
    run *r = ctx;
    r->encode_s += part->encode_s;
    r->prefill_s += part->prefill_s;
    r->decode_s += part->decode_s;
    return !cli_transcript_add(&r->text, part) || cli_interrupted();
}

static void take_time(void *ctx, int64_t done_us, int64_t total_us)
{
    run *r = ctx;
    cli_progress_time(&r->base.progress, done_us, total_us, now_s() - r->begin_s);
}

static void say_summary(const run *r)
{
    int64_t us = r->text.end_us > 0 ? r->text.end_us : r->info.duration_us;
    double  wall = now_s() - r->begin_s, length = us > 0 ? (double)us / SECOND_US : 0.0;
    if (!cli_err_is_terminal() && cli_verbose() == 0)
        return;
    cli_place_say(
        r->base.place,
        "%.600s: %.2f s of audio in %.2f s: encode %.2f s, prefill %.2f s, generate %.2f s; "
        "real-time factor %.3f",
        r->base.file.path, length, wall, r->encode_s, r->prefill_s, r->decode_s,
        length > 0.0 ? wall / length : 0.0);
}

/* Silence, hum and noise are no failure. */
static void note_silence(const run *r)
{
    const char *path = r->base.file.path;
    if (r->text.n_words == 0)
        cli_place_warn(r->base.place, "no speech found in %.900s",
                       strcmp(path, "-") == 0 ? "standard input" : path);
}

/* Documents stay with what was done, but for a recording of which nothing could
 * be read. */
static void finish(job *j, run *r, weft_status st)
{
    bool    stopped = cli_interrupted();
    bool    keep = st == WEFT_OK || stopped || r->text.open;
    int32_t code = cli_transcript_close(&r->text, keep, r->info.duration_us);
    if (stopped) {
        r->err.code = WEFT_E_CANCELLED;
        snprintf(r->err.message, sizeof r->err.message, "interrupted");
        cli_tally_fail(&j->tally, r->base.place, &r->err, CLI_EXIT_INTERRUPTED);
    } else if (st != WEFT_OK) {
        cli_tally_fail(&j->tally, r->base.place, &r->err, cli_worse(code, weft_exit_code(&r->err)));
    } else if (code != CLI_EXIT_OK) { /* said where it happened */
        j->tally.n_failed++;
        j->tally.code = cli_worse(j->tally.code, code);
    } else if (!cli_out_failed()) {
        j->tally.n_done++;
        note_silence(r);
        say_summary(r);
    }
}

static bool start_file(void *ctx, const cli_file *file, cli_place *place)
{
    job *j = ctx;
    run *r = cli_task_begin(&j->tally, sizeof *r, file, place);
    if (r == NULL)
        return false;
    r->info = (weft_item_info){.hdr = WEFT_HDR(weft_item_info)};
    r->err = (weft_error)CLI_ERROR_INIT;
    cli_transcript_init(&r->text, &j->out, r->base.file.path, place);
    if (cli_media_ready(r->base.file.path, &r->err) != WEFT_OK) {
        cli_tally_fail(&j->tally, place, &r->err,
                       cli_interrupted() ? CLI_EXIT_INTERRUPTED : weft_exit_code(&r->err));
        cli_task_end(&j->tally, &r->base);
        return false;
    }
    r->begin_s = now_s();
    cli_tasks_add(&j->at_work, &r->base);
    return true;
}

/* The oldest recording at work is written down. */
static uint32_t wait_file(void *ctx)
{
    job              *j = ctx;
    run              *r = cli_tasks_take(&j->at_work);
    weft_long_request rq = j->request;
    rq.path = r->base.file.path;
    rq.ctx = r;
    weft_status st = weft_run_long(j->e, &rq, &j->sampling, &r->info, &r->err);
    cli_line_clear();
    if (st != WEFT_E_NOTFOUND || !r->base.file.found || r->text.open)
        finish(j, r, st);
    else if (cli_verbose() > 0)
        cli_place_say(r->base.place, "skipped: %s", r->err.message);
    cli_task_end(&j->tally, &r->base);
    return 1;
}

static int32_t transcribe_files(job *j)
{
    const cli_walk walk = {1, NULL, "no recording is here", j, start_file, wait_file};
    weft_error     err = CLI_ERROR_INIT;
    cli_files      files;
    int32_t        code;
    if (cli_files_init(&files, j->c->operands, j->c->n_operands, cli_has(j->c, OWN_RECURSIVE),
                       &err) != WEFT_OK)
        code = cli_say_error(&err);
    else
        code = cli_outputs_init(&j->out, j->c, files.many);
    if (code == CLI_EXIT_OK)
        j->e = cli_engine_open(j->c, 0, &code);
    if (j->e != NULL) {
        cli_walk_files(&walk, j->c, &files, &j->tally);
        code = j->tally.code;
    }
    cli_engine_close(&j->e);
    cli_files_deinit(&files);
    cli_outputs_deinit(&j->out);
    return code;
}

/* Standard input can be one thing only. */
static int32_t check_usage(const cli *c)
{
    const char *prompt = weft_settings_str(c->settings, "prompt");
    int32_t     dashes = prompt != NULL && strcmp(prompt, "-") == 0;
    for (int32_t i = 0; i < c->n_operands; i++)
        dashes += strcmp(c->operands[i], "-") == 0;
    if (dashes > 1)
        return cli_usage(c, "standard input (-) can be read once only");
    if (c->n_operands == 0)
        return cli_usage(c, "name a FILE, a folder, or - for standard input");
    return CLI_EXIT_OK;
}

static int32_t read_task(job *j)
{
    const char *task = j->c->value[OWN_TASK], *language = j->c->value[OWN_LANGUAGE];
    j->out.task = task != NULL ? task : "transcribe";
    if (strcmp(j->out.task, "transcribe") != 0 && strcmp(j->out.task, "translate") != 0)
        return cli_usage(j->c, "--task %.60s: it is transcribe or translate", task);
    if (language != NULL && language[0] == '\0')
        return cli_usage(j->c, "--language needs a name");
    j->out.language = language != NULL ? language : "English";
    j->request.task = j->out.task;
    j->request.language = j->out.language;
    return cli_time_option(j->c, OWN_MAX_SEGMENT, SEGMENT_LEAST_US, SEGMENT_MOST_US,
                           &j->request.max_us);
}

/* The prompt of the options as a string, which the caller frees. */
static int32_t read_prompt(job *j, char **user)
{
    weft_prompt p = {.hdr = WEFT_HDR(weft_prompt)};
    char       *owned;
    int32_t     code = cli_prompt_text(j->c, &p, &owned);
    *user = code == CLI_EXIT_OK && p.user != NULL ? strndup(p.user, (size_t)p.user_bytes) : NULL;
    free(owned);
    if (code == CLI_EXIT_OK && p.user != NULL && *user == NULL) {
        cli_say("out of memory: the prompt");
        return CLI_EXIT_MEMORY;
    }
    j->request.user = *user;
    j->request.system = p.system;
    return code;
}

int32_t cli_run_transcribe(cli *c)
{
    char   *user = NULL;
    job     j = {.c = c,
                 .request = {.hdr = WEFT_HDR(weft_long_request),
                             .kind = "audio",
                             .on_part = take_part,
                             .on_time = take_time},
                 .sampling = {.hdr = WEFT_HDR(weft_sampling)}};
    int32_t code = check_usage(c);
    if (code == CLI_EXIT_OK)
        code = read_task(&j);
    if (code == CLI_EXIT_OK)
        code = read_prompt(&j, &user);
    j.request.flags = cli_has(c, OWN_RAW) ? 0 : WEFT_PROMPT_CHAT;
    weft_sampling_from_settings(c->settings, &j.sampling);
    if (code == CLI_EXIT_OK)
        code = transcribe_files(&j);
    free(user);
    return code;
}
