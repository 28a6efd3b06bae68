/* SPDX-License-Identifier: Apache-2.0 */
/* What a running plugin is asked for. */
#include "core/plugin/loaded.h"

#include <string.h>

const char *wf_plugin_id(const wf_plugin *p)
{
    return p->id;
}

const char *wf_plugin_version(const wf_plugin *p)
{
    return p->version;
}

weft_host *wf_plugin_host(const wf_plugin *p)
{
    return p->host;
}

const void *wf_plugin_component(const wf_plugin *p, const char *kind, size_t index)
{
    for (uint32_t i = 0; i < p->desc->n_components; i++) {
        const weft_component *c = WEFT_AT(p->desc->components, i);
        if (strcmp(c->kind, kind) == 0 && index-- == 0)
            return c->vtable;
    }
    return NULL;
}

bool wf_plugin_needs(const wf_plugin *p, const wf_plugin *giver)
{
    for (const char *const *need = p->desc->needs_service; need != NULL && *need != NULL; need++)
        for (const char *const *id = giver->desc->gives_service; id != NULL && *id != NULL; id++)
            if (strcmp(*need, *id) == 0)
                return true;
    return false;
}
