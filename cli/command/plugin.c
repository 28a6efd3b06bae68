/* SPDX-License-Identifier: Apache-2.0 */
/* weft plugin list and weft plugin inspect. */
#include "command/commands.h"

#include <string.h>

#include "exit.h"
#include "output/json.h"
#include "output/out.h"
#include "output/say.h"

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void show_list(const char *what, const char *list)
{
    if (list != NULL && list[0] != '\0')
        cli_outf("%20s %s %s\n", "", what, list);
}

static void show_plugin(void *ctx, const weft_plugin_info *p)
{
    (void)ctx;
    cli_outf("%-20s %-10s %-10s %-18s %s\n", or_dash(p->id), or_dash(p->version), p->state,
             or_dash(p->where), or_dash(p->path));
    show_list("offers", p->components);
    show_list("gives", p->gives);
    show_list("needs", p->needs);
    show_list("knows", p->architectures);
    if (p->reason != NULL)
        cli_outf("%20s %s: %s\n", "", strcmp(p->state, "rejected") == 0 ? "rejected" : "warning",
                 p->reason);
}

/* The array becomes NULL when memory runs out. */
static void add_plugin(void *ctx, const weft_plugin_info *p)
{
    json_t **all = ctx;
    const struct {
        const char *key, *value;
    } facts[] = {{"id", p->id},
                 {"version", p->version},
                 {"state", p->state},
                 {"reason", p->reason},
                 {"path", p->path},
                 {"where", p->where},
                 {"components", p->components},
                 {"gives", p->gives},
                 {"needs", p->needs},
                 {"architectures", p->architectures},
                 {"links", p->links},
                 {"abi", p->abi}};
    json_t *one = json_object();
    for (uint32_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (json_object_set_new(one, facts[i].key, cli_json_string(facts[i].value)) != 0) {
            json_decref(one);
            one = NULL;
        }
    if (*all != NULL && json_array_append_new(*all, one) != 0) {
        json_decref(*all);
        *all = NULL;
    }
}

int32_t cli_run_plugin_list(cli *c)
{
    weft_error  err = CLI_ERROR_INIT;
    bool        json = cli_has(c, OWN_JSON);
    json_t     *all = json ? json_array() : NULL;
    weft_status st = weft_plugins_each(c->settings, json ? add_plugin : show_plugin, &all, &err);
    if (st != WEFT_OK) {
        json_decref(all);
        return cli_say_error(&err);
    }
    return !json || cli_json_print(NULL, all) ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
}

static void show_fact(void *ctx, const char *key, const char *value)
{
    (void)ctx;
    cli_outf("%-16s %s\n", key, or_dash(value));
}

/* [[key, value], ...] in order: keys may come twice. */
static void add_fact(void *ctx, const char *key, const char *value)
{
    json_t **all = ctx;
    json_t  *one = json_pack("[o, o]", cli_json_string(key), cli_json_string(value));
    if (*all != NULL && json_array_append_new(*all, one) != 0) {
        json_decref(*all);
        *all = NULL;
    }
}

int32_t cli_run_plugin_inspect(cli *c)
{
    weft_error err = CLI_ERROR_INIT;
    if (c->n_operands == 0)
        return cli_usage(c, "name the FILE of a plugin");
    bool        json = cli_has(c, OWN_JSON);
    json_t     *all = json ? json_array() : NULL;
    weft_status st =
        weft_plugin_inspect(c->settings, c->operands[0], json ? add_fact : show_fact, &all, &err);
    if (st != WEFT_OK) {
        json_decref(all);
        return cli_say_error(&err);
    }
    return !json || cli_json_print(NULL, all) ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
}
