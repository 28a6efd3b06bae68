/* SPDX-License-Identifier: Apache-2.0 */
/* Views: a weft_tensor over memory that somebody else owns. */
#ifndef WF_TENSOR_H
#define WF_TENSOR_H

#include "weft/base.h"

/* A view in C order of data on the host (the last axis is contiguous, and each axis before it
 * strides over the product of the axes behind it); for other memory set device_type and device_id
 * afterwards. data may be NULL: the view then tells shape and size alone. ndim: 0 to WEFT_MAX_DIMS;
 * shape: [ndim], whose product has been checked to fit, bytes and all, in 63 bits. Any thread. */
weft_tensor wf_tensor_view(void *data, weft_dtype dtype, int32_t ndim, const int64_t *shape);

#endif
