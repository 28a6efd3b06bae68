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

/* The entry that decides (plugin or NULL, key): of the highest layer; NULL: none. */
const wf_entry *wf_store_find(const weft_settings *s, const char *plugin, const char *key);
/* Takes value (owned by the store from now on, freed on failure). append: keep earlier ones of the
 * layer. A second one in one layer of a file is INVALID. */
weft_status wf_store_put(weft_settings *s, const char *plugin, const char *key, char *value,
                         int32_t layer, const char *origin, bool append, weft_error *err);
/* paths.c: the path `value` as it stands in the configuration file `ini`: relative to that file's
 * directory, unless it is absolute or empty. "./" in front of it is dropped. The caller frees the
 * result with wf_free; NULL: out of memory. Any thread. */
char *wf_store_beside(const char *ini, const char *value);
/* paths.c: *path is the value of e. Where a file holds the entry, replaces it by the path relative
 * to that file; on failure *path has been freed and is NULL. Marks e as resolved. */
weft_status wf_store_resolve(wf_entry *e, char **path, weft_error *err);
/* Makes the plugin one of s->plugins. */
weft_status        wf_store_name_plugin(weft_settings *s, const char *plugin, weft_error *err);
const weft_option *wf_store_declared(const weft_settings *s, const char *plugin, const char *key);
/* Was wf_settings_declare called for it? */
const wf_declared *wf_store_declaration(const weft_settings *s, const char *plugin);

#endif
