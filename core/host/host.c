/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin holds of us: log, memory, CPU flags, cancellation, and the tables by id. */
#include <stdint.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plugin/found.h"

#define ALIGN_MAX ((uint64_t)1 << 21)

static void host_log(const weft_host *h, int32_t level, const char *utf8)
{
    if (h == NULL || utf8 == NULL)
        return;
    if (level < WEFT_LOG_DEBUG || level > WEFT_LOG_ERROR)
        level = WEFT_LOG_INFO;
    wf_log(level, "%s: %s", wf_host_plugin(h)->id, utf8);
}

/* The block's own start is kept just before what the plugin gets. */
static void *host_alloc(const weft_host *h, uint64_t bytes, uint64_t align)
{
    uint64_t pad = align > WF_ALIGN ? align : WF_ALIGN, total;
    if (h == NULL || align > ALIGN_MAX || (align & (align - 1)) != 0 ||
        !wf_add(bytes, pad, &total) || total > SIZE_MAX)
        return NULL;
    char *raw = wf_alloc_aligned((size_t)total);
    if (raw == NULL)
        return NULL;
    char *p = raw + (pad - (uintptr_t)raw % pad);
    memcpy(p - sizeof raw, &raw, sizeof raw);
    atomic_fetch_add(&wf_host_plugin(h)->live_blocks, 1);
    return p;
}

static void host_free(const weft_host *h, void *p)
{
    char *raw;
    if (h == NULL || p == NULL)
        return;
    memcpy(&raw, (char *)p - sizeof raw, sizeof raw);
    wf_free_aligned(raw);
    atomic_fetch_sub(&wf_host_plugin(h)->live_blocks, 1);
}

static uint64_t host_cpu_flags(const weft_host *h)
{
    return wf_host_plugin(h)->cpu_flags;
}

static int32_t host_cancelled(const weft_host *h)
{
    const wf_plugin *p = wf_host_plugin(h);
    return p->cancelled != NULL ? p->cancelled(p->cancelled_ctx) : 0;
}

static void host_progress(const weft_host *h, const char *what, uint64_t done, uint64_t total,
                          const char *unit)
{
    const wf_plugin *p = wf_host_plugin(h);
    if (p->progress != NULL && what != NULL && unit != NULL)
        p->progress(p->cancelled_ctx, what, done, total, unit);
}

static const void *lookup(const char *id)
{
    const struct {
        const char *id;
        const void *table;
    } served[] = {
        {WEFT_IF_OPTIONS, &wf_host_options}, {WEFT_IF_PACKAGE, &wf_host_package},
        {WEFT_IF_WEIGHTS, &wf_host_weights}, {WEFT_IF_OPS, &wf_host_ops},
        {WEFT_IF_KERNELS, &wf_host_kernels}, {WEFT_IF_SERVICES, &wf_host_services},
    };
    for (size_t i = 0; id != NULL && i < sizeof served / sizeof served[0]; i++)
        if (strcmp(served[i].id, id) == 0)
            return served[i].table;
    return NULL;
}

static const void *host_get_interface(const weft_host *h, const char *id)
{
    (void)h;
    return lookup(id);
}

bool wf_host_serves(const char *interface_id)
{
    return lookup(interface_id) != NULL;
}

void wf_host_init(wf_plugin *p)
{
    p->host = (weft_host){
        .hdr = WEFT_HDR(weft_host),
        .name = "weft",
        .version = WEFT_VERSION,
        .abi_major = WEFT_ABI_MAJOR,
        .abi_minor = WEFT_ABI_MINOR,
        .log = host_log,
        .alloc = host_alloc,
        .free = host_free,
        .cpu_flags = host_cpu_flags,
        .cancelled = host_cancelled,
        .get_interface = host_get_interface,
        .slot = &p->slot,
        .progress = host_progress,
    };
}

void wf_host_clear(wf_plugin *p)
{
    wf_plugin_release_weights(p);
    wf_plugin_queue_waited(p, NULL);
    wf_host_files_close(p);
    wf_host_kernels_clear(p);
    wf_host_services_clear(p);
    wf_host_packages_close(p);
}

weft_status wf_plugin_bind(wf_plugin *p, const wf_binding *b, weft_error *err)
{
    p->binding = *b;
    p->weights.device = b->device;
    return wf_host_kernels_bind(p, b->device, err);
}

const char *wf_plugin_id(const wf_plugin *p)
{
    return p->id;
}

const char *wf_plugin_version(const wf_plugin *p)
{
    return p->version;
}

const char *wf_plugin_path(const wf_plugin *p)
{
    return p->path;
}

const weft_host *wf_plugin_host(const wf_plugin *p)
{
    return &p->host;
}

const weft_descriptor *wf_plugin_descriptor(const wf_plugin *p)
{
    return p->desc;
}

const void *wf_plugin_component(const wf_plugin *p, const char *kind, size_t index)
{
    for (uint32_t i = 0; i < p->desc->n_components; i++)
        if (strcmp(p->desc->components[i].kind, kind) == 0 && index-- == 0)
            return p->desc->components[i].vtable;
    return NULL;
}
