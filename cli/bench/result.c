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

/* The first run warms up and is not counted. */
static weft_status run_all(const bench *b, bench_once_fn once, void *ctx, double *taken,
                           weft_error *err)
{
    weft_status status = once(ctx, &taken[0], err);
    for (int32_t i = 0; i < b->repeat && status == WEFT_OK; i++) {
        status = cli_interrupted() ? WEFT_E_CANCELLED : once(ctx, &taken[i], err);
        if (status == WEFT_OK && cli_interrupted())
            status = WEFT_E_CANCELLED;
    }
    return err->code = status;
}

weft_status bench_repeat(const bench *b, bench_once_fn once, void *ctx, bench_sample *out,
                         weft_error *err)
{
    size_t  n = (size_t)b->repeat;
    double *taken = calloc(n, sizeof *taken);
    if (taken == NULL) {
        strcpy(err->message, "out of memory for times");
        return err->code = WEFT_E_NOMEM;
    }
    weft_status status = run_all(b, once, ctx, taken, err);
    qsort(taken, n, sizeof *taken, compare);
    out->median_s = (taken[(n - 1) / 2] + taken[n / 2]) / 2;
    out->min_s = taken[0];
    out->max_s = taken[n - 1];
    out->runs = b->repeat;
    free(taken);
    return status;
}

/* The least seconds in which so much can be read and computed; 0: not known. */
static double least_seconds(const bench *b, const char *peak, double flop, double bytes)
{
    double bandwidth = bench_bandwidth(b), top = bench_peak(b, peak);
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
    double least = least_seconds(b, m->peak, m->flop, m->bytes);
    double full = least_seconds(b, m->peak, m->full_flop, m->full_bytes);
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
}
