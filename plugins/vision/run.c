/* SPDX-License-Identifier: Apache-2.0 */
/* One op on the queue per call, the first failure kept. */
#include "run.h"

weft_tensor vis_carve(vis_arena *a, weft_dtype type, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    char         *at = a->base != NULL ? (char *)a->base->data + a->used : NULL;
    weft_tensor   t = weft_view(a->base, at, type, columns == 0 ? 1 : 2, shape);
    a->used += (t.bytes + 255) / 256 * 256;
    return t;
}

weft_tensor vis_rows(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    return weft_view(buffer, (float *)buffer->data + from * columns, WEFT_F32, 2, shape);
}

weft_tensor vis_heads(const weft_tensor *t, int32_t n_heads)
{
    const int64_t shape[3] = {t->shape[0], n_heads, t->shape[1] / n_heads};
    return weft_view(t, t->data, WEFT_F32, 3, shape);
}

void vis_linear(vis_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                const weft_tensor *bias, int32_t act)
{
    const weft_tensor *b = bias != NULL && bias->ndim > 0 ? bias : NULL;
    if (r->status == WEFT_OK)
        r->status = r->ops->linear(r->host, r->q, y, x, w, b, act, r->err);
}

void vis_layernorm(vis_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                   const weft_tensor *bias, float eps)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->norm(r->host, r->q, y, x, w, bias, eps, 0, r->err);
}

void vis_add(vis_run *r, const weft_tensor *x, const weft_tensor *b, float scale)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->add(r->host, r->q, x, x, b, scale, r->err);
}

void vis_copy(vis_run *r, const weft_tensor *to, const weft_tensor *from)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->copy(r->host, r->q, to, from, r->err);
}

void vis_upload(vis_run *r, const weft_tensor *to, const void *from)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->upload(r->host, r->q, to, from, to->bytes, r->err);
}

void vis_attention(vis_run *r, const weft_attention *a)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->attention(r->host, r->q, a, r->err);
}
