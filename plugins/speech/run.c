/* SPDX-License-Identifier: Apache-2.0 */
/* One op on the queue per call, the first failure kept. */
#include "run.h"

#include <math.h>

static const weft_tensor *bias_of(const spk_dense *w)
{
    return w->b.ndim > 0 ? &w->b : NULL;
}

weft_tensor spk_carve(spk_arena *a, weft_dtype type, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    char         *at = a->base != NULL ? (char *)a->base->data + a->used : NULL;
    weft_tensor   t = weft_view(a->base, at, type, columns == 0 ? 1 : 2, shape);
    a->used += (t.bytes + 255) / 256 * 256;
    a->peak = a->used > a->peak ? a->used : a->peak;
    return t;
}

weft_tensor spk_part(const weft_tensor *buffer, int64_t from, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    float        *at = buffer->data != NULL ? (float *)buffer->data + from : NULL;
    return weft_view(buffer, at, WEFT_F32, 2, shape);
}

void spk_linear(spk_run *r, const weft_tensor *y, const weft_tensor *x, const spk_dense *w,
                int32_t act)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->linear(r->m->host, r->q, y, x, &w->w, bias_of(w), act, r->err);
}

void spk_layernorm(spk_run *r, const weft_tensor *y, const weft_tensor *x, const spk_norm *w,
                   float eps)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->norm(r->m->host, r->q, y, x, &w->w, &w->b, eps, 0, r->err);
}

void spk_add(spk_run *r, const weft_tensor *x, const weft_tensor *b, float scale)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->add(r->m->host, r->q, x, x, b, scale, r->err);
}

void spk_copy(spk_run *r, const weft_tensor *to, const weft_tensor *from)
{
    if (r->status == WEFT_OK)
        r->status = r->m->ops->copy(r->m->host, r->q, to, from, r->err);
}

void spk_bounds(spk_run *r, const weft_tensor *to, int64_t n)
{
    const int32_t bounds[2] = {0, (int32_t)n};
    if (r->status == WEFT_OK)
        r->status = r->m->ops->upload(r->m->host, r->q, to, bounds, sizeof bounds, r->err);
}

void spk_launch(spk_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args)
{
    const int64_t     grain = work > 0 && work < 16384 ? 16384 / work : 1;
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)n, 1, 1}, {128, 1, 1}, 0, 0, n, grain};
    if (r->status == WEFT_OK && n > 0)
        r->status = r->m->launcher->launch(r->m->host, r->q, kernel, &how, args, r->err);
}

void spk_feed_forward(spk_run *r, const weft_tensor *x, const weft_tensor *h,
                      const weft_tensor *mid, const spk_ffn *w, int32_t act, float eps, float scale)
{
    const weft_tensor *in = x;
    if (w->norm.w.ndim > 0) {
        spk_layernorm(r, h, x, &w->norm, eps);
        in = h;
    }
    spk_linear(r, mid, in, &w->up, act);
    spk_linear(r, h, mid, &w->down, WEFT_ACT_NONE);
    spk_add(r, x, h, scale);
}

/* [rows, d] as heads. */
static weft_tensor heads_of(const weft_tensor *t, int64_t rows, int32_t n_heads)
{
    const int64_t shape[3] = {rows, n_heads, t->shape[1] / n_heads};
    return weft_view(t, t->data, WEFT_F32, 3, shape);
}

void spk_attend(spk_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, int64_t n_keys, const weft_tensor *bounds_q,
                const weft_tensor *bounds_k)
{
    weft_tensor q3 = heads_of(q, q->shape[0], n_heads), o3 = heads_of(out, q->shape[0], n_heads);
    weft_tensor k3 = heads_of(k, n_keys, n_heads), v3 = heads_of(v, n_keys, n_heads);
    const weft_attention a = {.hdr = WEFT_HDR(weft_attention),
                              .q = &q3,
                              .k = &k3,
                              .v = &v3,
                              .out = &o3,
                              .q_begin = bounds_q,
                              .k_begin = bounds_k,
                              .scale = 1.0f / sqrtf((float)(q->shape[1] / n_heads)),
                              .n = 1};
    if (r->status == WEFT_OK)
        r->status = r->m->ops->attention(r->m->host, r->q, &a, r->err);
}

void spk_zero(spk_run *r, const weft_tensor *x, int64_t from)
{
    int64_t d = x->shape[1];
    float  *at = (float *)x->data + from * d;
    void   *args[] = {&at, &d};
    spk_launch(r, r->m->kernels.zero, x->shape[0] - from, d, args);
}

void spk_glu(spk_run *r, const weft_tensor *y, const weft_tensor *x)
{
    void   *to = y->data, *from = x->data;
    int64_t d = y->shape[1];
    void   *args[] = {&to, &from, &d};
    spk_launch(r, r->m->kernels.glu, y->shape[0], 16 * d, args);
}

void spk_windows(spk_run *r, const weft_tensor *y, const weft_tensor *x, int32_t kernel,
                 int32_t stride, int32_t pad)
{
    void   *to = y->data, *from = x->data;
    int64_t n = x->shape[0], d = x->shape[1], size = kernel, step = stride, before = pad;
    void   *args[] = {&to, &from, &n, &d, &size, &step, &before};
    spk_launch(r, r->m->kernels.windows, y->shape[0], d * size, args);
}

void spk_rope_table(spk_run *r, const weft_tensor *table, float theta)
{
    void   *to = table->data;
    int64_t head_dim = table->shape[1];
    void   *args[] = {&to, &head_dim, &theta};
    spk_launch(r, r->m->kernels.rope_table, table->shape[0], 64 * head_dim, args);
}

void spk_rotate(spk_run *r, const weft_tensor *x, const weft_tensor *table)
{
    void   *to = x->data, *from = table->data;
    int64_t d = x->shape[1], head_dim = table->shape[1];
    void   *args[] = {&to, &from, &d, &head_dim};
    spk_launch(r, r->m->kernels.rotate, x->shape[0], 2 * d, args);
}

int64_t spk_conv_length(int64_t n, int32_t kernel, int32_t stride, int32_t pad)
{
    int64_t room = n + 2 * (int64_t)pad - kernel;
    return room < 0 ? 0 : room / stride + 1;
}
