/* SPDX-License-Identifier: Apache-2.0 */
/* --op: one op of the device over the shapes in which models call it. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "exit.h"
#include "input/interrupt.h"
#include "output/say.h"

typedef struct op_run {
    bench           *b;
    weft_engine_info info;
    int32_t          code, n_shapes;
} op_run;

/* A pattern of --rows holds a shape's first number alone, or is one of the whole shape. */
static bool fits(const char *pattern, const char *shape)
{
    size_t n = strspn(pattern, "0123456789");
    if (n == 0 || pattern[n] != '\0')
        return bench_fits_pattern(pattern, shape);
    return strncmp(pattern, shape, n) == 0 && (shape[n] == 'x' || shape[n] == ' ');
}

static int32_t is_wanted(void *ctx, const char *shape)
{
    return bench_is_chosen(((op_run *)ctx)->b, shape, fits);
}

/* Counts what is wanted, and lets none be timed. */
static int32_t count(void *ctx, const char *shape)
{
    ((op_run *)ctx)->n_shapes += is_wanted(ctx, shape);
    return 0;
}

/* Work for which no limit is fitting, such as a norm in the caches, has none. */
static void set_limits(const op_run *t, const weft_bench_op *o, bench_result *out)
{
    double     bandwidth = bench_bandwidth(t->b), top = bench_peak(t->b, o->peak);
    double     bandwidth_now = 0, top_now = 0;
    weft_error err = CLI_ERROR_INIT;
    if (o->flop <= 0)
        return;
    double least = bench_least_seconds(bandwidth, top, o->flop, o->bytes);
    out->limit = least * 1e6;
    out->share = least / o->median_s;
    if (bench_limits_now(t->b, o->peak, &bandwidth_now, &top_now, &err) != WEFT_OK)
        return;
    double now = bench_least_seconds(bandwidth_now, top_now, o->flop, o->bytes);
    out->limit_now = now * 1e6;
    out->share_now = now / o->median_s;
}

static int32_t on_op(void *ctx, const weft_bench_op *o)
{
    op_run *t = ctx;
    char    name[128];
    snprintf(name, sizeof name, "%s %s", o->op, o->shape);
    bench_result r = {.name = name,
                      .unit = "us",
                      .isa = t->info.isa,
                      .value = o->median_s * 1e6,
                      .min = o->min_s * 1e6,
                      .max = o->max_s * 1e6,
                      .threads = t->info.n_threads,
                      .runs = t->b->repeat};
    set_limits(t, o, &r);
    t->code = bench_print(t->b, &r);
    return cli_interrupted() || t->code != CLI_EXIT_OK ? 1 : 0;
}

static void known(char *text, size_t cap)
{
    const char *name;
    size_t      at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; (name = weft_bench_op_at(i)) != NULL && at < cap; i++)
        at += (size_t)snprintf(text + at, cap - at, "%s%s", i > 0 ? ", " : "", name);
}

static bool is_known(const char *op)
{
    const char *name;
    for (uint32_t i = 0; (name = weft_bench_op_at(i)) != NULL; i++)
        if (strcmp(name, op) == 0)
            return true;
    return false;
}

/* Measures the machine, then the op. */
static weft_status measure(op_run *t, const char *op, weft_error *err)
{
    bench      *b = t->b;
    weft_status status = bench_limits_measure(b, err);
    if (status == WEFT_OK && strcmp(op, "ceilings") != 0)
        status = bench_limits_of_gpu(b, err);
    if (status == WEFT_OK)
        status = weft_engine_describe(b->engine, &t->info, err);
    if (status == WEFT_OK)
        status = weft_bench_op_run(b->engine, op, b->repeat, is_wanted, on_op, t, err);
    return status;
}

int32_t bench_run_op(bench *b, const char *op)
{
    char       all[256];
    op_run     t = {.b = b, .info.hdr = WEFT_HDR(weft_engine_info)};
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    known(all, sizeof all);
    if (!is_known(op))
        return cli_usage(b->c, "--op %.40s: the ops that can be timed are %s", op, all);
    weft_status status = bench_open(b, bench_shape_find("demo"), NULL, 1, &err);
    if (status == WEFT_OK)
        status = weft_bench_op_run(b->engine, op, 1, count, on_op, &t, &err);
    if (status == WEFT_OK && t.n_shapes > 0)
        status = measure(&t, op, &err);
    bench_close(b);
    if (status == WEFT_OK && t.n_shapes == 0 && b->rows == NULL)
        cli_say("this device has no shape of --op %s", op);
    else if (status == WEFT_OK && t.n_shapes == 0)
        return cli_usage(b->c, "--rows %.60s leaves no shape of --op %s", b->rows, op);
    if (status == WEFT_OK || t.code != CLI_EXIT_OK)
        return t.code;
    if (b->code != CLI_EXIT_OK)
        return b->code;
    return cli_interrupted() ? CLI_EXIT_INTERRUPTED : cli_say_error(&err);
}
