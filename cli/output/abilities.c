/* SPDX-License-Identifier: Apache-2.0 */
/* The library is asked: which formats it has, what the model can do, what memory there is. */
#include "output/abilities.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "output/json.h"
#include "output/out.h"
#include "output/show.h"

#define KEY "quantize"

static const struct {
    const char *name, *kind; /* kind NULL: no medium */
} asked[CLI_ABILITIES] = {{"text", NULL},
                          {"chat", NULL},
                          {"pictures", "image"},
                          {"recordings", "audio"},
                          {"clips", "video"}};

/* The words that --quantize takes, "none|q8|q4"; "": there is no such option. */
static const char *format_words(void)
{
    weft_option_info o;
    for (uint32_t i = 0; weft_option_at(i, &o) != 0; i++)
        if (strcmp(o.key, KEY) == 0 && o.range != NULL)
            return o.range;
    return "";
}

/* What an engine with these settings would take; false: it cannot be opened, which opening it for
 * good will say. */
static bool measure(cli *c, cli_format_bytes *f)
{
    weft_error       err = CLI_ERROR_INIT;
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_engine     *e;
    if (weft_settings_set(c->settings, KEY, f->format, "--quantize", &err) != WEFT_OK ||
        weft_engine_open(c->settings, WEFT_OPEN_CONFIG, NULL, &e, &err) != WEFT_OK)
        return false;
    bool ok = weft_engine_describe(e, &d, &err) == WEFT_OK && d.n_layers > 0;
    f->weights = d.weight_bytes;
    f->total = d.total_bytes;
    weft_engine_close(&e);
    return ok;
}

void cli_abilities_formats(cli_abilities *a, cli *c)
{
    char        set[sizeof a->formats->format];
    weft_error  err = CLI_ERROR_INIT;
    const char *word = format_words();
    snprintf(set, sizeof set, "%s", weft_settings_str(c->settings, KEY));
    weft_set_log(NULL, NULL);
    while (*word != '\0' && a->n_formats < CLI_FORMATS_MAX) {
        size_t            n = strcspn(word, "|");
        cli_format_bytes *f = &a->formats[a->n_formats];
        snprintf(f->format, sizeof f->format, "%.*s", (int)n, word);
        a->n_formats += measure(c, f);
        word += n + (word[n] == '|');
    }
    weft_set_log(cli_log, NULL);
    (void)weft_settings_set(c->settings, KEY, set, "--quantize", &err);
}

static void ask_memory(cli_abilities *a, const cli *c)
{
    weft_device_info d = {.hdr = WEFT_HDR(weft_device_info)};
    for (uint32_t i = 0; weft_device_at(c->settings, i, &d) != 0; i++)
        if (d.chosen) {
            a->free_bytes = d.free_bytes;
            a->total_bytes = d.total_bytes;
        }
}

void cli_abilities_ask(cli_abilities *a, const cli *c, weft_engine *e)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    uint64_t         n = 0;
    for (int i = 0; i < CLI_ABILITIES; i++) {
        cli_ability *k = &a->can[i];
        *k = (cli_ability){asked[i].name, NULL, CLI_ERROR_INIT};
        if (asked[i].kind != NULL)
            (void)weft_engine_takes(e, asked[i].kind, &k->plugin, &k->why);
        else if (i == 0)
            (void)weft_tokenize(e, "a", 1, 0, NULL, 0, &n, &k->why);
        else
            (void)weft_engine_can_chat(e, &k->why);
    }
    a->weights = (weft_error)CLI_ERROR_INIT;
    (void)weft_engine_can_load(e, &a->weights);
    if (weft_engine_describe(e, &d, NULL) == WEFT_OK)
        a->needs = d.total_bytes;
    ask_memory(a, c);
}

bool cli_abilities_runs(const cli_abilities *a, char *why, size_t cap)
{
    char needs[32], there[32];
    why[0] = '\0';
    if (a->can[0].why.code != WEFT_OK)
        snprintf(why, cap, "%s", a->can[0].why.message);
    else if (a->weights.code != WEFT_OK)
        snprintf(why, cap, "%s", a->weights.message);
    else if (a->total_bytes > 0 && a->needs > a->total_bytes)
        snprintf(why, cap, "it takes %s, and this machine has %s",
                 cli_bytes(a->needs, needs, sizeof needs),
                 cli_bytes(a->total_bytes, there, sizeof there));
    return why[0] == '\0';
}

static void show_run(const cli_abilities *a)
{
    char needs[32], there[32], why[600];
    bool runs = cli_abilities_runs(a, why, sizeof why);
    cli_outf("%-13s %s", "runs here", runs ? "yes" : "no: ");
    if (!runs)
        cli_outf("%s\n", why);
    else if (a->free_bytes > 0 && a->needs > a->free_bytes)
        cli_outf(", but not now: it takes %s, and %s are free\n",
                 cli_bytes(a->needs, needs, sizeof needs),
                 cli_bytes(a->free_bytes, there, sizeof there));
    else if (a->free_bytes > 0)
        cli_outf(": it takes %s of the %s that are free\n",
                 cli_bytes(a->needs, needs, sizeof needs),
                 cli_bytes(a->free_bytes, there, sizeof there));
    else
        cli_outf(": it takes %s\n", cli_bytes(a->needs, needs, sizeof needs));
}

void cli_abilities_show(const cli_abilities *a)
{
    char weights[32], total[32];
    for (uint32_t i = 0; i < a->n_formats; i++)
        cli_outf("%-13s --quantize %-5s %12s weights, %s in all\n", i == 0 ? "formats" : "",
                 a->formats[i].format, cli_bytes(a->formats[i].weights, weights, sizeof weights),
                 cli_bytes(a->formats[i].total, total, sizeof total));
    for (int i = 0; i < CLI_ABILITIES; i++) {
        const cli_ability *k = &a->can[i];
        if (k->why.code != WEFT_OK)
            cli_outf("%-13s no: %s\n", k->name, k->why.message);
        else
            cli_outf("%-13s yes%s%s%s\n", k->name, k->plugin != NULL ? " (" : "",
                     k->plugin != NULL ? k->plugin : "", k->plugin != NULL ? ")" : "");
    }
    if (a->weights.code != WEFT_OK)
        cli_outf("%-13s no: %s\n", "weights", a->weights.message);
    show_run(a);
}

static json_t *can_json(const cli_ability *k)
{
    bool able = k->why.code == WEFT_OK;
    return json_pack("{s:b, s:o, s:o}", "able", (int)able, "plugin", cli_json_string(k->plugin),
                     "why", cli_json_string(able ? NULL : k->why.message));
}

bool cli_abilities_json(const cli_abilities *a, json_t *v)
{
    char    why[600];
    bool    runs = cli_abilities_runs(a, why, sizeof why), ok = true;
    json_t *can = json_object(), *formats = json_object();
    for (int i = 0; i < CLI_ABILITIES; i++)
        ok = json_object_set_new(can, a->can[i].name, can_json(&a->can[i])) == 0 && ok;
    for (uint32_t i = 0; i < a->n_formats; i++) {
        const cli_format_bytes *f = &a->formats[i];
        ok = json_object_set_new(formats, f->format,
                                 json_pack("{s:I, s:I}", "weights", (json_int_t)f->weights, "total",
                                           (json_int_t)f->total)) == 0 &&
             ok;
    }
    ok = json_object_set_new(v, "can", can) == 0 && ok;
    ok = json_object_set_new(v, "memory_by_format", formats) == 0 && ok;
    json_t *here =
        json_pack("{s:b, s:I, s:I, s:I, s:o}", "able", (int)runs, "needs_bytes",
                  (json_int_t)a->needs, "free_bytes", (json_int_t)a->free_bytes, "total_bytes",
                  (json_int_t)a->total_bytes, "why", cli_json_string(runs ? NULL : why));
    return json_object_set_new(v, "runs_here", here) == 0 && ok;
}
