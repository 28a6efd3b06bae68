/* SPDX-License-Identifier: Apache-2.0 */
/* The store of option values: entries by (section, key, layer), and the core's typed reads. */
#include "core/settings/settings.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/settings/store.h"
#include "core/settings/value.h"
#include "weft/weft.h"

weft_status wf_settings_create(weft_settings **out, weft_error *err)
{
    *out = wf_zalloc(sizeof **out);
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof **out, "the settings");
}

static void entry_clear(wf_entry *e)
{
    wf_free(e->plugin);
    wf_free(e->key);
    wf_free(e->value);
    wf_free(e->origin);
}

void wf_settings_destroy(weft_settings **settings)
{
    weft_settings *s = *settings;
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        entry_clear(&s->entries[i]);
    for (size_t i = 0; i < s->n_declared; i++)
        wf_free(s->declared[i].plugin);
    for (size_t i = 0; i < s->n_plugins; i++)
        wf_free(s->plugins[i]);
    wf_free(s->entries);
    wf_free(s->declared);
    wf_free(s->plugins);
    wf_free(s);
    *settings = NULL;
}

static bool is_of(const wf_entry *e, const char *plugin, const char *key)
{
    if ((e->plugin == NULL) != (plugin == NULL) || strcmp(e->key, key) != 0)
        return false;
    return plugin == NULL || strcmp(e->plugin, plugin) == 0;
}

const wf_entry *wf_store_find(const weft_settings *s, const char *plugin, const char *key)
{
    const wf_entry *best = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (is_of(&s->entries[i], plugin, key) &&
            (best == NULL || s->entries[i].layer > best->layer))
            best = &s->entries[i];
    return best;
}

static weft_status reserve(weft_settings *s)
{
    if (s->n < s->cap)
        return WEFT_OK;
    size_t    cap = s->cap != 0 ? 2 * s->cap : 16;
    wf_entry *grown = wf_realloc(s->entries, cap * sizeof *grown);
    if (grown == NULL)
        return WEFT_E_NOMEM;
    s->entries = grown;
    s->cap = cap;
    return WEFT_OK;
}

static weft_status append_entry(weft_settings *s, wf_entry e, weft_error *err)
{
    if (e.key == NULL || e.origin == NULL || reserve(s) != WEFT_OK) {
        entry_clear(&e);
        return wf_fail_nomem(err, sizeof e, "an option");
    }
    s->entries[s->n++] = e;
    return WEFT_OK;
}

/* Whether two origins "FILE:LINE" are in one file. */
static bool same_file(const char *a, const char *b)
{
    const char *end = strrchr(a, ':'), *other = strrchr(b, ':');
    return end != NULL && other != NULL && end - a == other - b &&
           memcmp(a, b, (size_t)(end - a)) == 0;
}

/* Replaces the value of an entry. A file may not give one key twice. A command line may, and so may
 * a second file of the same layer; the last value counts. */
static weft_status replace(wf_entry *e, char *value, const char *origin, weft_error *err)
{
    char *copy;
    if (e->layer < WF_LAYER_ENV && same_file(e->origin, origin)) {
        wf_free(value);
        return wf_fail_stage(err,
                             wf_fail(err, WEFT_E_INVALID,
                                     "%s: %s was given before, at %s; keep one", origin, e->key,
                                     e->origin),
                             WEFT_STAGE_USAGE);
    }
    copy = wf_strdup(origin);
    if (copy == NULL) {
        wf_free(value);
        return wf_fail_nomem(err, strlen(origin) + 1, "an option");
    }
    wf_free(e->value);
    wf_free(e->origin);
    e->value = value;
    e->origin = copy;
    return WEFT_OK;
}

weft_status wf_store_put(weft_settings *s, const char *plugin, const char *key, char *value,
                         int32_t layer, const char *origin, bool append, weft_error *err)
{
    for (size_t i = 0; i < s->n && !append; i++)
        if (s->entries[i].layer == layer && is_of(&s->entries[i], plugin, key))
            return replace(&s->entries[i], value, origin, err);
    wf_entry e = {plugin != NULL ? wf_strdup(plugin) : NULL,
                  wf_strdup(key),
                  value,
                  wf_strdup(origin),
                  layer,
                  false};
    if (plugin != NULL && e.plugin == NULL) {
        entry_clear(&e);
        return wf_fail_nomem(err, strlen(plugin) + 1, "an option");
    }
    return append_entry(s, e, err);
}

static weft_status unknown(const char *key, const char *origin, weft_error *err)
{
    const char *known[64], *near;
    uint32_t    n = wf_n_core_options < 64 ? (uint32_t)wf_n_core_options : 64;
    for (uint32_t i = 0; i < n; i++)
        known[i] = wf_core_options[i].key;
    near = weft_nearest(key, known, n);
    return wf_fail_stage(err,
                         wf_fail(err, WEFT_E_INVALID, "%s: there is no option %.80s%s%s%s", origin,
                                 key, near != NULL ? "; did you mean " : "",
                                 near != NULL ? near : "", near != NULL ? "?" : ""),
                         WEFT_STAGE_USAGE);
}

/* Stores the items of a list. Files and variables hold several in one value, "a:b"; on the command
 * line a value is one item. */
static weft_status put_items(weft_settings *s, const char *key, const char *value, int32_t layer,
                             const char *origin, weft_error *err)
{
    for (const char *p = value; p != NULL;) {
        const char *colon = layer == WF_LAYER_CLI ? NULL : strchr(p, ':');
        size_t      n = colon != NULL ? (size_t)(colon - p) : strlen(p);
        char       *item = n != 0 ? wf_strndup(p, n) : NULL;
        if (n != 0 && item == NULL)
            return wf_fail_nomem(err, n + 1, "an option");
        weft_status st = WEFT_OK;
        if (n != 0)
            st = wf_store_put(s, NULL, key, item, layer, origin, true, err);
        if (st != WEFT_OK)
            return st;
        p = colon != NULL ? colon + 1 : NULL;
    }
    return WEFT_OK;
}

weft_status wf_settings_set(weft_settings *s, const char *key, const char *value, int32_t layer,
                            const char *origin, weft_error *err)
{
    const wf_core_option *o = wf_core_option_find(key);
    char                 *text;
    if (o == NULL)
        return unknown(key, origin, err);
    if ((o->flags & WF_OPT_LIST) != 0)
        return put_items(s, o->key, value, layer, origin, err);
    wf_value_spec spec = {o->key, o->type, o->flags, o->range};
    weft_status   st = wf_value_check(&spec, value, origin, &text, err);
    if (st != WEFT_OK)
        return st;
    return wf_store_put(s, NULL, o->key, text, layer, origin, false, err);
}

const char *wf_settings_str(const weft_settings *s, const char *key)
{
    const wf_core_option *o = wf_core_option_find(key);
    const wf_entry       *e = o != NULL ? wf_store_find(s, NULL, o->key) : NULL;
    return e != NULL ? e->value : o != NULL ? o->dflt : NULL;
}

int64_t wf_settings_i64(const weft_settings *s, const char *key)
{
    return wf_value_i64(wf_settings_str(s, key));
}

double wf_settings_f64(const weft_settings *s, const char *key)
{
    return wf_value_f64(wf_settings_str(s, key));
}

bool wf_settings_bool(const weft_settings *s, const char *key)
{
    return wf_settings_i64(s, key) != 0;
}

const char *wf_settings_item(const weft_settings *s, const char *key, size_t index)
{
    const wf_core_option *o = wf_core_option_find(key);
    for (int32_t layer = WF_LAYERS - 1; o != NULL && layer > WF_LAYER_DEFAULT; layer--)
        for (size_t i = 0; i < s->n; i++)
            if (s->entries[i].layer == layer && is_of(&s->entries[i], NULL, o->key) && index-- == 0)
                return s->entries[i].value;
    return NULL;
}

int32_t wf_settings_layer(const weft_settings *s, const char *key)
{
    const wf_core_option *o = wf_core_option_find(key);
    const wf_entry       *e = o != NULL ? wf_store_find(s, NULL, o->key) : NULL;
    return e != NULL ? e->layer : WF_LAYER_DEFAULT;
}
