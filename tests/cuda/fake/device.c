/* SPDX-License-Identifier: Apache-2.0 */
/* The library's own symbols, devices and contexts. */
#include <stdio.h>
#include <string.h>

#include "fake.h"

#define SHOWN __attribute__((visibility("default")))
SHOWN result cuInit(unsigned flags);
SHOWN result cuDriverGetVersion(int *version);
SHOWN result cuGetProcAddress_v2(const char *symbol, void **p, int version, uint64_t flags,
                                 int *status);

static _Thread_local int
    depth; /* contexts pushed by this thread: there is one device, so one context */

bool context_is_current(void)
{
    return depth > 0 && it.retained > 0;
}

result cuDriverGetVersion(int *version)
{
    enter_surely();
    *version = it.version;
    return leave(OK);
}

result cuInit(unsigned flags)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    it.initialised = flags == 0;
    return leave(flags != 0 ? INVALID_VALUE : it.count == 0 ? NO_DEVICE : OK);
}

static result f_cuGetErrorName(result error, const char **text)
{
    static const struct {
        result      code;
        const char *name;
    } all[] = {{OK, "CUDA_SUCCESS"},
               {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
               {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
               {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
               {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
               {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
               {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},
               {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
               {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
               {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
               {ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE"},
               {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
               {NOT_READY, "CUDA_ERROR_NOT_READY"},
               {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
               {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
               {STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
               {STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
               {999, "CUDA_ERROR_UNKNOWN"}};
    *text = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].code == error)
            *text = all[i].name;
    return *text != NULL ? OK : INVALID_VALUE;
}

static result f_cuGetErrorString(result error, const char **text)
{
    const result r = f_cuGetErrorName(error, text);
    if (r == OK)
        *text = "the fake driver was asked to say so, or the interpreter found a fault";
    return r;
}

static result f_cuDeviceGetCount(int *count)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    *count = it.count;
    return leave(it.initialised ? OK : NOT_INITIALIZED);
}

static result f_cuDeviceGet(int *device, int ordinal)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    *device = ordinal;
    return leave(ordinal >= 0 && ordinal < it.count ? OK : INVALID_DEVICE);
}

static result f_cuDeviceGetName(char *name, int room, int device)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    snprintf(name, (size_t)room, "%s", it.name);
    return leave(device == 0 ? OK : INVALID_DEVICE);
}

/* CU_DEVICE_ATTRIBUTE_*: those that the module asks for. */
static result f_cuDeviceGetAttribute(int *value, int attribute, int device)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    switch (attribute) {
    case 1: /* MAX_THREADS_PER_BLOCK */
        *value = 1024;
        break;
    case 8: /* MAX_SHARED_MEMORY_PER_BLOCK */
        *value = it.shared_block;
        break;
    case 10: /* WARP_SIZE */
        *value = 32;
        break;
    case 16: /* MULTIPROCESSOR_COUNT */
        *value = it.n_sms;
        break;
    case 75: /* COMPUTE_CAPABILITY_MAJOR */
        *value = it.major;
        break;
    case 76: /* COMPUTE_CAPABILITY_MINOR */
        *value = it.minor;
        break;
    case 97: /* MAX_SHARED_MEMORY_PER_BLOCK_OPTIN */
        *value = it.shared_optin;
        break;
    default:
        fprintf(stderr, "fake driver: device attribute %d is not known\n", attribute);
        return leave(INVALID_VALUE);
    }
    return leave(device == 0 ? OK : INVALID_DEVICE);
}

static result f_cuDeviceTotalMem(size_t *bytes, int device)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    *bytes = (size_t)it.memory_total;
    return leave(device == 0 ? OK : INVALID_DEVICE);
}

static result f_cuDevicePrimaryCtxRetain(void **context, int device)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    it.retained++;
    *context = &it;
    return leave(device == 0 ? OK : INVALID_DEVICE);
}

static result f_cuDevicePrimaryCtxRelease(int device)
{
    enter_surely();
    it.retained -= it.retained > 0;
    return leave(device == 0 ? OK : INVALID_DEVICE);
}

/* Fails of a context that is none, and of nothing else. */
static result f_cuCtxPushCurrent(void *context)
{
    enter_surely();
    if (context != &it || it.retained == 0)
        return leave(INVALID_CONTEXT);
    depth++;
    return leave(OK);
}

static result f_cuCtxPopCurrent(void **context)
{
    enter_surely();
    if (depth == 0)
        return leave(INVALID_CONTEXT);
    depth--;
    if (context != NULL)
        *context = &it;
    return leave(OK);
}

static result f_cuCtxSetCurrent(void *context)
{
    const result r = enter(false);
    if (r != OK)
        return r;
    depth = context != NULL;
    return leave(OK);
}

static const entry entries[] = {
    ENTRY(cuGetErrorName),
    ENTRY(cuGetErrorString),
    ENTRY(cuDeviceGetCount),
    ENTRY(cuDeviceGet),
    ENTRY(cuDeviceGetName),
    ENTRY(cuDeviceGetAttribute),
    ENTRY(cuDeviceTotalMem),
    ENTRY(cuDevicePrimaryCtxRetain),
    ENTRY(cuDevicePrimaryCtxRelease),
    ENTRY(cuCtxPushCurrent),
    ENTRY(cuCtxPopCurrent),
    ENTRY(cuCtxSetCurrent),
    {"cuInit", (void (*)(void))cuInit},
    {"cuDriverGetVersion", (void (*)(void))cuDriverGetVersion},
};

void *entry_named(const char *name)
{
    void *(*const more[])(const char *) = {entry_of_memory, entry_of_streams, entry_of_modules,
                                           entry_of_graphs};
    void *p = entry_in(entries, sizeof entries / sizeof *entries, name);
    for (size_t i = 0; p == NULL && i < sizeof more / sizeof *more; i++)
        p = more[i](name);
    return p;
}

result cuGetProcAddress_v2(const char *symbol, void **p, int version, uint64_t flags, int *status)
{
    (void)flags;
    enter_surely();
    *p = version <= it.version ? entry_named(symbol) : NULL;
    if (status != NULL)
        *status = *p != NULL ? 0 : 1; /* CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND */
    return leave(*p != NULL ? OK : NOT_FOUND);
}
