/* SPDX-License-Identifier: Apache-2.0 */
/* The values of plugins. They are kept as text until the plugin that declares their keys is loaded.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/settings/store.h"
#include "core/settings/value.h"
#include "weft/weft.h"

#define OPTIONS_MAX 256u /* of one plugin */

static bool plain_word(const char *s, size_t max)
{
    size_t n = strlen(s);
    return n > 0 && n <= max && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

weft_status wf_store_name_plugin(weft_settings *s, const char *plugin, weft_error *err)
{
    size_t at = 0;
    while (at < s->n_plugins && strcmp(s->plugins[at], plugin) < 0)
        at++;
    if (at < s->n_plugins && strcmp(s->plugins[at], plugin) == 0)
        return WEFT_OK;
    char **grown = wf_realloc(s->plugins, (s->n_plugins + 1) * sizeof *grown);
    if (grown == NULL)
        return wf_fail_nomem(err, sizeof *grown, "an option");
    s->plugins = grown;
    char *id = wf_strdup(plugin);
    if (id == NULL)
        return wf_fail_nomem(err, strlen(plugin) + 1, "an option");
    memmove(grown + at + 1, grown + at, (s->n_plugins - at) * sizeof *grown);
    grown[at] = id;
    s->n_plugins++;
    return WEFT_OK;
}

const char *wf_settings_plugin(const weft_settings *s, size_t index)
{
    return index < s->n_plugins ? s->plugins[index] : NULL;
}

weft_status wf_settings_set_plugin(weft_settings *s, const char *plugin, const char *key,
                                   const char *value, int32_t layer, const char *origin,
                                   weft_error *err)
{
    weft_status st;
    char       *text;
    if (!plain_word(plugin, WF_SECTION_MAX) || !plain_word(key, WF_SECTION_MAX))
        return wf_fail_stage(
            err,
            wf_fail(err, WEFT_E_INVALID,
                    "%s: %.80s.%.80s is no option of a plugin; ids and keys are made "
                    "of a-z, 0-9, '.', '_' and '-'",
                    origin, plugin, key),
            WEFT_STAGE_USAGE);
    st = wf_store_name_plugin(s, plugin, err);
    if (st != WEFT_OK)
        return st;
    text = wf_strdup(value);
    if (text == NULL)
        return wf_fail_nomem(err, strlen(value) + 1, "an option");
    return wf_store_put(s, plugin, key, text, layer, origin, false, err);
}

weft_status wf_settings_set_pair(weft_settings *s, const char *pair, int32_t layer,
                                 const char *origin, weft_error *err)
{
    char        name[2 * WF_SECTION_MAX + 2];
    const char *equals = strchr(pair, '=');
    size_t      n = equals != NULL ? (size_t)(equals - pair) : 0;
    char       *dot = NULL;
    if (n > 0 && n < sizeof name) {
        memcpy(name, pair, n);
        name[n] = '\0';
        dot = strrchr(name, '.');
    }
    if (dot == NULL)
        return wf_fail_stage(
            err, wf_fail(err, WEFT_E_INVALID, "%s: %.80s: give PLUGIN.KEY=VALUE", origin, pair),
            WEFT_STAGE_USAGE);
    *dot = '\0';
    if (strcmp(name, "core") == 0)
        return wf_settings_set(s, dot + 1, equals + 1, layer, origin, err);
    return wf_settings_set_plugin(s, name, dot + 1, equals + 1, layer, origin, err);
}

const wf_declared *wf_store_declaration(const weft_settings *s, const char *plugin)
{
    for (size_t i = 0; i < s->n_declared; i++)
        if (strcmp(s->declared[i].plugin, plugin) == 0)
            return &s->declared[i];
    return NULL;
}

/* The i-th of a plugin's options, whose elements may be longer than ours. */
static const weft_option *option_at(const weft_option *options, uint32_t i)
{
    return WEFT_AT(options, i);
}

const weft_option *wf_store_declared(const weft_settings *s, const char *plugin, const char *key)
{
    const wf_declared *d = wf_store_declaration(s, plugin);
    for (uint32_t i = 0; d != NULL && i < d->n; i++)
        if (strcmp(option_at(d->options, i)->key, key) == 0)
            return option_at(d->options, i);
    return NULL;
}

static bool hosts_own(const char *key)
{
    return strcmp(key, "weights") == 0 || strcmp(key, "device") == 0;
}

/* Checks one declared option. A fault in it is the mistake of the plugin's author, so its stage is
 * PLUGIN. */
static weft_status check_declaration(const char *plugin, const weft_option *o, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    char       *text = NULL;
    weft_status st = WEFT_E_INVALID;
    const char *what = NULL;
    if (o->key == NULL || !plain_word(o->key, WF_SECTION_MAX) || hosts_own(o->key))
        what = "has no key, or one that is the host's";
    else if (o->type < WEFT_OPT_I64 || o->type > WEFT_OPT_PACKAGE ||
             (o->type == WEFT_OPT_PACKAGE && o->dflt != NULL))
        what = "has a type that this host does not know";
    else if (!wf_value_range_ok(o->type, o->range))
        what = "has a range that is none for its type";
    else if (o->dflt != NULL) {
        wf_value_spec spec = {o->key, o->type, 0, o->range};
        st = wf_value_check(&spec, o->dflt, "default", &text, &why);
        wf_free(text);
        what = st == WEFT_OK ? NULL : "has a default that does not fit its type and range";
    }
    if (what == NULL)
        return WEFT_OK;
    if (st == WEFT_E_NOMEM)
        return wf_fail_nomem(err, 1, "an option");
    return wf_fail_stage(err,
                         wf_fail(err, WEFT_E_INVALID, "plugin %s: its option %.60s %s", plugin,
                                 o->key != NULL ? o->key : "without a key", what),
                         WEFT_STAGE_PLUGIN);
}

static weft_status undeclared(const wf_entry *e, const weft_option *options, uint32_t n,
                              weft_error *err)
{
    const char *known[OPTIONS_MAX + 2] = {"weights", "device"}, *near;
    for (uint32_t i = 0; i < n; i++)
        known[i + 2] = option_at(options, i)->key;
    near = weft_nearest(e->key, known, n + 2);
    return wf_fail_stage(err,
                         wf_fail(err, WEFT_E_INVALID, "%s: plugin %s has no option %s%s%s%s",
                                 e->origin, e->plugin, e->key,
                                 near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                                 near != NULL ? "?" : ""),
                         WEFT_STAGE_USAGE);
}

/* Checks one given value and puts its canonical text in place. */
static weft_status settle(wf_entry *e, const weft_option *options, uint32_t n, weft_error *err)
{
    if (hosts_own(e->key))
        return WEFT_OK;
    for (uint32_t i = 0; i < n; i++) {
        const weft_option *o = option_at(options, i);
        if (strcmp(o->key, e->key) != 0)
            continue;
        wf_value_spec spec = {e->key, o->type, 0, o->range};
        char         *text;
        weft_status   st = wf_value_check(&spec, e->value, e->origin, &text, err);
        if (st != WEFT_OK)
            return st;
        if (o->type == WEFT_OPT_PACKAGE && !e->resolved)
            st = wf_store_resolve(e, &text, err);
        if (st != WEFT_OK)
            return st;
        wf_free(e->value);
        e->value = text;
        return WEFT_OK;
    }
    return undeclared(e, options, n, err);
}

static weft_status remember(weft_settings *s, const char *plugin, const weft_option *options,
                            uint32_t n, weft_error *err)
{
    for (size_t i = 0; i < s->n_declared; i++)
        if (strcmp(s->declared[i].plugin, plugin) == 0) {
            s->declared[i].options = options;
            s->declared[i].n = n;
            return WEFT_OK;
        }
    wf_declared *grown = wf_realloc(s->declared, (s->n_declared + 1) * sizeof *grown);
    if (grown == NULL)
        return wf_fail_nomem(err, sizeof *grown, "a plugin's options");
    s->declared = grown;
    wf_declared d = {wf_strdup(plugin), options, n};
    if (d.plugin == NULL)
        return wf_fail_nomem(err, strlen(plugin) + 1, "a plugin's options");
    grown[s->n_declared++] = d;
    return WEFT_OK;
}

weft_status wf_settings_declare(weft_settings *s, const char *plugin, const weft_option *options,
                                uint32_t n, weft_error *err)
{
    weft_status st = WEFT_OK;
    if (n > OPTIONS_MAX || (n > 0 && options == NULL))
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INVALID,
                                     "plugin %s: its table of options is empty or "
                                     "has more than %u entries",
                                     plugin, OPTIONS_MAX),
                             WEFT_STAGE_PLUGIN);
    if (n > 0 && (!WEFT_HAS(options, weft_option, doc) || options->hdr.size % sizeof(void *) != 0))
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INVALID,
                                     "plugin %s: its options have %u bytes each, which cannot be",
                                     plugin, options->hdr.size),
                             WEFT_STAGE_PLUGIN);
    for (uint32_t i = 0; i < n && st == WEFT_OK; i++)
        st = check_declaration(plugin, option_at(options, i), err);
    for (size_t i = 0; i < s->n && st == WEFT_OK; i++)
        if (s->entries[i].plugin != NULL && strcmp(s->entries[i].plugin, plugin) == 0)
            st = settle(&s->entries[i], options, n, err);
    return st == WEFT_OK ? remember(s, plugin, options, n, err) : st;
}

const weft_option *wf_settings_plugin_option(const weft_settings *s, const char *plugin,
                                             const char *key)
{
    static const weft_option weights = {WEFT_HDR(weft_option),
                                        "weights",
                                        WEFT_OPT_PACKAGE,
                                        0,
                                        NULL,
                                        NULL,
                                        "the directory of the plugin's weights"};
    static const weft_option device = {WEFT_HDR(weft_option),
                                       "device",
                                       WEFT_OPT_STR,
                                       0,
                                       "auto",
                                       NULL,
                                       "where the plugin runs: auto, or where the model runs"};
    if (strcmp(key, weights.key) == 0)
        return &weights;
    return strcmp(key, device.key) == 0 ? &device : wf_store_declared(s, plugin, key);
}

const char *wf_settings_plugin_str(const weft_settings *s, const char *plugin, const char *key)
{
    const wf_entry    *e = wf_store_find(s, plugin, key);
    const weft_option *o = wf_store_declared(s, plugin, key);
    return e != NULL ? e->value : o != NULL ? o->dflt : NULL;
}

int64_t wf_settings_plugin_i64(const weft_settings *s, const char *plugin, const char *key)
{
    return wf_value_i64(wf_settings_plugin_str(s, plugin, key));
}

double wf_settings_plugin_f64(const weft_settings *s, const char *plugin, const char *key)
{
    return wf_value_f64(wf_settings_plugin_str(s, plugin, key));
}

weft_status wf_settings_plugin_devices(const weft_settings *s, const char *device, weft_error *err)
{
    for (size_t i = 0; i < s->n_plugins; i++) {
        const wf_entry *e = wf_store_find(s, s->plugins[i], "device");
        if (e == NULL || strcmp(e->value, "auto") == 0 || strcmp(e->value, device) == 0)
            continue;
        weft_status status =
            wf_fail(err, WEFT_E_INVALID,
                    "%s: plugin %s: device %s is not possible: plugins run where the model runs, "
                    "which is %s; give auto or %s here, or --device for all",
                    e->origin, e->plugin, e->value, device, device);
        return wf_fail_stage(err, status, WEFT_STAGE_USAGE);
    }
    return WEFT_OK;
}
