/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcasting: tensors laid over the axes of the one that is written, merged to four. */
#ifndef WF_HOST_AXES_H
#define WF_HOST_AXES_H

#include "core/host/view.h"

#define WF_AXES 4
#define WF_AXES_TENSORS 3

typedef struct wf_axes {
    int64_t shape[WF_AXES]; /* the last one is the tensors' own last axis */
    int64_t stride[WF_AXES_TENSORS][WF_AXES];
} wf_axes;

/* t[0] is written: f32 with distinct elements and a last stride of 1. The other n - 1 (f32; NULL is
 * passed over) are broadcast to its shape: axes are matched from the last, and one of length 1 or
 * one that is absent gets the stride 0. A last stride becomes 1 or 0. INVALID where a shape does
 * not fit, where more than three leading axes remain after merging, or where a tensor starts where
 * t[0] does with other strides (it would be read after it was written). */
void wf_check_axes(wf_call *c, const weft_tensor *const *t, const char *const *names, int32_t n,
                   wf_axes *out);

/* Are these evenly spaced rows, strides stride[i][2] apart, whose last axes all have stride 1? */
bool wf_axes_are_rows(const wf_axes *a, int32_t n);

#endif
