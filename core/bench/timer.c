/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and clock of timed ops. */
#include "core/bench/timer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/bench/cases.h"

#define SAMPLE_S 0.004 /* shorter calls are timed several at a time */
#define CALLS_MOST 4096
#define SOURCE_ROWS 32 /* of a weight, packed again and again */

static void *take(wf_bench_timer *t, uint64_t bytes)
{
    void *p = NULL;
    if (t->status == WEFT_OK && t->n_buffers == WF_BENCH_BUFFERS)
        t->status = wf_fail(t->err, WEFT_E_INTERNAL, "an op asks for too many buffers");
    if (t->status == WEFT_OK)
        t->status = wf_device_alloc(t->device, bytes, &p, t->err);
    if (p != NULL)
        t->buffers[t->n_buffers++] = p;
    return p;
}

void wf_bench_timer_free(wf_bench_timer *t)
{
    (void)wf_queue_wait(t->queue, NULL);
    for (int32_t i = 0; i < t->n_buffers; i++)
        wf_device_free(t->device, t->buffers[i]);
    t->n_buffers = 0;
}

void *wf_bench_upload(wf_bench_timer *t, const void *src, uint64_t bytes)
{
    void *p = take(t, bytes);
    if (p != NULL)
        t->status = wf_queue_upload(t->queue, p, src, bytes, t->err);
    if (p != NULL && t->status == WEFT_OK)
        t->status = wf_queue_wait(t->queue, t->err);
    return t->status == WEFT_OK ? p : NULL;
}

float *wf_bench_floats(wf_bench_timer *t, int64_t n)
{
    uint64_t state = 88172645463325252ull, bytes = (uint64_t)n * sizeof(float);
    float   *host = t->status == WEFT_OK ? wf_alloc((size_t)bytes) : NULL, *p = NULL;
    if (t->status == WEFT_OK && host == NULL)
        t->status = wf_fail_nomem(t->err, bytes, "an op's values");
    for (int64_t i = 0; host != NULL && i < n; i++) { /* xorshift64 */
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        host[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
    if (host != NULL)
        p = wf_bench_upload(t, host, bytes);
    wf_free(host);
    return p;
}

bool wf_bench_weight(wf_bench_timer *t, int32_t format, int64_t n, int64_t k, wf_weight *out)
{
    uint64_t bytes;
    *out = (wf_weight){.n = n, .k = k, .format = format};
    if (t->status != WEFT_OK ||
        wf_device_weight_bytes(t->device, format, n, k, &bytes, NULL) != WEFT_OK)
        return false;
    out->data = take(t, bytes);
    float *source = wf_bench_floats(t, SOURCE_ROWS * k);
    for (int64_t r = 0; t->status == WEFT_OK && r < n; r += SOURCE_ROWS) {
        wf_op op = {.kind = WF_OP_PACK,
                    .u.pack = {.w = *out,
                               .src = source,
                               .row0 = r,
                               .rows = n - r < SOURCE_ROWS ? n - r : SOURCE_ROWS,
                               .src_dtype = WF_F32}};
        t->status = wf_queue_submit(t->queue, &op, t->err);
    }
    if (t->status == WEFT_OK)
        t->status = wf_queue_wait(t->queue, t->err);
    if (t->status == WEFT_OK) /* the weight is the only buffer that it leaves */
        wf_device_free(t->device, t->buffers[--t->n_buffers]);
    return t->status == WEFT_OK;
}

/* Seconds of calls calls, the first of them the at-th. */
static double run(wf_bench_timer *t, const wf_op *ops, int32_t n_ops, int32_t at, int32_t calls)
{
    double start = wf_now_s();
    for (int32_t i = 0; i < calls && t->status == WEFT_OK; i++)
        t->status = wf_queue_submit(t->queue, &ops[(at + i) % n_ops], t->err);
    if (t->status == WEFT_OK)
        t->status = wf_queue_wait(t->queue, t->err);
    return wf_now_s() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sample(wf_bench_timer *t, const wf_op *ops, int32_t n_ops, double *taken)
{
    int32_t calls = 1, at = 0;
    double  first = run(t, ops, n_ops, 0, 1);
    if (first < SAMPLE_S)
        first = run(t, ops, n_ops, 0, 1);
    while (calls < CALLS_MOST && first * calls < SAMPLE_S)
        calls *= 2;
    for (int32_t i = 0; i < t->repeat && t->status == WEFT_OK; i++, at = (at + calls) % n_ops)
        taken[i] = run(t, ops, n_ops, at, calls) / calls;
}

bool wf_bench_begin(wf_bench_timer *t, const char *shape_format, ...)
{
    va_list args;
    va_start(args, shape_format);
    vsnprintf(t->shape, sizeof t->shape, shape_format, args);
    va_end(args);
    return t->status == WEFT_OK && (t->wanted == NULL || t->wanted(t->ctx, t->shape) != 0);
}

void wf_bench_time(wf_bench_timer *t, const wf_op *ops, int32_t n_ops, double flop, double bytes)
{
    double *taken = t->status == WEFT_OK ? wf_zalloc_n((size_t)t->repeat, sizeof *taken) : NULL;
    if (t->status == WEFT_OK && taken == NULL)
        t->status = wf_fail_nomem(t->err, sizeof *taken, "an op's times");
    if (taken == NULL)
        return;
    sample(t, ops, n_ops, taken);
    qsort(taken, (size_t)t->repeat, sizeof *taken, compare);
    weft_bench_op o = {.hdr = WEFT_HDR(weft_bench_op),
                       .op = t->op,
                       .shape = t->shape,
                       .peak = wf_bench_peak(t->device->isa, t->format),
                       .median_s = (taken[(t->repeat - 1) / 2] + taken[t->repeat / 2]) / 2,
                       .min_s = taken[0],
                       .max_s = taken[t->repeat - 1],
                       .flop = flop,
                       .bytes = bytes};
    if (t->status == WEFT_OK && t->fn(t->ctx, &o) != 0)
        t->status = wf_fail(t->err, WEFT_E_CANCELLED, "cancelled");
    wf_free(taken);
}
