/* SPDX-License-Identifier: Apache-2.0 */
/* Views of tensors. */
#include "core/base/tensor.h"

weft_tensor wf_tensor_view(void *data, weft_dtype dtype, int32_t ndim, const int64_t *shape)
{
    weft_tensor t = {.data = data, .device_type = WEFT_DEV_CPU, .dtype = dtype, .ndim = ndim};
    int64_t     numel = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        t.shape[i] = shape[i];
        t.stride[i] = numel;
        numel *= shape[i];
    }
    t.bytes = (uint64_t)numel * dtype.bits / 8;
    return t;
}
