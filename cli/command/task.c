/* SPDX-License-Identifier: Apache-2.0 */
/* Files at work. */
#include "command/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "exit.h"

void cli_tally_fail(cli_tally *t, cli_place *place, const weft_error *err, int32_t code)
{
    t->n_failed++;
    t->code = cli_worse(t->code, code);
    (void)cli_place_error(place, err);
}

void cli_tally_end(cli_tally *t, cli_place **place)
{
    int32_t code = cli_place_end(place);
    t->n_failed += code != CLI_EXIT_OK;
    t->code = cli_worse(t->code, code);
}

void *cli_task_begin(cli_tally *t, size_t size, const cli_file *file, cli_place *place)
{
    cli_task *task = calloc(1, size);
    if (task == NULL) {
        weft_error err = CLI_ERROR_INIT;
        err.code = WEFT_E_NOMEM;
        snprintf(err.message, sizeof err.message, "%.400s: out of memory", file->path);
        cli_tally_fail(t, place, &err, CLI_EXIT_MEMORY);
        cli_tally_end(t, &place);
        free(file->path);
        return NULL;
    }
    task->file = *file;
    task->place = place;
    cli_progress_begin(&task->progress);
    return task;
}

void cli_task_end(cli_tally *t, cli_task *task)
{
    cli_progress_end(&task->progress);
    cli_tally_end(t, &task->place);
    free(task->file.path);
    free(task);
}

void cli_tasks_add(cli_tasks *q, cli_task *task)
{
    task->next = NULL;
    if (q->last != NULL)
        q->last->next = task;
    else
        q->first = task;
    q->last = task;
}

void *cli_tasks_take(cli_tasks *q)
{
    cli_task *task = q->first;
    if (task == NULL)
        return NULL;
    q->first = task->next;
    if (q->first == NULL)
        q->last = NULL;
    return task;
}
