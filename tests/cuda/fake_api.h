/* SPDX-License-Identifier: Apache-2.0 */
/* The fake driver opened as a module opens the real one: by name, and then by cuGetProcAddress. */
#ifndef FAKE_API_H
#define FAKE_API_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/control.h"

/* X(name, parameters) */
#define FAKE_API(X)                                                                                \
    X(cuInit, (unsigned))                                                                          \
    X(cuDeviceGetCount, (int *))                                                                   \
    X(cuDeviceGet, (int *, int))                                                                   \
    X(cuDeviceGetName, (char *, int, int))                                                         \
    X(cuDeviceGetAttribute, (int *, int, int))                                                     \
    X(cuDevicePrimaryCtxRetain, (void **, int))                                                    \
    X(cuDevicePrimaryCtxRelease, (int))                                                            \
    X(cuCtxPushCurrent, (void *))                                                                  \
    X(cuCtxPopCurrent, (void **))                                                                  \
    X(cuMemAlloc, (uint64_t *, size_t))                                                            \
    X(cuMemFree, (uint64_t))                                                                       \
    X(cuMemGetInfo, (size_t *, size_t *))                                                          \
    X(cuMemHostAlloc, (void **, size_t, unsigned))                                                 \
    X(cuMemFreeHost, (void *))                                                                     \
    X(cuMemcpyHtoDAsync, (uint64_t, const void *, size_t, void *))                                 \
    X(cuMemcpyDtoHAsync, (void *, uint64_t, size_t, void *))                                       \
    X(cuMemsetD8Async, (uint64_t, unsigned char, size_t, void *))                                  \
    X(cuStreamCreate, (void **, unsigned))                                                         \
    X(cuStreamDestroy, (void *))                                                                   \
    X(cuStreamSynchronize, (void *))                                                               \
    X(cuStreamQuery, (void *))                                                                     \
    X(cuStreamWaitEvent, (void *, void *, unsigned))                                               \
    X(cuStreamBeginCapture, (void *, int))                                                         \
    X(cuStreamEndCapture, (void *, void **))                                                       \
    X(cuEventCreate, (void **, unsigned))                                                          \
    X(cuEventDestroy, (void *))                                                                    \
    X(cuEventRecord, (void *, void *))                                                             \
    X(cuGraphInstantiateWithFlags, (void **, void *, unsigned long long))                          \
    X(cuGraphLaunch, (void *, void *))                                                             \
    X(cuGraphDestroy, (void *))                                                                    \
    X(cuGraphExecDestroy, (void *))                                                                \
    X(cuModuleLoadData, (void **, const void *))                                                   \
    X(cuModuleUnload, (void *))                                                                    \
    X(cuModuleGetFunction, (void **, void *, const char *))                                        \
    X(cuFuncGetParamInfo, (void *, size_t, size_t *, size_t *))                                    \
    X(cuFuncSetAttribute, (void *, int, int))                                                      \
    X(cuLaunchKernel, (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,         \
                       unsigned, void *, void **, void **))

typedef struct fake_api {
#define FAKE_MEMBER(name, parameters) int(*name) parameters;
    FAKE_API(FAKE_MEMBER)
#undef FAKE_MEMBER
    fake_cuda_state_fn state;
    fake_cuda_fail_fn  failing;
} fake_api;

static inline void fake_symbol(void *library, const char *name, void *out)
{
    void *p = dlsym(library, name);
    if (p == NULL) {
        fprintf(stderr, "the fake driver has no %s\n", name);
        exit(1);
    }
    memcpy(out, &p, sizeof p);
}

static inline fake_api fake_open(const char *path)
{
    fake_api a = {0};
    int (*get)(const char *, void **, int, uint64_t, int *) = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *p = NULL;
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    fake_symbol(library, "cuGetProcAddress_v2", &get);
    fake_symbol(library, FAKE_CUDA_STATE, &a.state);
    fake_symbol(library, FAKE_CUDA_FAIL, &a.failing);
#define FAKE_FIND(name, parameters)                                                                \
    if (get(#name, &p, 12000, 0, NULL) != 0)                                                       \
        exit((fprintf(stderr, "the fake driver has no %s\n", #name), 1));                          \
    memcpy(&a.name, &p, sizeof p);
    FAKE_API(FAKE_FIND)
#undef FAKE_FIND
    return a;
}

#endif
