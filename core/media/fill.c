/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that decoders fill, looked at before and after. */
#include "core/media/fill.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/running.h"
#include "core/base/status.h"
#include "core/base/tensor.h"

#define GUARD 64u
#define POISON 0xffu
#define GRAIN 16u /* a run of bytes so long is never rewritten unchanged by chance */

static bool is_c_order(const weft_tensor *t)
{
    int64_t each = 1;
    for (int32_t i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] != 1 && t->stride[i] != each)
            return false;
        each *= t->shape[i];
    }
    return true;
}

/* The elements of t, whose ndim has been checked; false: a size that cannot be. */
static bool elements(const weft_tensor *t, uint64_t *n)
{
    *n = 1;
    for (int32_t i = 0; i < t->ndim; i++)
        if (t->shape[i] < 0 || t->shape[i] > INT64_MAX / 16 ||
            !wf_mul(*n, (uint64_t)t->shape[i], n) || *n > INT64_MAX / 16)
            return false;
    return true;
}

/* Why dst cannot take `need` values of v's dtype and last axis; NULL: it can. */
static const char *place_fault(const weft_tensor *dst, const weft_tensor *v, uint64_t need)
{
    uint64_t n = 0, each = v->dtype.bits / 8u;
    if (dst->data == NULL)
        return "it has no data";
    if (dst->device_type != WEFT_DEV_CPU || (dst->flags & WEFT_TENSOR_PACKED) != 0)
        return "it is not in host memory";
    if (memcmp(&dst->dtype, &v->dtype, sizeof v->dtype) != 0)
        return v->dtype.bits == 8 ? "it is not of u8" : "it is not of f32";
    if (dst->ndim < 1 || dst->ndim > WEFT_MAX_DIMS || !elements(dst, &n))
        return "its shape cannot be";
    if (!is_c_order(dst))
        return "it has strides, and C order is what is filled";
    if (dst->ndim > 1 && dst->shape[dst->ndim - 1] != v->shape[v->ndim - 1])
        return "its last axis is not the number of channels";
    if (n < need || dst->bytes / each < need)
        return "it is too small";
    return NULL;
}

weft_status wf_fill_refuse(const char *call, const char *why, weft_error *err)
{
    wf_running_mark(WF_MISUSED);
    return wf_fail(err, WEFT_E_INVALID, "%s: %s", call, why);
}

static weft_status refuse(const char *call, const char *why, const weft_tensor *v, weft_error *err)
{
    char   shape[WEFT_MAX_DIMS * 22] = "";
    size_t at = 0;
    for (int32_t i = 0; i < v->ndim; i++)
        at += (size_t)snprintf(shape + at, sizeof shape - at, "%s%lld", i > 0 ? ", " : "",
                               (long long)v->shape[i]);
    wf_running_mark(WF_MISUSED);
    return wf_fail(err, WEFT_E_INVALID, "%s: its destination does not take [%s]: %s", call, shape,
                   why);
}

weft_status wf_fill_place(const char *call, const weft_tensor *dst, weft_dtype dtype, int32_t ndim,
                          const int64_t *shape, weft_tensor *out, weft_error *err)
{
    uint64_t    need = 0;
    weft_tensor v = {.dtype = dtype, .ndim = ndim};
    memcpy(v.shape, shape, (size_t)ndim * sizeof *shape);
    const char *why = dst == NULL            ? "it is NULL"
                      : !elements(&v, &need) ? "so many cannot be"
                                             : place_fault(dst, &v, need);
    if (why != NULL)
        return refuse(call, why, &v, err);
    *out = wf_tensor_view(dst->data, dtype, ndim, shape);
    return WEFT_OK;
}

weft_status wf_fill_samples(int32_t channels, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_tensor *out, weft_error *err)
{
    weft_dtype f32 = {WEFT_DT_FLOAT, 32, 1};
    if (n < 0 || got == NULL)
        return wf_fill_refuse("read_audio", "n is negative, or got NULL", err);
    *got = 0;
    if (channels < 1)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "it has no samples: it tells of no channels");
    return n == 0 ? WEFT_OK
                  : wf_fill_place("read_audio", dst, f32, 2, (int64_t[]){n, channels}, out, err);
}

/* A byte that depends on its place, so that pictures of one colour are not taken for it. */
static uint8_t mark_of(uint64_t i)
{
    return (uint8_t)((i * 0x9E3779B97F4A7C15u) >> 56 | 1u);
}

static void put_marks(uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        p[i] = mark_of(i);
}

weft_status wf_fill_begin(wf_fill *f, const weft_tensor *dst, bool validate, weft_error *err)
{
    uint64_t total;
    *f = (wf_fill){*dst, dst->data, NULL};
    if (!validate) {
        memset(dst->data, 0, (size_t)dst->bytes);
        return WEFT_OK;
    }
    f->guard = wf_add(dst->bytes, 2 * GUARD, &total) ? wf_alloc_aligned((size_t)total) : NULL;
    if (f->guard == NULL)
        return wf_fail_nomem(err, dst->bytes, "validating a decoder");
    put_marks(f->guard, total);
    f->view.data = f->guard + GUARD;
    return WEFT_OK;
}

static bool is_marked(const wf_fill *f, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++)
        if (f->guard[i] != mark_of(i))
            return false;
    return true;
}

bool wf_fill_fault(const wf_fill *f, uint64_t bytes, char *text, size_t cap)
{
    uint64_t end = GUARD + f->view.bytes;
    if (f->guard == NULL)
        return false;
    if (!is_marked(f, 0, GUARD) || !is_marked(f, end, end + GUARD)) {
        snprintf(text, cap, "bytes %s the %llu that it was to fill",
                 is_marked(f, 0, GUARD) ? "behind" : "before", (unsigned long long)f->view.bytes);
        return true;
    }
    for (uint64_t i = 0; i < bytes; i += GRAIN) {
        uint64_t n = bytes - i < GRAIN ? bytes - i : GRAIN;
        if (n < 4 && i > 0) /* too few to tell from chance */
            break;
        if (!is_marked(f, GUARD + i, GUARD + i + n))
            continue;
        snprintf(text, cap, "OK without writing byte %llu of the %llu that it says it filled",
                 (unsigned long long)i, (unsigned long long)bytes);
        return true;
    }
    return false;
}

void wf_fill_end(wf_fill *f, uint64_t bytes)
{
    if (f->guard == NULL)
        return;
    memcpy(f->dst, f->view.data, (size_t)bytes);
    wf_poison((uint8_t *)f->dst + bytes, f->view.bytes - bytes);
    wf_free_aligned(f->guard);
    f->guard = NULL;
}

void wf_poison(void *p, uint64_t n)
{
    memset(p, POISON, (size_t)n);
}

bool wf_is_poison(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits == UINT32_MAX;
}
