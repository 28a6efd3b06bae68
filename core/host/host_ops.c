/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops: a plugin's calls, checked (view.c), as ops on its queue. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/host_ops.h"
#include "core/host/lent.h"

static const weft_dtype f32 = {WEFT_DT_FLOAT, 32, 1};

static weft_status ops_linear(const weft_host *h, weft_queue *q, const weft_tensor *y,
                              const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                              int32_t act, weft_error *err)
{
    wf_call      c = wf_call_begin("linear", q, err);
    wf_op        op = {.kind = WF_OP_LINEAR};
    wf_linear   *a = &op.u.linear;
    wf_rows_view vy = {0}, vx = {0};
    (void)h;
    wf_check_rows(&c, y, "y", &vy);
    wf_check_rows(&c, x, "x", &vx);
    wf_check_weight(&c, w, "w", &a->w);
    wf_check_size(&c, "x", "its last axis", vx.n, a->w.k);
    wf_check_size(&c, "y", "its last axis", vy.n, a->w.n);
    wf_check_size(&c, "y", "its number of rows", vy.m, vx.m);
    wf_check_vector(&c, bias, "bias", a->w.n, true, &a->bias);
    wf_check_distinct(&c, y, "y");
    wf_check_act(&c, act);
    if (wf_call_ok(&c) && vy.data == vx.data && vy.m > 0)
        wf_call_fail(&c, WEFT_E_INVALID, "y", "may not be x");
    a->y = vy.data;
    a->x = vx.data;
    a->m = vy.m;
    a->y_stride = vy.stride;
    a->x_stride = vx.stride;
    a->act = act;
    return wf_call_submit(&c, &op);
}

/* Rows of the last axis where the axis before it lies side by side within a longer row (heads
 * within a token): inner is that axis's length. */
static bool as_inner(const weft_tensor *t, int64_t inner, int64_t *stride)
{
    int64_t rows;
    if (inner == 1)
        return wf_rows_collapse(t, 0, &rows, stride);
    if (t->shape[t->ndim - 2] > 1 && t->stride[t->ndim - 2] != t->shape[t->ndim - 1])
        return false;
    weft_tensor outer = *t;
    outer.ndim = t->ndim - 1;
    return wf_rows_collapse(&outer, 0, &rows, stride);
}

static void place_norm(wf_call *c, const weft_tensor *y, const weft_tensor *x, wf_norm *a)
{
    int32_t last = x->ndim - 1;
    if ((x->shape[last] > 1 && x->stride[last] != 1) ||
        (y->shape[last] > 1 && y->stride[last] != 1)) {
        wf_call_fail(c, WEFT_E_INVALID, "x or y", "the stride of its last axis is not 1");
        return;
    }
    a->n = x->shape[last];
    a->m = a->n > 0 ? wf_tensor_numel(x) / a->n : 0;
    a->inner = 1;
    if (as_inner(y, 1, &a->y_stride) && as_inner(x, 1, &a->x_stride))
        return;
    a->inner = x->ndim > 1 ? x->shape[last - 1] : 1;
    if (a->inner < 2 || !as_inner(y, a->inner, &a->y_stride) ||
        !as_inner(x, a->inner, &a->x_stride))
        wf_call_fail(
            c, WEFT_E_INVALID, "x or y",
            "its rows are neither evenly spaced nor side by side within evenly spaced ones");
}

static weft_status ops_norm(const weft_host *h, weft_queue *q, const weft_tensor *y,
                            const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                            float eps, int32_t rms, weft_error *err)
{
    wf_call  c = wf_call_begin("norm", q, err);
    wf_op    op = {.kind = WF_OP_NORM};
    wf_norm *a = &op.u.norm;
    (void)h;
    wf_check_tensor(&c, y, "y", f32, 1, WEFT_MAX_DIMS);
    wf_check_tensor(&c, x, "x", f32, 1, WEFT_MAX_DIMS);
    wf_check_same_shape(&c, y, "y", x, "x");
    wf_check_distinct(&c, y, "y");
    if (wf_call_ok(&c))
        place_norm(&c, y, x, a);
    wf_check_vector(&c, w, "w", a->n, false, &a->w);
    wf_check_vector(&c, bias, "bias", a->n, true, &a->bias);
    if (rms != 0 && rms != 1)
        wf_call_fail(&c, WEFT_E_INVALID, "rms", "it is %d; 0 or 1 is wanted", rms);
    if (rms != 0 && bias != NULL)
        wf_call_fail(&c, WEFT_E_INVALID, "bias", "an RMS norm has none");
    if (!(eps >= 0.0f && eps < 1.0f))
        wf_call_fail(&c, WEFT_E_INVALID, "eps", "%g is not in [0, 1)", (double)eps);
    if (!wf_call_ok(&c))
        return c.st;
    a->y = y->data;
    a->x = x->data;
    a->eps = eps;
    a->rms = rms != 0;
    return wf_call_submit(&c, &op);
}

/* [rows, heads, head_dim] whose heads lie side by side. */
static void check_heads(wf_call *c, const weft_tensor *t, const char *arg)
{
    wf_check_tensor(c, t, arg, f32, 3, 3);
    if (!wf_call_ok(c))
        return;
    if ((t->shape[2] > 1 && t->stride[2] != 1) || (t->shape[1] > 1 && t->stride[1] != t->shape[2]))
        wf_call_fail(c, WEFT_E_INVALID, arg, "its heads do not lie side by side in a row");
    if (t->shape[1] < 1 || t->shape[2] < 1 || t->shape[1] > INT32_MAX || t->shape[2] > INT32_MAX)
        wf_call_fail(c, WEFT_E_INVALID, arg, "heads and head_dim are at least 1");
}

static void check_attention(wf_call *c, const weft_attention *a)
{
    check_heads(c, a->q, "q");
    check_heads(c, a->k, "k");
    check_heads(c, a->v, "v");
    check_heads(c, a->out, "out");
    wf_check_same_shape(c, a->out, "out", a->q, "q");
    wf_check_same_shape(c, a->v, "v", a->k, "k");
    wf_check_distinct(c, a->out, "out");
    if (!wf_call_ok(c))
        return;
    wf_check_size(c, "k", "its head_dim", a->k->shape[2], a->q->shape[2]);
    if (a->q->shape[1] % a->k->shape[1] != 0)
        wf_call_fail(c, WEFT_E_INVALID, "q", "its %lld heads do not divide among %lld kv heads",
                     (long long)a->q->shape[1], (long long)a->k->shape[1]);
    if (a->n < (a->q->shape[0] > 0 ? 1 : 0))
        wf_call_fail(c, WEFT_E_INVALID, "n", "%d sequences for %lld rows", a->n,
                     (long long)a->q->shape[0]);
    if (a->q->shape[0] > 0 &&
        (a->out->data == a->q->data || a->out->data == a->k->data || a->out->data == a->v->data))
        wf_call_fail(c, WEFT_E_INVALID, "out", "may not be q, k or v");
    if (a->causal != 0 && a->causal != 1)
        wf_call_fail(c, WEFT_E_INVALID, "causal", "it is %d; 0 or 1 is wanted", a->causal);
    if ((a->row_k_begin == NULL) != (a->row_k_end == NULL))
        wf_call_fail(c, WEFT_E_INVALID, "row_k_end", "row_k_begin and row_k_end come together");
}

static weft_status ops_attention(const weft_host *h, weft_queue *q, const weft_attention *at,
                                 weft_error *err)
{
    wf_call    c = wf_call_begin("attention", q, err);
    wf_op      op = {.kind = WF_OP_ATTEND};
    wf_attend *a = &op.u.attend;
    (void)h;
    if (!WEFT_HAS(at, weft_attention, reserved))
        return wf_misuse(err, "ops.attention: weft_attention.hdr.size is not set");
    check_attention(&c, at);
    if (!wf_call_ok(&c))
        return c.st;
    wf_check_index(&c, at->q_begin, "q_begin", (int64_t)at->n + 1, &a->q_begin);
    wf_check_index(&c, at->k_begin, "k_begin", (int64_t)at->n + 1, &a->k_begin);
    if (at->row_k_begin != NULL) {
        wf_check_index(&c, at->row_k_begin, "row_k_begin", at->q->shape[0], &a->row_k_begin);
        wf_check_index(&c, at->row_k_end, "row_k_end", at->q->shape[0], &a->row_k_end);
    }
    a->out = at->out->data;
    a->q = at->q->data;
    a->k = at->k->data;
    a->v = at->v->data;
    a->q_stride = at->q->stride[0];
    a->k_stride = at->k->stride[0];
    a->v_stride = at->v->stride[0];
    a->out_stride = at->out->stride[0];
    a->m = at->q->shape[0];
    a->keys = at->k->shape[0];
    a->n_seqs = at->n;
    a->n_heads = (int32_t)at->q->shape[1];
    a->n_kv_heads = (int32_t)at->k->shape[1];
    a->head_dim = (int32_t)at->q->shape[2];
    a->scale = at->scale;
    a->causal = at->causal != 0;
    return wf_call_submit(&c, &op);
}

static void place_conv(wf_call *c, const weft_tensor *y, const weft_tensor *x, const weft_tensor *w,
                       wf_conv *a)
{
    a->n = x->shape[0];
    a->c = x->shape[1];
    a->h = x->shape[2];
    a->wd = x->shape[3];
    a->kh = w->shape[2];
    a->kw = w->shape[3];
    a->oh = wf_window_count(a->h, a->kh, a->stride[0], a->pad[0], a->pad[1]);
    a->ow = wf_window_count(a->wd, a->kw, a->stride[1], a->pad[2], a->pad[3]);
    wf_check_size(c, "w", "its channels", w->shape[1], a->c);
    if (a->oh < 1 || a->ow < 1)
        wf_call_fail(c, WEFT_E_INVALID, "x", "a kernel of %lld x %lld has no place in it",
                     (long long)a->kh, (long long)a->kw);
    wf_check_size(c, "y", "its first axis", y->shape[0], a->n);
    wf_check_size(c, "y", "its number of positions", y->shape[1], a->oh * a->ow);
    wf_check_size(c, "y", "its last axis", y->shape[2], a->w.n);
    a->y = y->data;
    a->x = x->data;
    memcpy(a->x_stride, x->stride, sizeof a->x_stride);
}

static weft_status ops_conv(const weft_host *h, weft_queue *q, const weft_tensor *y,
                            const weft_tensor *x, const weft_tensor *w, const weft_tensor *bias,
                            const int32_t stride[2], const int32_t pad[4], weft_error *err)
{
    wf_call  c = wf_call_begin("conv", q, err);
    wf_op    op = {.kind = WF_OP_CONV};
    wf_conv *a = &op.u.conv;
    (void)h;
    wf_check_tensor(&c, y, "y", f32, 3, 3);
    wf_check_tensor(&c, x, "x", f32, 4, 4);
    wf_check_c_order(&c, y, "y");
    wf_check_weight(&c, w, "w", &a->w);
    wf_check_vector(&c, bias, "bias", a->w.n, true, &a->bias);
    if (stride == NULL || pad == NULL)
        wf_call_fail(&c, WEFT_E_INVALID, "stride", "stride and pad are needed");
    if (wf_call_ok(&c) && w->ndim != 4)
        wf_call_fail(&c, WEFT_E_INVALID, "w", "has %d axes, not [out, channels, kh, kw]", w->ndim);
    if (!wf_call_ok(&c))
        return c.st;
    memcpy(a->stride, stride, sizeof a->stride);
    memcpy(a->pad, pad, sizeof a->pad);
    place_conv(&c, y, x, w, a);
    return wf_call_submit(&c, &op);
}

static weft_status ops_copy(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                            const weft_tensor *src, weft_error *err)
{
    wf_call  c = wf_call_begin("copy", q, err);
    wf_op    op = {.kind = WF_OP_COPY};
    wf_copy *a = &op.u.copy;
    (void)h;
    if (dst == NULL || src == NULL || dst->dtype.bits != 32)
        wf_call_fail(&c, WEFT_E_INVALID, "dst", "two tensors of 32-bit elements are needed");
    if (wf_call_ok(&c)) {
        wf_check_tensor(&c, dst, "dst", dst->dtype, 0, 4);
        wf_check_tensor(&c, src, "src", dst->dtype, 0, 4);
        wf_check_same_shape(&c, dst, "dst", src, "src");
        wf_check_distinct(&c, dst, "dst");
    }
    if (!wf_call_ok(&c))
        return c.st;
    for (int32_t i = 0; i < 4; i++) {
        int32_t d = i - (4 - dst->ndim); /* axes are aligned at the last */
        a->shape[i] = d < 0 ? 1 : dst->shape[d];
        a->dst_stride[i] = d < 0 ? 0 : dst->stride[d];
        a->src_stride[i] = d < 0 ? 0 : src->stride[d];
    }
    a->dst = dst->data;
    a->src = src->data;
    return wf_call_submit(&c, &op);
}

/* Takes one more private copy of n bytes for q; NULL: out of memory. */
static void *hold(wf_lent *p, const weft_queue *q, const void *src, uint64_t n)
{
    wf_held *held = wf_alloc_aligned((size_t)n + WF_ALIGN);
    if (held == NULL)
        return NULL;
    void *bytes = (char *)held + WF_ALIGN;
    memcpy(bytes, src, (size_t)n);
    held->queue = q;
    pthread_mutex_lock(&p->held_lock); /* encode may run on several queues at once */
    held->next = p->held;
    p->held = held;
    pthread_mutex_unlock(&p->held_lock);
    return bytes;
}

void wf_host_queue_waited(weft_host *h, const weft_queue *q)
{
    wf_lent *p = wf_lent_of(h);
    pthread_mutex_lock(&p->held_lock);
    for (wf_held **at = &p->held; *at != NULL;) {
        wf_held *held = *at;
        if (q != NULL && held->queue != q) {
            at = &held->next;
            continue;
        }
        *at = held->next;
        wf_free_aligned(held);
    }
    pthread_mutex_unlock(&p->held_lock);
}

static weft_status ops_upload(const weft_host *h, weft_queue *q, const weft_tensor *dst,
                              const void *src, uint64_t bytes, weft_error *err)
{
    wf_call c = wf_call_begin("upload", q, err);
    void   *copy = NULL;
    if (dst == NULL || dst->dtype.bits < 8 || dst->dtype.bits % 8 != 0)
        wf_call_fail(&c, WEFT_E_INVALID, "dst", "a tensor of whole bytes is needed");
    if (wf_call_ok(&c)) {
        wf_check_tensor(&c, dst, "dst", dst->dtype, 0, WEFT_MAX_DIMS);
        wf_check_c_order(&c, dst, "dst");
    }
    if (wf_call_ok(&c))
        wf_check_size(&c, "bytes", "their number", (int64_t)bytes,
                      wf_tensor_numel(dst) * (dst->dtype.bits / 8));
    if (wf_call_ok(&c) && src == NULL && bytes > 0)
        wf_call_fail(&c, WEFT_E_INVALID, "src", "NULL");
    if (!wf_call_ok(&c) || bytes == 0)
        return c.st;
    copy = hold(wf_lent_of(h), q, src, bytes);
    if (copy == NULL)
        return wf_fail_nomem(err, bytes, "an upload");
    return wf_queue_upload(q, dst->data, copy, bytes, err);
}

const weft_if_ops wf_host_ops = {
    .hdr = WEFT_HDR(weft_if_ops),
    .upload = ops_upload,
    .copy = ops_copy,
    .gather = wf_host_gather,
    .linear = ops_linear,
    .conv = ops_conv,
    .activate = wf_host_activate,
    .add = wf_host_add,
    .mul = wf_host_mul,
    .swiglu = wf_host_swiglu,
    .norm = ops_norm,
    .softmax = wf_host_softmax,
    .attention = ops_attention,
    .rope = wf_host_rope,
    .pool = wf_host_pool,
    .embed = wf_host_embed,
};
