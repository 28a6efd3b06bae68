/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's tensors checked before their addresses reach an op. */
#include "core/host/view.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/base/running.h"

wf_call wf_call_begin(const char *op, weft_queue *q, weft_error *err)
{
    wf_call c = {op, q, err, WEFT_OK};
    if (q == NULL)
        wf_call_fail(&c, WEFT_E_INVALID, "queue", "NULL");
    return c;
}

bool wf_call_ok(const wf_call *c)
{
    return c->st == WEFT_OK;
}

void wf_call_fail(wf_call *c, weft_status code, const char *arg, const char *fmt, ...)
{
    char    text[300];
    va_list ap;
    if (c->st != WEFT_OK)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wf_running_mark(WF_MISUSED);
    c->st = wf_fail(c->err, code, "ops.%s: %s: %s", c->op, arg, text);
}

weft_status wf_call_submit(wf_call *c, const wf_op *op)
{
    return c->st == WEFT_OK ? wf_queue_submit(c->queue, op, c->err) : c->st;
}

int64_t wf_tensor_numel(const weft_tensor *t)
{
    int64_t n = 1;
    for (int32_t d = 0; d < t->ndim; d++)
        n *= t->shape[d];
    return n;
}

/* Is every element of t within its bytes? Also bounds the product of its axes by int64, those of
 * length 0 left out, so that no product of some of them overflows. */
static bool fits(const weft_tensor *t)
{
    uint64_t last = 0, numel = 1, term, bytes;
    bool     empty = false;
    for (int32_t d = 0; d < t->ndim; d++) {
        uint64_t length = t->shape[d] > 0 ? (uint64_t)t->shape[d] : 1;
        if (t->shape[d] < 0 || t->stride[d] < 0 || !wf_mul(numel, length, &numel) ||
            numel > INT64_MAX)
            return false;
        empty = empty || t->shape[d] == 0;
        if (!empty &&
            (!wf_mul(length - 1, (uint64_t)t->stride[d], &term) || !wf_add(last, term, &last)))
            return false;
    }
    if (empty)
        return true;
    return wf_add(last, 1, &last) && wf_mul(last, t->dtype.bits / 8u, &bytes) &&
           bytes <= t->bytes && t->data != NULL;
}

static bool same_dtype(weft_dtype a, weft_dtype b)
{
    return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

void wf_check_tensor(wf_call *c, const weft_tensor *t, const char *arg, weft_dtype dt,
                     int32_t min_dims, int32_t max_dims)
{
    if (!wf_call_ok(c))
        return;
    if (t == NULL)
        wf_call_fail(c, WEFT_E_INVALID, arg, "NULL");
    else if (t->flags != 0)
        wf_call_fail(c, WEFT_E_INVALID, arg, "a packed weight where a plain tensor is wanted");
    else if (t->ndim < min_dims || t->ndim > max_dims)
        wf_call_fail(c, WEFT_E_INVALID, arg, "has %d axes; %d to %d are possible", t->ndim,
                     min_dims, max_dims);
    else if (!same_dtype(t->dtype, dt))
        wf_call_fail(c, WEFT_E_INVALID, arg, "has dtype code %u of %u bits; wanted %u of %u",
                     t->dtype.code, t->dtype.bits, dt.code, dt.bits);
    else if (t->device_type != c->queue->device->type || t->device_id != c->queue->device->id)
        wf_call_fail(c, WEFT_E_INVALID, arg, "lies on device %d:%d and the queue is of %d:%d",
                     t->device_type, t->device_id, c->queue->device->type, c->queue->device->id);
    else if (!fits(t))
        wf_call_fail(c, WEFT_E_INVALID, arg, "its shape and strides reach past its %llu bytes",
                     (unsigned long long)t->bytes);
    else if ((uintptr_t)t->data % (dt.bits / 8u) != 0)
        wf_call_fail(c, WEFT_E_INVALID, arg, "its data is not aligned to its type");
}

bool wf_rows_collapse(const weft_tensor *t, int32_t from, int64_t *rows, int64_t *stride)
{
    *rows = 1;
    *stride = 0;
    for (int32_t d = t->ndim - 2; d >= from; d--) {
        if (t->shape[d] == 1)
            continue;
        if (t->shape[d] == 0) {
            *rows = 0;
            return true;
        }
        if (*rows == 1)
            *stride = t->stride[d];
        else if (t->stride[d] != *rows * *stride)
            return false;
        *rows *= t->shape[d];
    }
    return true;
}

static const weft_dtype f32 = {WEFT_DT_FLOAT, 32, 1};
static const weft_dtype i32 = {WEFT_DT_INT, 32, 1};

void wf_check_rows(wf_call *c, const weft_tensor *t, const char *arg, wf_rows_view *out)
{
    wf_check_tensor(c, t, arg, f32, 1, WEFT_MAX_DIMS);
    if (!wf_call_ok(c))
        return;
    out->data = t->data;
    out->n = t->shape[t->ndim - 1];
    if (out->n > 1 && t->stride[t->ndim - 1] != 1)
        wf_call_fail(c, WEFT_E_INVALID, arg, "the stride of its last axis is %lld, not 1",
                     (long long)t->stride[t->ndim - 1]);
    else if (!wf_rows_collapse(t, 0, &out->m, &out->stride))
        wf_call_fail(c, WEFT_E_INVALID, arg,
                     "its leading axes are not evenly spaced rows; copy it first");
}

void wf_check_vector(wf_call *c, const weft_tensor *t, const char *arg, int64_t n, bool optional,
                     const float **out)
{
    wf_rows_view v;
    *out = NULL;
    if (t == NULL && optional)
        return;
    wf_check_rows(c, t, arg, &v);
    if (!wf_call_ok(c))
        return;
    wf_check_size(c, arg, "its length", v.m * v.n, n);
    wf_check_c_order(c, t, arg);
    *out = v.data;
}

void wf_check_index(wf_call *c, const weft_tensor *t, const char *arg, int64_t n,
                    const int32_t **out)
{
    wf_check_tensor(c, t, arg, i32, 1, 1);
    if (!wf_call_ok(c))
        return;
    wf_check_size(c, arg, "its length", t->shape[0], n);
    wf_check_c_order(c, t, arg);
    *out = t->data;
}

/* The format that a packed weight was loaded in, which weights.get hides in its dtype; -1: none. */
static int32_t packed_format(weft_dtype d)
{
    return d.code == WEFT_DT_OPAQUE && d.bits == 0 && d.lanes < WF_FORMATS ? d.lanes : -1;
}

void wf_check_weight(wf_call *c, const weft_tensor *t, const char *arg, wf_weight *out)
{
    uint64_t k = 1, bytes = 0;
    if (!wf_call_ok(c))
        return;
    if (t == NULL || t->flags != WEFT_TENSOR_PACKED || t->ndim < 2 || t->ndim > WEFT_MAX_DIMS ||
        packed_format(t->dtype) < 0 || t->device_type != c->queue->device->type ||
        t->data == NULL) {
        wf_call_fail(c, WEFT_E_INVALID, arg,
                     "not a weight of this device got with WEFT_USE_LINEAR");
        return;
    }
    out->format = packed_format(t->dtype);
    out->data = t->data;
    out->n = t->shape[0];
    for (int32_t d = 1; d < t->ndim; d++)
        if (t->shape[d] < 1 || !wf_mul(k, (uint64_t)t->shape[d], &k) || k > INT64_MAX)
            k = 0;
    out->k = (int64_t)k;
    if (out->n > 0 && out->k > 0)
        (void)wf_device_weight_bytes(c->queue->device, out->format, out->n, out->k, &bytes, NULL);
    if (bytes == 0 || bytes > t->bytes)
        wf_call_fail(c, WEFT_E_INVALID, arg,
                     "a weight of %lld x %lld does not fit in its %llu bytes", (long long)out->n,
                     (long long)out->k, (unsigned long long)t->bytes);
}

/* The axis of the smallest stride among those longer than 1 and not taken; -1: none is left. */
static int32_t next_axis(const weft_tensor *t, uint32_t taken)
{
    int32_t best = -1;
    for (int32_t d = 0; d < t->ndim; d++)
        if ((taken >> d & 1u) == 0 && t->shape[d] > 1 &&
            (best < 0 || t->stride[d] < t->stride[best]))
            best = d;
    return best;
}

void wf_check_distinct(wf_call *c, const weft_tensor *t, const char *arg)
{
    int64_t  reach = 0; /* of the axes so far: the offset of their last element */
    uint32_t taken = 0;
    if (!wf_call_ok(c) || wf_tensor_numel(t) == 0)
        return;
    for (int32_t d = next_axis(t, taken); d >= 0; d = next_axis(t, taken)) {
        if (t->stride[d] <= reach) {
            if (t->stride[d] == 0)
                wf_call_fail(c, WEFT_E_INVALID, arg, "a stride of 0 would write one element often");
            else
                wf_call_fail(c, WEFT_E_INVALID, arg,
                             "its elements overlap: a stride of %lld within %lld elements",
                             (long long)t->stride[d], (long long)reach + 1);
            return;
        }
        reach += (t->shape[d] - 1) * t->stride[d];
        taken |= 1u << d;
    }
}

void wf_check_act(wf_call *c, int32_t act)
{
    if (act < WEFT_ACT_NONE || act > WEFT_ACT_TANH_GELU)
        wf_call_fail(c, WEFT_E_INVALID, "act", "%d is no activation", act);
}

int64_t wf_window_count(int64_t size, int64_t kernel, int32_t stride, int32_t before, int32_t after)
{
    if (size > INT32_MAX || kernel < 1 || kernel > INT32_MAX || stride < 1 || before < 0 ||
        after < 0)
        return 0;
    int64_t room = size + before + after - kernel;
    int64_t count = room < 0 ? 0 : room / stride + 1;
    return count <= INT32_MAX ? count : 0;
}

void wf_check_c_order(wf_call *c, const weft_tensor *t, const char *arg)
{
    int64_t step = 1;
    if (!wf_call_ok(c))
        return;
    for (int32_t d = t->ndim - 1; d >= 0; d--) {
        if (t->shape[d] > 1 && t->stride[d] != step)
            wf_call_fail(c, WEFT_E_INVALID, arg, "not in C order; copy it first");
        step *= t->shape[d];
    }
}

void wf_check_size(wf_call *c, const char *arg, const char *axis, int64_t has, int64_t wants)
{
    if (has != wants)
        wf_call_fail(c, WEFT_E_INVALID, arg, "%s is %lld, and %lld is wanted", axis, (long long)has,
                     (long long)wants);
}

void wf_check_same_shape(wf_call *c, const weft_tensor *a, const char *arg, const weft_tensor *b,
                         const char *other)
{
    if (!wf_call_ok(c))
        return;
    bool same = a->ndim == b->ndim;
    for (int32_t d = 0; same && d < a->ndim; d++)
        same = a->shape[d] == b->shape[d];
    if (!same)
        wf_call_fail(c, WEFT_E_INVALID, arg, "its shape differs from that of %s", other);
}
