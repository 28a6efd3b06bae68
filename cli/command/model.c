/* SPDX-License-Identifier: Apache-2.0 */
/* weft model inspect and weft model verify. */
#include "command/commands.h"

#include <string.h>

#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "models/models.h"
#include "output/abilities.h"
#include "output/json.h"
#include "output/out.h"
#include "output/say.h"
#include "output/show.h"
#include "output/target.h"
#include "output/terminal.h"

/* DIR is -m. */
static int32_t take_dir(cli *c)
{
    weft_error err = CLI_ERROR_INIT;
    if (c->n_operands == 0 ||
        weft_settings_set(c->settings, "model", c->operands[0], "DIR", &err) == WEFT_OK)
        return CLI_EXIT_OK;
    return cli_say_error(&err);
}

/* Which released models have these numbers; a name in a directory says less. */
static size_t releases_of(weft_engine *e, const cli_release **out)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_error       err = CLI_ERROR_INIT;
    const char      *plugin;
    if (weft_engine_describe(e, &d, NULL) != WEFT_OK)
        return 0;
    cli_numbers of = {d.core_parameters + d.site_parameters, d.encoder_parameters, d.max_positions,
                      weft_engine_takes(e, "video", &plugin, &err) == WEFT_OK};
    return cli_releases_of(&of, out);
}

/* A line for each; the licence where all have the same one. */
static void show_releases(weft_engine *e)
{
    const cli_release *r[CLI_RELEASES_ALIKE];
    size_t             n = releases_of(e, r), same = 0;
    while (same < n && strcmp(r[same]->licence, r[0]->licence) == 0)
        same++;
    for (size_t i = 0; i < n; i++)
        cli_outf("%-13s %s (%s)%s\n", i == 0 ? "released as" : "or as", r[i]->name,
                 r[i]->repository, i + 1 < n ? "" : ", or with the same numbers");
    if (n > 0 && same == n)
        cli_outf("%-13s %s\n", "licence", r[0]->licence);
}

/* A list of repositories; NULL: out of memory. */
static json_t *releases_json(weft_engine *e)
{
    const cli_release *r[CLI_RELEASES_ALIKE];
    size_t             n = releases_of(e, r);
    json_t            *all = json_array();
    for (size_t i = 0; all != NULL && i < n; i++)
        if (json_array_append_new(all, cli_json_string(r[i]->repository)) != 0) {
            json_decref(all);
            all = NULL;
        }
    return all;
}

static int32_t inspect_json(weft_engine *e, const cli_abilities *can)
{
    weft_error err = CLI_ERROR_INIT;
    json_t    *stored;
    if (cli_json_stored(e, &stored, &err) != WEFT_OK)
        return cli_say_error(&err);
    json_t *v = cli_json_engine(e);
    if (json_object_set_new(v, "stored", stored) != 0 ||
        json_object_set_new(v, "releases", releases_json(e)) != 0 || !cli_abilities_json(can, v)) {
        json_decref(v);
        v = NULL;
    }
    return cli_json_print(NULL, v) ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
}

static int32_t inspect(const cli *c, weft_engine *e, const cli_abilities *can)
{
    if (cli_has(c, OWN_JSON))
        return inspect_json(e, can);
    int32_t code = cli_show_engine(e);
    if (code == CLI_EXIT_OK)
        code = cli_show_stored(e);
    show_releases(e);
    cli_abilities_show(can);
    cli_show_sites(e);
    cli_show_markers(e);
    return code;
}

int32_t cli_run_model_inspect(cli *c)
{
    cli_abilities can = {.n_formats = 0};
    char          why[600];
    int32_t       code = take_dir(c);
    if (code != CLI_EXIT_OK)
        return code;
    cli_abilities_formats(&can, c);
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_CONFIG, &code);
    if (e == NULL)
        return code;
    cli_abilities_ask(&can, c, e);
    code = inspect(c, e, &can);
    if (code == CLI_EXIT_OK && !cli_abilities_runs(&can, why, sizeof why))
        code = CLI_EXIT_MODEL;
    cli_engine_close(&e);
    return code;
}

/* What the rows of a comparison go to. */
typedef struct table {
    json_t *rows; /* NULL: text */
    bool    no_memory;
    int32_t n;
} table;

static json_t *row_json(const weft_verify_row *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b}", "name",
                     cli_json_string(r->name), "max_abs", cli_json_real(r->max_abs), "relative",
                     cli_json_real(r->relative), "cosine", cli_json_real(r->cosine), "scale",
                     cli_json_real(r->scale), "first_argmax", (json_int_t)r->first_argmax,
                     "n_compared", (json_int_t)r->n_compared, "n_equal", (json_int_t)r->n_equal,
                     "passed", (int)r->passed);
}

static void print_row(const weft_verify_row *r)
{
    const char *verdict = r->passed != 0 ? "ok" : "FAILED";
    if (strcmp(r->name, "greedy") == 0) {
        cli_outf("%-20s %lld of %lld ids equal  %s\n", r->name, (long long)r->n_equal,
                 (long long)r->n_compared, verdict);
        return;
    }
    cli_outf("%-20s %11.3e %11.3e %12.9f  %s", r->name, r->max_abs, r->relative, r->cosine,
             verdict);
    if (r->first_argmax >= 0)
        cli_outf("  (another token is likeliest at position %lld)", (long long)r->first_argmax);
    cli_outf("\n");
}

static void take_row(void *ctx, const weft_verify_row *r)
{
    table *t = ctx;
    cli_line_clear();
    if (t->rows != NULL) {
        if (json_array_append_new(t->rows, row_json(r)) != 0)
            t->no_memory = true;
        return;
    }
    if (t->n++ == 0)
        cli_outf("%-20s %11s %11s %12s\n", "tensor", "max abs", "relative", "cosine");
    print_row(r);
    cli_out_flush();
}

static weft_status compare(cli *c, weft_engine *e, table *t, int32_t *passed, weft_error *err)
{
    weft_engine_info    d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_verify_request rq = {.hdr = WEFT_HDR(weft_verify_request),
                              .parity = c->value[OWN_PARITY],
                              .dump = c->value[OWN_DUMP],
                              .on_row = take_row,
                              .ctx = t};
    weft_status         st = weft_engine_describe(e, &d, err);
    if (st != WEFT_OK)
        return st;
    rq.prefill_chunk = (int32_t)weft_settings_i64(c->settings, "prefill_chunk");
    /* "auto" is what the file holds, so the engine says which it was. */
    rq.bf16 = d.dtype != NULL && strcmp(d.dtype, "bf16") == 0;
    return weft_verify(e, &rq, passed, err);
}

static int32_t print_verdict(table *t, int32_t passed)
{
    if (t->rows == NULL)
        cli_outf("%s\n", passed != 0 ? "passed" : "failed");
    else {
        json_t *v =
            t->no_memory ? NULL : json_pack("{s:b, s:O}", "passed", passed, "rows", t->rows);
        if (!cli_json_print(NULL, v))
            return CLI_EXIT_MEMORY;
    }
    return passed != 0 ? CLI_EXIT_OK : CLI_EXIT_CHECK;
}

static int32_t verify(cli *c, weft_engine *e)
{
    weft_error err = CLI_ERROR_INIT;
    table      t = {NULL, false, 0};
    int32_t    passed = 0, code;
    if (cli_has(c, OWN_JSON) && (t.rows = json_array()) == NULL) {
        cli_say("out of memory: the rows of a comparison");
        return CLI_EXIT_MEMORY;
    }
    if (compare(c, e, &t, &passed, &err) == WEFT_OK)
        code = print_verdict(&t, passed);
    else {
        code = cli_say_error(&err);
        code = cli_interrupted() ? CLI_EXIT_INTERRUPTED : code;
    }
    json_decref(t.rows);
    return code;
}

int32_t cli_run_model_verify(cli *c)
{
    int32_t code = take_dir(c);
    if (code == CLI_EXIT_OK)
        code = cli_check_target(c, OWN_DUMP);
    if (code != CLI_EXIT_OK)
        return code;
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_NO_CORE, &code);
    if (e != NULL)
        code = verify(c, e);
    cli_engine_close(&e);
    return code;
}
