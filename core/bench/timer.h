/* SPDX-License-Identifier: Apache-2.0 */
/* What every timed op needs: memory of the device with values in it, and the clock. */
#ifndef WF_BENCH_TIMER_H
#define WF_BENCH_TIMER_H

#include "core/device/device.h"
#include "weft/bench.h"

#define WF_BENCH_BUFFERS 128

/* One op's run. The first failure stays in status, and everything after it does nothing. */
typedef struct wf_bench_timer {
    wf_device  *device;
    weft_queue *queue;
    const char *op; /* its name */
    int32_t     repeat;
    int32_t     format; /* of the weights at work; its peak bounds the op's arithmetic */
    weft_status status;
    char        shape[64]; /* at work */

    weft_bench_shape_fn wanted; /* NULL: every shape */
    weft_bench_op_fn    fn;
    void               *ctx;
    weft_error         *err;
    void               *buffers[WF_BENCH_BUFFERS];
    int32_t             n_buffers;
} wf_bench_timer;

/* Begins a shape, which is called so: whether it is to be timed. */
bool wf_bench_begin(wf_bench_timer *t, const char *shape_format, ...)
    __attribute__((format(printf, 2, 3)));

/* Device memory of n floats in -1..1, or of bytes as they are given (host memory); NULL after a
 * failure. It is the timer's until wf_bench_timer_free. */
float *wf_bench_floats(wf_bench_timer *t, int64_t n);
void  *wf_bench_upload(wf_bench_timer *t, const void *src, uint64_t bytes);
/* A weight [n, k], packed: one buffer. false: the device does not hold the format, or a failure. */
bool wf_bench_weight(wf_bench_timer *t, int32_t format, int64_t n, int64_t k, wf_weight *out);

/* Times the n_ops ops of the shape, which take turns (ops over different weights keep the next
 * one's out of the caches), and gives what one of them took. The buffers stay. */
void wf_bench_time(wf_bench_timer *t, const wf_op *ops, int32_t n_ops, double flop, double bytes);
void wf_bench_timer_free(wf_bench_timer *t); /* its buffers */

#endif
