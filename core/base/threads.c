/* SPDX-License-Identifier: Apache-2.0 */
/* A pool with a fixed number of threads. Each run has a generation number, which the workers watch.
 * They first look at it in a loop for a short while, because a step of the model issues hundreds of
 * runs one right after another; after that they sleep on a condition variable. */
#include "core/base/threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/running.h"
#include "core/base/status.h"

#define THREADS_MAX 256
#define STACK_BYTES ((size_t)2 << 20) /* of a worker: some systems would give 128 KiB */
#define SPIN_TURNS 2000 /* about 30 us: longer than the serial code between two ops of a step */

typedef struct worker {
    wf_pool  *pool;
    pthread_t thread;
    int32_t   index;
} worker;

/* What is left of a thread's share of a deal, in a cache line of its own. */
typedef struct pile {
    _Alignas(WF_ALIGN) atomic_int_least64_t next; /* unit that nobody has begun */
    int64_t end;
} pile;

struct wf_pool {
    int32_t         n_threads; /* the caller's included */
    int32_t         n_started; /* workers, to be joined */
    int32_t         spin_turns;
    pthread_mutex_t mutex;
    pthread_cond_t  work, idle;
    atomic_uint     generation;
    atomic_int      running; /* workers that have not finished this generation */
    atomic_bool     stop;
    wf_pool_fn      fn;
    void           *ctx;
    wf_running     *caller; /* the plugin's call that this run belongs to; NULL: none */
    pile           *piles;  /* of each thread */
    worker          workers[];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* One thread's part of a run. A plugin's kernel may leave another rounding behind, and the thread
 * works for others after it. */
static void run_part(wf_running *running, wf_pool_fn fn, void *ctx, int32_t index, int32_t count)
{
    if (running == NULL) {
        fn(ctx, index, count);
        return;
    }
    wf_fpu      fpu = wf_fpu_read();
    wf_running *before = wf_running_set(running);
    fn(ctx, index, count);
    wf_running_mark(wf_fpu_restore(&fpu));
    wf_running_set(before);
}

/* Waits for the next run. Returns its generation, or `seen` where the pool is being stopped. */
static uint32_t await_work(wf_pool *p, uint32_t seen)
{
    for (int32_t i = 0; i < p->spin_turns; i++) {
        if (atomic_load(&p->generation) != seen || atomic_load(&p->stop))
            return atomic_load(&p->generation);
        relax();
    }
    pthread_mutex_lock(&p->mutex);
    while (atomic_load(&p->generation) == seen && !atomic_load(&p->stop))
        pthread_cond_wait(&p->work, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    return atomic_load(&p->generation);
}

static void *worker_main(void *arg)
{
    worker         *w = arg;
    wf_pool        *p = w->pool;
    uint32_t        now, seen = 0;
    wf_signal_stack stack;
    wf_signal_stack_use(&stack);
    while ((now = await_work(p, seen)) != seen) {
        seen = now;
        run_part(p->caller, p->fn, p->ctx, w->index, p->n_threads);
        if (atomic_fetch_sub(&p->running, 1) == 1) {
            pthread_mutex_lock(&p->mutex);
            pthread_cond_signal(&p->idle);
            pthread_mutex_unlock(&p->mutex);
        }
    }
    wf_signal_stack_leave(&stack);
    return NULL;
}

static void await_idle(wf_pool *p)
{
    for (int32_t i = 0; i < p->spin_turns; i++) {
        if (atomic_load(&p->running) == 0)
            return;
        relax();
    }
    pthread_mutex_lock(&p->mutex);
    while (atomic_load(&p->running) != 0)
        pthread_cond_wait(&p->idle, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
}

void wf_pool_run(wf_pool *pool, wf_pool_fn fn, void *ctx)
{
    wf_running *running = wf_running_now();
    wf_running_mend();
    if (pool == NULL || pool->n_threads == 1) {
        run_part(running, fn, ctx, 0, 1);
        return;
    }
    pool->fn = fn;
    pool->ctx = ctx;
    pool->caller = running;
    atomic_store(&pool->running, pool->n_threads - 1);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    run_part(running, fn, ctx, 0, pool->n_threads);
    await_idle(pool);
}

typedef struct deal {
    pile      *piles;
    int64_t    grain;
    wf_deal_fn fn;
    void      *ctx;
} deal;

static void take_piles(void *ctx, int32_t index, int32_t count)
{
    const deal *d = ctx;
    for (int32_t i = 0; i < count; i++) {
        pile   *p = &d->piles[(index + i) % count];
        int64_t begin;
        while ((begin = atomic_fetch_add(&p->next, d->grain)) < p->end)
            d->fn(d->ctx, index, begin, p->end - begin < d->grain ? p->end : begin + d->grain);
    }
}

static void take_all(void *ctx, int32_t index, int32_t count)
{
    const deal *d = ctx;
    (void)count;
    d->fn(d->ctx, index, 0, d->piles->end);
}

void wf_pool_deal(wf_pool *pool, int64_t n, int64_t grain, wf_deal_fn fn, void *ctx)
{
    pile all = {.end = n};
    deal d = {&all, grain, fn, ctx};
    if (n <= 0)
        return;
    if (n <= grain || pool == NULL || pool->n_threads == 1) {
        wf_pool_run(NULL, take_all, &d);
        return;
    }
    d.piles = pool->piles;
    for (int32_t i = 0; i < pool->n_threads; i++) {
        int64_t begin;
        wf_share(n, grain, i, pool->n_threads, &begin, &pool->piles[i].end);
        atomic_store(&pool->piles[i].next, begin);
    }
    wf_pool_run(pool, take_piles, &d);
}

/* As pthread_create, with a stack of STACK_BYTES whatever `ulimit -s` and the C library say. */
static int start_worker(worker *w)
{
    pthread_attr_t attr;
    int            rc = pthread_attr_init(&attr);
    if (rc != 0)
        return rc;
    rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (rc == 0)
        rc = pthread_create(&w->thread, &attr, worker_main, w);
    pthread_attr_destroy(&attr);
    return rc;
}

/* Starts the workers. Where the system gives fewer threads than were asked for, the pool is
 * smaller. */
static weft_status start_workers(wf_pool *p, weft_error *err)
{
    for (int32_t i = 0; i < p->n_threads - 1; i++) {
        worker *w = &p->workers[i];
        w->pool = p;
        w->index = i + 1;
        int rc = start_worker(w);
        if (rc != 0)
            return wf_fail(err, WEFT_E_NOMEM,
                           "thread %d of %d could not be started: use fewer threads", i + 2,
                           p->n_threads);
        p->n_started++;
    }
    return WEFT_OK;
}

weft_status wf_pool_create(int32_t n_threads, wf_pool **out, weft_error *err)
{
    *out = NULL;
    if (n_threads < 0 || n_threads > THREADS_MAX)
        return wf_fail(err, WEFT_E_INVALID, "%d threads asked for: between 1 and %d are possible",
                       n_threads, THREADS_MAX);
    int32_t  available = wf_pool_default_threads();
    int32_t  n = n_threads == 0 ? available : n_threads;
    size_t   bytes = sizeof(wf_pool) + (size_t)(n - 1) * sizeof(worker);
    wf_pool *p = wf_zalloc(bytes);
    if (p == NULL)
        return wf_fail_nomem(err, bytes, "the thread pool");
    p->n_threads = n;
    p->piles = wf_alloc_aligned((size_t)n * sizeof *p->piles);
    if (p->piles == NULL) {
        wf_free(p);
        return wf_fail_nomem(err, (size_t)n * sizeof *p->piles, "the thread pool");
    }
    /* Where there are more threads than CPUs, looping threads would take time from working ones. */
    p->spin_turns = n > available ? 0 : SPIN_TURNS;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    weft_status status = start_workers(p, err);
    if (status != WEFT_OK) {
        wf_pool_destroy(&p);
        return status;
    }
    *out = p;
    return WEFT_OK;
}

static weft_status pin_worker(const worker *w, size_t cpu, weft_error *err)
{
    cpu_set_t one;
    char      why[128];
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    int rc = pthread_setaffinity_np(w->thread, sizeof one, &one);
    if (rc == 0)
        return WEFT_OK;
    errno = rc;
    snprintf(why, sizeof why, "%m"); /* strerror_r is another function in each C library */
    return wf_fail(err, WEFT_E_UNSUPPORTED,
                   "pin: this system does not let a thread stay on CPU %zu: %s", cpu, why);
}

weft_status wf_pool_pin(wf_pool *p, weft_error *err)
{
    cpu_set_t set;
    int32_t   next = 0; /* of the CPUs that are allowed */
    if (p == NULL || p->n_started == 0)
        return WEFT_OK;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "pin: this system does not say which CPUs may be used");
    if (CPU_COUNT(&set) < p->n_threads)
        return wf_fail(err, WEFT_E_INVALID,
                       "pin: %d threads cannot each have a CPU, of which %d may be used: ask for "
                       "fewer threads",
                       p->n_threads, CPU_COUNT(&set));
    for (size_t cpu = 0; cpu < CPU_SETSIZE && next <= p->n_started; cpu++) {
        if (!CPU_ISSET(cpu, &set))
            continue;
        weft_status status = next > 0 ? pin_worker(&p->workers[next - 1], cpu, err) : WEFT_OK;
        if (status != WEFT_OK)
            return status;
        next++;
    }
    return WEFT_OK;
}

void wf_pool_destroy(wf_pool **pool)
{
    wf_pool *p = *pool;
    *pool = NULL;
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->stop, true);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (int32_t i = 0; i < p->n_started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    wf_free_aligned(p->piles);
    wf_free(p);
}

int32_t wf_pool_threads(const wf_pool *pool)
{
    return pool == NULL ? 1 : pool->n_threads;
}

/* The first line of a control file, or an empty string. */
static void read_line(const char *path, char *line, size_t bytes)
{
    line[0] = '\0';
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    if (fgets(line, (int)bytes, f) == NULL)
        line[0] = '\0';
    fclose(f);
}

/* How many CPUs a cgroup quota of a period allows, rounded up. There is no limit where one of the
 * two is missing or not positive. */
static int64_t quota_cpus(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return THREADS_MAX;
    return quota / period + (quota % period != 0);
}

static int64_t quota_v2(const char *dir)
{
    char path[640], line[64];
    snprintf(path, sizeof(path), "%s/cpu.max", dir);
    read_line(path, line, sizeof(line));
    char   *end = line;
    int64_t quota = strtoll(line, &end, 10); /* "max 100000": no number, no limit */
    return quota_cpus(quota, end == line ? 0 : strtoll(end, NULL, 10));
}

static int64_t quota_v1(const char *dir)
{
    char path[640], quota[32], period[32];
    snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
    read_line(path, quota, sizeof(quota));
    snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
    read_line(path, period, sizeof(period));
    return quota_cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The smallest of the quotas of the cgroup at `group` below `root` and of every group above it. */
static int64_t tightest(const char *root, const char *group, int64_t (*quota)(const char *dir))
{
    char dir[512];
    snprintf(dir, sizeof(dir), "%s%s", root, group);
    int64_t least = quota(root);
    size_t  root_len = strlen(root);
    while (strlen(dir) > root_len) {
        int64_t q = quota(dir);
        least = q < least ? q : least;
        char *slash = strrchr(dir, '/');
        *slash = '\0';
    }
    return least;
}

/* Whether a comma-separated list of controllers has "cpu" itself. */
static bool lists_cpu(const char *list)
{
    for (const char *at = list; *at != '\0'; at += *at == ',') {
        size_t n = strcspn(at, ",");
        if (n == 3 && strncmp(at, "cpu", 3) == 0)
            return true;
        at += n;
    }
    return false;
}

/* Lines of /proc/self/cgroup are "id:controllers:path"; version 2 has no controllers. */
static int64_t cgroup_cpus(void)
{
    int64_t least = THREADS_MAX;
    char    line[512];
    FILE   *f = fopen("/proc/self/cgroup", "re");
    if (f == NULL)
        return least;
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':');
        char *path = list == NULL ? NULL : strchr(list + 1, ':');
        if (path == NULL)
            continue;
        *path++ = '\0';
        list++;
        int64_t q = THREADS_MAX;
        if (list[0] == '\0')
            q = tightest("/sys/fs/cgroup", path, quota_v2);
        else if (lists_cpu(list))
            q = tightest("/sys/fs/cgroup/cpu", path, quota_v1);
        least = q < least ? q : least;
    }
    fclose(f);
    return least;
}

/* The number of CPUs that this thread may run on. sched_getaffinity fails where the system's mask
 * is wider than cpu_set_t; sysconf is asked then. */
static int64_t affinity_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    return sysconf(_SC_NPROCESSORS_ONLN);
}

int32_t wf_pool_default_threads(void)
{
    int64_t cpus = affinity_cpus(), quota = cgroup_cpus();
    int64_t n = cpus < quota ? cpus : quota;
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (int32_t)n;
}
