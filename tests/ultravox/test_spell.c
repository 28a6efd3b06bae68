/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of rows of scores: the CPU bodies alone, on paths written out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugins/speech/ops/kernels.h"

static void test_best(void **state)
{
    const float   x[] = {1,  2,         2, /* of equals the first */
                         -5, -INFINITY, -6, 0, 0, 0,   NAN,       3,         4,
                         3,  NAN,       4,  3, 4, NAN, -INFINITY, -INFINITY, INFINITY};
    const int32_t wants[] = {1, 0, 0, -1, -1, -1, 2};
    int32_t       best[8] = {[7] = 99};
    int32_t      *to = best;
    const float  *from = x;
    int64_t       n = 3;
    void         *args[] = {&to, &from, &n};
    (void)state;
    spk_k_best(&(weft_range){0, 4, 0, 0}, args);
    spk_k_best(&(weft_range){4, 7, 1, 0}, args);
    assert_memory_equal(best, wants, sizeof wants);
    assert_int_equal(best[7], 99);
}

typedef struct path {
    int64_t n;
    int32_t best[8], ids[8];
} path;

/* Units are tokens 10 times their number; what stands before them is 7, 8 and then 9s. */
static const path paths[] = {
    {1, {0}, {7}},
    {1, {2}, {20}},
    {3, {1, 2, 1}, {10, 20, 10}},
    {4, {1, 1, 0, 1}, {8, 7, 10, 10}},     /* a repeat is one, with a blank between it is two */
    {5, {0, 0, 0, 0, 0}, {9, 9, 9, 8, 7}}, /* nothing was heard */
    {6, {0, 2, 2, 2, 1, 1}, {9, 9, 8, 7, 20, 10}},
    {4, {2, -1, 0, 1}, {7, 20, -1, 10}}, /* no unit was the best: the row is none */
    {3, {-1, -1, -1}, {8, 7, -1}},
};

static void test_spell(void **state)
{
    const float units[] = {0, 10, 20}, fill[] = {7, 8, 9};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const path    *p = &paths[i];
        int32_t        ids[9], *to = ids;
        float          nan = 0, *at = &nan;
        const int32_t *best = p->best;
        const float   *u = units, *f = fill;
        int64_t        n = p->n, k = 3;
        void          *args[] = {&to, &at, &best, &u, &f, &n, &k};
        ids[n] = 99;
        spk_k_spell(&(weft_range){1, 1, 1, 0}, args); /* a thread without an item */
        assert_int_equal(ids[n], 99);
        spk_k_spell(&(weft_range){0, 1, 0, 0}, args);
        assert_memory_equal(ids, p->ids, (size_t)n * sizeof *ids);
        assert_int_equal(ids[n], 99);
        assert_true(isnan(nan));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_best), cmocka_unit_test(test_spell)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
