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
