/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter finds the faults that are planted in planted/, each by its kind and under every
 * order of running, and says nothing of the same kernels without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ptx/ptx.h"
#include "ptx_file.h"

#define NONE PTX_FAULTS /* a right kernel */
#define N 4096

typedef struct planted {
    const char *file, *kernel;
    ptx_fault   fault;
    uint32_t    blocks, shared_bytes;
    size_t      x; /* floats that x has */
} planted;

static const planted all[] = {
    {"shared", "right_sums", NONE, 1, 0, N},
    {"shared", "right_warp", NONE, 1, 0, N},
    {"shared", "right_tile", NONE, 1, 1024, N},
    {"global", "right_threads", NONE, 1, 0, N},
    {"global", "right_atomic", NONE, 4, 0, N},
    {"global", "right_last_block", NONE, 5, 0, N},
    {"warp", "right_masks", NONE, 1, 0, N},
    {"warp", "right_async", NONE, 1, 0, N},
    {"shared", "race_shared_read", PTX_RACE_SHARED, 1, 0, N},
    {"shared", "race_shared_write", PTX_RACE_SHARED, 1, 0, N},
    {"shared", "race_shared_twice", PTX_RACE_SHARED, 1, 0, N},
    {"shared", "race_shared_warp", PTX_RACE_SHARED, 1, 0, N},
    {"shared", "new_shared", PTX_NEW_SHARED, 1, 0, N},
    {"shared", "out_of_shared", PTX_OUT_OF_SHARED, 1, 1024, N},
    {"shared", "out_of_local", PTX_OUT_OF_LOCAL, 1, 0, N},
    {"shared", "new_local", PTX_NEW_LOCAL, 1, 0, N},
    {"shared", "divergent_barrier", PTX_BARRIER, 1, 0, N},
    {"global", "race_global_blocks", PTX_RACE_GLOBAL, 3, 0, N},
    {"global", "race_global_threads", PTX_RACE_GLOBAL, 1, 0, N},
    {"global", "new_global", PTX_NEW_GLOBAL, 1, 0, N},
    {"global", "out_of_global", PTX_OUT_OF_GLOBAL, 1, 0, 256},
    {"global", "misaligned", PTX_MISALIGNED, 1, 0, N},
    {"warp", "wrong_mask_lanes", PTX_MASK, 1, 0, N},
    {"warp", "wrong_mask_absent", PTX_MASK, 1, 0, N},
    {"warp", "wrong_mask_self", PTX_MASK, 1, 0, N},
    {"warp", "wrong_mask_mma", PTX_MASK, 1, 0, N},
    {"warp", "async_no_wait", PTX_ASYNC, 1, 0, N},
    {"warp", "async_short_wait", PTX_ASYNC, 1, 0, N},
    {"warp", "race_shared_async", PTX_RACE_SHARED, 1, 0, N},
    {"warp", "race_shared_refill", PTX_RACE_SHARED, 1, 0, N},
    {"registers", "new_register", PTX_NEW_REGISTER, 1, 0, N},
};

/* y is undefined but for its first words, which counters and sums begin from. */
static void run(ptx_kernel *k, ptx_memory *m, const planted *p, uint64_t seed, ptx_report *r)
{
    const ptx_launch l = {{p->blocks, 1, 1}, {256, 1, 1}, p->shared_bytes, seed, 1u << 22};
    uint64_t         x = ptx_alloc(m, p->x * sizeof(float)), y = ptx_alloc(m, N * sizeof(float));
    uint64_t         ready = ptx_alloc(m, sizeof(uint32_t));
    float           *host = ptx_host(m, x, p->x * sizeof(float));
    void            *args[] = {&y, &x, &ready};
    for (size_t i = 0; i < p->x; i++)
        host[i] = (float)(i % 7);
    memset(ptx_host(m, ready, 4), 0, 4);
    ptx_define(m, ready, 4);
    ptx_define(m, x, p->x * sizeof(float));
    if (strcmp(p->kernel, "right_atomic") == 0) {
        memset(ptx_host(m, y, N * sizeof(float)), 0, N * sizeof(float));
        ptx_define(m, y, N * sizeof(float));
    }
    ptx_run(k, &l, args, r);
    ptx_release(m, x);
    ptx_release(m, y);
    ptx_release(m, ready);
}

static void check(const planted *p, uint64_t seed)
{
    static ptx_report r;
    ptx_memory       *m = ptx_memory_new();
    ptx_module       *x = ptx_module_file(m, PTX_PLANTED, p->file);
    ptx_kernel       *k = ptx_kernel_find(x, p->kernel);
    assert_non_null(k);
    r = (ptx_report){0};
    run(k, m, p, seed, &r);
    if (p->fault == NONE && !ptx_clean(&r))
        fail_msg("%s, seed %u: %s", p->kernel, (unsigned)seed, ptx_sentence(&r));
    if (p->fault != NONE && r.n[p->fault] == 0)
        fail_msg("%s, seed %u: no %s was found; the first was: %s", p->kernel, (unsigned)seed,
                 ptx_fault_name(p->fault), ptx_sentence(&r));
    if (p->fault != NONE && seed == 0)
        print_message("%s\n", r.first[p->fault]);
    ptx_module_free(x);
    ptx_memory_free(m);
}

static void test_planted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (uint64_t seed = 0; seed < 5; seed++)
            check(&all[i], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
