/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine can do, measured in the same run as the rows: at the start and behind each,
 * since the neighbours of a virtual machine take from it now more and now less. */
#include "bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "input/interrupt.h"
#include "output/say.h"

#define GPU_COPY "gpu.copy"
#define GPU_PRODUCT "gpu.product"

static int32_t find(const bench_limits *of, const char *name)
{
    for (int32_t i = 0; name != NULL && i < of->n; i++)
        if (strcmp(of->all[i].name, name) == 0)
            return i;
    return of->n;
}

/* A limit that was measured before gets its new value. */
static int32_t take(void *ctx, const weft_bench_limit *l)
{
    bench_limits *of = ctx;
    int32_t       at = find(of, l->name);
    if (at < BENCH_LIMITS) {
        of->all[at] = *l;
        of->n = at < of->n ? of->n : at + 1;
    }
    return cli_interrupted() ? 1 : 0;
}

weft_status bench_limits_measure(bench *b, weft_error *err)
{
    int32_t     threads = (int32_t)weft_settings_i64(b->c->settings, "threads");
    weft_status status = WEFT_OK;
    b->earlier = b->limits;
    if (b->measured == NULL)
        status = weft_bench_limits_create(threads, &b->measured, err);
    return status == WEFT_OK ? weft_bench_limits_measure(b->measured, take, &b->limits, err)
                             : status;
}

weft_status bench_limits_now(const bench *b, const char *peak, double *bandwidth, double *rate,
                             weft_error *err)
{
    weft_status status = WEFT_OK;
    *bandwidth = *rate = 0;
    if (b->on_gpu)
        return status;
    status = weft_bench_limits_now(b->measured, "read", bandwidth, err);
    if (status == WEFT_OK && find(&b->limits, peak) < b->limits.n)
        status = weft_bench_limits_now(b->measured, peak, rate, err);
    *bandwidth *= 1e9;
    *rate *= 1e9;
    return status;
}

int32_t bench_limit_print(const bench *b, const weft_bench_limit *l)
{
    char name[64];
    snprintf(name, sizeof name, "limit.%s", l->name);
    bench_result r = {.name = name,
                      .unit = l->unit,
                      .value = l->value,
                      .min = l->value,
                      .max = l->value,
                      .threads = l->threads,
                      .runs = 1};
    return bench_print(b, &r);
}

static int32_t on_ceiling(void *ctx, const weft_bench_op *o)
{
    bench           *b = ctx;
    const bool       is_product = o->flop > 0;
    weft_bench_limit l = {WEFT_HDR(weft_bench_limit),
                          is_product ? GPU_PRODUCT : GPU_COPY,
                          is_product ? "GFLOP/s" : "GB/s",
                          (is_product ? o->flop : o->bytes) * 1e-9 / o->min_s,
                          1,
                          0};
    b->code = take(&b->limits, &l) == 0 ? bench_limit_print(b, &l) : CLI_EXIT_INTERRUPTED;
    return b->code != CLI_EXIT_OK ? 1 : 0;
}

weft_status bench_limits_of_gpu(bench *b, weft_error *err)
{
    weft_engine_info i = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_status      status = weft_engine_describe(b->engine, &i, err);
    b->on_gpu = status == WEFT_OK && strcmp(i.device, "cuda") == 0;
    if (!b->on_gpu || bench_limit(b, GPU_COPY) > 0)
        return status;
    status = weft_bench_op_run(b->engine, "ceilings", b->repeat, NULL, on_ceiling, b, err);
    if (status == WEFT_OK || b->code != CLI_EXIT_OK || cli_interrupted())
        return status;
    cli_say("the limits of the GPU were not measured: %.600s", err->message);
    return err->code = WEFT_OK;
}

double bench_peak(const bench *b, const char *name)
{
    return bench_limit(b, name != NULL ? name : GPU_PRODUCT);
}

static double value_of(const bench_limits *of, const char *name)
{
    int32_t at = find(of, name);
    return at < of->n ? of->all[at].value * 1e9 : 0;
}

double bench_limit(const bench *b, const char *name)
{
    double now = value_of(&b->limits, name), earlier = value_of(&b->earlier, name);
    return now > earlier ? now : earlier;
}

double bench_bandwidth(const bench *b)
{
    static const char *const names[] = {"read.plain", "read.prefetch", "read.huge"};
    double                   best = 0;
    if (b->on_gpu)
        return bench_limit(b, GPU_COPY);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double v = bench_limit(b, names[i]);
        best = v > best ? v : best;
    }
    return best;
}
