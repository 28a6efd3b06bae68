/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of the machine: which there are, and what measuring them again takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/status.h"
#include "weft/bench.h"

#define LIMITS 16
#define PAGES 2000 /* 8 MB: far less than what is read */

typedef struct seen {
    const char *names[LIMITS];
    int         n, most; /* no more than most are wanted */
} seen;

static int32_t on_limit(void *ctx, const weft_bench_limit *l)
{
    seen *s = ctx;
    assert_true(s->n < LIMITS);
    assert_true(l->value > 0);
    assert_true(strcmp(l->name, "read.file") == 0 ? l->threads == 1 : l->threads == 2);
    s->names[s->n++] = l->name;
    return s->n == s->most;
}

static long faults(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_minflt;
}

static void test_again(void **state)
{
    weft_error         err = WF_ERROR_INIT;
    weft_bench_limits *l;
    seen               first = {.most = LIMITS + 1}, second = {.most = LIMITS + 1};
    (void)state;
    assert_int_equal(weft_bench_limits_create(2, &l, &err), WEFT_OK);
    assert_int_equal(weft_bench_limits_measure(l, on_limit, &first, &err), WEFT_OK);
    long before = faults();
    assert_int_equal(weft_bench_limits_measure(l, on_limit, &second, &err), WEFT_OK);
    assert_true(faults() - before < PAGES); /* the memory is the same */
    weft_bench_limits_destroy(&l);
    assert_null(l);
    assert_int_equal(first.n, second.n);
    assert_string_equal(first.names[0], "read.plain");
    for (int i = 0; i < first.n; i++)
        assert_string_equal(first.names[i], second.names[i]);
}

/* A look tells about as much as was measured, in the same unit. */
static int32_t look(void *ctx, const weft_bench_limit *l)
{
    weft_bench_limits *of = ctx;
    weft_error         err = WF_ERROR_INIT;
    double             value = 0;
    bool               reads = strncmp(l->name, "read.", 5) == 0 && l->threads > 1;
    const char        *name = reads ? "read" : l->name; /* read.file has one thread */
    assert_int_equal(weft_bench_limits_now(of, name, &value, &err), WEFT_OK);
    assert_true(value > 0);
    assert_true(value < l->value * 8);
    return 0;
}

static void test_now(void **state)
{
    weft_error         err = WF_ERROR_INIT;
    weft_bench_limits *l;
    double             value = 7;
    (void)state;
    assert_int_equal(weft_bench_limits_create(2, &l, &err), WEFT_OK);
    assert_int_equal(weft_bench_limits_now(l, "read", &value, &err), WEFT_OK); /* at once */
    assert_true(value > 0);
    assert_int_equal(weft_bench_limits_measure(l, look, l, &err), WEFT_OK);
    value = 7;
    assert_int_equal(weft_bench_limits_now(l, "read.plain", &value, &err), WEFT_E_NOTFOUND);
    assert_int_equal(weft_bench_limits_now(l, "fp32.abacus", &value, &err), WEFT_E_NOTFOUND);
    assert_true(value == 7);
    weft_bench_limits_destroy(&l);
}

static void test_enough(void **state)
{
    weft_error         err = WF_ERROR_INIT;
    weft_bench_limits *l;
    (void)state;
    assert_int_equal(weft_bench_limits_create(2, &l, &err), WEFT_OK);
    for (int most = 1; most < 4; most++) {
        seen s = {.most = most};
        assert_int_equal(weft_bench_limits_measure(l, on_limit, &s, &err), WEFT_E_CANCELLED);
        assert_int_equal(s.n, most);
    }
    weft_bench_limits_destroy(&l);
    weft_bench_limits_destroy(&l);
}

static void test_too_many_threads(void **state)
{
    weft_error         err = WF_ERROR_INIT;
    weft_bench_limits *l = (weft_bench_limits *)&err;
    (void)state;
    assert_int_equal(weft_bench_limits_create(-1, &l, &err), WEFT_E_INVALID);
    assert_null(l);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_now),
        cmocka_unit_test(test_enough),
        cmocka_unit_test(test_too_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
