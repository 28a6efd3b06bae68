/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the driver and its functions. */
#include "cuda/driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* The kernels' images are made by a toolkit of this series, and only drivers of that series and
 * later can load them. */
#ifndef WEFT_CUDA_SERIES
#error "WEFT_CUDA_SERIES is the toolkit's major version"
#endif

typedef CUresult (*find_fn)(const char *symbol, void **p, int version, uint64_t flags, int *status);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static wf_cuda_driver  table;
static bool            is_open;

/* The first driver that can load images of a series. */
static const char *driver_of_series(int series)
{
    return series >= 13 ? "580" : "525";
}

static weft_status find(find_fn get, const char *name, int version, void **out, weft_error *err)
{
    int status = 0;
    *out = NULL;
    if (get(name, out, version, 0, &status) == CUDA_SUCCESS && *out != NULL)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_UNSUPPORTED,
                   "device cuda: the NVIDIA driver has no %s; install driver %s or later", name,
                   driver_of_series(WEFT_CUDA_SERIES));
}

static weft_status fill(find_fn get, wf_cuda_driver *d, weft_error *err)
{
    void       *p;
    weft_status status = WEFT_OK;
#define FIND(name, version, parameters)                                                            \
    if (status == WEFT_OK)                                                                         \
        status = find(get, #name, version, &p, err);                                               \
    if (status == WEFT_OK)                                                                         \
        memcpy(&d->name, &p, sizeof p);
    WF_CUDA_FUNCTIONS(FIND)
#undef FIND
    if (status == WEFT_OK && find(get, "cuFuncGetParamInfo", 12040, &p, NULL) == WEFT_OK)
        memcpy(&d->cuFuncGetParamInfo, &p, sizeof p);
    return status;
}

/* Is the driver of the images' series? */
static weft_status check_version(void *library, int *version, weft_error *err)
{
    CUresult (*get_version)(int *) = NULL;
    void *p = dlsym(library, "cuDriverGetVersion");
    memcpy(&get_version, &p, sizeof p);
    *version = 0;
    if (get_version != NULL && get_version(version) != CUDA_SUCCESS)
        *version = 0;
    if (*version / 1000 >= WEFT_CUDA_SERIES)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_UNSUPPORTED,
                   "device cuda: the NVIDIA driver is of CUDA %d.%d and the kernels are of CUDA "
                   "%d.0; install driver %s or later%s",
                   *version / 1000, *version % 1000 / 10, WEFT_CUDA_SERIES,
                   driver_of_series(WEFT_CUDA_SERIES),
                   *version / 1000 == 12 ? ", or build weft for this one (docs/GPU.md)" : "");
}

static weft_status open_driver(wf_cuda_driver *d, weft_error *err)
{
    find_fn get = NULL;
    void   *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "device cuda: no NVIDIA driver is installed (%s)",
                       dlerror());
    weft_status status = check_version(library, &d->version, err);
    void       *p = dlsym(library, "cuGetProcAddress_v2");
    memcpy(&get, &p, sizeof p);
    if (status == WEFT_OK && get == NULL)
        status = wf_fail(err, WEFT_E_UNSUPPORTED,
                         "device cuda: libcuda.so.1 has no cuGetProcAddress_v2; install driver %s "
                         "or later",
                         driver_of_series(WEFT_CUDA_SERIES));
    if (status == WEFT_OK)
        status = fill(get, d, err);
    if (status != WEFT_OK)
        dlclose(library);
    return status;
}

weft_status wf_cuda_driver_get(const wf_cuda_driver **out, weft_error *err)
{
    weft_status status = WEFT_OK;
    pthread_mutex_lock(&lock);
    if (!is_open) {
        wf_cuda_driver d = {0};
        status = open_driver(&d, err);
        if (status == WEFT_OK)
            table = d;
        is_open = status == WEFT_OK;
    }
    pthread_mutex_unlock(&lock);
    *out = status == WEFT_OK ? &table : NULL;
    return status;
}

weft_status wf_cuda_fail(const wf_cuda_driver *d, CUresult result, const char *what,
                         weft_error *err)
{
    const char *name = NULL, *text = NULL;
    if (d->cuGetErrorName(result, &name) != CUDA_SUCCESS || name == NULL)
        name = "an unknown error";
    if (d->cuGetErrorString(result, &text) != CUDA_SUCCESS || text == NULL)
        text = "the driver says no more";
    return wf_fail(err, result == CUDA_ERROR_OUT_OF_MEMORY ? WEFT_E_NOMEM : WEFT_E_DEVICE,
                   "device cuda: %s failed: %s (%s)", what, text, name);
}
