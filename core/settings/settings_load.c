/* SPDX-License-Identifier: Apache-2.0 */
/* Reads settings from INI files and the environment, and lists all values in force. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/ini.h"
#include "core/settings/store.h"
#include "core/settings/value.h"

#define SYSTEM_FILE "/etc/weft/weft.ini"
#define PLUGIN_PREFIX "plugin "
#define PATH_CAP 4096u

typedef struct reading {
    weft_settings *s;
    const char    *path;
    int32_t        layer;
} reading;

/* Sets an option that is a path, made relative to the file. Each item of a list is set by itself.
 */
static weft_status set_path(reading *r, const char *key, const char *value, bool list,
                            const char *origin, weft_error *err)
{
    weft_status st = WEFT_OK;
    for (const char *p = value; p != NULL && st == WEFT_OK;) {
        const char *colon = list ? strchr(p, ':') : NULL;
        char       *item = wf_strndup(p, colon != NULL ? (size_t)(colon - p) : strlen(p));
        char       *path = item != NULL ? wf_store_beside(r->path, item) : NULL;
        st = path != NULL ? wf_settings_set(r->s, key, path, r->layer, origin, err)
                          : wf_fail_nomem(err, strlen(p), "a path");
        wf_free(item);
        wf_free(path);
        p = colon != NULL ? colon + 1 : NULL;
    }
    return st;
}

static weft_status core_entry(reading *r, const char *key, const char *value, const char *origin,
                              weft_error *err)
{
    const wf_core_option *o = wf_core_option_find(key);
    if (o != NULL && (o->flags & WF_OPT_PATH) != 0)
        return set_path(r, key, value, (o->flags & WF_OPT_LIST) != 0, origin, err);
    return wf_settings_set(r->s, key, value, r->layer, origin, err);
}

static weft_status plugin_entry(reading *r, const char *id, const char *key, const char *value,
                                const char *origin, weft_error *err)
{
    char       *path;
    weft_status st;
    if (strcmp(key, "weights") != 0)
        return wf_settings_set_plugin(r->s, id, key, value, r->layer, origin, err);
    path = wf_store_beside(r->path, value);
    if (path == NULL)
        return wf_fail_nomem(err, strlen(value), "a path");
    st = wf_settings_set_plugin(r->s, id, key, path, r->layer, origin, err);
    wf_free(path);
    return st;
}

static weft_status ini_entry(void *ctx, const char *section, const char *key, const char *value,
                             int32_t line, weft_error *err)
{
    reading *r = ctx;
    char     origin[PATH_CAP + 16];
    snprintf(origin, sizeof origin, "%s:%d", r->path, line);
    if (strcmp(section, "core") == 0)
        return core_entry(r, key, value, origin, err);
    if (strncmp(section, PLUGIN_PREFIX, sizeof PLUGIN_PREFIX - 1) == 0)
        return plugin_entry(r, section + sizeof PLUGIN_PREFIX - 1, key, value, origin, err);
    return wf_fail(err, WEFT_E_INVALID, "%s: section [%.80s] is neither [core] nor [plugin ID]",
                   origin, section);
}

weft_status wf_settings_load_ini(weft_settings *s, const char *path, int32_t layer, weft_error *err)
{
    reading     r = {s, path, layer};
    weft_status st = wf_ini_load(path, ini_entry, &r, err);
    return wf_fail_stage(err, st, WEFT_STAGE_USAGE);
}

static weft_status load_if_there(weft_settings *s, const char *path, int32_t layer, weft_error *err)
{
    return access(path, F_OK) == 0 ? wf_settings_load_ini(s, path, layer, err) : WEFT_OK;
}

/* The path of the user's file. By the XDG base directory specification a variable that is unset or
 * not absolute means ~/.config. */
static bool user_file(char *path, size_t cap)
{
    const char *xdg = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
    int         n;
    if (xdg != NULL && xdg[0] == '/')
        n = snprintf(path, cap, "%s/weft/weft.ini", xdg);
    else if (home != NULL && home[0] == '/')
        n = snprintf(path, cap, "%s/.config/weft/weft.ini", home);
    else
        return false;
    return n > 0 && (size_t)n < cap;
}

weft_status wf_settings_load(weft_settings *s, const char *config, weft_error *err)
{
    char        path[PATH_CAP];
    weft_status st = load_if_there(s, SYSTEM_FILE, WF_LAYER_SYSTEM, err);
    if (st == WEFT_OK && user_file(path, sizeof path))
        st = load_if_there(s, path, WF_LAYER_USER, err);
    if (st == WEFT_OK && config != NULL)
        st = wf_settings_load_ini(s, config, WF_LAYER_FILE, err);
    return st == WEFT_OK ? wf_settings_load_env(s, err) : st;
}

/* Whether a WEFT_ variable is no option, but is read elsewhere in the program. */
static bool known_elsewhere(const char *name)
{
    return strcmp(name, "WEFT_PLUGIN_PATH") == 0;
}

/* Takes one variable: "WEFT_CPU_MASK=avx2" sets the key cpu_mask, with the variable's name as
 * origin. */
static weft_status env_entry(weft_settings *s, const char *var, weft_error *err)
{
    char        name[64], key[64];
    const char *equals = strchr(var, '=');
    size_t      n = equals != NULL ? (size_t)(equals - var) : sizeof name;
    if (n >= sizeof name)
        return WEFT_OK;
    memcpy(name, var, n);
    name[n] = '\0';
    for (size_t i = 5; i <= n; i++)
        key[i - 5] = (char)tolower((unsigned char)name[i]);
    if (wf_core_option_find(key) != NULL)
        return wf_settings_set(s, key, equals + 1, WF_LAYER_ENV, name, err);
    /* An unknown name is no error, because a program that embeds the library may use the prefix
     * too. */
    if (!known_elsewhere(name))
        wf_log(WEFT_LOG_WARN, "%s in the environment is no option", name);
    return WEFT_OK;
}

weft_status wf_settings_load_env(weft_settings *s, weft_error *err)
{
    weft_status st = WEFT_OK;
    if (getauxval(AT_SECURE) != 0)
        return WEFT_OK;
    for (char **e = environ; e != NULL && *e != NULL && st == WEFT_OK; e++)
        if (strncmp(*e, "WEFT_", 5) == 0)
            st = env_entry(s, *e, err);
    return st;
}

static void each_core(const weft_settings *s, wf_settings_fn fn, void *ctx)
{
    for (size_t i = 0; i < wf_n_core_options; i++) {
        const wf_core_option *o = &wf_core_options[i];
        const wf_entry       *e = wf_store_find(s, NULL, o->key);
        if (e == NULL)
            fn(ctx, "core", o->key, o->dflt, "default");
        else if ((o->flags & WF_OPT_LIST) == 0)
            fn(ctx, "core", o->key, e->value, e->origin);
        else
            for (size_t j = 0; j < s->n; j++)
                if (s->entries[j].plugin == NULL && strcmp(s->entries[j].key, o->key) == 0)
                    fn(ctx, "core", o->key, s->entries[j].value, s->entries[j].origin);
    }
}

/* Lists the values given for a plugin, and then its declared options that have their defaults. */
static void each_of_plugin(const weft_settings *s, const char *id, wf_settings_fn fn, void *ctx)
{
    const wf_declared *d = wf_store_declaration(s, id);
    for (size_t i = 0; i < s->n; i++) {
        const wf_entry *e = &s->entries[i];
        if (e->plugin != NULL && strcmp(e->plugin, id) == 0 && wf_store_find(s, id, e->key) == e)
            fn(ctx, id, e->key, e->value, e->origin);
    }
    for (uint32_t i = 0; d != NULL && i < d->n; i++)
        if (wf_store_find(s, id, d->options[i].key) == NULL)
            fn(ctx, id, d->options[i].key, d->options[i].dflt, "default");
}

void wf_settings_each(const weft_settings *s, wf_settings_fn fn, void *ctx)
{
    each_core(s, fn, ctx);
    for (size_t i = 0; i < s->n_plugins; i++)
        each_of_plugin(s, s->plugins[i], fn, ctx);
    for (size_t i = 0; i < s->n_declared; i++) {
        bool named = false;
        for (size_t j = 0; j < s->n_plugins; j++)
            named = named || strcmp(s->plugins[j], s->declared[i].plugin) == 0;
        if (!named)
            each_of_plugin(s, s->declared[i].plugin, fn, ctx);
    }
}
