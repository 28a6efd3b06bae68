/* SPDX-License-Identifier: Apache-2.0 */
/* weft bench: how fast this machine runs weft, and how fast it could. */
#include "bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/values.h"
#include "output/say.h"

static int32_t say_shapes(const bench *b)
{
    char   all[160];
    size_t at = 0;
    for (const bench_shape *s = bench_shapes; s->name != NULL; s++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", at > 0 ? ", " : "", s->name);
    return cli_usage(b->c, "--shape %.40s: the shapes are %s", b->c->value[OWN_SHAPE], all);
}

static bool any_row(const bench *b)
{
    for (const bench_row *r = bench_rows; r->name != NULL; r++)
        if (bench_row_runs(b, r))
            return true;
    return false;
}

/* Options to a run; the exit code, with what is wrong said. */
static int32_t prepare(bench *b)
{
    cli *c = b->c;
    b->rows = c->value[OWN_ROWS];
    b->quick = cli_has(c, OWN_QUICK);
    b->repeat = BENCH_REPEAT;
    if (cli_has(c, OWN_SHAPE) && (b->shape = bench_shape_find(c->value[OWN_SHAPE])) == NULL)
        return say_shapes(b);
    int32_t code = cli_count_option(c, OWN_REPEAT, &b->repeat);
    if (code == CLI_EXIT_OK && b->repeat > BENCH_REPEAT_MOST)
        code = cli_usage(c, "--repeat %d: at most %d", b->repeat, BENCH_REPEAT_MOST);
    if (code == CLI_EXIT_OK && cli_has(c, OWN_OP) && cli_has(c, OWN_LIMITS))
        code = cli_usage(c, "--op and --limits: one of them");
    return code;
}

static int32_t print_limits(bench *b)
{
    int32_t code = CLI_EXIT_OK;
    for (int32_t i = 0; i < b->limits.n && code == CLI_EXIT_OK; i++)
        code = bench_limit_print(b, &b->limits.all[i]);
    return code;
}

/* The row is told in any case: where the limits cannot be measured again, by those from before it.
 * A GPU's are measured once. */
static void measure_behind(bench *b, const bench_row *r)
{
    weft_error err = CLI_ERROR_INIT;
    if (b->on_gpu || bench_limits_measure(b, &err) == WEFT_OK || cli_interrupted())
        return;
    cli_say("behind %s the limits were not measured: %.600s", r->name, err.message);
}

/* A row that this machine or this weft cannot run is left out, and why is said. */
static int32_t run_row(bench *b, const bench_row *r)
{
    bench_sample m = {0};
    bench_result result;
    weft_error   err = CLI_ERROR_INIT;
    weft_status  status = r->measure(b, r, &m, &err);
    if (status == WEFT_E_LIMIT || status == WEFT_E_UNSUPPORTED) {
        cli_say("%s is left out: %.600s", r->name, err.message);
        return CLI_EXIT_OK;
    }
    if (cli_interrupted())
        return CLI_EXIT_INTERRUPTED;
    if (b->code != CLI_EXIT_OK)
        return b->code;
    if (status != WEFT_OK)
        return cli_say_error(&err);
    measure_behind(b, r);
    bench_result_of(b, r, bench_row_shape(b, r), &m, &result);
    b->n_done++;
    int32_t code = bench_print(b, &result);
    return cli_interrupted() ? CLI_EXIT_INTERRUPTED : code;
}

static int32_t run_rows(bench *b)
{
    int32_t code = CLI_EXIT_OK;
    for (const bench_row *r = bench_rows; r->name != NULL && code == CLI_EXIT_OK; r++)
        if (bench_row_runs(b, r))
            code = run_row(b, r);
    bench_close(b);
    return code;
}

static int32_t run(bench *b)
{
    weft_error err = CLI_ERROR_INIT;
    if (cli_has(b->c, OWN_OP))
        return bench_run_op(b, b->c->value[OWN_OP]);
    bool only_limits =
        cli_has(b->c, OWN_LIMITS) && b->rows == NULL && b->shape == NULL && !b->quick;
    if (!only_limits && !any_row(b))
        return cli_usage(b->c, "--rows and --shape leave no row");
    if (bench_limits_measure(b, &err) != WEFT_OK)
        return cli_interrupted() ? CLI_EXIT_INTERRUPTED : cli_say_error(&err);
    int32_t code = CLI_EXIT_OK;
    if (cli_has(b->c, OWN_LIMITS) || b->rows == NULL)
        code = print_limits(b);
    return code == CLI_EXIT_OK && !only_limits ? run_rows(b) : code;
}

int32_t cli_run_bench(cli *c)
{
    bench   b = {.c = c};
    int32_t code = prepare(&b);
    if (code == CLI_EXIT_OK)
        code = run(&b);
    weft_bench_limits_destroy(&b.measured);
    return code;
}
