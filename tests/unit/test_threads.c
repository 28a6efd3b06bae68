/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: everybody runs once per run, in any number, and failure leaves nothing behind.
 */
#include <errno.h>
#include <fenv.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/base/threads.h"
#include "core/base/running.h"
#include "core/base/status.h"

#define THREADS_MAX 64

typedef struct tally {
    atomic_int runs[THREADS_MAX];
    int32_t    count;
} tally;

static void count_run(void *ctx, int32_t index, int32_t count)
{
    tally *t = ctx;
    t->runs[index]++;
    if (index == 0)
        t->count = count;
}

static void test_everybody_runs_once(void **unused)
{
    (void)unused;
    static const int32_t threads[] = {1, 2, 3, 8, 33};
    for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
        wf_pool *pool;
        tally    t = {.count = 0};
        assert_int_equal(wf_pool_create(threads[i], &pool, NULL), WEFT_OK);
        assert_int_equal(wf_pool_threads(pool), threads[i]);
        for (int32_t run = 1; run <= 500; run++) {
            wf_pool_run(pool, count_run, &t);
            assert_int_equal(t.count, threads[i]);
            for (int32_t j = 0; j < threads[i]; j++) /* all are done by the time run returns */
                assert_int_equal(t.runs[j], run);
        }
        wf_pool_destroy(&pool);
        assert_null(pool);
    }
}

/* ---- dealt ---- */

#define UNITS_MAX 1000

typedef struct hand {
    atomic_int units[UNITS_MAX], of_thread[THREADS_MAX];
    int64_t    n, grain;
    int32_t    held; /* thread that stops at its first units until all others are done; or -1 */
} hand;

static void take_units(void *ctx, int32_t index, int64_t begin, int64_t end)
{
    hand *h = ctx;
    assert_true(0 <= begin && begin < end && end <= h->n);
    for (int64_t i = begin; i < end; i++)
        h->units[i]++;
    int all = 0;
    h->of_thread[index] += (int)(end - begin);
    for (int turns = 0; index == h->held && all < h->n && turns < 100000; turns++) {
        all = 0;
        for (int t = 0; t < THREADS_MAX; t++)
            all += h->of_thread[t];
        usleep(10);
    }
}

static void test_all_is_dealt_once(void **unused)
{
    static const int64_t ns[] = {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 1000},
                         grains[] = {1, 2, 7, 64, 2000};
    (void)unused;
    for (int32_t threads = 0; threads <= 8; threads = threads < 3 ? threads + 1 : threads + 5) {
        wf_pool *pool = NULL;
        if (threads > 0)
            assert_int_equal(wf_pool_create(threads, &pool, NULL), WEFT_OK);
        for (size_t i = 0; i < sizeof ns / sizeof *ns * 5; i++) {
            hand h = {.n = ns[i / 5], .grain = grains[i % 5], .held = -1};
            wf_pool_deal(pool, h.n, h.grain, take_units, &h);
            for (int64_t u = 0; u < UNITS_MAX; u++)
                assert_int_equal(h.units[u], u < h.n);
        }
        wf_pool_destroy(&pool);
    }
}

/* A thread that does not come along is waited for with its first units alone. */
static void test_others_take_the_rest(void **unused)
{
    wf_pool *pool;
    (void)unused;
    assert_int_equal(wf_pool_create(4, &pool, NULL), WEFT_OK);
    for (int32_t held = 0; held < 4; held++) {
        hand h = {.n = 1000, .grain = 10, .held = held};
        wf_pool_deal(pool, h.n, h.grain, take_units, &h);
        for (int64_t u = 0; u < UNITS_MAX; u++)
            assert_int_equal(h.units[u], 1);
        assert_true(h.of_thread[held] <= 10); /* none, where it came too late */
    }
    wf_pool_destroy(&pool);
}

/* Workers that have gone to sleep are woken again. */
static void test_after_a_pause(void **unused)
{
    (void)unused;
    wf_pool *pool;
    tally    t = {.count = 0};
    assert_int_equal(wf_pool_create(4, &pool, NULL), WEFT_OK);
    for (int32_t run = 1; run <= 3; run++) {
        usleep(20000);
        wf_pool_run(pool, count_run, &t);
        assert_int_equal(t.runs[3], run);
    }
    wf_pool_destroy(&pool);
}

static void test_no_pool_is_the_caller(void **unused)
{
    (void)unused;
    tally t = {.count = 0};
    wf_pool_run(NULL, count_run, &t);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.runs[0], 1);
    assert_int_equal(wf_pool_threads(NULL), 1);
    wf_pool *none = NULL;
    wf_pool_destroy(&none);
}

static void test_default_threads(void **unused)
{
    (void)unused;
    int32_t n = wf_pool_default_threads();
    assert_in_range(n, 1, 256);
    wf_pool *pool;
    assert_int_equal(wf_pool_create(0, &pool, NULL), WEFT_OK);
    assert_int_equal(wf_pool_threads(pool), n);
    wf_pool_destroy(&pool);
}

static void test_refusals(void **unused)
{
    (void)unused;
    wf_pool   *pool = (wf_pool *)&pool;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_pool_create(257, &pool, &err), WEFT_E_INVALID);
    assert_null(pool);
    assert_non_null(strstr(err.message, "257"));
    assert_int_equal(wf_pool_create(-1, &pool, &err), WEFT_E_INVALID);
    wf_mem_fail_at(1, false);
    assert_int_equal(wf_pool_create(2, &pool, &err), WEFT_E_NOMEM);
    wf_mem_fail_at(0, false);
    assert_null(pool);
}

static void use_stack(void *ctx, int32_t index, int32_t count)
{
    volatile char frame[1 << 20];
    (void)count;
    for (size_t i = 0; i < sizeof frame; i += 1024)
        frame[i] = (char)index;
    *(atomic_int *)ctx += frame[1024] == (char)index;
}

/* A worker has a stack of its own size, whatever the system gives to threads that do not ask. */
static void test_stack(void **unused)
{
    (void)unused;
    wf_pool       *pool;
    atomic_int     done = 0;
    pthread_attr_t attr, least;
    assert_int_equal(pthread_getattr_default_np(&attr), 0);
    least = attr;
    assert_int_equal(pthread_attr_setstacksize(&least, (size_t)256 << 10), 0);
    assert_int_equal(pthread_setattr_default_np(&least), 0);
    assert_int_equal(wf_pool_create(3, &pool, NULL), WEFT_OK);
    wf_pool_run(pool, use_stack, &done);
    assert_int_equal(done, 3);
    wf_pool_destroy(&pool);
    assert_int_equal(pthread_setattr_default_np(&attr), 0);
}

typedef struct places {
    _Atomic int32_t pinned, own[THREADS_MAX]; /* the CPU of each that has only one */
} places;

static void look_where(void *ctx, int32_t index, int32_t count)
{
    places   *p = ctx;
    cpu_set_t set;
    (void)count;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    if (CPU_COUNT(&set) != 1)
        return;
    p->pinned++;
    p->own[index] = sched_getcpu() + 1;
}

/* Workers have a CPU each, none of them the first, and the caller keeps what it had. */
static void test_pinned(void **unused)
{
    (void)unused;
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    int32_t  n = CPU_COUNT(&before) < THREADS_MAX ? CPU_COUNT(&before) : THREADS_MAX;
    places   p = {0};
    wf_pool *pool;
    assert_int_equal(wf_pool_create(n, &pool, NULL), WEFT_OK);
    assert_int_equal(wf_pool_pin(pool, NULL), WEFT_OK);
    wf_pool_run(pool, look_where, &p);
    wf_pool_destroy(&pool);
    assert_int_equal(p.pinned, n > 1 ? n - 1 : 1); /* where there is one CPU, all are on it */
    for (int32_t i = 1; i < n; i++) {
        assert_true(p.own[i] > 0 && CPU_ISSET((size_t)p.own[i] - 1, &before));
        for (int32_t k = 0; k < i; k++)
            assert_int_not_equal(p.own[i], p.own[k]);
    }
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void test_too_few_cpus_to_pin(void **unused)
{
    (void)unused;
    cpu_set_t  before, one;
    weft_error err = WF_ERROR_INIT;
    wf_pool   *pool;
    assert_int_equal(wf_pool_pin(NULL, &err), WEFT_OK);
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(wf_pool_create(2, &pool, &err), WEFT_OK);
    assert_int_equal(wf_pool_pin(pool, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "2 threads cannot each have a CPU, of which 1"));
    wf_pool_destroy(&pool);
    assert_int_equal(wf_pool_create(1, &pool, &err), WEFT_OK);
    assert_int_equal(wf_pool_pin(pool, &err), WEFT_OK);
    wf_pool_destroy(&pool);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* A child without the call asks for it; how it went is its exit status. */
static _Noreturn void pin_without_the_call(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_sched_setaffinity, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {4, filter};
    weft_error        err = WF_ERROR_INIT;
    wf_pool          *pool;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(77);
    bool refused = wf_pool_create(2, &pool, NULL) == WEFT_OK &&
                   wf_pool_pin(pool, &err) == WEFT_E_UNSUPPORTED &&
                   strstr(err.message, "does not let a thread stay on CPU") != NULL;
    wf_pool_destroy(&pool);
    _exit(refused ? 0 : 1);
}

static void test_a_system_that_cannot_pin(void **unused)
{
    (void)unused;
    int status;
    if (wf_pool_default_threads() < 2)
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        pin_without_the_call();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* no filters here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Shares are in order, touch, cover everything, and begin at whole grains. */
static void test_shares(void **unused)
{
    (void)unused;
    for (int64_t n = 0; n < 70; n++) {
        for (int64_t grain = 1; grain < 20; grain += 6) {
            for (int32_t count = 1; count < 12; count++) {
                int64_t at = 0, begin, end;
                for (int32_t i = 0; i < count; i++) {
                    wf_share(n, grain, i, count, &begin, &end);
                    assert_int_equal(begin, at);
                    assert_true(end >= begin && (begin % grain == 0 || begin == n));
                    at = end;
                }
                assert_int_equal(at, n);
            }
        }
    }
}

/* ---- whose call it is, and what it leaves behind ---- */

typedef struct helpers {
    atomic_int right; /* threads that saw the caller's call */
    int        round;
} helpers;

static void look_who(void *ctx, int32_t index, int32_t count)
{
    helpers          *h = ctx;
    const wf_running *r = wf_running_now();
    (void)index, (void)count;
    h->right += r != NULL && strcmp(r->function, "encode") == 0;
    if (h->round)
        fesetround(FE_UPWARD);
}

static void look_rounding(void *ctx, int32_t index, int32_t count)
{
    (void)index, (void)count;
    *(atomic_int *)ctx += fegetround() == FE_TONEAREST && wf_running_now() == NULL;
}

static void test_whose_call(void **unused)
{
    wf_pool *pool;
    (void)unused;
    for (int32_t n = 1; n <= 4; n++) {
        wf_running running = {.plugin = "org.example", .function = "encode", .fpu = wf_fpu_read()};
        helpers    h = {.round = n % 2};
        atomic_int nearest = 0;
        assert_int_equal(wf_pool_create(n, &pool, NULL), WEFT_OK);
        assert_null(wf_running_set(&running));
        wf_pool_run(pool, look_who, &h);
        assert_ptr_equal(wf_running_set(NULL), &running);
        assert_int_equal(h.right, n);
        assert_int_equal(atomic_load(&running.marks), h.round ? WF_CHANGED_ROUNDING : 0);
        wf_pool_run(pool, look_rounding, &nearest);
        assert_int_equal(nearest, n);
        wf_pool_destroy(&pool);
    }
}

/* A plugin that changed the mode before it asked the host for work: the work is done in the host's.
 */
static void test_mended_before_work(void **unused)
{
    wf_running running = {.plugin = "org.example", .function = "encode", .fpu = wf_fpu_read()};
    (void)unused;
    wf_running_set(&running);
    fesetround(FE_DOWNWARD);
    wf_pool_run(NULL, look_who, &(helpers){.round = 0});
    assert_int_equal(fegetround(), FE_TONEAREST);
    wf_running_set(NULL);
    assert_int_equal(atomic_load(&running.marks), WF_CHANGED_ROUNDING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody_runs_once),
        cmocka_unit_test(test_all_is_dealt_once),
        cmocka_unit_test(test_others_take_the_rest),
        cmocka_unit_test(test_after_a_pause),
        cmocka_unit_test(test_no_pool_is_the_caller),
        cmocka_unit_test(test_default_threads),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_too_few_cpus_to_pin),
        cmocka_unit_test(test_a_system_that_cannot_pin),
        cmocka_unit_test(test_whose_call),
        cmocka_unit_test(test_mended_before_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
