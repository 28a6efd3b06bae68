/* SPDX-License-Identifier: Apache-2.0 */
/* Each call enqueues one op or kernel. After a first failure, which is kept, nothing more is
 * enqueued. */
#include "run.h"

void spk_bounds(spk_run *r, const weft_tensor *to, int64_t n)
{
    const int32_t bounds[2] = {0, (int32_t)n};
    plg_upload(&r->on, to, bounds);
}

void spk_launch(spk_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args)
{
    const int64_t     grain = work > 0 && work < 16384 ? 16384 / work : 1;
    const weft_launch how = {
        WEFT_HDR(weft_launch), {(uint32_t)n, 1, 1}, {128, 1, 1}, 0, 0, n, grain};
    if (r->on.status == WEFT_OK && n > 0)
        r->on.status = r->m->launcher->launch(r->on.host, r->on.q, kernel, &how, args, r->on.err);
}

void spk_feed_forward(spk_run *r, const weft_tensor *x, const weft_tensor *h,
                      const weft_tensor *mid, const spk_ffn *w, int32_t act, float eps, float scale)
{
    const weft_tensor *in = x;
    if (w->norm.w.ndim > 0) {
        plg_layernorm(&r->on, h, x, &w->norm, eps);
        in = h;
    }
    plg_linear(&r->on, mid, in, &w->up, act);
    plg_linear(&r->on, h, mid, &w->down, WEFT_ACT_NONE);
    plg_add(&r->on, x, h, scale);
}

void spk_attend(spk_run *r, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                const weft_tensor *v, int32_t n_heads, int64_t n_keys, const weft_tensor *bounds_q,
                const weft_tensor *bounds_k)
{
    const weft_attention how = {
        .hdr = WEFT_HDR(weft_attention), .q_begin = bounds_q, .k_begin = bounds_k, .n = 1};
    const weft_tensor keys = plg_rows(k, 0, n_keys, k->shape[1]);
    const weft_tensor values = plg_rows(v, 0, n_keys, v->shape[1]);
    plg_attend(&r->on, out, q, &keys, &values, n_heads, &how);
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
