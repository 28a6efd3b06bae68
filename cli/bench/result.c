/* SPDX-License-Identifier: Apache-2.0 */
/* From times to a row. docs/SPEED.md has the formulas. */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "input/interrupt.h"

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of each run: its seconds, and what the machine gave behind it. */
typedef struct runs {
    double     *taken, *bandwidth, *rate;
    const char *peak;
} runs;

/* The first run warms up and is not counted. */
static weft_status run_all(const bench *b, bench_once_fn once, void *ctx, runs *r, weft_error *err)
{
    weft_status status = once(ctx, &r->taken[0], err);
    for (int32_t i = 0; i < b->repeat && status == WEFT_OK; i++) {
        status = cli_interrupted() ? WEFT_E_CANCELLED : once(ctx, &r->taken[i], err);
        if (status == WEFT_OK)
            status = bench_limits_now(b, r->peak, &r->bandwidth[i], &r->rate[i], err);
        if (status == WEFT_OK && cli_interrupted())
            status = WEFT_E_CANCELLED;
    }
    return err->code = status;
}

static double median(double *all, size_t n)
{
    qsort(all, n, sizeof *all, compare);
    return (all[(n - 1) / 2] + all[n / 2]) / 2;
}

weft_status bench_repeat(const bench *b, bench_once_fn once, void *ctx, bench_sample *out,
                         weft_error *err)
{
    size_t  n = (size_t)b->repeat;
    double *all = calloc(n, 3 * sizeof *all);
    if (all == NULL) {
        strcpy(err->message, "out of memory for times");
        return err->code = WEFT_E_NOMEM;
    }
    runs        r = {all, all + n, all + 2 * n, out->peak};
    weft_status status = run_all(b, once, ctx, &r, err);
    out->median_s = median(r.taken, n);
    out->min_s = r.taken[0];
    out->max_s = r.taken[n - 1];
    out->bandwidth_now = median(r.bandwidth, n);
    out->peak_now = median(r.rate, n);
    out->runs = b->repeat;
    free(all);
    return status;
}

double bench_least_seconds(double bandwidth, double top, double flop, double bytes)
{
    double read = bytes > 0 && bandwidth > 0 ? bytes / bandwidth : 0;
    double computed = flop > 0 && top > 0 ? flop / top : 0;
    return read > computed ? read : computed;
}

static double value_of(const bench_sample *m, double seconds)
{
    return m->amount > 0 ? m->amount / seconds : seconds;
}

/* How much longer the whole shape takes than what ran, at the same share of the limit. */
static double stretch(const bench_sample *m, double least, double full)
{
    if (least > 0 && full > 0)
        return full / least;
    return m->flop > 0 ? m->full_flop / m->flop : 1;
}

void bench_result_of(const bench *b, const bench_row *r, const bench_shape *s,
                     const bench_sample *m, bench_result *out)
{
    double bandwidth = bench_bandwidth(b), top = bench_peak(b, m->peak);
    double least = bench_least_seconds(bandwidth, top, m->flop, m->bytes);
    double full = bench_least_seconds(bandwidth, top, m->full_flop, m->full_bytes);
    double now = bench_least_seconds(m->bandwidth_now, m->peak_now, m->flop, m->bytes);
    double by = stretch(m, least, full), most = value_of(m, m->max_s * by);
    *out = (bench_result){.name = r->name,
                          .unit = m->unit,
                          .isa = m->isa,
                          .shape = s->name,
                          .value = value_of(m, m->median_s * by),
                          .min = value_of(m, m->min_s * by),
                          .max = most,
                          .threads = m->threads,
                          .runs = m->runs,
                          .layers = m->layers,
                          .of_layers = s->n_layers};
    if (out->min > out->max) { /* the shortest time is the largest rate */
        out->max = out->min;
        out->min = most;
    }
    if (least > 0) {
        out->limit = value_of(m, full);
        out->share = least / m->median_s;
    }
    if (least > 0 && now > 0) {
        out->limit_now = value_of(
            m, bench_least_seconds(m->bandwidth_now, m->peak_now, m->full_flop, m->full_bytes));
        out->share_now = now / m->median_s;
    }
}
