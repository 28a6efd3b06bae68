/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of weft_settings, shared by its files. */
#ifndef WF_STORE_H
#define WF_STORE_H

#include "core/settings/settings.h"

#define WF_SECTION_MAX 64u /* bytes of a plugin id */

typedef struct wf_entry {
    char   *plugin; /* NULL: the core's */
    char   *key, *value, *origin;
    int32_t layer;
    bool    resolved; /* a path of a file, made relative to that file */
} wf_entry;

typedef struct wf_declared {
    char              *plugin;
    const weft_option *options;
    uint32_t           n;
} wf_declared;

struct weft_settings {
    wf_entry    *entries;
    size_t       n, cap;
    wf_declared *declared;
    size_t       n_declared;
    char       **plugins; /* sorted ids that some entry names */
    size_t       n_plugins;
};

/* The entry of the highest layer for this key of the plugin, or of the core where plugin is NULL;
 * NULL: there is none. */
const wf_entry *wf_store_find(const weft_settings *s, const char *plugin, const char *key);
/* Stores a value. The store owns `value` from now on, and frees it on failure. append: earlier
 * values of the same key and layer are kept (lists). Otherwise the value replaces an earlier one;
 * INVALID where one file gives two. */
weft_status wf_store_put(weft_settings *s, const char *plugin, const char *key, char *value,
                         int32_t layer, const char *origin, bool append, weft_error *err);
/* paths.c: the path `value` as it stands in the configuration file `ini`: relative to that file's
 * directory, unless it is absolute or empty. "./" in front of it is dropped. The caller frees the
 * result with wf_free; NULL: out of memory. Any thread. */
char *wf_store_beside(const char *ini, const char *value);
/* paths.c: *path is the value of e. Where a file holds the entry, replaces it by the path relative
 * to that file; on failure *path has been freed and is NULL. Marks e as resolved. */
weft_status wf_store_resolve(wf_entry *e, char **path, weft_error *err);
/* Adds the plugin to s->plugins unless it is there. */
weft_status        wf_store_name_plugin(weft_settings *s, const char *plugin, weft_error *err);
const weft_option *wf_store_declared(const weft_settings *s, const char *plugin, const char *key);
/* What wf_settings_declare was given for the plugin; NULL: it was not called for it. */
const wf_declared *wf_store_declaration(const weft_settings *s, const char *plugin);

#endif
