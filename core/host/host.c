/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin holds of us: log, memory, CPU flags, cancellation, and the tables by id. */
#include <stdint.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/host/lent.h"

#define ALIGN_MAX ((uint64_t)1 << 21)

static void host_log(const weft_host *h, int32_t level, const char *utf8)
{
    if (h == NULL || utf8 == NULL)
        return;
    if (level < WEFT_LOG_DEBUG || level > WEFT_LOG_ERROR)
        level = WEFT_LOG_INFO;
    wf_log(level, "%s: %s", wf_lent_of(h)->id, utf8);
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
    atomic_fetch_add(&wf_lent_of(h)->live_blocks, 1);
    return p;
}

static void host_free(const weft_host *h, void *p)
{
    char *raw;
    if (h == NULL || p == NULL)
        return;
    memcpy(&raw, (char *)p - sizeof raw, sizeof raw);
    wf_free_aligned(raw);
    atomic_fetch_sub(&wf_lent_of(h)->live_blocks, 1);
}

static uint64_t host_cpu_flags(const weft_host *h)
{
    return wf_lent_of(h)->all->cfg.cpu_flags;
}

static int32_t host_cancelled(const weft_host *h)
{
    const wf_hosts_config *c = &wf_lent_of(h)->all->cfg;
    return c->cancelled != NULL ? c->cancelled(c->ctx) : 0;
}

static void host_progress(const weft_host *h, const char *what, uint64_t done, uint64_t total,
                          const char *unit)
{
    const wf_hosts_config *c = &wf_lent_of(h)->all->cfg;
    if (c->progress != NULL && what != NULL && unit != NULL)
        c->progress(c->ctx, what, done, total, unit);
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
        {WEFT_IF_POOL, &wf_host_threads},
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

static bool serves(const char *interface_id)
{
    return lookup(interface_id) != NULL;
}

static void fill(wf_lent *p)
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

static void give_back(wf_lent *p)
{
    wf_host_weights_free(p);
    wf_host_queue_waited(&p->host, NULL);
    wf_host_files_close(p);
    wf_host_kernels_clear(p);
    wf_host_services_clear(p);
    wf_host_packages_close(p);
    pthread_mutex_destroy(&p->held_lock);
    wf_free(p);
}

static weft_status make(void *ctx, const char *id, const weft_descriptor *d, weft_host **out,
                        weft_error *err)
{
    wf_lent *p = wf_zalloc(sizeof *p);
    *out = NULL;
    if (p == NULL)
        return wf_fail_nomem(err, sizeof *p, "a plugin's host");
    pthread_mutex_init(&p->held_lock, NULL);
    p->all = ctx;
    p->id = id;
    p->desc = d;
    fill(p);
    weft_status status = wf_host_packages_open(p, err);
    if (status != WEFT_OK)
        give_back(p);
    else
        *out = &p->host;
    return status;
}

static void clear(void *ctx, weft_host *h, const char *path)
{
    wf_lent *p = wf_lent_of(h);
    int64_t  left = atomic_load(&p->live_blocks);
    (void)ctx;
    if (left != 0)
        wf_log(WEFT_LOG_WARN, "%s: plugin %s left %lld blocks of memory behind", path, p->id,
               (long long)left);
    give_back(p);
}

void wf_hosts_init(wf_hosts *all, const wf_hosts_config *cfg)
{
    *all = (wf_hosts){.cfg = *cfg};
    atomic_flag_clear(&all->pool_busy);
}

wf_host_maker wf_hosts_maker(wf_hosts *all)
{
    return (wf_host_maker){all, make, serves, clear};
}

weft_status wf_host_bind(weft_host *h, const wf_binding *b, weft_error *err)
{
    wf_lent *p = wf_lent_of(h);
    p->binding = *b;
    p->weights.device = b->device;
    p->n_bound++;
    return wf_host_kernels_bind(p, b->device, err);
}

bool wf_host_is_bound(const weft_host *h)
{
    return ((const wf_lent *)(const void *)h)->n_bound > 0;
}

void wf_host_unbind(weft_host *h)
{
    wf_lent *p = wf_lent_of(h);
    if (--p->n_bound == 0)
        wf_host_weights_free(p);
}
