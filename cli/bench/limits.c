/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine can do, measured in the same run as the rows. */
#include "bench/bench.h"

#include <string.h>

#include "input/interrupt.h"

static int32_t take(void *ctx, const weft_bench_limit *l)
{
    bench_limits *all = ctx;
    if (all->n < BENCH_LIMITS)
        all->all[all->n++] = *l;
    return cli_interrupted() ? 1 : 0;
}

weft_status bench_limits_measure(bench *b, weft_error *err)
{
    int32_t threads = (int32_t)weft_settings_i64(b->c->settings, "threads");
    return weft_bench_limits(threads, take, &b->limits, err);
}

double bench_limit(const bench *b, const char *name)
{
    for (int32_t i = 0; name != NULL && i < b->limits.n; i++)
        if (strcmp(b->limits.all[i].name, name) == 0)
            return b->limits.all[i].value * 1e9;
    return 0;
}

double bench_bandwidth(const bench *b)
{
    static const char *const names[] = {"read.plain", "read.prefetch", "read.huge"};
    double                   best = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double v = bench_limit(b, names[i]);
        best = v > best ? v : best;
    }
    return best;
}
