/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h says what for. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/threads.h"
#include "core/base/half.h"
#include "core/device/registry.h"

#define PAIRS 256

typedef struct pair {
    uint8_t *cpu, *gpu;
    uint64_t bytes;
    bool     shared; /* the GPU's side is a copy of the CPU's */
} pair;

wf_device  *rig_cpu, *rig_gpu;
weft_queue *rig_cpu_queue, *rig_gpu_queue;

static wf_pool *pool;
static pair     pairs[PAIRS];
static int      n_pairs;
static void    *held; /* a small piece of the GPU, so that its slab is not asked for each time */
static void    *pulled[PAIRS];
static int      n_pulled;
static uint64_t state;

void rig_ok(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

static int open_devices(bool deterministic)
{
    weft_error       err = {.hdr = WEFT_HDR(weft_error)};
    const char      *dir = getenv("WEFT_GPU_MODULES");
    wf_device_config c = {.module_dir = dir != NULL ? dir : WEFT_BUILD_DIR,
                          .deterministic = deterministic};
    if (wf_device_open("cuda", &c, &rig_gpu, &err) != WEFT_OK) {
        printf("skipped: %s\n", err.message);
        return getenv("WEFT_GPU_MUST") != NULL ? 1 : 77; /* where there is one for sure */
    }
    if (wf_pool_create(2, &pool, &err) != WEFT_OK)
        return 1;
    c.pool = pool;
    if (wf_device_open("cpu", &c, &rig_cpu, &err) != WEFT_OK ||
        wf_queue_create(rig_cpu, &rig_cpu_queue, &err) != WEFT_OK ||
        wf_queue_create(rig_gpu, &rig_gpu_queue, &err) != WEFT_OK ||
        wf_device_alloc(rig_gpu, 1, &held, &err) != WEFT_OK) {
        printf("%s\n", err.message);
        return 1;
    }
    return 0;
}

static void close_devices(void)
{
    if (held != NULL)
        wf_device_free(rig_gpu, held);
    held = NULL;
    wf_queue_destroy(&rig_cpu_queue);
    wf_queue_destroy(&rig_gpu_queue);
    wf_device_destroy(&rig_cpu);
    wf_device_destroy(&rig_gpu);
    wf_pool_destroy(&pool);
}

int rig_main(const struct CMUnitTest *tests, size_t n_tests, bool deterministic)
{
    const char    *first = getenv("WEFT_SEED"), *seeds = getenv("WEFT_SEEDS");
    const uint64_t from = first != NULL ? strtoull(first, NULL, 10) : (uint64_t)time(NULL);
    const uint64_t n = seeds != NULL ? strtoull(seeds, NULL, 10) : 1;
    int            code = open_devices(deterministic);
    for (uint64_t i = 0; i < n && code == 0; i++) {
        printf("seed: WEFT_SEED=%llu\n", (unsigned long long)(from + i));
        state = (from + i) * 0x9e3779b97f4a7c15ull + 1;
        code = _cmocka_run_group_tests("gpu", tests, n_tests, NULL, NULL);
    }
    close_devices();
    return code;
}

uint32_t rig_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 32);
}

int64_t rig_between(int64_t low, int64_t high)
{
    return low + (int64_t)(rig_random() % (uint64_t)(high - low + 1));
}

float rig_float(float size)
{
    return (float)(int32_t)rig_random() * 0x1p-31f * size;
}

/* ---- memory ---- */

static pair *add_pair(uint64_t cpu_bytes, uint64_t gpu_bytes)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    pair      *p = &pairs[n_pairs++];
    void      *memory;
    assert_true(n_pairs < PAIRS);
    rig_ok(wf_device_alloc(rig_cpu, cpu_bytes > 0 ? cpu_bytes : 1, &memory, &err), &err);
    p->cpu = memory;
    rig_ok(wf_device_alloc(rig_gpu, gpu_bytes > 0 ? gpu_bytes : 1, &memory, &err), &err);
    p->gpu = memory;
    p->bytes = cpu_bytes;
    p->shared = true;
    memset(p->cpu, 0xA5, (size_t)cpu_bytes);
    return p;
}

void *rig_pair(uint64_t bytes)
{
    return add_pair(bytes, bytes)->cpu;
}

float *rig_floats(int64_t n, float size)
{
    float *p = rig_pair((uint64_t)n * sizeof *p);
    for (int64_t i = 0; i < n; i++)
        p[i] = rig_float(size);
    return p;
}

int32_t *rig_ints(int64_t n)
{
    return rig_pair((uint64_t)n * sizeof(int32_t));
}

void rig_push(void)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    for (int i = 0; i < n_pairs; i++)
        if (pairs[i].shared)
            rig_ok(wf_queue_upload(rig_gpu_queue, pairs[i].gpu, pairs[i].cpu, pairs[i].bytes, &err),
                   &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
}

/* The other side of an address; NULL: p lies in no pair. */
static void *other_side(const void *p)
{
    const uint8_t *at = p;
    for (int i = 0; i < n_pairs; i++)
        if (at >= pairs[i].cpu && at < pairs[i].cpu + pairs[i].bytes + (pairs[i].bytes == 0))
            return pairs[i].gpu + (at - pairs[i].cpu);
    return NULL;
}

void rig_free(void)
{
    for (int i = 0; i < n_pairs; i++) {
        wf_device_free(rig_cpu, pairs[i].cpu);
        wf_device_free(rig_gpu, pairs[i].gpu);
    }
    for (int i = 0; i < n_pulled; i++)
        free(pulled[i]);
    n_pairs = n_pulled = 0;
}

/* ---- weights and pages ---- */

wf_weight rig_weight(int32_t format, int64_t n, int64_t k)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    uint64_t   cpu_bytes, gpu_bytes;
    float     *src = rig_floats(n * k, 1.0f);
    rig_ok(wf_device_weight_bytes(rig_cpu, format, n, k, &cpu_bytes, &err), &err);
    rig_ok(wf_device_weight_bytes(rig_gpu, format, n, k, &gpu_bytes, &err), &err);
    pair *p = add_pair(cpu_bytes, gpu_bytes);
    p->shared = false;
    wf_op op = {.kind = WF_OP_PACK,
                .u.pack = {.w = {p->cpu, n, k, format, 0}, .src = src, .rows = n}};
    rig_run(&op);
    return op.u.pack.w;
}

wf_kv rig_pages(int32_t dtype, int32_t n_kv_heads, int32_t head_dim, int32_t n_pages)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    int64_t    bytes = wf_device_page_bytes(rig_cpu, dtype, WF_KEY_BLOCK, n_kv_heads, head_dim);
    assert_true(bytes > 0);
    assert_true(bytes == wf_device_page_bytes(rig_gpu, dtype, WF_KEY_BLOCK, n_kv_heads, head_dim));
    pair *pages = add_pair((uint64_t)(bytes * n_pages), (uint64_t)(bytes * n_pages));
    pages->shared = false;
    pair *table = add_pair(sizeof(void *), sizeof(void *));
    table->shared = false;
    memcpy(table->cpu, &pages->cpu, sizeof(void *));
    rig_ok(wf_queue_upload(rig_gpu_queue, table->gpu, &pages->gpu, sizeof(void *), &err), &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
    return (wf_kv){(void *const *)(void *)table->cpu,
                   bytes,
                   dtype,
                   n_kv_heads,
                   head_dim,
                   WF_KEY_BLOCK,
                   n_pages,
                   0};
}

/* ---- running and comparing ---- */

void rig_run(const wf_op *op)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    wf_op      there = *op;
    uint8_t   *at = (uint8_t *)&there.u;
    for (size_t i = 0; i + sizeof(void *) <= sizeof there.u; i += sizeof(void *)) {
        void *p, *q;
        memcpy(&p, at + i, sizeof p);
        if ((q = other_side(p)) != NULL)
            memcpy(at + i, &q, sizeof q);
    }
    rig_push();
    rig_ok(wf_queue_submit(rig_gpu_queue, &there, &err), &err);
    rig_ok(wf_queue_submit(rig_cpu_queue, op, &err), &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
    rig_ok(wf_queue_wait(rig_cpu_queue, &err), &err);
}

void *rig_pull(const void *p, uint64_t bytes)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    void      *copy = malloc((size_t)bytes + 1), *there = other_side(p);
    assert_non_null(copy);
    assert_non_null(there);
    assert_true(n_pulled < PAIRS);
    pulled[n_pulled++] = copy;
    rig_ok(wf_queue_download(rig_gpu_queue, copy, there, bytes, &err), &err);
    rig_ok(wf_queue_wait(rig_gpu_queue, &err), &err);
    return copy;
}

void rig_same(const void *p, uint64_t bytes, const char *what)
{
    const uint8_t *gpu = rig_pull(p, bytes), *cpu = p;
    for (uint64_t i = 0; i < bytes / 4; i++) {
        float a, b;
        memcpy(&a, gpu + 4 * i, 4);
        memcpy(&b, cpu + 4 * i, 4);
        if (memcmp(&a, &b, 4) != 0 && !(a != a && b != b))
            fail_msg("%s: word %llu is %.9g (%08x) where the CPU has %.9g (%08x)", what,
                     (unsigned long long)i, (double)a, wf_bits(a), (double)b, wf_bits(b));
    }
}

void rig_close_to(const float *p, int64_t m, int64_t n, int64_t stride, double bound,
                  const char *what)
{
    const float *gpu = rig_pull(p, (uint64_t)(m * stride) * sizeof *gpu);
    double       error = 0.0, size = 0.0;
    for (int64_t r = 0; r < m; r++)
        for (int64_t i = 0; i < n; i++) {
            double cpu = (double)p[r * stride + i], d = (double)gpu[r * stride + i] - cpu;
            error += d * d;
            size += cpu * cpu;
        }
    if (!(error <= bound * size))
        fail_msg("%s: squared error %.3g of %.3g (%.3g) is over %.3g", what, error, size,
                 error / size, bound);
}
