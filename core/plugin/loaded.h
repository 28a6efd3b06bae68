/* SPDX-License-Identifier: Apache-2.0 */
/* A running plugin: its record, and how a file becomes one. */
#ifndef WF_LOADED_H
#define WF_LOADED_H

#include <stdatomic.h>

#include "core/plugin/found.h"
#include "core/plugin/registry.h"

struct wf_plugin {
    char                  *id, *version, *path;
    const weft_descriptor *desc;
    weft_host             *host; /* made and cleared by `maker` */
    wf_host_maker          maker;
    weft_status (*init)(const weft_host *h, weft_error *err);
    void (*deinit)(const weft_host *h);
    void       *library; /* never closed */
    atomic_uint told;    /* WF_CHANGED_* that its author was told of */
};

/* loader.c: the candidate's library opened, greeted and started. On failure *out is NULL and
 * nothing of the plugin runs any more. */
weft_status wf_plugin_open(const wf_registry_config *cfg, wf_found *f, wf_plugin **out,
                           weft_error *err);
/* deinit, then the record. NULL is fine. */
void wf_plugin_close(wf_plugin *p);

/* check.c: the descriptor and every vtable of it against this ABI and the manifest. serves: may be
 * NULL (nothing). */
weft_status wf_descriptor_check(const weft_descriptor *d, const wf_manifest          *m,
                                bool (*serves)(const char *interface_id), const char *path,
                                weft_error *err);

#endif
