/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts of describe. */
#include "command/describe_prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "input/stdin.h"
#include "output/csv.h"
#include "output/preview.h"
#include "output/record.h"
#include "output/show.h"

static bool is_silent(const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    return weft_item_describe(item, &d, NULL) == WEFT_OK && d.silent;
}

static weft_status open_as(cli_describe *j, weft_item_request rq, const char *path, weft_item **out,
                           weft_error *err)
{
    rq.path = path;
    rq.plan_only = cli_has(j->c, OWN_PLAN);
    *out = NULL;
    weft_status st = cli_media_ready(path, err);
    return st == WEFT_OK ? weft_item_open(j->e, &rq, out, err) : st;
}

weft_status cli_describe_open(cli_describe *j, const char *path, weft_item **out, weft_error *err)
{
    weft_status st = open_as(j, j->request, path, out, err);
    if (st == WEFT_OK && cli_has(j->c, OWN_PREVIEW)) /* said, and the answer goes on */
        j->tally.code = cli_worse(j->tally.code, cli_preview_write(*out, j->c->value[OWN_PREVIEW]));
    return st;
}

static void add_item_times(cli_answer *a, const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    if (weft_item_describe(item, &d, NULL) != WEFT_OK)
        return;
    a->decode_s += d.decode_s;
    a->encode_s += d.encode_s;
}

void cli_describe_count(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        add_item_times(a, items[i]);
    for (uint32_t i = 0; i < j->n_audio && !j->audio_timed; i++)
        add_item_times(a, j->audio[i]);
    j->audio_timed = true;
    j->decode_s += a->decode_s;
    j->encode_s += a->encode_s;
    j->sum.n_prompt += a->run.n_prompt;
    j->sum.n_new += a->run.n_new;
    j->sum.prefill_s += a->run.prefill_s;
    j->sum.decode_s += a->run.decode_s;
}

void cli_describe_start(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n)
{
    weft_prompt p = j->prompt;
    weft_item **all = malloc((n + j->n_audio + 1) * sizeof(weft_item *));
    if (all == NULL) {
        a->err.code = a->status = WEFT_E_NOMEM;
        snprintf(a->err.message, sizeof a->err.message, "out of memory: a prompt");
        return;
    }
    p.items = all;
    for (uint32_t i = 0; i < n + j->n_audio; i++) {
        weft_item *item = i < n ? items[i] : j->audio[i - n];
        if (!is_silent(item))
            all[p.n_items++] = item;
    }
    a->nothing = p.n_items == 0 && n + j->n_audio > 0;
    if (!a->nothing)
        cli_answer_start(a, j->e, &p);
    free(all);
}

void cli_describe_finish(cli_describe *j, cli_answer *a, weft_item *const *items, uint32_t n)
{
    cli_answer_finish(a, j->c);
    cli_describe_count(j, a, items, n);
}

static void put_csv(cli_answer *a, const char *path)
{
    const char *fields[] = {path, a->text, cli_answer_reason(a),
                            a->err.code != WEFT_OK ? a->err.message : NULL};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *f = fields[i];
        if (i > 0)
            cli_place_put(a->place, ",", 1);
        cli_csv_field(a->place, f, f == a->text ? a->text_bytes : f != NULL ? strlen(f) : 0);
    }
    cli_place_put(a->place, "\n", 1);
    cli_place_flush(a->place);
}

void cli_describe_tell(cli_describe *j, cli_answer *a, char *const *paths, weft_item *const *items,
                       uint32_t n)
{
    int32_t code = cli_answer_code(a);
    if (j->json && !cli_record_print(a->place, cli_record_head(j->c, paths, items, n),
                                     cli_answer_json(a, j->e)))
        j->tally.code = cli_worse(j->tally.code, CLI_EXIT_MEMORY);
    if (j->csv)
        put_csv(a, paths[0]);
    if (code == CLI_EXIT_OK)
        j->tally.n_done++;
    else
        cli_tally_fail(&j->tally, a->place, &a->err, code);
}

void cli_describe_plan(cli_describe *j, const char *path, const weft_item *item)
{
    j->tally.n_done++;
    if (!j->json)
        cli_show_item(path, item);
    else if (!cli_record_print(NULL, json_pack("{s:o}", "path", cli_json_string(path)),
                               cli_json_item(item)))
        j->tally.code = cli_worse(j->tally.code, CLI_EXIT_MEMORY);
}

bool cli_describe_open_audio(cli_describe *j)
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
            cli_describe_plan(j, j->c->audio[i], j->audio[i]);
    }
    return true;
}

void cli_describe_close_audio(cli_describe *j)
{
    for (uint32_t i = 0; i < j->n_audio; i++)
        weft_item_release(&j->audio[i]);
    j->n_audio = 0;
}
