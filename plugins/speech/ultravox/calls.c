/* SPDX-License-Identifier: Apache-2.0 */
/* Each call enqueues ops. After a first failure, which is kept, nothing more is enqueued. */
#include "calls.h"

#define LAYER_EPS 1e-5f /* PyTorch's default: Whisper's configuration has no key for it */
#define RMS_EPS 1e-6f   /* the projector's norms, whatever the text core's is */

void vox_norm_rows(vox_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w)
{
    plg_run *on = &r->on;
    if (w->b.ndim > 0)
        plg_layernorm(on, y, x, w, LAYER_EPS);
    else if (on->status == WEFT_OK)
        on->status = on->ops->norm(on->host, on->q, y, x, &w->w, NULL, RMS_EPS, 1, on->err);
}

void vox_clear(vox_run *r, const weft_tensor *x)
{
    weft_tensor zeros = *x;
    zeros.data = r->zero.data;
    zeros.bytes = r->zero.bytes;
    zeros.stride[0] = zeros.stride[1] = 0;
    if (x->shape[0] > 0)
        plg_copy(&r->on, x, &zeros);
}

void vox_windows(vox_run *r, const weft_tensor *y, const weft_tensor *x, int64_t stride)
{
    const int64_t d = x->shape[1], shape[3] = {y->shape[0], d, 3};
    weft_tensor   to = weft_view(y, y->data, WEFT_F32, 3, shape), from = to;
    from.data = x->data;
    from.bytes = x->bytes;
    from.stride[0] = stride * d;
    from.stride[1] = 1;
    from.stride[2] = d;
    plg_copy(&r->on, &to, &from);
}
