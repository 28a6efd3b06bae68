/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins of one engine: candidates, what was loaded, who offers and who claims what. */
#include "core/plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plugin/dirs.h"
#include "core/plugin/loaded.h"
#include "weft/decoder.h"

struct wf_registry {
    wf_registry_config cfg;
    char              *plugin_dir;
    bool               scanned, safe;
    wf_found_list      found;
    wf_plugin        **loaded; /* in order of loading */
    wf_plugin        **by_id;
    size_t             n_loaded;
};

weft_status wf_registry_create(const wf_registry_config *cfg, wf_registry **out, weft_error *err)
{
    wf_registry *r = wf_zalloc(sizeof *r);
    char         built_in[WF_DIR_CAP];
    wf_dir_plugins(built_in);
    *out = r;
    if (r != NULL) {
        r->cfg = *cfg;
        r->safe = wf_settings_bool(cfg->settings, "safe");
        r->plugin_dir = wf_strdup(cfg->plugin_dir != NULL ? cfg->plugin_dir : built_in);
        r->cfg.plugin_dir = r->plugin_dir;
    }
    if (r == NULL || r->plugin_dir == NULL) {
        wf_registry_destroy(out);
        return wf_fail_nomem(err, sizeof *r, "the plugin registry");
    }
    return WEFT_OK;
}

void wf_registry_destroy(wf_registry **reg)
{
    wf_registry *r = *reg;
    if (r == NULL)
        return;
    while (r->n_loaded > 0)
        wf_plugin_close(r->loaded[--r->n_loaded]);
    wf_free(r->loaded);
    wf_free(r->by_id);
    wf_found_list_clear(&r->found);
    wf_free(r->plugin_dir);
    wf_free(r);
    *reg = NULL;
}

weft_status wf_registry_scan(wf_registry *r, weft_error *err)
{
    const char **paths;
    size_t       n = 0;
    weft_status  st;
    if (r->scanned || r->safe)
        return WEFT_OK;
    size_t also = r->cfg.also != NULL;
    while (wf_settings_item(r->cfg.settings, "plugin", n) != NULL)
        n++;
    n += also;
    paths = wf_zalloc_n(n + 1, sizeof *paths);
    if (paths == NULL)
        return wf_fail_nomem(err, (n + 1) * sizeof *paths, "the list of plugins");
    for (size_t i = 0; i < n; i++)
        paths[i] = i < also ? r->cfg.also : wf_settings_item(r->cfg.settings, "plugin", i - also);
    st = wf_search(paths, n, r->plugin_dir, &r->found, err);
    wf_free(paths);
    if (st != WEFT_OK)
        wf_found_list_clear(&r->found);
    r->scanned = st == WEFT_OK;
    return st;
}

void wf_registry_hint(const wf_registry *r, char *text)
{
    char dirs[WF_DIRS_TEXT_CAP];
    wf_search_dirs(r->plugin_dir, dirs);
    if (r->found.n > 0 || r->safe)
        snprintf(text, WF_REGISTRY_HINT_CAP,
                 " (see weft plugin list; weft model list names the models that run)");
    else
        snprintf(text, WF_REGISTRY_HINT_CAP, " (plugins are looked for in %s)", dirs);
}

size_t wf_registry_count(const wf_registry *r)
{
    return r->found.n;
}

void wf_registry_candidate(const wf_registry *r, size_t index, wf_candidate *out)
{
    const wf_found *f = &r->found.v[index];
    *out = (wf_candidate){
        f->path, wf_where_name(f->where), f->state, &f->manifest, f->reason, f->status, f->plugin,
        f->desc};
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(wf_plugin *const *)a)->id, (*(wf_plugin *const *)b)->id);
}

static weft_status make_room(wf_registry *r, weft_error *err)
{
    size_t      n = r->n_loaded + 1;
    wf_plugin **loaded = wf_realloc(r->loaded, n * sizeof *loaded);
    if (loaded != NULL)
        r->loaded = loaded;
    wf_plugin **sorted = loaded != NULL ? wf_realloc(r->by_id, n * sizeof *sorted) : NULL;
    if (sorted == NULL)
        return wf_fail_nomem(err, n * sizeof *sorted, "the list of plugins");
    r->by_id = sorted;
    return WEFT_OK;
}

static weft_status load_found(wf_registry *r, wf_found *f, wf_plugin **out, weft_error *err);

static wf_found *giver_of(wf_registry *r, const char *service)
{
    for (size_t i = 0; i < r->found.n; i++) {
        const wf_manifest *m = &r->found.v[i].manifest;
        for (uint32_t k = 0; r->found.v[i].state != WF_PLUGIN_REJECTED && k < m->n_gives; k++)
            if (strcmp(m->gives[k], service) == 0)
                return &r->found.v[i];
    }
    return NULL;
}

/* What f needs is loaded before it; a plugin that is met while it is itself waiting is a cycle. */
static weft_status load_needs(wf_registry *r, wf_found *f, weft_error *err)
{
    weft_status st = WEFT_OK;
    f->loading = true;
    for (uint32_t i = 0; i < f->manifest.n_needs && st == WEFT_OK; i++) {
        const char *service = f->manifest.needs[i];
        wf_found   *giver = giver_of(r, service);
        wf_plugin  *p;
        weft_error  why = WF_ERROR_INIT;
        if (giver == NULL)
            st = wf_fail(err, WEFT_E_NOTFOUND,
                         "%s needs the service %.60s, which no plugin here gives: install one that "
                         "does (weft plugin list shows what each gives)",
                         f->manifest.id, service);
        else if (giver->loading)
            st = wf_fail(err, WEFT_E_CONFLICT, "%s needs %.60s of %s, which needs it in turn",
                         f->manifest.id, service, giver->manifest.id);
        else if ((st = load_found(r, giver, &p, &why)) != WEFT_OK && why.stage == WEFT_STAGE_USAGE)
            *err = why; /* a wrong option is the user's, and no fault of a plugin */
        else if (st != WEFT_OK)
            wf_fail(err, st, "%s needs %.60s: %.300s", f->manifest.id, service, why.message);
    }
    f->loading = false;
    return st;
}

/* Loads a candidate that was not loaded; a refused one answers with its reason again. */
static weft_status load_found(wf_registry *r, wf_found *f, wf_plugin **out, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status st;
    *out = f->plugin;
    if (f->plugin != NULL)
        return WEFT_OK;
    if (f->state == WF_PLUGIN_REJECTED)
        return wf_fail_stage(err,
                             wf_fail(err, f->status, "%s", f->reason != NULL ? f->reason : f->path),
                             WEFT_STAGE_PLUGIN);
    if (r->cfg.hosts.make == NULL)
        return wf_fail(err, WEFT_E_STATE, "%s: plugins are only listed here", f->path);
    st = load_needs(r, f, &why);
    if (st == WEFT_OK)
        st = make_room(r, &why);
    if (st == WEFT_OK)
        st = wf_plugin_open(&r->cfg, f, out, &why);
    if (st != WEFT_OK) {
        uint32_t stage = why.stage != WEFT_STAGE_NONE ? why.stage : WEFT_STAGE_PLUGIN;
        if (st != WEFT_E_NOMEM)
            wf_found_reject(f, &why);
        return wf_fail_stage(err, wf_fail(err, st, "%s", why.message), stage);
    }
    f->plugin = *out;
    f->state = WF_PLUGIN_LOADED;
    r->loaded[r->n_loaded] = r->by_id[r->n_loaded] = *out;
    r->n_loaded++;
    qsort(r->by_id, r->n_loaded, sizeof *r->by_id, by_id);
    return WEFT_OK;
}

/* By id: what can be used before what was refused, so that a stale copy does not hide a good one.
 */
static wf_found *find_id(wf_registry *r, const char *id)
{
    wf_found *refused = NULL;
    for (size_t i = 0; i < r->found.n; i++) {
        wf_found *f = &r->found.v[i];
        if (f->manifest.id == NULL || strcmp(f->manifest.id, id) != 0)
            continue;
        if (f->state != WF_PLUGIN_REJECTED)
            return f;
        refused = refused != NULL ? refused : f;
    }
    return refused;
}

static wf_found *find_path(wf_registry *r, const char *path)
{
    char     *real = realpath(path, NULL);
    wf_found *hit = NULL;
    for (size_t i = 0; i < r->found.n && hit == NULL; i++)
        if (strcmp(r->found.v[i].path, real != NULL ? real : path) == 0)
            hit = &r->found.v[i];
    free(real);
    return hit;
}

static weft_status not_there(wf_registry *r, const char *id, weft_error *err)
{
    char   list[300] = "";
    size_t at = 0;
    if (r->safe)
        return wf_fail_stage(
            err, wf_fail(err, WEFT_E_NOTFOUND, "plugin %.80s is wanted, but --safe loads none", id),
            WEFT_STAGE_PLUGIN);
    for (size_t i = 0; i < r->found.n && at < sizeof list; i++)
        if (r->found.v[i].manifest.id != NULL)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at != 0 ? ", " : "",
                                   r->found.v[i].manifest.id);
    return wf_fail_stage(
        err,
        wf_fail(err, WEFT_E_NOTFOUND,
                "there is no plugin %.80s; found: %s (name its file with --plugin, or see "
                "weft plugin list)",
                id, list[0] != '\0' ? list : "none"),
        WEFT_STAGE_PLUGIN);
}

weft_status wf_registry_load(wf_registry *r, const char *id, wf_plugin **out, weft_error *err)
{
    weft_status st = wf_registry_scan(r, err);
    wf_found   *f;
    *out = NULL;
    if (st != WEFT_OK)
        return st;
    f = strchr(id, '/') != NULL ? find_path(r, id) : find_id(r, id);
    return f != NULL ? load_found(r, f, out, err) : not_there(r, id, err);
}

weft_status wf_registry_load_named(wf_registry *r, weft_error *err)
{
    weft_settings *s = r->cfg.settings;
    wf_plugin     *p;
    weft_status    st = wf_registry_scan(r, err);
    if (r->safe)
        return st;
    for (size_t i = 0; i < r->found.n && st == WEFT_OK; i++)
        if (r->found.v[i].where == WF_WHERE_EXPLICIT)
            st = load_found(r, &r->found.v[i], &p, err);
    for (size_t i = 0; st == WEFT_OK && wf_settings_plugin(s, i) != NULL; i++)
        st = wf_registry_load(r, wf_settings_plugin(s, i), &p, err);
    return st;
}

weft_status wf_registry_claim(wf_registry *r, const char *architecture, wf_plugin **out,
                              weft_error *err)
{
    wf_found   *hit = NULL;
    weft_status st = wf_registry_scan(r, err);
    *out = NULL;
    for (size_t i = 0; i < r->found.n && st == WEFT_OK; i++) {
        wf_found *f = &r->found.v[i];
        if (f->state == WF_PLUGIN_REJECTED || !wf_manifest_claims(&f->manifest, architecture))
            continue;
        if (hit != NULL)
            return wf_fail_stage(err,
                                 wf_fail(err, WEFT_E_CONFLICT,
                                         "both %s (%s) and %s (%s) claim %.80s; remove one of them",
                                         hit->manifest.id, hit->path, f->manifest.id, f->path,
                                         architecture),
                                 WEFT_STAGE_PLUGIN);
        hit = f;
    }
    if (st != WEFT_OK)
        return st;
    if (hit == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "no plugin claims %.80s", architecture);
    return load_found(r, hit, out, err);
}

/* One that offers what is wanted: its failure is a warning, unless it is no matter of one plugin.
 */
static weft_status load_offered(wf_registry *r, wf_found *f, weft_error *err)
{
    wf_plugin  *p;
    weft_error  why = WF_ERROR_INIT;
    weft_status st = load_found(r, f, &p, &why);
    /* Memory and the user's own mistakes are not a matter of one plugin. */
    if (st == WEFT_E_NOMEM || (st != WEFT_OK && why.stage == WEFT_STAGE_USAGE))
        return wf_fail_stage(err, wf_fail(err, st, "%s", why.message), why.stage);
    if (st != WEFT_OK)
        wf_log(WEFT_LOG_WARN, "%s", why.message);
    return WEFT_OK;
}

weft_status wf_registry_load_kind(wf_registry *r, const char *kind, weft_error *err)
{
    weft_status st = wf_registry_scan(r, err);
    for (size_t i = 0; i < r->found.n && st == WEFT_OK; i++) {
        wf_found *f = &r->found.v[i];
        if (f->state == WF_PLUGIN_AVAILABLE && wf_manifest_offers(&f->manifest, kind))
            st = load_offered(r, f, err);
    }
    return st;
}

weft_status wf_registry_load_decoders(wf_registry *r, const uint8_t *head, uint64_t n,
                                      const char *media_kind, weft_error *err)
{
    weft_status st = wf_registry_scan(r, err);
    for (size_t i = 0; i < r->found.n && st == WEFT_OK; i++) {
        wf_found *f = &r->found.v[i];
        if (f->state == WF_PLUGIN_AVAILABLE && wf_manifest_offers(&f->manifest, WEFT_C_DECODER) &&
            wf_manifest_may_decode(&f->manifest, head, n, media_kind))
            st = load_offered(r, f, err);
    }
    return st;
}

wf_plugin *wf_registry_plugin(wf_registry *r, size_t index)
{
    return index < r->n_loaded ? r->by_id[index] : NULL;
}

wf_plugin *wf_registry_loaded(wf_registry *r, size_t index)
{
    return index < r->n_loaded ? r->loaded[index] : NULL;
}

const void *wf_registry_component(wf_registry *r, const char *kind, size_t index, wf_plugin **owner)
{
    for (size_t i = 0; i < r->n_loaded; i++) {
        const void *vtable;
        for (size_t j = 0; (vtable = wf_plugin_component(r->by_id[i], kind, j)) != NULL; j++)
            if (index-- == 0) {
                *owner = r->by_id[i];
                return vtable;
            }
    }
    *owner = NULL;
    return NULL;
}
