/* SPDX-License-Identifier: Apache-2.0 */
/* Files that may be plugins: searched for, judged, their manifests read; nothing of them runs. */
#ifndef WF_FOUND_H
#define WF_FOUND_H

#include <sys/types.h>

#include "core/plugin/manifest.h"

/* Where a candidate came from, which is also how strictly it is judged. */
enum wf_where { WF_WHERE_EXPLICIT, WF_WHERE_ENV, WF_WHERE_USER, WF_WHERE_BUILTIN };

enum wf_candidate_state { WF_PLUGIN_AVAILABLE, WF_PLUGIN_LOADED, WF_PLUGIN_REJECTED };

/* A file that may be a plugin. */
typedef struct wf_found {
    char       *path;   /* as found, then resolved */
    int32_t     where;  /* enum wf_where */
    int32_t     state;  /* enum wf_candidate_state */
    weft_status status; /* REJECTED: why */
    char       *reason; /* REJECTED: the sentence; else a warning, or NULL */
    wf_manifest manifest;
    dev_t       dev; /* identity of the file whose manifest was read; ino 0: never opened */
    ino_t       ino;
    const weft_descriptor *desc;    /* once it was checked; a library is never unloaded */
    struct wf_plugin      *plugin;  /* LOADED */
    bool                   loading; /* waits for the services that it needs */
} wf_found;

typedef struct wf_found_list {
    wf_found *v;
    size_t    n, cap;
} wf_found_list;

/* search.c: every candidate file in search order, paths resolved and judged, manifests read. paths:
 * the user's --plugin files. Only NOMEM fails. */
weft_status wf_search(const char *const *paths, size_t n_paths, const char *builtin_dir,
                      wf_found_list *out, weft_error *err);
/* The directories that wf_search() looks in, with commas between, to text [WF_DIRS_TEXT_CAP]; those
 * for which there is no room are lost. */
#define WF_DIRS_TEXT_CAP 1024u
void wf_search_dirs(const char *builtin_dir, char *text);
/* One file: its manifest, without loading. Stage PLUGIN. */
weft_status wf_found_inspect(const char *path, wf_manifest *out, weft_error *err);
void        wf_found_list_clear(wf_found_list *l);
const char *wf_where_name(int32_t where);
/* Makes f REJECTED with the sentence of why. */
void wf_found_reject(wf_found *f, const weft_error *why);
/* One more sentence for whoever lists or loads f; out of memory loses it. */
void wf_found_warn(wf_found *f, const char *sentence);

/* trust.c: who could have written this file? INVALID names the component and the chmod that mends
 * it. */
weft_status wf_trust_check(const char *resolved, weft_error *err);

#endif
