/* SPDX-License-Identifier: Apache-2.0 */
/* Files at work. */
#include "command/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/say.h"
#include "output/terminal.h"

void cli_tally_fail(cli_tally *t, cli_place *place, const weft_error *err, int32_t code)
{
    t->n_failed++;
    t->code = cli_worse(t->code, code);
    (void)cli_place_error(place, err);
}

static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name && strlen(dot) < CLI_ENDING_BYTES ? dot : "";
}

void cli_tally_skip(cli_tally *t, cli_place *place, const char *path, const char *why)
{
    const char *ending = ending_of(path);
    int         i = 0;
    t->n_skipped++;
    while (i < CLI_ENDINGS_TOLD && t->skipped[i].n > 0 && strcmp(t->skipped[i].ending, ending) != 0)
        i++;
    if (i < CLI_ENDINGS_TOLD) {
        strcpy(t->skipped[i].ending, ending);
        t->skipped[i].n++;
    }
    if (cli_verbose() > 0)
        cli_place_say(place, "skipped: %s", why);
}

void cli_tally_tell_skipped(const cli_tally *t)
{
    char    line[CLI_LINE_BYTES];
    int32_t told = 0;
    if (t->n_skipped == 0 || cli_is_quiet())
        return;
    snprintf(line, sizeof line, "%d file%s skipped:", t->n_skipped, t->n_skipped == 1 ? "" : "s");
    for (int i = 0; i < CLI_ENDINGS_TOLD && t->skipped[i].n > 0; i++) {
        size_t      n = strlen(line);
        const char *ending = t->skipped[i].ending;
        snprintf(line + n, sizeof line - n, "%s %d %s", i > 0 ? "," : "", t->skipped[i].n,
                 ending[0] != '\0' ? ending : "without an ending");
        told += t->skipped[i].n;
    }
    if (told < t->n_skipped) {
        size_t n = strlen(line);
        snprintf(line + n, sizeof line - n, ", %d others", t->n_skipped - told);
    }
    cli_say("%s%s", line, cli_verbose() > 0 ? "" : " (-v names them)");
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
