/* SPDX-License-Identifier: Apache-2.0 */
/* weft.pool: every item once, in pieces of the size asked for, on however many threads; a call from
 * within the work, and one beside another, are done all the same. */
#include <stdatomic.h>

#include "tests/plugin/host_bench.h"

#define N 1000

typedef struct work {
    const weft_if_pool *pool;
    atomic_int          done[N];
    atomic_int          odd_pieces; /* that begin or end elsewhere */
    int64_t             n, grain;
    int                 nested;
} work;

static void count_inner(void *ctx, int64_t begin, int64_t end)
{
    atomic_fetch_add((atomic_int *)ctx, (int)(end - begin));
}

static void count(void *ctx, int64_t begin, int64_t end)
{
    work      *w = ctx;
    atomic_int inner = 0;
    if (begin % w->grain != 0 || (end - begin != w->grain && end != w->n))
        atomic_fetch_add(&w->odd_pieces, 1);
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&w->done[i], 1);
    if (!w->nested)
        return;
    w->pool->run(host, 10, 3, count_inner, &inner);
    if (atomic_load(&inner) != 10)
        atomic_fetch_add(&w->odd_pieces, 1);
}

static void all_once(int64_t n, int64_t grain, int nested)
{
    static work w;
    memset(&w, 0, sizeof w);
    w.pool = host->get_interface(host, WEFT_IF_POOL);
    w.n = n;
    w.grain = grain < 1 ? 1 : grain > n ? n : grain;
    w.nested = nested;
    assert_non_null(w.pool);
    w.pool->run(host, n, grain, count, &w);
    assert_int_equal(atomic_load(&w.odd_pieces), 0);
    for (int64_t i = 0; i < N; i++)
        assert_int_equal(atomic_load(&w.done[i]), i < n);
}

static void test_pieces(void **state)
{
    static const int64_t cases[][2] = {{N, 1}, {N, 7}, {N, N}, {N, 5000}, {3, 2}, {1, 1}, {10, 0}};
    (void)state;
    for (int threads = 0; threads <= 4; threads += 2) {
        wf_pool *pool = NULL;
        if (threads > 0)
            assert_int_equal(wf_pool_create(threads, &pool, NULL), WEFT_OK);
        hosts.cfg.pool = pool;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            all_once(cases[i][0], cases[i][1], 0);
            all_once(cases[i][0], cases[i][1], 1);
        }
        hosts.cfg.pool = NULL;
        wf_pool_destroy(&pool);
    }
}

static void test_nothing(void **state)
{
    const weft_if_pool *p = host->get_interface(host, WEFT_IF_POOL);
    atomic_int          n = 0;
    (void)state;
    p->run(host, 0, 4, count_inner, &n);
    p->run(host, -5, 4, count_inner, &n);
    p->run(host, 5, 4, NULL, &n);
    assert_int_equal(atomic_load(&n), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
