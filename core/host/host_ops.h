/* SPDX-License-Identifier: Apache-2.0 */
/* The element-by-element half of weft.ops/1, for its table in host_ops.c. */
#ifndef WF_HOST_OPS_H
#define WF_HOST_OPS_H

#include "core/host/view.h"

weft_status wf_host_add(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err);
weft_status wf_host_swiglu(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *gate, const weft_tensor *up, weft_error *err);

#endif
