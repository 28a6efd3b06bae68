/* SPDX-License-Identifier: Apache-2.0 */
/* weft.kernels/1: a plugin's own kernels: declared once, launched on a queue with their argument
 * values copied. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/lent.h"

static const weft_kernel_decl *decl_at(const weft_kernel_decl *k, uint32_t i)
{
    return (const weft_kernel_decl *)(const void *)((const char *)k + (size_t)i * k[0].hdr.size);
}

static const weft_kernel *kernels_find(const weft_host *h, const char *name)
{
    for (weft_kernel *k = wf_lent_of(h)->kernels; k != NULL && name != NULL; k = k->next)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

/* Values lie one after the other, each at a multiple of 16 so that any type is aligned. */
static bool place_args(const uint32_t *bytes, uint32_t n, uint32_t offset[WF_KERNEL_ARGS])
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] == 0 || bytes[i] > WF_KERNEL_BYTES - at)
            return false;
        offset[i] = at;
        at = (at + bytes[i] + 15) & ~15u;
        at = at < WF_KERNEL_BYTES ? at : WF_KERNEL_BYTES;
    }
    return true;
}

static weft_status check_decl(const weft_host *h, const weft_kernel_decl *d, weft_error *err)
{
    uint32_t offset[WF_KERNEL_ARGS];
    if (d->name == NULL || d->cpu == NULL)
        return wf_misuse(err, "kernels.add: a kernel needs a name and a CPU body");
    if (d->n_args > WF_KERNEL_ARGS || (d->n_args > 0 && d->arg_bytes == NULL) ||
        !place_args(d->arg_bytes, d->n_args, offset))
        return wf_fail(err, WEFT_E_LIMIT,
                       "kernels.add: %s: at most %d arguments of %d bytes in all", d->name,
                       WF_KERNEL_ARGS, WF_KERNEL_BYTES);
    if (kernels_find(h, d->name) != NULL)
        return wf_fail(err, WEFT_E_CONFLICT, "kernels.add: there are two kernels %s", d->name);
    return WEFT_OK;
}

static weft_status kernels_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                               const weft_fatbin *gpu, weft_error *err)
{
    wf_lent *p = wf_lent_of(h);
    (void)gpu; /* for a device that can launch it */
    if (k == NULL || k[0].hdr.size < sizeof *k)
        return wf_misuse(err, "kernels.add: weft_kernel_decl.hdr.size is not set");
    for (uint32_t i = 0; i < n; i++) {
        const weft_kernel_decl *d = decl_at(k, i);
        weft_status             st = check_decl(h, d, err);
        weft_kernel            *mine = st == WEFT_OK ? wf_zalloc(sizeof *mine) : NULL;
        if (mine == NULL)
            return st != WEFT_OK ? st : wf_fail_nomem(err, sizeof *mine, "a kernel");
        *mine = (weft_kernel){
            .next = p->kernels, .owner = p, .name = d->name, .cpu = d->cpu, .n_args = d->n_args};
        (void)place_args(d->arg_bytes, d->n_args, mine->offset); /* check_decl saw that it fits */
        for (uint32_t j = 0; j < d->n_args; j++)
            mine->arg_bytes[j] = d->arg_bytes[j];
        p->kernels = mine;
    }
    return WEFT_OK;
}

static weft_status kernels_launch(const weft_host *h, weft_queue *q, const weft_kernel *k,
                                  const weft_launch *l, void *const *args, weft_error *err)
{
    if (q == NULL || k == NULL || !WEFT_HAS(l, weft_launch, grain) ||
        (k->n_args > 0 && args == NULL))
        return wf_misuse(err, "kernels.launch: a queue, a kernel, a weft_launch with its size "
                              "set and arguments are needed");
    if (k->owner != wf_lent_of(h))
        return wf_misuse(err, "kernels.launch: %s is another plugin's kernel", k->name);
    if (l->n < 0 || l->grain < 1)
        return wf_misuse(err,
                         "kernels.launch: %s: n is %lld and grain %lld; n is 0 or more, "
                         "grain 1 or more",
                         k->name, (long long)l->n, (long long)l->grain);
    wf_op         op = {.kind = WF_OP_KERNEL};
    wf_kernel_op *a = &op.u.kernel;
    a->fn = k->cpu;
    a->n = l->n;
    a->grain = l->grain;
    a->n_args = k->n_args;
    memcpy(a->offset, k->offset, sizeof a->offset);
    for (uint32_t i = 0; i < k->n_args; i++) {
        if (args[i] == NULL)
            return wf_misuse(err, "kernels.launch: %s: argument %u is NULL", k->name, i);
        memcpy(a->data + a->offset[i], args[i], k->arg_bytes[i]);
    }
    return l->n == 0 ? WEFT_OK : wf_queue_submit(q, &op, err);
}

const weft_if_kernels wf_host_kernels = {WEFT_HDR(weft_if_kernels), kernels_add, kernels_find,
                                         kernels_launch};

void wf_host_kernels_clear(wf_lent *p)
{
    while (p->kernels != NULL) {
        weft_kernel *k = p->kernels;
        p->kernels = k->next;
        wf_free(k);
    }
}
