/* SPDX-License-Identifier: Apache-2.0 */
/* The one symbol of libweft-cuda.so (core/device/module.h). */
#include "cuda/internal.h"

static const wf_device_module module = {
    .version = WF_DEVICE_MODULE_VERSION,
    .op_bytes = sizeof(wf_op),
    .fns_bytes = sizeof(wf_device_fns),
    .build = WEFT_VERSION,
    .seam = WEFT_SEAM,
    .name = "cuda",
    .create = wf_cuda_create,
};

__attribute__((visibility("default"))) const wf_device_module *weft_device_module(void);

const wf_device_module *weft_device_module(void)
{
    return &module;
}
