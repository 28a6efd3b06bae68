/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings at work: their parts as they come, their documents, and how each of them ends. */
#include "command/transcribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/resume.h"
#include "command/session.h"
#include "command/walk.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/languages.h"
#include "input/stdin.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"
#include "output/transcript.h"

#define SECOND_US 1000000

/* One recording. */
typedef struct run {
    cli_task       base;
    cli_transcript text;
    double         begin_s, encode_s, prefill_s, decode_s;
    weft_item_info info;
    weft_error     err;
    weft_status    status;
    bool           done, failed; /* failed: with the step that could not be made */
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

static void note_cut(const run *r)
{
    if (r->text.n_cut > 0)
        cli_place_warn(r->base.place,
                       "%.600s: the text of %lld part%s was cut: -n allows more, and shorter parts "
                       "(--max-segment) need less",
                       r->base.file.path, (long long)r->text.n_cut, r->text.n_cut == 1 ? "" : "s");
}

/* Documents stay with what was done, but for a recording of which nothing could
 * be read. */
static void finish(cli_transcribe *j, run *r, weft_status st)
{
    bool stopped = cli_interrupted();
    bool keep = (st == WEFT_OK && !stopped) || r->text.open;
    r->text.whole = st == WEFT_OK && !stopped;
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
        note_cut(r);
        say_summary(r);
    }
}

static void take_end(void *ctx, const weft_long_result *result)
{
    run *r = ctx;
    r->done = true;
    r->status = result->status;
    r->err = *result->error;
    if (result->info != NULL)
        r->info = *result->info;
}

/* Of recordings that an interruption ends together the first says so, and those that have said
 * nothing yet are as if they had not been begun. */
static void finish_run(cli_transcribe *j, run *r)
{
    bool unheard = cli_interrupted() && j->tally.code == CLI_EXIT_INTERRUPTED && !r->text.open;
    cli_line_clear();
    if (unheard)
        (void)cli_transcript_close(&r->text, false, 0);
    else if (r->status != WEFT_E_NOTFOUND || !r->base.file.found || r->text.open)
        finish(j, r, r->status);
    else
        cli_tally_skip(&j->tally, r->base.place, r->base.file.path, r->err.message);
    cli_task_end(&j->tally, &r->base);
}

static uint32_t finish_done(cli_transcribe *j)
{
    cli_tasks going = {NULL, NULL};
    uint32_t  n = 0;
    for (run *r; (r = cli_tasks_take(&j->at_work)) != NULL;) {
        if (r->done) {
            finish_run(j, r);
            n++;
        } else {
            cli_tasks_add(&going, &r->base);
        }
    }
    j->at_work = going;
    return n;
}

/* A step failed as a whole: so has every recording at work. */
static void fail_all(cli_transcribe *j, weft_status status, const weft_error *err)
{
    for (cli_task *at = j->at_work.first; at != NULL; at = at->next)
        ((run *)at)->failed = !((run *)at)->done;
    weft_scheduler_destroy(&j->scheduler);
    for (cli_task *at = j->at_work.first; at != NULL; at = at->next) {
        run *r = (run *)at;
        if (!r->failed)
            continue;
        r->status = status;
        r->err = *err;
    }
}

/* Works on until a recording is finished. Returns how many are. */
static uint32_t work(cli_transcribe *j)
{
    uint32_t n;
    while ((n = finish_done(j)) == 0) {
        weft_error err = CLI_ERROR_INIT;
        cli_interrupt_pass_on();
        weft_status st = weft_scheduler_step(j->scheduler, NULL, &err);
        if (st != WEFT_OK)
            fail_all(j, st, &err);
    }
    return n;
}

static uint32_t wait_files(void *ctx)
{
    cli_transcribe *j = ctx;
    uint32_t        n = j->n_early;
    j->n_early = 0;
    return n > 0 ? n : work(j);
}

/* Whether a recording at work might want the same names for its documents. */
static bool shares_name(const cli_transcribe *j, const char *path)
{
    for (const cli_task *at = j->at_work.first; at != NULL; at = at->next)
        if (j->out.folder && cli_may_share_name(at->file.path, path))
            return true;
    return false;
}

static weft_status submit(cli_transcribe *j, run *r)
{
    weft_long_request rq = j->request;
    weft_status       st = WEFT_OK;
    rq.path = r->base.file.path;
    rq.on_part = take_part;
    rq.on_time = take_time;
    rq.ctx = r;
    rq.from_us = r->text.journal.end_us;
    if (j->scheduler == NULL)
        st = weft_scheduler_create(j->e, NULL, &j->scheduler, &r->err);
    if (st == WEFT_OK)
        st = weft_scheduler_add_long(j->scheduler, &rq, &j->sampling, take_end, NULL, &r->err);
    return st;
}

static void fail_start(cli_transcribe *j, run *r)
{
    (void)cli_transcript_close(&r->text, false, 0);
    cli_tally_fail(&j->tally, r->base.place, &r->err,
                   cli_interrupted() ? CLI_EXIT_INTERRUPTED : weft_exit_code(&r->err));
}

static bool start_file(void *ctx, const cli_file *file, cli_place *place)
{
    cli_transcribe *j = ctx;
    while (shares_name(j, file->path)) /* names depend on the order of the files alone */
        j->n_early += work(j);
    run *r = cli_task_begin(&j->tally, sizeof *r, file, place);
    if (r == NULL)
        return false;
    r->info = (weft_item_info){.hdr = WEFT_HDR(weft_item_info)};
    r->err = (weft_error)CLI_ERROR_INIT;
    cli_transcript_init(&r->text, &j->out, r->base.file.path, place);
    bool at_work = cli_resume_start(j, &r->base, &r->text);
    if (at_work &&
        (cli_media_ready(r->base.file.path, &r->err) != WEFT_OK || submit(j, r) != WEFT_OK)) {
        fail_start(j, r);
        at_work = false;
    }
    if (!at_work) {
        cli_task_end(&j->tally, &r->base);
        return false;
    }
    r->begin_s = now_s();
    cli_tasks_add(&j->at_work, &r->base);
    return true;
}

/* Keys and values apart, which the engine bounds by itself, a recording holds the samples of one
 * part and what an encoder makes of them, whatever its length. */
#define RECORDING_BYTES ((uint64_t)64 << 20)

/* How many recordings are worked on at once, where the user did not say. */
static uint32_t most_at_once(const cli_transcribe *j)
{
    uint64_t spare = cli_spare_memory(j->c), most = spare / RECORDING_BYTES;
    if (cli_has(j->c, OWN_PARALLEL) || spare == 0 || most >= j->at_once)
        return j->at_once;
    return most > 0 ? (uint32_t)most : 1;
}

/* The language of the documents, where the user did not name it: what the model's own prompt asks
 * for. Words of the user's own may ask for any. */
static void find_language(cli_transcribe *j)
{
    if (j->out.language == NULL && j->request.user == NULL)
        j->out.language = weft_engine_asked_language(j->e, "audio", j->out.task);
}

/* What the model's own files say that it can do; where they say nothing, any language may be tried.
 */
static int32_t check_language(const cli_transcribe *j)
{
    const char *list = weft_engine_languages(j->e, "audio", j->out.task);
    if (!cli_has(j->c, OWN_LANGUAGE) || j->request.user != NULL || list == NULL ||
        cli_language_is_among(j->out.language, list))
        return CLI_EXIT_OK;
    return cli_usage(j->c, "--language %.60s: this model can %s %.500s, as its files say",
                     j->out.language, j->out.task, list);
}

/* Without memory for the identity no journal is kept. */
static int32_t walk_files(cli_transcribe *j, cli_files *files)
{
    json_t        *identity = j->out.path != NULL ? cli_resume_identity(j) : NULL;
    const cli_walk walk = {most_at_once(j), NULL,      "no recording is here", j,
                           start_file,      wait_files};
    j->out.identity = identity;
    cli_walk_files(&walk, j->c, files, &j->tally);
    json_decref(identity);
    j->out.identity = NULL;
    return j->tally.code;
}

int32_t cli_transcribe_files(cli_transcribe *j)
{
    weft_error err = CLI_ERROR_INIT;
    cli_files  files;
    int32_t    code;
    if (cli_files_init(&files, j->c->operands, j->c->n_operands, cli_has(j->c, OWN_RECURSIVE),
                       &err) != WEFT_OK)
        code = cli_say_error(&err);
    else
        code = cli_outputs_init(&j->out, j->c, files.many);
    if (code == CLI_EXIT_OK)
        j->e = cli_engine_open(j->c, 0, &code);
    if (j->e != NULL)
        code = check_language(j);
    if (j->e != NULL && code == CLI_EXIT_OK) {
        find_language(j);
        code = walk_files(j, &files);
    }
    weft_scheduler_destroy(&j->scheduler);
    cli_engine_close(&j->e);
    cli_files_deinit(&files);
    cli_outputs_deinit(&j->out);
    return code;
}
