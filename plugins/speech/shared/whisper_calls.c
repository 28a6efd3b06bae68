/* SPDX-License-Identifier: Apache-2.0 */
/* Each call enqueues ops. After a first failure, which is kept, nothing more is enqueued. */
#include "whisper.h"

#define LAYER_EPS 1e-5f /* PyTorch's default: Whisper's configuration has no key for it */
#define RMS_EPS 1e-6f   /* of a projector's norms, whatever the text core's is */

void spk_whisper_begin(spk_whisper_run *r, plg_arena *a)
{
    static const float nothing = 0.0f;
    r->zero = plg_carve(a, WEFT_F32, 1, 0);
    plg_upload(&r->on, &r->zero, &nothing);
}

void spk_whisper_norm(spk_whisper_run *r, const weft_tensor *y, const weft_tensor *x,
                      const plg_pair *w)
{
    plg_run *on = &r->on;
    if (w->b.ndim > 0)
        plg_layernorm(on, y, x, w, LAYER_EPS);
    else if (on->status == WEFT_OK)
        on->status = on->ops->norm(on->host, on->q, y, x, &w->w, NULL, RMS_EPS, 1, on->err);
}

void spk_whisper_clear(spk_whisper_run *r, const weft_tensor *x)
{
    weft_tensor zeros = *x;
    zeros.data = r->zero.data;
    zeros.bytes = r->zero.bytes;
    zeros.stride[0] = zeros.stride[1] = 0;
    if (x->shape[0] > 0)
        plg_copy(&r->on, x, &zeros);
}
