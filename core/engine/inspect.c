/* SPDX-License-Identifier: Apache-2.0 */
/* One plugin file looked at: its manifest, its options, and whether it loads. And whose code runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/base/running.h"
#include "core/base/sized.h"
#include "core/host/host.h"
#include "core/plugin/registry.h"
#include "weft/weft.h"

int32_t weft_plugin_running(weft_running *out)
{
    const wf_running *r = wf_running_now();
    if (r == NULL)
        return 0;
    const weft_running now = {WEFT_HDR(weft_running), r->plugin, r->function, r->file};
    wf_give_sized(out, &now, sizeof now);
    return 1;
}

/* Where the facts of one file go. */
typedef struct teller {
    weft_text_fn fn;
    void        *ctx;
} teller;

/* A list of a manifest, side by side; one that is empty is left out. */
static void tell_list(const teller *t, const char *key, char *const *v, uint32_t n)
{
    char   text[WF_MANIFEST_MAX * 2];
    size_t at = 0;
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n && at + strlen(v[i]) + 3 < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? ", " : "", v[i]);
    t->fn(t->ctx, key, text);
}

static void tell_manifest(const teller *t, const wf_manifest *m)
{
    char abi[32];
    snprintf(abi, sizeof abi, "%u.%u", m->abi_major, m->abi_minor);
    t->fn(t->ctx, "id", m->id);
    t->fn(t->ctx, "version", m->version);
    t->fn(t->ctx, "abi", abi);
    tell_list(t, "components", m->components, m->n_components);
    tell_list(t, "architectures", m->architectures, m->n_architectures);
    tell_list(t, "needs", m->needs, m->n_needs);
    tell_list(t, "gives", m->gives, m->n_gives);
    tell_list(t, "kinds", m->kinds, m->n_kinds);
    tell_list(t, "magic", m->magic, m->n_magic);
    tell_list(t, "links", m->links, m->n_links);
}

static void tell_option(const teller *t, const weft_option *o)
{
    static const char *const types[] = {"?",      "a whole number", "a number",
                                        "a text", "yes or no",      "a model directory"};
    char                     line[1024];
    snprintf(line, sizeof line, "%.64s: %s%s%.200s%s%.200s%s%.400s", o->key, types[o->type],
             o->range != NULL ? ", " : "", o->range != NULL ? o->range : "",
             o->dflt != NULL ? ", default " : ", no default", o->dflt != NULL ? o->dflt : "",
             o->doc != NULL ? "; " : "", o->doc != NULL ? o->doc : "");
    t->fn(t->ctx, "option", line);
}

/* What a candidate came to. */
static void tell_candidate(const teller *t, const wf_candidate *c, const weft_error *why)
{
    char line[600];
    for (uint32_t i = 0; c->desc != NULL && i < c->desc->n_options; i++)
        tell_option(t, WEFT_AT(c->desc->options, i));
    if (c->state == WF_PLUGIN_LOADED && c->reason != NULL)
        t->fn(t->ctx, "warning", c->reason);
    snprintf(line, sizeof line, "%s%s",
             why->code == WEFT_OK ? "yes" : "no: ", why->code == WEFT_OK ? "" : why->message);
    t->fn(t->ctx, "loads", line);
}

static weft_status load_and_tell(const teller *t, wf_registry *r, const char *path, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    wf_plugin  *plugin;
    weft_status status = wf_registry_load(r, path, &plugin, &why);
    if (status == WEFT_E_NOMEM)
        return wf_fail_as(err, &why);
    for (size_t i = 0; i < wf_registry_count(r); i++) {
        wf_candidate c;
        wf_registry_candidate(r, i, &c);
        if (strcmp(c.path, path) != 0)
            continue;
        tell_candidate(t, &c, &why);
        return WEFT_OK;
    }
    tell_candidate(t, &(wf_candidate){.state = WF_PLUGIN_REJECTED}, &why); /* --safe */
    return WEFT_OK;
}

static weft_status load_alone(weft_settings *s, const teller *t, const char *path, weft_error *err)
{
    wf_hosts     hosts;
    wf_registry *r;
    wf_hosts_init(&hosts, &(wf_hosts_config){.settings = s, .cpu_flags = wf_cpu_detect()});
    wf_registry_config cfg = {.settings = s, .hosts = wf_hosts_maker(&hosts), .also = path};
    weft_status        status = wf_registry_create(&cfg, &r, err);
    if (status == WEFT_OK)
        status = load_and_tell(t, r, path, err);
    wf_registry_destroy(&r);
    return status;
}

weft_status weft_plugin_inspect(weft_settings *s, const char *path, weft_text_fn fn, void *ctx,
                                weft_error *err)
{
    wf_manifest m;
    teller      t = {fn, ctx};
    weft_status status = wf_found_inspect(path, &m, err);
    if (status != WEFT_OK)
        return status;
    tell_manifest(&t, &m);
    wf_manifest_free(&m);
    char *real = realpath(path, NULL);
    if (real == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: it is gone", path);
    status = load_alone(s, &t, real, err);
    free(real);
    return status;
}
