/* SPDX-License-Identifier: Apache-2.0 */
/* libcuda.so.1 that does nothing: what cuDNN looks for while it makes plans for a GPU that is not
 * here. Every function says that it has succeeded. */
#define NOTHING(name)                                                                              \
    __attribute__((visibility("default"))) int name(void);                                         \
    int                                        name(void)                                          \
    {                                                                                              \
        return 0;                                                                                  \
    }

__attribute__((visibility("default"))) int cuDriverGetVersion(int *version);

int cuDriverGetVersion(int *version)
{
    *version = 13000;
    return 0;
}

NOTHING(cuCtxGetCurrent)
NOTHING(cuCtxGetLimit)
NOTHING(cuCtxPopCurrent)
NOTHING(cuCtxPushCurrent)
NOTHING(cuDeviceGet)
NOTHING(cuDeviceGetCount)
NOTHING(cuGetErrorName)
NOTHING(cuGetErrorString)
NOTHING(cuKernelGetAttribute)
NOTHING(cuKernelSetAttribute)
NOTHING(cuLaunchCooperativeKernel)
NOTHING(cuLaunchKernel)
NOTHING(cuLaunchKernelEx)
NOTHING(cuLibraryGetKernel)
NOTHING(cuLibraryLoadData)
NOTHING(cuLibraryLoadFromFile)
NOTHING(cuLibraryUnload)
NOTHING(cuLinkAddData)
NOTHING(cuLinkComplete)
NOTHING(cuLinkCreate)
NOTHING(cuLinkDestroy)
NOTHING(cuOccupancyMaxPotentialClusterSize)
NOTHING(cuStreamGetCtx)
