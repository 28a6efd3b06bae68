/* SPDX-License-Identifier: Apache-2.0 */
/* weft describe: each file a prompt of its own, or all of them one. */
#include "command/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/answer.h"
#include "command/session.h"
#include "command/walk.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "input/values.h"
#include "output/preview.h"
#include "output/progress.h"
#include "output/record.h"
#include "output/say.h"
#include "output/sheet.h"
#include "output/show.h"
#include "output/terminal.h"

#define NOTHING_HERE "no file here that can be described"

typedef struct task task;

/* The state of one describe. */
typedef struct job {
    cli              *c;
    weft_engine      *e;
    weft_prompt       prompt;               /* without items */
    weft_item_request request;              /* of a FILE, without its path */
    weft_item        *audio[CLI_AUDIO_MAX]; /* in every prompt, behind its files */
    uint32_t          n_audio;
    bool              audio_timed; /* their times are in a sum: they are encoded once */
    bool              json, many;
    task             *first, *last; /* files at work, by the order in which they were started */
    cli_tally         tally;
    weft_generation   sum;
    double            decode_s, encode_s;
} job;

static weft_status open_as(job *j, weft_item_request rq, const char *path, weft_item **out,
                           weft_error *err)
{
    rq.path = path;
    rq.plan_only = cli_has(j->c, OWN_PLAN);
    *out = NULL;
    weft_status st = cli_media_ready(path, err);
    return st == WEFT_OK ? weft_item_open(j->e, &rq, out, err) : st;
}

static weft_status open_item(job *j, const char *path, weft_item **out, weft_error *err)
{
    weft_status st = open_as(j, j->request, path, out, err);
    if (st == WEFT_OK && cli_has(j->c, OWN_PREVIEW)) /* said, and the answer goes on */
        j->tally.code = cli_worse(j->tally.code, cli_preview_write(*out, j->c->value[OWN_PREVIEW]));
    return st;
}

static void add_times(job *j, cli_answer *a, weft_item *const *items, uint32_t n)
{
    n -= j->audio_timed ? j->n_audio : 0; /* they stand at the end */
    j->audio_timed = true;
    for (uint32_t i = 0; i < n; i++) {
        weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
        if (weft_item_describe(items[i], &d, NULL) != WEFT_OK)
            continue;
        a->decode_s += d.decode_s;
        a->encode_s += d.encode_s;
    }
    j->decode_s += a->decode_s;
    j->encode_s += a->encode_s;
    j->sum.n_prompt += a->run.n_prompt;
    j->sum.n_new += a->run.n_new;
    j->sum.prefill_s += a->run.prefill_s;
    j->sum.decode_s += a->run.decode_s;
}

/* items NULL: they could not be opened. */
static void finish_answer(job *j, cli_answer *a, char *const *paths, weft_item *const *items,
                          uint32_t n)
{
    int32_t code = cli_answer_code(a);
    if (j->json && !cli_record_print(a->place, cli_record_head(j->c, paths, items, n),
                                     cli_answer_json(a, j->e)))
        j->tally.code = cli_worse(j->tally.code, CLI_EXIT_MEMORY);
    if (code == CLI_EXIT_OK)
        j->tally.n_done++;
    else
        cli_tally_fail(&j->tally, a->place, &a->err, code);
}

static void answer_items(job *j, cli_answer *a, weft_item *const *items, uint32_t n)
{
    weft_prompt p = j->prompt;
    weft_item **all = malloc((n + j->n_audio + 1) * sizeof(weft_item *));
    if (all == NULL) {
        a->err.code = WEFT_E_NOMEM;
        snprintf(a->err.message, sizeof a->err.message, "out of memory: a prompt");
        return;
    }
    for (uint32_t i = 0; i < n + j->n_audio; i++)
        all[i] = i < n ? items[i] : j->audio[i - n];
    p.items = all;
    p.n_items = n + j->n_audio;
    cli_answer_run(a, j->c, j->e, &p);
    add_times(j, a, all, p.n_items);
    free(all);
}

/* A plan is done with where it is started, so it is always its turn. */
static void plan_item(job *j, const char *path, const weft_item *item)
{
    j->tally.n_done++;
    if (!j->json)
        cli_show_item(path, item);
    else if (!cli_record_print(NULL, json_pack("{s:o}", "path", cli_json_string(path)),
                               cli_json_item(item)))
        j->tally.code = cli_worse(j->tally.code, CLI_EXIT_MEMORY);
}

/* A file at work. */
struct task {
    task             *next;
    cli_file          file;
    cli_place        *place;
    cli_progress_file progress;
    cli_answer        answer;
    weft_item        *item;
};

/* Takes the file's path and the place, also on failure. */
static task *task_begin(job *j, const cli_file *file, cli_place *place)
{
    enum cli_form form = j->json ? CLI_FORM_KEEP : j->many ? CLI_FORM_LINE : CLI_FORM_STREAM;
    task         *t = calloc(1, sizeof *t);
    if (t == NULL) {
        weft_error err = CLI_ERROR_INIT;
        err.code = WEFT_E_NOMEM;
        snprintf(err.message, sizeof err.message, "%.400s: out of memory", file->path);
        cli_tally_fail(&j->tally, place, &err, CLI_EXIT_MEMORY);
        cli_tally_end(&j->tally, &place);
        free(file->path);
        return NULL;
    }
    t->file = *file;
    t->place = place;
    cli_answer_init(&t->answer, form, file->path, place);
    cli_progress_begin(&t->progress);
    return t;
}

static void task_end(job *j, task *t)
{
    cli_progress_end(&t->progress);
    cli_tally_end(&j->tally, &t->place);
    weft_item_release(&t->item);
    cli_answer_deinit(&t->answer);
    free(t->file.path);
    free(t);
}

static void task_queue(job *j, task *t)
{
    if (j->last != NULL)
        j->last->next = t;
    else
        j->first = t;
    j->last = t;
}

/* Opens the file; what has no answer to wait for is done with. */
static bool start_file(void *ctx, const cli_file *file, cli_place *place)
{
    job  *j = ctx;
    task *t = task_begin(j, file, place);
    if (t == NULL)
        return false;
    weft_status st = open_item(j, t->file.path, &t->item, &t->answer.err);
    if (st == WEFT_OK && !cli_has(j->c, OWN_PLAN)) {
        task_queue(j, t);
        return true;
    }
    if (st == WEFT_OK)
        plan_item(j, t->file.path, t->item);
    else if (st != WEFT_E_NOTFOUND || !t->file.found)
        finish_answer(j, &t->answer, &t->file.path, t->item != NULL ? &t->item : NULL, 1);
    else if (cli_verbose() > 0)
        cli_place_say(t->place, "skipped: %s", t->answer.err.message);
    task_end(j, t);
    return false;
}

/* The oldest file at work is answered. */
static uint32_t wait_file(void *ctx)
{
    job  *j = ctx;
    task *t = j->first;
    j->first = t->next;
    if (j->first == NULL)
        j->last = NULL;
    answer_items(j, &t->answer, &t->item, 1);
    finish_answer(j, &t->answer, &t->file.path, &t->item, 1);
    task_end(j, t);
    return 1;
}

/* All files, folders walked, as one list; the caller frees the paths and the lists. */
typedef struct group {
    char      **paths;
    weft_item **items;
    uint32_t    n, cap;
} group;

static bool group_grow(group *g)
{
    if (g->n < g->cap)
        return true;
    uint32_t cap = g->cap != 0 ? 2 * g->cap : 16;
    char   **paths = realloc(g->paths, cap * sizeof *paths);
    if (paths != NULL)
        g->paths = paths;
    weft_item **items = realloc(g->items, cap * sizeof *items);
    if (items != NULL)
        g->items = items;
    if (paths == NULL || items == NULL)
        return false;
    g->cap = cap;
    return true;
}

static weft_status group_fill(job *j, group *g, cli_files *files, weft_error *err)
{
    weft_status st = WEFT_OK;
    while (st == WEFT_OK && !cli_interrupted()) {
        cli_file   file;
        weft_item *item;
        st = cli_files_next(files, &file, err);
        if (st != WEFT_OK || file.path == NULL)
            break;
        st = open_item(j, file.path, &item, err);
        bool skip = st == WEFT_E_NOTFOUND && file.found;
        if (st == WEFT_OK && !group_grow(g)) {
            err->code = st = WEFT_E_NOMEM;
            snprintf(err->message, sizeof err->message, "out of memory: the list of files");
        }
        if (st == WEFT_OK) {
            g->paths[g->n] = file.path;
            g->items[g->n++] = item;
            continue;
        }
        weft_item_release(&item);
        free(file.path);
        if (skip) {
            *err = (weft_error)CLI_ERROR_INIT;
            st = WEFT_OK;
        }
    }
    return st;
}

static weft_status nothing_here(const job *j, weft_error *err)
{
    err->code = WEFT_E_NOTFOUND;
    err->stage = WEFT_STAGE_MEDIA;
    snprintf(err->message, sizeof err->message, "%.300s: " NOTHING_HERE, j->c->operands[0]);
    return err->code;
}

static void describe_together(job *j, cli_files *files)
{
    cli_answer a;
    group      g = {NULL, NULL, 0, 0};
    cli_answer_init(&a, j->json ? CLI_FORM_KEEP : CLI_FORM_STREAM, NULL, NULL);
    weft_status st = group_fill(j, &g, files, &a.err);
    if (st == WEFT_OK && g.n == 0 && j->c->n_operands > 0 && !cli_interrupted())
        st = nothing_here(j, &a.err);
    if (st == WEFT_OK && cli_has(j->c, OWN_PLAN))
        for (uint32_t i = 0; i < g.n; i++)
            plan_item(j, g.paths[i], g.items[i]);
    else {
        if (st == WEFT_OK)
            answer_items(j, &a, g.items, g.n);
        finish_answer(j, &a, g.paths, g.items, g.n);
    }
    for (uint32_t i = 0; i < g.n; i++) {
        weft_item_release(&g.items[i]);
        free(g.paths[i]);
    }
    free(g.items);
    free(g.paths);
    cli_answer_deinit(&a);
}

/* The model's part of a plan. */
static void show_model(job *j)
{
    if (!j->json)
        j->tally.code = cli_show_engine(j->e);
    else if (!cli_json_print(NULL, cli_json_engine(j->e)))
        j->tally.code = CLI_EXIT_MEMORY;
}

/* The recordings of --audio. Without one of them there is nothing to ask. */
static bool open_audio(job *j)
{
    weft_item_request rq = WEFT_ITEM_REQUEST(NULL);
    rq.kind = "audio";
    for (int32_t i = 0; i < j->c->given[OWN_AUDIO]; i++) {
        weft_error err = CLI_ERROR_INIT;
        if (open_as(j, rq, j->c->audio[i], &j->audio[i], &err) != WEFT_OK) {
            cli_tally_fail(&j->tally, NULL, &err, weft_exit_code(&err));
            return false;
        }
        j->n_audio++;
        if (cli_has(j->c, OWN_PLAN))
            plan_item(j, j->c->audio[i], j->audio[i]);
    }
    return true;
}

static void close_audio(job *j)
{
    for (uint32_t i = 0; i < j->n_audio; i++)
        weft_item_release(&j->audio[i]);
    j->n_audio = 0;
}

static void describe_each(job *j, cli_files *files)
{
    const cli_walk walk = {1, NOTHING_HERE, j, start_file, wait_file};
    cli_walk_files(&walk, j->c, files, &j->tally);
}

static void describe_files(job *j)
{
    weft_error err = CLI_ERROR_INIT;
    cli_files  files;
    if (cli_has(j->c, OWN_PLAN))
        show_model(j);
    if (!open_audio(j))
        return;
    if (cli_files_init(&files, j->c->operands, j->c->n_operands, cli_has(j->c, OWN_RECURSIVE),
                       &err) != WEFT_OK) {
        cli_tally_fail(&j->tally, NULL, &err, weft_exit_code(&err));
    } else if (files.many && cli_has(j->c, OWN_PREVIEW)) {
        j->tally.code = cli_usage(j->c, "--preview shows one FILE");
    } else {
        j->many = files.many;
        if (cli_has(j->c, OWN_TOGETHER) || (j->c->n_operands == 0 && j->n_audio > 0))
            describe_together(j, &files);
        else
            describe_each(j, &files);
    }
    cli_files_deinit(&files);
}

/* Standard input can be one thing only. */
static int32_t check_usage(const cli *c)
{
    const char *prompt = weft_settings_str(c->settings, "prompt");
    int32_t     dashes = prompt != NULL && strcmp(prompt, "-") == 0;
    for (int32_t i = 0; i < c->n_operands; i++)
        dashes += strcmp(c->operands[i], "-") == 0;
    for (int32_t i = 0; i < c->given[OWN_AUDIO]; i++)
        dashes += strcmp(c->audio[i], "-") == 0;
    if (dashes > 1)
        return cli_usage(c, "standard input (-) can be read once only");
    if (cli_has(c, OWN_PREVIEW) && (cli_has(c, OWN_PLAN) || c->n_operands != 1))
        return cli_usage(c, "--preview shows one FILE, and does not go with --plan");
    if (cli_has(c, OWN_PREVIEW) && cli_is_same_file(c->value[OWN_PREVIEW], c->operands[0]))
        return cli_usage(c, "--preview %.600s: is FILE itself", c->value[OWN_PREVIEW]);
    if (c->n_operands == 0 && !cli_has(c, OWN_PLAN) && !cli_has(c, OWN_AUDIO))
        return cli_usage(c, "name a FILE, a folder, or - for standard input");
    return CLI_EXIT_OK;
}

int32_t cli_run_describe(cli *c)
{
    job     j = {.c = c,
                 .prompt = {.hdr = WEFT_HDR(weft_prompt), .task = "describe"},
                 .request = WEFT_ITEM_REQUEST(NULL)};
    char   *owned = NULL;
    int32_t code = check_usage(c);
    if (code == CLI_EXIT_OK)
        code = cli_clip_request(c, &j.request);
    if (code == CLI_EXIT_OK)
        code = cli_prompt_text(c, &j.prompt, &owned);
    if (code != CLI_EXIT_OK)
        return code;
    j.json = cli_has(c, OWN_JSON);
    j.prompt.flags = cli_has(c, OWN_RAW) ? 0 : WEFT_PROMPT_CHAT;
    j.e = cli_engine_open(c, cli_has(c, OWN_PLAN) ? WEFT_OPEN_CONFIG : 0, &code);
    if (j.e != NULL) {
        describe_files(&j);
        code = j.tally.code;
        if (j.sum.n_new > 0)
            cli_summary(&j.sum, j.decode_s, j.encode_s);
    }
    close_audio(&j);
    cli_engine_close(&j.e);
    free(owned);
    return code;
}
