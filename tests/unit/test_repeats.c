/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats are found as soon as they are there and not before, against a search of everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/text/repeats.h"

#define N 200

/* The most last tokens, up to `most`, that stand before the end too. */
static int32_t longest(const int32_t *ids, int32_t n, int32_t most)
{
    for (int32_t len = most; len > 0; len--)
        for (int32_t at = 0; at + len < n; at++)
            if (memcmp(ids + at, ids + n - len, (size_t)len * sizeof *ids) == 0)
                return len;
    return 0;
}

static void test_random_tokens(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (int32_t round = 0; round < 60; round++) {
        int32_t    ids[N], held;
        wf_repeats r = {.least = 1 + round % 9};
        for (int32_t n = 0; n < N; n++) {
            random = random * 1664525u + 1013904223u;
            ids[n] = (int32_t)(random >> 24) % (1 + round % 5);
            assert_int_equal(wf_repeats_add(&r, ids[n], 0.0f, &held, NULL), WEFT_OK);
            assert_int_equal(held, longest(ids, n + 1, r.least));
        }
        assert_int_equal(r.n, N);
        assert_memory_equal(r.ids, ids, sizeof ids);
        wf_repeats_free(&r);
    }
}

/* Eight equal digits are no repeat of eight tokens, and the ninth makes one. */
static void test_runs(void **state)
{
    wf_repeats r = {.least = 8};
    int32_t    held;
    (void)state;
    for (int32_t i = 1; i <= 9; i++) {
        assert_int_equal(wf_repeats_add(&r, 7, 0.0f, &held, NULL), WEFT_OK);
        assert_int_equal(held, i - 1);
    }
    wf_repeats_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_tokens),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
