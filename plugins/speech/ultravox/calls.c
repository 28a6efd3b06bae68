/* SPDX-License-Identifier: Apache-2.0 */
/* One op on the queue per call, the first failure kept. */
#include "calls.h"

#define LAYER_EPS 1e-5f /* torch's LayerNorm: Whisper has no key for it */
#define RMS_EPS 1e-6f   /* the projector's norms, whatever the text core's is */

static const weft_tensor *present(const weft_tensor *t)
{
    return t->ndim > 0 ? t : NULL;
}

weft_tensor vox_carve(vox_arena *a, weft_dtype type, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    char         *at = a->base != NULL ? (char *)a->base->data + a->used : NULL;
    weft_tensor   t = weft_view(a->base, at, type, columns == 0 ? 1 : 2, shape);
    a->used += (t.bytes + 255) / 256 * 256;
    a->peak = a->used > a->peak ? a->used : a->peak;
    return t;
}

weft_tensor vox_part(const weft_tensor *t, int64_t from, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    float        *at = t->data != NULL ? (float *)t->data + from : NULL;
    return weft_view(t, at, WEFT_F32, 2, shape);
}

weft_tensor vox_rows(const weft_tensor *t, int64_t first, int64_t rows)
{
    return vox_part(t, first * t->shape[1], rows, t->shape[1]);
}

void vox_linear(vox_run *r, const weft_tensor *y, const weft_tensor *x, const vox_dense *w,
                int32_t act)
{
    if (r->status == WEFT_OK)
        r->status =
            r->m->ops->linear(r->m->host, r->q, y, x, &w->w, present(&w->b), act, r->err);
}

void vox_norm_rows(vox_run *r, const weft_tensor *y, const weft_tensor *x, const vox_norm *w)
{
    const int rms = w->b.ndim == 0;
    if (r->status == WEFT_OK)
        r->status = r->m->ops->norm(r->m->host, r->q, y, x, &w->w, present(&w->b),
                                    rms ? RMS_EPS : LAYER_EPS, rms, r->err);
}

void vox_add(vox_run *r, const weft_tensor *x, const weft_tensor *b)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->add(r->m->host, r->q, x, x, b, 1.0f, r->err);
}

void vox_copy(vox_run *r, const weft_tensor *to, const weft_tensor *from)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->copy(r->m->host, r->q, to, from, r->err);
}

void vox_clear(vox_run *r, const weft_tensor *x)
{
    weft_tensor zeros = *x;
    zeros.data = r->zero.data;
    zeros.bytes = r->zero.bytes;
    zeros.stride[0] = zeros.stride[1] = 0;
    if (x->shape[0] > 0)
        vox_copy(r, x, &zeros);
}

void vox_upload(vox_run *r, const weft_tensor *to, const void *from, uint64_t bytes)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->upload(r->m->host, r->q, to, from, bytes, r->err);
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
    vox_copy(r, &to, &from);
}
