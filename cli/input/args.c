/* SPDX-License-Identifier: Apache-2.0 */
/* The command line to settings and to the command's own options, by getopt_long over both tables.
 */
#include "input/args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "input/hints.h"
#include "output/say.h"
#include "output/terminal.h"
#include "weft/weft.h"

#define OPTIONS_MAX 128u
#define NAME_CAP 48u
#define VAL_OWN 256
#define VAL_ENGINE 512

/* What getopt_long wants, for one command. */
typedef struct table {
    char          names[OPTIONS_MAX][NAME_CAP];
    struct option longs[OPTIONS_MAX + 1];
    char          shorts[2 * OPTIONS_MAX + 2];
    uint32_t      n;
    size_t        n_shorts;
} table;

static void table_add(table *t, const weft_option_info *o, int val)
{
    char name[NAME_CAP + 2];
    if (t->n == OPTIONS_MAX)
        return;
    bool takes = o->type != WEFT_OPT_BOOL;
    cli_option_name(o, name, sizeof name);
    snprintf(t->names[t->n], NAME_CAP, "%.*s", (int)NAME_CAP - 1, name + 2);
    t->longs[t->n] =
        (struct option){t->names[t->n], takes ? required_argument : no_argument, NULL, val};
    t->n++;
    if (o->letter > 0) {
        t->shorts[t->n_shorts++] = (char)o->letter;
        if (takes)
            t->shorts[t->n_shorts++] = ':';
    }
}

static void table_build(table *t, const cli_command *command)
{
    weft_option_info o;
    memset(t, 0, sizeof *t);
    t->shorts[t->n_shorts++] = ':'; /* a missing argument is told from an unknown option */
    for (int i = 0; i < OWN_COUNT; i++)
        if (((command->own | OWN_COMMON) & OWN_BIT(i)) != 0)
            table_add(t, &cli_own_options[i], VAL_OWN + i);
    for (uint32_t i = 0; weft_option_at(i, &o) != 0; i++)
        table_add(t, &o, VAL_ENGINE + (int)i);
}

/* An option of another command, spelled right. */
static bool known_elsewhere(const char *name)
{
    char other[NAME_CAP];
    for (int i = 0; i < OWN_COUNT; i++)
        if (strcmp(cli_option_name(&cli_own_options[i], other, sizeof other) + 2, name) == 0)
            return true;
    return false;
}

static int32_t unknown_option(const cli *c, const table *t, const char *word)
{
    char        name[256];
    const char *names[OPTIONS_MAX];
    if (optopt != 0) {
        const char  letter[2] = {(char)optopt, '\0'};
        const char *hint = cli_option_hint(c->command->name, letter);
        return cli_usage(c, "there is no option -%c%s%s", optopt, hint != NULL ? "; " : "",
                         hint != NULL ? hint : "");
    }
    snprintf(name, sizeof name, "%s", word + strspn(word, "-"));
    name[strcspn(name, "=")] = '\0';
    for (uint32_t i = 0; i < t->n; i++)
        names[i] = t->names[i];
    const char *hint = cli_option_hint(c->command->name, name);
    if (hint != NULL)
        return cli_usage(c, "there is no option --%s; %s", name, hint);
    if (known_elsewhere(name))
        return cli_usage(c, "--%s is an option of another command", name);
    const char *near = weft_nearest(name, names, t->n);
    if (near != NULL)
        return cli_usage(c, "there is no option --%s; did you mean --%s?", name, near);
    return cli_usage(c, "there is no option --%s", name);
}

static int32_t bad_option(const cli *c, const table *t, int got, const char *word)
{
    const char *name = NULL;
    for (uint32_t i = 0; i < t->n; i++)
        if (t->longs[i].val == optopt)
            name = t->names[i];
    if (got == ':' && name != NULL)
        return cli_usage(c, "--%s needs a value", name);
    if (got == ':')
        return cli_usage(c, "-%c needs a value", optopt);
    if (name != NULL)
        return cli_usage(c, "--%s takes no value", name);
    return unknown_option(c, t, word);
}

static weft_status refuse(weft_error *err, const char *why)
{
    err->code = WEFT_E_INVALID;
    err->stage = WEFT_STAGE_USAGE;
    snprintf(err->message, sizeof err->message, "%s", why);
    return err->code;
}

static weft_status too_many(weft_error *err, const weft_option_info *o, int most)
{
    char name[NAME_CAP + 2], why[128];
    snprintf(why, sizeof why, "%s may be given %d times at most",
             cli_option_name(o, name, sizeof name), most);
    return refuse(err, why);
}

static weft_status take_own(cli *c, int o, const char *value, weft_error *err)
{
    const char **list = o == OWN_AUDIO ? c->audio : o == OWN_STOP ? c->stop : NULL;
    int32_t      most = o == OWN_AUDIO ? CLI_AUDIO_MAX : CLI_STOP_MAX;
    if (list != NULL && c->given[o] == most)
        return too_many(err, &cli_own_options[o], most);
    if (o == OWN_STOP && value[0] == '\0')
        return refuse(err, "--stop needs a text");
    if (list != NULL)
        list[c->given[o]] = value;
    c->given[o]++;
    c->value[o] = value;
    return o == OWN_SET ? weft_settings_set_pair(c->settings, value, err) : WEFT_OK;
}

static weft_status take_engine(cli *c, uint32_t index, const char *value, weft_error *err)
{
    weft_option_info o;
    char             origin[NAME_CAP + 2];
    if (weft_option_at(index, &o) == 0)
        return WEFT_E_INTERNAL;
    return weft_settings_set(c->settings, o.key, value != NULL ? value : "true",
                             cli_option_name(&o, origin, sizeof origin), err);
}

/* The number of the engine's option with this letter. */
static uint32_t engine_letter(int letter)
{
    weft_option_info o;
    uint32_t         i = 0;
    while (weft_option_at(i, &o) != 0 && o.letter != letter)
        i++;
    return i;
}

static weft_status take(cli *c, int got, const char *value, weft_error *err)
{
    if (got >= VAL_ENGINE)
        return take_engine(c, (uint32_t)(got - VAL_ENGINE), value, err);
    if (got >= VAL_OWN)
        return take_own(c, got - VAL_OWN, value, err);
    for (int i = 0; i < OWN_COUNT; i++)
        if (cli_own_options[i].letter == got)
            return take_own(c, i, value, err);
    return take_engine(c, engine_letter(got), value, err);
}

bool cli_parse(cli *c, int argc, char **argv, int32_t *code)
{
    static table t;
    weft_error   err = CLI_ERROR_INIT;
    int          got;
    table_build(&t, c->command);
    opterr = 0;
    while ((got = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        if (got == '?' || got == ':') {
            *code = bad_option(c, &t, got, argv[optind - 1]);
            return false;
        }
        if (take(c, got, optarg, &err) != WEFT_OK) {
            *code = cli_say_error(&err);
            return false;
        }
    }
    c->operands = argv + optind;
    c->n_operands = argc - optind;
    cli_verbosity(c->given[OWN_QUIET], c->given[OWN_VERBOSE]);
    return true;
}
