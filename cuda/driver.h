/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's driver as a table of functions, found when a device is made: nothing of NVIDIA's is
 * linked, and no header of the toolkit is needed. Types, constants and functions are those of
 * cuda.h (CUDA driver API, 12.0). */
#ifndef WF_CUDA_DRIVER_H
#define WF_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

typedef int                 CUresult;
typedef int                 CUdevice;
typedef unsigned long long  CUdeviceptr;
typedef struct CUctx_st    *CUcontext;
typedef struct CUmod_st    *CUmodule;
typedef struct CUfunc_st   *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st  *CUevent;
typedef struct CUgraph_st  *CUgraph;
typedef struct CUgexec_st  *CUgraphExec;

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
    CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,

    CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
    CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,

    CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
    CU_STREAM_NON_BLOCKING = 1,
    CU_STREAM_CAPTURE_MODE_RELAXED = 2,
    CU_EVENT_DISABLE_TIMING = 2,
    CU_MEMHOSTALLOC_PORTABLE = 1
};

/* X(name, least version of CUDA, parameters): every function that the module needs. */
#define WF_CUDA_FUNCTIONS(X)                                                                       \
    X(cuInit, 2000, (unsigned flags))                                                              \
    X(cuGetErrorName, 6000, (CUresult error, const char **text))                                   \
    X(cuGetErrorString, 6000, (CUresult error, const char **text))                                 \
    X(cuDeviceGetCount, 2000, (int *count))                                                        \
    X(cuDeviceGet, 2000, (CUdevice * device, int ordinal))                                         \
    X(cuDeviceGetName, 2000, (char *name, int len, CUdevice device))                               \
    X(cuDeviceGetAttribute, 2000, (int *value, int attribute, CUdevice device))                    \
    X(cuDevicePrimaryCtxRetain, 7000, (CUcontext * context, CUdevice device))                      \
    X(cuDevicePrimaryCtxRelease, 11000, (CUdevice device))                                         \
    X(cuCtxPushCurrent, 4000, (CUcontext context))                                                 \
    X(cuCtxPopCurrent, 4000, (CUcontext * context))                                                \
    X(cuMemGetInfo, 3020, (size_t * free, size_t * total))                                         \
    X(cuMemAlloc, 3020, (CUdeviceptr * p, size_t bytes))                                           \
    X(cuMemFree, 3020, (CUdeviceptr p))                                                            \
    X(cuMemHostAlloc, 2020, (void **p, size_t bytes, unsigned flags))                              \
    X(cuMemFreeHost, 2000, (void *p))                                                              \
    X(cuMemcpyHtoDAsync, 3020, (CUdeviceptr dst, const void *src, size_t bytes, CUstream stream))  \
    X(cuMemcpyDtoHAsync, 3020, (void *dst, CUdeviceptr src, size_t bytes, CUstream stream))        \
    X(cuMemsetD8Async, 3020, (CUdeviceptr dst, unsigned char value, size_t n, CUstream stream))    \
    X(cuStreamCreate, 2000, (CUstream * stream, unsigned flags))                                   \
    X(cuStreamDestroy, 4000, (CUstream stream))                                                    \
    X(cuStreamSynchronize, 2000, (CUstream stream))                                                \
    X(cuStreamQuery, 2000, (CUstream stream))                                                      \
    X(cuStreamWaitEvent, 3020, (CUstream stream, CUevent event, unsigned flags))                   \
    X(cuStreamBeginCapture, 10010, (CUstream stream, int mode))                                    \
    X(cuStreamEndCapture, 10000, (CUstream stream, CUgraph * graph))                               \
    X(cuEventCreate, 2000, (CUevent * event, unsigned flags))                                      \
    X(cuEventDestroy, 4000, (CUevent event))                                                       \
    X(cuEventRecord, 2000, (CUevent event, CUstream stream))                                       \
    X(cuGraphInstantiateWithFlags, 11040,                                                          \
      (CUgraphExec * exec, CUgraph graph, unsigned long long flags))                               \
    X(cuGraphLaunch, 10000, (CUgraphExec exec, CUstream stream))                                   \
    X(cuGraphExecDestroy, 10000, (CUgraphExec exec))                                               \
    X(cuGraphDestroy, 10000, (CUgraph graph))                                                      \
    X(cuModuleLoadData, 2000, (CUmodule * module, const void *image))                              \
    X(cuModuleUnload, 2000, (CUmodule module))                                                     \
    X(cuModuleGetFunction, 2000, (CUfunction * function, CUmodule module, const char *name))       \
    X(cuFuncSetAttribute, 9000, (CUfunction function, int attribute, int value))                   \
    X(cuLaunchKernel, 4000,                                                                        \
      (CUfunction f, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,          \
       unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream stream, void **args,    \
       void **extra))

typedef struct wf_cuda_driver {
#define WF_CUDA_MEMBER(name, version, parameters) CUresult(*name) parameters;
    WF_CUDA_FUNCTIONS(WF_CUDA_MEMBER)
#undef WF_CUDA_MEMBER
    /* Since CUDA 12.4; NULL before: the sizes of arguments are then not checked. */
    CUresult (*cuFuncGetParamInfo)(CUfunction function, size_t index, size_t *offset, size_t *size);
    int version; /* of CUDA, as the driver says it: 12040 is 12.4 */
} wf_cuda_driver;

/* The driver of this machine, opened once for the process and never closed. UNSUPPORTED, with one
 * sentence: there is none, or it is older than the kernels need. Any thread. */
weft_status wf_cuda_driver_get(const wf_cuda_driver **out, weft_error *err);

/* The failure of a call as a status: NOMEM where the device had no memory, else DEVICE. what: "the
 * copy to the device". Returns the status. */
weft_status wf_cuda_fail(const wf_cuda_driver *d, CUresult result, const char *what,
                         weft_error *err);

#endif
