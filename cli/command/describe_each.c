/* SPDX-License-Identifier: Apache-2.0 */
/* Files of describe with a prompt each, several at work at once. */
#include "command/describe_document.h"

#include <stdlib.h>

#include "command/walk.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/values.h"
#include "output/terminal.h"

/* A file at work. */
typedef struct task {
    cli_task   base;
    cli_answer answer;
    weft_item *item;
    char      *document; /* its path, with -o */
    uint64_t   bytes;    /* bytes that the item takes */
} task;

static void task_end(cli_describe *j, task *t)
{
    weft_item_release(&t->item);
    cli_answer_deinit(&t->answer);
    free(t->document);
    cli_task_end(&j->tally, &t->base);
}

/* What an item keeps until its answer is there. */
static uint64_t bytes_of(const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    if (weft_item_describe(item, &d, NULL) != WEFT_OK)
        return 0;
    return d.input_bytes + d.output_bytes + d.kv_bytes;
}

/* Its prompt goes to the scheduler. */
static void submit(cli_describe *j, task *t)
{
    cli_answer *a = &t->answer;
    cli_describe_start(j, a, &t->item, 1);
    if (a->status == WEFT_OK && j->scheduler == NULL)
        a->status = weft_scheduler_create(j->e, NULL, &j->scheduler, &a->err);
    cli_answer_submit(a, j->scheduler, &j->sampling);
    t->bytes = bytes_of(t->item);
    j->held += t->bytes;
    j->largest = t->bytes > j->largest ? t->bytes : j->largest;
    cli_tasks_add(&j->at_work, &t->base);
}

/* *there: --skip-existing leaves the file out. */
static weft_status name_document(cli_describe *j, task *t, bool *there)
{
    t->document = cli_document_path(j, t->base.file.path, &t->answer.err);
    if (t->document == NULL)
        return t->answer.err.code;
    *there = cli_has(j->c, OWN_SKIP_EXISTING) && cli_document_exists(t->document);
    return WEFT_OK;
}

static void tell_there(cli_describe *j, const task *t)
{
    j->tally.n_done++;
    if (cli_verbose() > 0)
        cli_place_say(t->base.place, "%.500s: %.500s is there", t->base.file.path, t->document);
}

/* With -o, the text of an answer that did not fail. */
static void write_document(cli_describe *j, task *t)
{
    if (j->folder == NULL || cli_answer_code(&t->answer) != CLI_EXIT_OK)
        return;
    int32_t code = cli_document_write(j, t->base.file.path, &t->document, &t->answer);
    if (code == CLI_EXIT_OK)
        return;
    j->tally.n_failed++; /* said where it happened */
    j->tally.n_done--;   /* as which it is counted next */
    j->tally.code = cli_worse(j->tally.code, code);
}

/* Opens the file and begins its prompt; what has no answer to wait for is done with. */
static bool start_file(void *ctx, const cli_file *file, cli_place *place)
{
    cli_describe *j = ctx;
    bool          keep = j->json || j->csv || j->folder != NULL;
    enum cli_form form = keep ? CLI_FORM_KEEP : j->many ? CLI_FORM_LINE : CLI_FORM_STREAM;
    task         *t = cli_task_begin(&j->tally, sizeof *t, file, place);
    if (t == NULL)
        return false;
    cli_answer_init(&t->answer, j->c, form, t->base.file.path, place);
    weft_status st = cli_describe_open(j, t->base.file.path, &t->item, &t->answer.err);
    bool        there = false;
    if (st == WEFT_OK && j->folder != NULL)
        st = name_document(j, t, &there);
    if (st == WEFT_OK && !there && !cli_has(j->c, OWN_PLAN)) {
        submit(j, t);
        return true;
    }
    if (there)
        tell_there(j, t);
    else if (st == WEFT_OK)
        cli_describe_plan(j, t->base.file.path, t->item);
    else if (st != WEFT_E_NOTFOUND || !t->base.file.found)
        cli_describe_tell(j, &t->answer, &t->base.file.path, NULL, 1);
    else
        cli_tally_skip(&j->tally, place, t->base.file.path, t->answer.err.message);
    task_end(j, t);
    return false;
}

/* Of files that an interruption ends together the first says so; the others are as if they had not
 * been begun. */
static void finish_task(cli_describe *j, task *t)
{
    cli_answer_end(&t->answer);
    cli_describe_count(j, &t->answer, &t->item, 1);
    write_document(j, t);
    if (cli_answer_code(&t->answer) != CLI_EXIT_INTERRUPTED ||
        j->tally.code != CLI_EXIT_INTERRUPTED)
        cli_describe_tell(j, &t->answer, &t->base.file.path, &t->item, 1);
    j->held -= t->bytes;
    task_end(j, t);
}

/* What an interruption cut short and nobody has seen yet stays unseen. */
static void drop_all(const cli_describe *j)
{
    for (const cli_task *at = j->at_work.first; at != NULL; at = at->next)
        cli_place_drop(((const task *)at)->answer.place);
}

static uint32_t finish_done(cli_describe *j)
{
    cli_tasks going = {NULL, NULL};
    uint32_t  n = 0;
    if (cli_interrupted())
        drop_all(j);
    for (task *t; (t = cli_tasks_take(&j->at_work)) != NULL;) {
        if (t->answer.done) {
            finish_task(j, t);
            n++;
        } else {
            cli_tasks_add(&going, &t->base);
        }
    }
    j->at_work = going;
    return n;
}

/* A step failed as a whole: so has every file at work. */
static void fail_all(cli_describe *j, const weft_error *err)
{
    for (cli_task *at = j->at_work.first; at != NULL; at = at->next) {
        cli_answer *a = &((task *)at)->answer;
        a->failed = !a->done;
    }
    weft_scheduler_destroy(&j->scheduler);
    for (cli_task *at = j->at_work.first; at != NULL; at = at->next) {
        cli_answer *a = &((task *)at)->answer;
        if (!a->failed)
            continue;
        a->status = err->code;
        a->err = *err;
    }
}

static uint32_t wait_files(void *ctx)
{
    cli_describe *j = ctx;
    uint32_t      n;
    while ((n = finish_done(j)) == 0) {
        weft_error err = CLI_ERROR_INIT;
        cli_interrupt_pass_on();
        if (weft_scheduler_step(j->scheduler, NULL, &err) != WEFT_OK)
            fail_all(j, &err);
    }
    return n;
}

/* Another file of the size of the largest so far would still fit. */
static bool has_room(void *ctx)
{
    const cli_describe *j = ctx;
    return j->spare == 0 || j->held + j->largest <= j->spare;
}

void cli_describe_each(cli_describe *j, cli_files *files)
{
    bool           bounded = j->at_once > 1 && !cli_has(j->c, OWN_PARALLEL);
    const cli_walk walk = {j->at_once, has_room,   "no file here that can be described",
                           j,          start_file, wait_files};
    j->spare = bounded ? cli_spare_memory(j->c) : 0;
    j->sampling = (weft_sampling){.hdr = WEFT_HDR(weft_sampling)};
    weft_sampling_from_settings(j->c->settings, &j->sampling);
    cli_walk_files(&walk, j->c, files, &j->tally);
    weft_scheduler_destroy(&j->scheduler);
}
