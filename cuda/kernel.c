/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins' kernels: their images loaded, their functions found and held against what they declare.
 */
#include "cuda/internal.h"

struct wf_image {
    CUmodule module;
};

weft_status wf_cuda_image_load(wf_device *dev, const void *data, uint64_t bytes, wf_image **out,
                               weft_error *err)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    if (data == NULL || bytes == 0)
        return wf_fail(err, WEFT_E_INVALID, "device cuda: an image of no bytes");
    wf_image *code = wf_zalloc(sizeof *code);
    if (code == NULL)
        return wf_fail_nomem(err, sizeof *code, "an image");
    weft_status status = wf_cuda_enter(d, err);
    if (status == WEFT_OK) {
        CUresult r = d->driver->cuModuleLoadData(&code->module, data);
        if (r != CUDA_SUCCESS)
            status = wf_cuda_fail(d->driver, r, "loading an image of kernels", err);
        wf_cuda_leave(d);
    }
    if (status != WEFT_OK) {
        wf_free(code);
        return status;
    }
    *out = code;
    return WEFT_OK;
}

void wf_cuda_image_unload(wf_device *dev, wf_image *code)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    d->epoch++;
    if (wf_cuda_enter(d, NULL) == WEFT_OK) {
        (void)d->driver->cuModuleUnload(code->module);
        wf_cuda_leave(d);
    }
    wf_free(code);
}

/* Does the function take what the kernel declares? A driver that cannot say is believed. */
static weft_status check_sizes(const wf_cuda_device *d, CUfunction f, const wf_kernel_decl *k,
                               weft_error *err)
{
    size_t offset, size;
    for (uint32_t i = 0; d->driver->cuFuncGetParamInfo != NULL && i <= k->n_args; i++) {
        CUresult r = d->driver->cuFuncGetParamInfo(f, i, &offset, &size);
        bool     has = r == CUDA_SUCCESS;
        if (has != (i < k->n_args))
            return wf_fail(err, WEFT_E_INVALID,
                           "kernel %s: its GPU function %s has %s arguments than the %u that it "
                           "declares",
                           k->name, k->function, has ? "more" : "fewer", k->n_args);
        if (has && size != k->arg_bytes[i])
            return wf_fail(err, WEFT_E_INVALID,
                           "kernel %s: argument %u of its GPU function %s has %zu bytes, declared "
                           "are %u",
                           k->name, i, k->function, size, k->arg_bytes[i]);
    }
    return WEFT_OK;
}

static weft_status find_function(wf_cuda_device *d, const wf_image *code, const wf_kernel_decl *k,
                                 CUfunction *out, weft_error *err)
{
    weft_status status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    CUresult r = d->driver->cuModuleGetFunction(out, code->module, k->function);
    if (r != CUDA_SUCCESS)
        status = wf_cuda_fail(d->driver, r, k->function, err);
    else
        status = check_sizes(d, *out, k, err);
    wf_cuda_leave(d);
    return status;
}

weft_status wf_cuda_kernel_create(wf_device *dev, wf_image *code, const wf_kernel_decl *k,
                                  wf_kernel **out, weft_error *err)
{
    CUfunction function = NULL;
    if (code == NULL || k->function == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "kernel %s has no GPU body in this build of its plugin: use --device cpu",
                       k->name);
    weft_status status = find_function((wf_cuda_device *)dev, code, k, &function, err);
    if (status != WEFT_OK)
        return status;
    wf_cuda_kernel *mine = wf_zalloc(sizeof *mine);
    if (mine == NULL)
        return wf_fail_nomem(err, sizeof *mine, "a kernel");
    mine->function = function;
    *out = &mine->base;
    return WEFT_OK;
}

void wf_cuda_kernel_destroy(wf_kernel *k)
{
    ((wf_cuda_device *)k->device)->epoch++;
    wf_free(k);
}
