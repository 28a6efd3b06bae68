/* SPDX-License-Identifier: Apache-2.0 */
/* weft.kernels/1: a plugin's own kernels. What one add() declares is a set: its image and its
 * kernels. A set is loaded onto the device when the plugin has both; a launch copies the values of
 * its arguments. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/lent.h"

static const weft_kernel_decl *decl_at(const weft_kernel_decl *k, uint32_t i)
{
    return (const weft_kernel_decl *)(const void *)((const char *)k + (size_t)i * k[0].hdr.size);
}

static const weft_kernel *kernels_find(const weft_host *h, const char *name)
{
    for (wf_kernel_set *s = wf_lent_of(h)->kernels; s != NULL && name != NULL; s = s->next)
        for (uint32_t i = 0; i < s->n; i++)
            if (strcmp(s->kernels[i].decl.name, name) == 0)
                return &s->kernels[i];
    return NULL;
}

/* The plugin's declaration as a device takes it; strings and sizes stay the plugin's. */
static wf_kernel_decl decl_of(const weft_kernel_decl *d)
{
    return (wf_kernel_decl){.name = d->name,
                            .function = d->gpu_symbol,
                            .cpu = d->cpu,
                            .arg_bytes = d->arg_bytes,
                            .n_args = d->n_args};
}

/* What can be said without a device; the device says the rest. */
static weft_status check_decl(const weft_host *h, const weft_kernel_decl *d, weft_error *err)
{
    uint32_t       offset[WF_KERNEL_ARGS];
    wf_kernel_decl decl = decl_of(d);
    if (d->name == NULL || d->cpu == NULL)
        return wf_misuse(err, "kernels.add: a kernel needs a name and a CPU body");
    if (!wf_kernel_place(&decl, offset))
        return wf_fail(err, WEFT_E_LIMIT,
                       "kernels.add: %s: at most %d arguments of %d bytes in all", d->name,
                       WF_KERNEL_ARGS, WF_KERNEL_BYTES);
    if (kernels_find(h, d->name) != NULL)
        return wf_fail(err, WEFT_E_CONFLICT, "kernels.add: there are two kernels %s", d->name);
    return WEFT_OK;
}

/* The set's image and kernels off their device. */
static void set_unload(wf_kernel_set *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        wf_kernel_destroy(&s->kernels[i].on_device);
    if (s->code != NULL)
        wf_image_unload(s->device, s->code);
    s->code = NULL;
    s->device = NULL;
}

static weft_status set_load(wf_kernel_set *s, wf_device *d, weft_error *err)
{
    weft_status status = WEFT_OK;
    s->device = d;
    if (s->gpu != NULL)
        status = wf_image_load(d, s->gpu->data, s->gpu->bytes, &s->code, err);
    for (uint32_t i = 0; i < s->n && status == WEFT_OK; i++)
        status = wf_kernel_create(d, s->code, &s->kernels[i].decl, &s->kernels[i].on_device, err);
    if (status != WEFT_OK)
        set_unload(s);
    return status;
}

weft_status wf_host_kernels_bind(wf_lent *p, wf_device *d, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (wf_kernel_set *s = p->kernels; s != NULL; s = s->next)
        if (s->device != NULL && s->device != d)
            set_unload(s);
    for (wf_kernel_set *s = p->kernels; s != NULL && d != NULL && status == WEFT_OK; s = s->next)
        if (s->device == NULL)
            status = set_load(s, d, err);
    return status;
}

static weft_status check_set(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                             const weft_fatbin *gpu, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (k == NULL || k[0].hdr.size < sizeof *k)
        return wf_misuse(err, "kernels.add: weft_kernel_decl.hdr.size is not set");
    if (gpu != NULL && (!WEFT_HAS(gpu, weft_fatbin, bytes) || gpu->data == NULL || gpu->bytes == 0))
        return wf_misuse(err, "kernels.add: the weft_fatbin needs its size, data and bytes");
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        status = check_decl(h, decl_at(k, i), err);
        for (uint32_t j = 0; j < i && status == WEFT_OK; j++)
            if (strcmp(decl_at(k, i)->name, decl_at(k, j)->name) == 0)
                status = wf_fail(err, WEFT_E_CONFLICT, "kernels.add: there are two kernels %s",
                                 decl_at(k, i)->name);
    }
    return status;
}

static weft_status kernels_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                               const weft_fatbin *gpu, weft_error *err)
{
    wf_lent    *p = wf_lent_of(h);
    weft_status status = check_set(h, k, n, gpu, err);
    if (status != WEFT_OK)
        return status;
    size_t         bytes = sizeof(wf_kernel_set) + (size_t)n * sizeof(weft_kernel);
    wf_kernel_set *s = wf_zalloc(bytes);
    if (s == NULL)
        return wf_fail_nomem(err, bytes, "kernels");
    s->gpu = gpu;
    s->n = n;
    for (uint32_t i = 0; i < n; i++)
        s->kernels[i] = (weft_kernel){.owner = p, .decl = decl_of(decl_at(k, i))};
    if (p->binding.device != NULL)
        status = set_load(s, p->binding.device, err);
    if (status != WEFT_OK) {
        wf_free(s);
        return status;
    }
    s->next = p->kernels;
    p->kernels = s;
    return WEFT_OK;
}

static weft_status check_launch(const weft_host *h, const weft_queue *q, const weft_kernel *k,
                                const weft_launch *l, void *const *args, weft_error *err)
{
    if (q == NULL || k == NULL || !WEFT_HAS(l, weft_launch, grain) ||
        (k->decl.n_args > 0 && args == NULL))
        return wf_misuse(err, "kernels.launch: a queue, a kernel, a weft_launch with its size "
                              "set and arguments are needed");
    if (k->owner != wf_lent_of(h))
        return wf_misuse(err, "kernels.launch: the kernel is another plugin's");
    if (l->n < 0 || l->grain < 1)
        return wf_misuse(err,
                         "kernels.launch: %s: n is %lld and grain %lld; n is 0 or more, "
                         "grain 1 or more",
                         k->decl.name, (long long)l->n, (long long)l->grain);
    if (k->on_device == NULL || k->on_device->device != q->device)
        return wf_fail(err, WEFT_E_STATE, "kernels.launch: %s is not on the device of this queue",
                       k->decl.name);
    return WEFT_OK;
}

static weft_status kernels_launch(const weft_host *h, weft_queue *q, const weft_kernel *k,
                                  const weft_launch *l, void *const *args, weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status status = check_launch(h, q, k, l, args, err);
    if (status != WEFT_OK)
        return status;
    wf_launch how = {.n = l->n, .grain = l->grain, .shared_bytes = l->shared_bytes};
    memcpy(how.grid, l->grid, sizeof how.grid);
    memcpy(how.block, l->block, sizeof how.block);
    status = wf_queue_launch(q, k->on_device, &how, args, &why);
    return status == WEFT_OK ? status : wf_fail(err, status, "kernels.launch: %s", why.message);
}

const weft_if_kernels wf_host_kernels = {WEFT_HDR(weft_if_kernels), kernels_add, kernels_find,
                                         kernels_launch};

void wf_host_kernels_clear(wf_lent *p)
{
    while (p->kernels != NULL) {
        wf_kernel_set *s = p->kernels;
        p->kernels = s->next;
        set_unload(s);
        wf_free(s);
    }
}
