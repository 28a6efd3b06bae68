/* SPDX-License-Identifier: Apache-2.0 */
/* Files of describe with a prompt each, several at work at once. */
#include "command/describe_prompt.h"
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
    uint64_t   bytes; /* that the item takes */
} task;

static void task_end(cli_describe *j, task *t)
{
    weft_item_release(&t->item);
    cli_answer_deinit(&t->answer);
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

/* Opens the file and begins its prompt; what has no answer to wait for is done with. */
static bool start_file(void *ctx, const cli_file *file, cli_place *place)
{
    cli_describe *j = ctx;
    enum cli_form form = j->json ? CLI_FORM_KEEP : j->many ? CLI_FORM_LINE : CLI_FORM_STREAM;
    task         *t = cli_task_begin(&j->tally, sizeof *t, file, place);
    if (t == NULL)
        return false;
    cli_answer_init(&t->answer, j->c, form, t->base.file.path, place);
    weft_status st = cli_describe_open(j, t->base.file.path, &t->item, &t->answer.err);
    if (st == WEFT_OK && !cli_has(j->c, OWN_PLAN)) {
        submit(j, t);
        return true;
    }
    if (st == WEFT_OK)
        cli_describe_plan(j, t->base.file.path, t->item);
    else if (st != WEFT_E_NOTFOUND || !t->base.file.found)
        cli_describe_tell(j, &t->answer, &t->base.file.path, NULL, 1);
    else if (cli_verbose() > 0)
        cli_place_say(place, "skipped: %s", t->answer.err.message);
    task_end(j, t);
    return false;
}

/* Of files that an interruption ends together the first says so; the others are as if they had not
 * been begun. */
static void finish_task(cli_describe *j, task *t)
{
    cli_answer_end(&t->answer);
    cli_describe_count(j, &t->answer, &t->item, 1);
    if (cli_answer_code(&t->answer) != CLI_EXIT_INTERRUPTED ||
        j->tally.code != CLI_EXIT_INTERRUPTED)
        cli_describe_tell(j, &t->answer, &t->base.file.path, &t->item, 1);
    j->held -= t->bytes;
    task_end(j, t);
}

static uint32_t finish_done(cli_describe *j)
{
    cli_tasks going = {NULL, NULL};
    uint32_t  n = 0;
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

/* Half of the device's free memory, so that others have some too; 0: not known. */
static uint64_t spare_memory(const cli *c)
{
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    for (uint32_t i = 0; weft_device_at(c->settings, i, &d); i++)
        if (d.chosen)
            return d.free_bytes / 2;
    return 0;
}

void cli_describe_each(cli_describe *j, cli_files *files)
{
    bool           bounded = j->at_once > 1 && !cli_has(j->c, OWN_PARALLEL);
    const cli_walk walk = {j->at_once, has_room,   "no file here that can be described",
                           j,          start_file, wait_files};
    j->spare = bounded ? spare_memory(j->c) : 0;
    j->sampling = (weft_sampling){.hdr = WEFT_HDR(weft_sampling)};
    weft_sampling_from_settings(j->c->settings, &j->sampling);
    cli_walk_files(&walk, j->c, files, &j->tally);
    weft_scheduler_destroy(&j->scheduler);
}
