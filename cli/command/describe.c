/* SPDX-License-Identifier: Apache-2.0 */
/* weft describe: each file a prompt of its own, or all of them one. */
#include "command/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/describe_document.h"
#include "command/describe_prompt.h"
#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/values.h"
#include "output/say.h"
#include "output/show.h"
#include "output/target.h"

#define CSV_HEAD "path,text,finish_reason,error\n"
#define NOTHING_HERE "no file here that can be described"

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

static weft_status group_fill(cli_describe *j, group *g, cli_files *files, weft_error *err)
{
    weft_status st = WEFT_OK;
    while (st == WEFT_OK && !cli_interrupted()) {
        cli_file   file;
        weft_item *item;
        st = cli_files_next(files, &file, err);
        if (st != WEFT_OK || file.path == NULL)
            break;
        st = cli_describe_open(j, file.path, &item, err);
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

static weft_status nothing_here(const cli_describe *j, weft_error *err)
{
    err->code = WEFT_E_NOTFOUND;
    err->stage = WEFT_STAGE_MEDIA;
    snprintf(err->message, sizeof err->message, "%.300s: " NOTHING_HERE, j->c->operands[0]);
    return err->code;
}

static void describe_together(cli_describe *j, cli_files *files)
{
    cli_answer a;
    group      g = {NULL, NULL, 0, 0};
    cli_answer_init(&a, j->c, j->json ? CLI_FORM_KEEP : CLI_FORM_STREAM, NULL, NULL);
    weft_status st = group_fill(j, &g, files, &a.err);
    if (st == WEFT_OK && g.n == 0 && j->c->n_operands > 0 && !cli_interrupted())
        st = nothing_here(j, &a.err);
    if (st == WEFT_OK && cli_has(j->c, OWN_PLAN))
        for (uint32_t i = 0; i < g.n; i++)
            cli_describe_plan(j, g.paths[i], g.items[i]);
    else {
        if (st == WEFT_OK) {
            cli_describe_start(j, &a, g.items, g.n);
            cli_describe_finish(j, &a, g.items, g.n);
        }
        cli_describe_tell(j, &a, g.paths, g.items, g.n);
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
static void show_model(cli_describe *j)
{
    if (!j->json)
        j->tally.code = cli_show_engine(j->e);
    else if (!cli_json_print(NULL, cli_json_engine(j->e)))
        j->tally.code = CLI_EXIT_MEMORY;
}

static void describe_files(cli_describe *j)
{
    weft_error err = CLI_ERROR_INIT;
    cli_files  files;
    if (cli_has(j->c, OWN_PLAN))
        show_model(j);
    if (!cli_describe_open_audio(j))
        return;
    if (cli_files_init(&files, j->c->operands, j->c->n_operands, cli_has(j->c, OWN_RECURSIVE),
                       &err) != WEFT_OK) {
        cli_tally_fail(&j->tally, NULL, &err, weft_exit_code(&err));
    } else if (files.many && cli_has(j->c, OWN_PREVIEW)) {
        j->tally.code = cli_usage(j->c, "--preview shows one FILE");
    } else {
        j->many = files.many;
        if (j->csv)
            cli_place_put(NULL, CSV_HEAD, sizeof CSV_HEAD - 1);
        if (cli_has(j->c, OWN_TOGETHER) || (j->c->n_operands == 0 && j->n_audio > 0))
            describe_together(j, &files);
        else
            cli_describe_each(j, &files);
    }
    cli_files_deinit(&files);
}

static int32_t check_preview(const cli *c)
{
    const char *path = c->value[OWN_PREVIEW];
    if (!cli_has(c, OWN_PREVIEW))
        return CLI_EXIT_OK;
    if (cli_has(c, OWN_PLAN) || c->n_operands != 1)
        return cli_usage(c, "--preview shows one FILE, and does not go with --plan");
    if (cli_is_same_file(path, c->operands[0]))
        return cli_usage(c, "--preview %.600s: is FILE itself", path);
    if (cli_is_stdout(path))
        return cli_usage(c, "--preview %.600s: standard output is where the text goes", path);
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (strchr(name, '.') != NULL && !cli_has_ending(path, "png"))
        return cli_usage(c, "--preview %.600s: it is a PNG; name it so", path);
    return cli_check_target(c, OWN_PREVIEW);
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
    if (c->n_operands == 0 && !cli_has(c, OWN_PLAN) && !cli_has(c, OWN_AUDIO))
        return cli_usage(c, "name a FILE, a folder, or - for standard input");
    if (cli_has(c, OWN_CSV) &&
        (cli_has(c, OWN_JSON) || cli_has(c, OWN_TOGETHER) || cli_has(c, OWN_PLAN)))
        return cli_usage(c,
                         "--csv has a line for each file: not with --json, --together or --plan");
    return check_preview(c);
}

int32_t cli_run_describe(cli *c)
{
    cli_describe j = {.c = c,
                      .prompt = {.hdr = WEFT_HDR(weft_prompt), .task = "describe"},
                      .request = WEFT_ITEM_REQUEST(NULL)};
    char        *owned = NULL;
    int32_t      code = check_usage(c);
    if (code == CLI_EXIT_OK)
        code = cli_clip_request(c, &j.request);
    if (code == CLI_EXIT_OK)
        code = cli_parallel_option(c, &j.at_once);
    if (code == CLI_EXIT_OK)
        code = cli_prompt_text(c, &j.prompt, &owned);
    if (code == CLI_EXIT_OK)
        code = cli_document_init(&j);
    if (code != CLI_EXIT_OK) {
        free(owned);
        return code;
    }
    j.json = cli_has(c, OWN_JSON);
    j.csv = cli_has(c, OWN_CSV);
    j.prompt.flags = cli_has(c, OWN_RAW) ? 0 : WEFT_PROMPT_CHAT;
    j.e = cli_engine_open(c, cli_has(c, OWN_PLAN) ? WEFT_OPEN_CONFIG : 0, &code);
    if (j.e != NULL) {
        describe_files(&j);
        code = j.tally.code;
        if (j.sum.n_new > 0)
            cli_summary(&j.sum, j.decode_s, j.encode_s);
    }
    cli_describe_close_audio(&j);
    cli_names_deinit(&j.names);
    cli_engine_close(&j.e);
    free(owned);
    return code;
}
