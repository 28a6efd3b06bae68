/* SPDX-License-Identifier: Apache-2.0 */
/* Each call enqueues one op. After a first failure, which is kept, nothing more is enqueued. */
#include "run.h"

#include <math.h>

weft_tensor plg_carve(plg_arena *a, weft_dtype type, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    char         *at = a->base != NULL ? (char *)a->base->data + a->used : NULL;
    weft_tensor   t = weft_view(a->base, at, type, columns == 0 ? 1 : 2, shape);
    a->used += (t.bytes + 255) / 256 * 256;
    a->peak = a->used > a->peak ? a->used : a->peak;
    return t;
}

weft_tensor plg_part(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    float        *at = buffer->data != NULL ? (float *)buffer->data + from : NULL;
    return weft_view(buffer, at, WEFT_F32, 2, shape);
}

weft_tensor plg_rows(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns)
{
    return plg_part(buffer, from * columns, rows, columns);
}

weft_tensor plg_heads(const weft_tensor *t, int32_t n_heads)
{
    const int64_t shape[3] = {t->shape[0], n_heads, t->shape[1] / n_heads};
    return weft_view(t, t->data, WEFT_F32, 3, shape);
}

void plg_linear(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                int32_t act)
{
    const weft_tensor *b = w->b.ndim > 0 ? &w->b : NULL;
    if (r->status == WEFT_OK)
        r->status = r->ops->linear(r->host, r->q, y, x, &w->w, b, act, r->err);
}

/* x is an image of one line whose channels lie side by side. */
void plg_conv_rows(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                   int32_t stride, int32_t pad)
{
    const int64_t n = x->shape[0], d = x->shape[1], shape[4] = {1, d, 1, n};
    const int64_t rows[3] = {1, y->shape[0], y->shape[1]};
    const int32_t strides[2] = {1, stride}, pads[4] = {0, 0, pad, pad};
    weft_tensor   line = weft_view(x, x->data, WEFT_F32, 4, shape), kernel = w->w;
    weft_tensor   places = weft_view(y, y->data, WEFT_F32, 3, rows);
    line.stride[1] = 1;
    line.stride[3] = d;
    kernel.ndim = 4;
    kernel.shape[2] = 1;
    kernel.shape[3] = w->w.shape[2];
    if (r->status == WEFT_OK && y->shape[0] > 0)
        r->status = r->ops->conv(r->host, r->q, &places, &line, &kernel,
                                 w->b.ndim > 0 ? &w->b : NULL, strides, pads, r->err);
}

void plg_layernorm(plg_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w,
                   float eps)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->norm(r->host, r->q, y, x, &w->w, &w->b, eps, 0, r->err);
}

void plg_add(plg_run *r, const weft_tensor *x, const weft_tensor *b, float scale)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->add(r->host, r->q, x, x, b, scale, r->err);
}

void plg_gather(plg_run *r, const weft_tensor *y, const weft_tensor *x, const weft_tensor *index)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->gather(r->host, r->q, y, x, index, r->err);
}

void plg_copy(plg_run *r, const weft_tensor *to, const weft_tensor *from)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->copy(r->host, r->q, to, from, r->err);
}

void plg_upload(plg_run *r, const weft_tensor *to, const void *from)
{
    if (r->status == WEFT_OK)
        r->status = r->ops->upload(r->host, r->q, to, from, to->bytes, r->err);
}

void plg_attend(plg_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, const weft_attention *how)
{
    weft_tensor    q3 = plg_heads(q, n_heads), out3 = plg_heads(out, n_heads);
    weft_tensor    k3 = plg_heads(k, n_heads), v3 = plg_heads(v, n_heads);
    weft_attention a = *how;
    a.q = &q3;
    a.k = &k3;
    a.v = &v3;
    a.out = &out3;
    a.scale = 1.0f / sqrtf((float)(q->shape[1] / n_heads));
    if (r->status == WEFT_OK)
        r->status = r->ops->attention(r->host, r->q, &a, r->err);
}
