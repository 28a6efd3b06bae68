/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of plugins: images loaded, handles made, arguments placed, launches enqueued. */
#include <string.h>

#include "core/device/device.h"

weft_status wf_image_load(wf_device *d, const void *data, uint64_t bytes, wf_image **out,
                          weft_error *err)
{
    *out = NULL;
    return d->fns->image_load != NULL ? d->fns->image_load(d, data, bytes, out, err) : WEFT_OK;
}

void wf_image_unload(wf_device *d, wf_image *code)
{
    if (code != NULL)
        d->fns->image_unload(d, code);
}

bool wf_kernel_place(const wf_kernel_decl *k, uint32_t offset[WF_KERNEL_ARGS])
{
    uint32_t at = 0;
    if (k->n_args > WF_KERNEL_ARGS || (k->n_args > 0 && k->arg_bytes == NULL))
        return false;
    for (uint32_t i = 0; i < k->n_args; i++) {
        if (k->arg_bytes[i] == 0 || k->arg_bytes[i] > WF_KERNEL_BYTES - at)
            return false;
        offset[i] = at;
        at = (at + k->arg_bytes[i] + 15) & ~15u;
        at = at < WF_KERNEL_BYTES ? at : WF_KERNEL_BYTES;
    }
    return true;
}

weft_status wf_kernel_create(wf_device *d, wf_image *code, const wf_kernel_decl *k, wf_kernel **out,
                             weft_error *err)
{
    uint32_t offset[WF_KERNEL_ARGS] = {0};
    *out = NULL;
    if (!wf_kernel_place(k, offset))
        return wf_fail(err, WEFT_E_LIMIT, "%s: at most %d arguments of %d bytes in all", k->name,
                       WF_KERNEL_ARGS, WF_KERNEL_BYTES);
    weft_status status = d->fns->kernel_create(d, code, k, out, err);
    if (status != WEFT_OK)
        return status;
    wf_kernel *mine = *out;
    mine->device = d;
    mine->name = k->name;
    mine->cpu = k->cpu;
    mine->n_args = k->n_args;
    memcpy(mine->offset, offset, sizeof mine->offset);
    for (uint32_t i = 0; i < k->n_args; i++)
        mine->arg_bytes[i] = k->arg_bytes[i];
    return WEFT_OK;
}

void wf_kernel_destroy(wf_kernel **k)
{
    if (*k != NULL)
        (*k)->device->fns->kernel_destroy(*k);
    *k = NULL;
}

weft_status wf_queue_launch(weft_queue *q, const wf_kernel *k, const wf_launch *l,
                            void *const *args, weft_error *err)
{
    wf_op         op = {.kind = WF_OP_KERNEL};
    wf_kernel_op *a = &op.u.kernel;
    if (k->device != q->device)
        return wf_fail(err, WEFT_E_INVALID, "%s is a kernel of another device", k->name);
    a->kernel = k;
    a->n = l->n;
    a->grain = l->grain;
    memcpy(a->grid, l->grid, sizeof a->grid);
    memcpy(a->block, l->block, sizeof a->block);
    a->shared_bytes = l->shared_bytes;
    for (uint32_t i = 0; i < k->n_args; i++) {
        if (args[i] == NULL)
            return wf_fail(err, WEFT_E_INVALID, "%s: argument %u is NULL", k->name, i);
        memcpy(a->data + k->offset[i], args[i], k->arg_bytes[i]);
    }
    return l->n == 0 ? WEFT_OK : wf_queue_submit(q, &op, err);
}
