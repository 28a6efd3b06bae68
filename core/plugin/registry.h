/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins of one engine: candidates on disk, what was loaded, and what they offer.
 *
 * Who is loaded: decoders and tokenizers when their kind is needed (wf_registry_load_kind); what
 * the user named by --plugin PATH or a [plugin ID] section (wf_registry_load_named); what claims a
 * model directory's architecture (wf_registry_claim). A model directory never names a path.
 * Libraries are never unloaded. Failures carry WEFT_STAGE_PLUGIN unless said. All [setup]: one
 * thread. */
#ifndef WF_REGISTRY_H
#define WF_REGISTRY_H

#include <stdbool.h>

#include "core/plugin/found.h"
#include "core/plugin/host_maker.h"
#include "core/settings/settings.h"

typedef struct wf_registry wf_registry;
typedef struct wf_plugin   wf_plugin;

typedef struct wf_registry_config {
    weft_settings *settings;   /* borrowed until destroy; gives --plugin, --safe and [plugin ID] */
    wf_host_maker  hosts;      /* make NULL: this registry looks at files and loads nothing */
    const char    *plugin_dir; /* NULL: the one compiled in; "": none */
    const char    *also;       /* NULL, or one more file, as if named by --plugin first */
} wf_registry_config;

/* On failure *out is NULL. Reads nothing yet. */
weft_status wf_registry_create(const wf_registry_config *cfg, wf_registry **out, weft_error *err);
/* deinit of every plugin in reverse order of loading; the engine has destroyed their components. */
void wf_registry_destroy(wf_registry **r);

typedef struct wf_candidate {
    const char            *path;  /* resolved */
    const char            *where; /* "--plugin", "WEFT_PLUGIN_PATH", "user", "built-in" */
    int32_t                state;
    const wf_manifest     *manifest; /* id is NULL where it could not be read */
    const char            *reason;   /* REJECTED: one sentence; else a warning, or NULL */
    weft_status            status;   /* REJECTED: why */
    const wf_plugin       *plugin;   /* LOADED */
    const weft_descriptor *desc;     /* LOADED, or refused after its descriptor was found good */
} wf_candidate;

/* Finds candidates and reads their manifests; once, later calls do nothing. A bad file is a
 * rejected candidate, never a failure: NOMEM only. With --safe there are none. */
weft_status wf_registry_scan(wf_registry *r, weft_error *err);
/* What to end a message with that misses a plugin, to text [WF_REGISTRY_HINT_CAP]: " (see weft
 * plugin list)", or where no plugin was found the directories that they are looked for in. */
#define WF_REGISTRY_HINT_CAP 1100u
void wf_registry_hint(const wf_registry *r, char *text);
/* In search order. */
size_t wf_registry_count(const wf_registry *r);
void   wf_registry_candidate(const wf_registry *r, size_t index, wf_candidate *out);

/* Everything named by --plugin or a section. One failure is the failure. */
weft_status wf_registry_load_named(wf_registry *r, weft_error *err);
/* The plugin of that id (or path, where it holds a '/'), loaded now if it was not. NOTFOUND lists
 * what is there. *out is valid until destroy. */
weft_status wf_registry_load(wf_registry *r, const char *id, wf_plugin **out, weft_error *err);
/* The one plugin that claims an architecture, loaded. Two claimants: CONFLICT naming both. None:
 * NOTFOUND. */
weft_status wf_registry_claim(wf_registry *r, const char *architecture, wf_plugin **out,
                              weft_error *err);
/* Every available plugin whose manifest offers a component of the kind, by id. One that fails is
 * rejected with a warning and costs only what it offers: NOMEM only. */
weft_status wf_registry_load_kind(wf_registry *r, const char *kind, weft_error *err);
/* The same of those decoders whose manifests say that a file of these first bytes may be theirs. */
weft_status wf_registry_load_decoders(wf_registry *r, const uint8_t *head, uint64_t n,
                                      const char *media_kind, weft_error *err);

/* Loaded plugins by id, and their components of one kind over all of them by (id, place). NULL: no
 * more. */
wf_plugin *wf_registry_plugin(wf_registry *r, size_t index);
/* The same in the order of loading: who gives a service comes before who needs it. */
wf_plugin  *wf_registry_loaded(wf_registry *r, size_t index);
const void *wf_registry_component(wf_registry *r, const char *kind, size_t index,
                                  wf_plugin **owner);

/* [any] */
const char *wf_plugin_id(const wf_plugin *p);
const char *wf_plugin_version(const wf_plugin *p);
/* What it holds of us; the host room's functions take it. */
weft_host *wf_plugin_host(const wf_plugin *p);
/* The index-th component of the kind (WEFT_C_*): its size and its functions were checked when it
 * was loaded. NULL: no more. */
const void *wf_plugin_component(const wf_plugin *p, const char *kind, size_t index);
#endif
