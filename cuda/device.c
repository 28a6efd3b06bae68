/* SPDX-License-Identifier: Apache-2.0 */
/* The device: found, checked, filled with the module's kernels, and given back. */
#include "cuda/internal.h"

#include <stdio.h>
#include <string.h>

#include "cuda/images.h"

#define LEAST_CAPABILITY 80 /* cp.async, and matrix instructions with bf16 */

weft_status wf_cuda_enter(wf_cuda_device *d, weft_error *err)
{
    CUresult r = d->driver->cuCtxPushCurrent(d->context);
    return r == CUDA_SUCCESS ? WEFT_OK
                             : wf_cuda_fail(d->driver, r, "making the device current", err);
}

void wf_cuda_leave(wf_cuda_device *d)
{
    CUcontext mine;
    (void)d->driver->cuCtxPopCurrent(&mine);
}

static void unload(wf_cuda_device *d)
{
    for (int32_t i = 0; i < WF_CUDA_IMAGES; i++)
        if (d->modules[i] != NULL)
            (void)d->driver->cuModuleUnload(d->modules[i]);
}

/* Also where the context cannot be entered any more: what the host holds is then freed all the
 * same, and the driver frees the rest with the context. */
static void cuda_destroy(wf_device *dev)
{
    wf_cuda_device *d = (wf_cuda_device *)dev;
    bool            entered = d->context != NULL && wf_cuda_enter(d, NULL) == WEFT_OK;
    wf_cuda_blas_free(d->blas);
    wf_cuda_dnn_free(d->dnn);
    unload(d);
    wf_cuda_memory_free(d);
    if (entered)
        wf_cuda_leave(d);
    if (d->context != NULL)
        (void)d->driver->cuDevicePrimaryCtxRelease(d->device);
    pthread_mutex_destroy(&d->memory.lock);
    pthread_mutex_destroy(&d->blas_lock);
    wf_free(d);
}

static const wf_device_fns fns = {
    .alloc = wf_cuda_alloc,
    .free = wf_cuda_free,
    .memory = wf_cuda_memory_left,
    .host_alloc = wf_cuda_host_alloc,
    .host_free = wf_cuda_host_free,
    .weight_bytes = wf_cuda_weight_bytes,
    .page_bytes = wf_cuda_page_bytes,
    .image_load = wf_cuda_image_load,
    .image_unload = wf_cuda_image_unload,
    .kernel_create = wf_cuda_kernel_create,
    .kernel_destroy = wf_cuda_kernel_destroy,
    .queue_create = wf_cuda_queue_create,
    .queue_destroy = wf_cuda_queue_destroy,
    .submit = wf_cuda_submit,
    .upload = wf_cuda_upload,
    .download = wf_cuda_download,
    .zero = wf_cuda_zero,
    .after = wf_cuda_after,
    .wait = wf_cuda_wait,
    .done = wf_cuda_done,
    .capture_begin = wf_cuda_capture_begin,
    .capture_end = wf_cuda_capture_end,
    .replay = wf_cuda_replay,
    .graph_free = wf_cuda_graph_free,
    .destroy = cuda_destroy,
};

static weft_status attribute(wf_cuda_device *d, int which, int32_t *out, weft_error *err)
{
    int      value = 0;
    CUresult r = d->driver->cuDeviceGetAttribute(&value, which, d->device);
    *out = value;
    return r == CUDA_SUCCESS ? WEFT_OK : wf_cuda_fail(d->driver, r, "asking for a property", err);
}

/* Is there a device of that index, and what can it do? */
static weft_status look(wf_cuda_device *d, int32_t index, weft_error *err)
{
    int      count = 0;
    int32_t  major = 0, minor = 0;
    char     name[96] = "";
    CUresult r = d->driver->cuInit(0);
    if (r == CUDA_SUCCESS)
        r = d->driver->cuDeviceGetCount(&count);
    if (r == CUDA_ERROR_NO_DEVICE || (r == CUDA_SUCCESS && index >= count))
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "device cuda: the NVIDIA driver is there and has no GPU of number %d",
                       index);
    if (r == CUDA_SUCCESS)
        r = d->driver->cuDeviceGet(&d->device, index);
    if (r == CUDA_SUCCESS)
        r = d->driver->cuDeviceGetName(name, sizeof name, d->device);
    if (r != CUDA_SUCCESS)
        return wf_cuda_fail(d->driver, r, "starting the driver", err);
    weft_status status = attribute(d, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, &major, err);
    if (status == WEFT_OK)
        status = attribute(d, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, &minor, err);
    if (status == WEFT_OK)
        status = attribute(d, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, &d->n_sms, err);
    if (status == WEFT_OK)
        status = attribute(d, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                           &d->shared_most, err);
    d->capability = major * 10 + minor;
    snprintf(d->isa, sizeof d->isa, "sm_%d%d", major, minor);
    if (status == WEFT_OK && d->capability < LEAST_CAPABILITY)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "device cuda: %s is of compute capability %d.%d; 8.0 or later is needed",
                       name, major, minor);
    return status;
}

static weft_status load_image(wf_cuda_device *d, int32_t i, weft_error *err)
{
    const char *name;
    const void *data = wf_cuda_image(i, &name);
    CUresult    r = d->driver->cuModuleLoadData(&d->modules[i], data);
    if (r == CUDA_ERROR_NO_BINARY_FOR_GPU || r == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "device cuda: the kernels are not for %s with this driver; install a newer "
                       "driver, or build weft with the CUDA toolkit of this one",
                       d->isa);
    return r == CUDA_SUCCESS ? WEFT_OK
                             : wf_cuda_fail(d->driver, r, "loading the module's kernels", err);
}

static weft_status load_kernels(wf_cuda_device *d, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < WF_CUDA_IMAGES && status == WEFT_OK; i++)
        status = load_image(d, i, err);
    for (int32_t i = 0; i < WF_CUDA_KERNELS && status == WEFT_OK; i++) {
        const wf_cuda_entry *e = wf_cuda_entry_at(i);
        CUresult             r =
            d->driver->cuModuleGetFunction(&d->functions[i], d->modules[e->image], e->name);
        if (r == CUDA_SUCCESS && e->shared_most > 0)
            r = d->driver->cuFuncSetAttribute(
                d->functions[i], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, d->shared_most);
        if (r != CUDA_SUCCESS)
            status = wf_cuda_fail(d->driver, r, e->name, err);
    }
    return status;
}

static weft_status open_device(wf_cuda_device *d, int32_t index, weft_error *err)
{
    weft_status status = look(d, index, err);
    if (status != WEFT_OK)
        return status;
    CUresult r = d->driver->cuDevicePrimaryCtxRetain(&d->context, d->device);
    if (r != CUDA_SUCCESS) {
        d->context = NULL;
        return wf_cuda_fail(d->driver, r, "opening the GPU", err);
    }
    status = wf_cuda_enter(d, err);
    if (status != WEFT_OK)
        return status;
    status = load_kernels(d, err);
    if (status == WEFT_OK)
        status = wf_cuda_memory_init(d, err);
    wf_cuda_leave(d);
    return status;
}

weft_status wf_cuda_create(const wf_device_config *c, int32_t index, wf_device **out,
                           weft_error *err)
{
    const wf_cuda_driver *driver;
    *out = NULL;
    weft_status status = wf_cuda_driver_get(&driver, err);
    if (status != WEFT_OK)
        return status;
    wf_cuda_device *d = wf_zalloc(sizeof *d);
    if (d == NULL)
        return wf_fail_nomem(err, sizeof *d, "the device cuda");
    d->base = (wf_device){.fns = &fns,
                          .name = "cuda",
                          .isa = d->isa,
                          .type = WEFT_DEV_CUDA,
                          .id = index,
                          .keeps_lists = true};
    d->driver = driver;
    d->log = c->log;
    d->deterministic = c->deterministic;
    pthread_mutex_init(&d->memory.lock, NULL);
    pthread_mutex_init(&d->blas_lock, NULL);
    status = open_device(d, index, err);
    if (status != WEFT_OK) {
        cuda_destroy(&d->base);
        return status;
    }
    *out = &d->base;
    return WEFT_OK;
}
