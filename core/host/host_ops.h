/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of weft.ops that stand in files of their own, for its table in host_ops.c. What each
 * does is said in weft/ops.h. */
#ifndef WF_HOST_OPS_H
#define WF_HOST_OPS_H

#include "core/host/view.h"

/* host_ops_rows.c */
weft_status wf_host_activate(const weft_host *h, weft_queue *q, const weft_tensor *y,
                             const weft_tensor *x, int32_t act, weft_error *err);
weft_status wf_host_add(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err);
weft_status wf_host_mul(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, weft_error *err);
weft_status wf_host_swiglu(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *gate, const weft_tensor *up, weft_error *err);
weft_status wf_host_softmax(const weft_host *h, weft_queue *q, const weft_tensor *y,
                            const weft_tensor *x, const weft_tensor *bias, float scale,
                            weft_error *err);

/* host_ops_places.c */
weft_status wf_host_gather(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *x, const weft_tensor *index, weft_error *err);
weft_status wf_host_embed(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *ids, weft_error *err);
weft_status wf_host_rope(const weft_host *h, weft_queue *q, const weft_rope *r, weft_error *err);
weft_status wf_host_pool(const weft_host *h, weft_queue *q, const weft_tensor *y,
                         const weft_tensor *x, const int32_t kernel[2], const int32_t stride[2],
                         const int32_t pad[4], int32_t how, weft_error *err);

#endif
