/* SPDX-License-Identifier: Apache-2.0 */
/* The fake driver: memory, streams, events, graphs, modules, and failures that were asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake_api.h"

static fake_api  cu;
static void     *context, *module, *add, *wide;
static uint64_t  block;
static const int n = 1000;

/* y[i] += by for i < n; and a function with dynamic shared memory that does nothing. */
static const char text[] =
    ".version 9.0\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 s[];\n"
    ".visible .entry add(.param .u64 y, .param .u32 n, .param .f32 by)\n{\n"
    ".reg .pred %p<2>;\n.reg .b32 %r<6>;\n.reg .f32 %f<4>;\n.reg .b64 %q<4>;\n"
    "ld.param.u64 %q0, [y];\nld.param.u32 %r0, [n];\nld.param.f32 %f0, [by];\n"
    "mov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\nmov.u32 %r3, %tid.x;\nmad.lo.s32 %r4, %r1, "
    "%r2, %r3;\n"
    "setp.ge.s32 %p0, %r4, %r0;\n@%p0 bra End;\nmad.wide.s32 %q1, %r4, 4, %q0;\nld.global.f32 %f1, "
    "[%q1];\n"
    "add.f32 %f1, %f1, %f0;\nst.global.f32 [%q1], %f1;\nEnd:\nret;\n}\n"
    ".visible .entry wide()\n{\nret;\n}\n";

static void launch(void *stream, uint64_t y, float by)
{
    int   count = n;
    void *args[] = {&y, &count, &by};
    assert_int_equal(cu.cuLaunchKernel(add, 8, 1, 1, 128, 1, 1, 0, stream, args, NULL), 0);
}

static int set_up(void **state)
{
    int device = 0;
    (void)state;
    cu = fake_open(FAKE_CUDA "/libcuda.so.1");
    assert_int_equal(cu.cuInit(0), 0);
    assert_int_equal(cu.cuDeviceGet(&device, 0), 0);
    assert_int_equal(cu.cuDevicePrimaryCtxRetain(&context, device), 0);
    assert_int_equal(cu.cuCtxPushCurrent(context), 0);
    assert_int_equal(cu.cuModuleLoadData(&module, text), 0);
    assert_int_equal(cu.cuModuleGetFunction(&add, module, "add"), 0);
    assert_int_equal(cu.cuModuleGetFunction(&wide, module, "wide"), 0);
    assert_int_equal(cu.cuMemAlloc(&block, (size_t)n * sizeof(float)), 0);
    return 0;
}

static int tear_down(void **state)
{
    fake_cuda_state s;
    (void)state;
    cu.cuMemFree(block);
    cu.cuModuleUnload(module);
    cu.cuCtxPopCurrent(&context);
    cu.cuDevicePrimaryCtxRelease(0);
    cu.state(&s);
    const uint64_t left =
        s.device_bytes + s.host_blocks + s.streams + s.events + s.modules + s.graphs + s.contexts;
    return left == 0 && s.device_blocks == 0 ? 0 : -1;
}

static void test_device(void **state)
{
    char   name[64];
    int    major = 0, count = 0;
    size_t left = 0, total = 0;
    (void)state;
    assert_int_equal(cu.cuDeviceGetCount(&count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(cu.cuDeviceGetName(name, sizeof name, 0), 0);
    assert_string_equal(name, "NVIDIA H200");
    assert_int_equal(cu.cuDeviceGetAttribute(&major, 75, 0), 0);
    assert_int_equal(major, 9);
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 0);
    assert_int_equal(total - left, n * (int)sizeof(float));
    assert_int_not_equal(cu.cuDeviceGet(&count, 1), 0);
}

static void test_memory(void **state)
{
    uint64_t p = 0;
    size_t   left = 0, total = 0;
    (void)state;
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 0);
    assert_int_equal(cu.cuMemAlloc(&p, left + 1), 2); /* out of memory */
    assert_int_equal(cu.cuMemAlloc(&p, 0), 1);
    assert_int_equal(cu.cuMemFree(block + 4), 1); /* no block begins there */
    assert_int_equal(cu.cuMemcpyHtoDAsync(block + 4, &p, (size_t)n * sizeof(float), NULL),
                     1); /* past its end */
}

/* Nothing runs before a wait, then all of it in order. */
static void test_stream(void **state)
{
    void *s = NULL;
    float y[1000], back[1000];
    (void)state;
    assert_int_equal(cu.cuStreamCreate(&s, 1), 0);
    for (int i = 0; i < n; i++)
        y[i] = (float)i;
    memset(back, 0, sizeof back);
    assert_int_equal(cu.cuMemcpyHtoDAsync(block, y, sizeof y, s), 0);
    launch(s, block, 2);
    launch(s, block, 1);
    assert_int_equal(cu.cuMemcpyDtoHAsync(back, block, sizeof back, s), 0);
    assert_true(back[999] == 0);
    assert_int_equal(cu.cuStreamSynchronize(s), 0);
    for (int i = 0; i < n; i++)
        assert_true(back[i] == (float)i + 3);
    assert_int_equal(cu.cuStreamDestroy(s), 0);
}

/* Two streams: without an event their order is any, with one it is that of the event. */
static void test_events(void **state)
{
    void *a = NULL, *b = NULL, *e = NULL;
    int   orders[2] = {0, 0};
    float back[1000];
    (void)state;
    assert_int_equal(cu.cuStreamCreate(&a, 1), 0);
    assert_int_equal(cu.cuStreamCreate(&b, 1), 0);
    assert_int_equal(cu.cuEventCreate(&e, 2), 0);
    for (int round = 0; round < 80; round++) {
        const int with = round % 2;
        assert_int_equal(cu.cuMemsetD8Async(block, 0, sizeof back, a), 0);
        assert_int_equal(cu.cuStreamSynchronize(a), 0);
        launch(a, block, 1);
        assert_int_equal(cu.cuEventRecord(e, a), 0);
        if (with)
            assert_int_equal(cu.cuStreamWaitEvent(b, e, 0), 0);
        assert_int_equal(cu.cuMemcpyDtoHAsync(back, block, sizeof back, b), 0);
        assert_int_equal(cu.cuStreamSynchronize(b), 0);
        if (with)
            assert_true(back[7] == 1);
        else
            orders[back[7] == 1]++;
        while (cu.cuStreamQuery(a) == 600)
            ;
    }
    assert_true(orders[0] > 0 && orders[1] > 0);
    assert_int_equal(cu.cuEventDestroy(e), 0);
    assert_int_equal(cu.cuStreamDestroy(a), 0);
    assert_int_equal(cu.cuStreamDestroy(b), 0);
}

static void test_graph(void **state)
{
    void *s = NULL, *g = NULL, *x = NULL;
    float back[1000];
    (void)state;
    assert_int_equal(cu.cuStreamCreate(&s, 1), 0);
    assert_int_equal(cu.cuMemsetD8Async(block, 0, sizeof back, s), 0);
    assert_int_equal(cu.cuStreamBeginCapture(s, 2), 0);
    launch(s, block, 1);
    launch(s, block, 4);
    assert_int_equal(cu.cuStreamSynchronize(s), 900); /* not while it records */
    assert_int_equal(cu.cuStreamEndCapture(s, &g), 0);
    assert_int_equal(cu.cuGraphInstantiateWithFlags(&x, g, 0), 0);
    assert_int_equal(cu.cuGraphDestroy(g), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cu.cuGraphLaunch(x, s), 0);
    assert_int_equal(cu.cuMemcpyDtoHAsync(back, block, sizeof back, s), 0);
    assert_int_equal(cu.cuStreamSynchronize(s), 0);
    assert_true(back[0] == 15 && back[999] == 15);
    assert_int_equal(cu.cuGraphExecDestroy(x), 0);
    assert_int_equal(cu.cuStreamDestroy(s), 0);
}

static void test_functions(void **state)
{
    void  *f = NULL;
    size_t at = 0, bytes = 0;
    (void)state;
    assert_int_equal(cu.cuModuleGetFunction(&f, module, "none"), 500);
    assert_int_equal(cu.cuFuncGetParamInfo(add, 2, &at, &bytes), 0);
    assert_true(at == 12 && bytes == 4);
    assert_int_equal(cu.cuFuncGetParamInfo(add, 3, &at, &bytes), 1);
    assert_int_equal(cu.cuLaunchKernel(wide, 1, 1, 1, 1025, 1, 1, 0, NULL, NULL, NULL), 701);
    assert_int_equal(cu.cuLaunchKernel(wide, 0, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL), 1);
    /* more than 48 KiB of shared memory must be asked for */
    assert_int_equal(cu.cuLaunchKernel(wide, 1, 1, 1, 32, 1, 1, 100000, NULL, NULL, NULL), 701);
    assert_int_equal(cu.cuFuncSetAttribute(wide, 8, 100000), 0);
    assert_int_equal(cu.cuLaunchKernel(wide, 1, 1, 1, 32, 1, 1, 100000, NULL, NULL, NULL), 0);
    assert_int_equal(cu.cuFuncSetAttribute(wide, 8, 300000), 1);
    assert_int_equal(cu.cuStreamSynchronize(NULL), 0);
    assert_int_equal(cu.cuModuleLoadData(&f, "no image"), 200);
}

static void test_failures(void **state)
{
    size_t left = 0, total = 0;
    (void)state;
    cu.failing(2, 2, 0); /* the second call, and no other */
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 0);
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 2);
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 0);
    cu.failing(1, 719, 1); /* the next, and all after it */
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 719);
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 719);
    cu.failing(0, 0, 0);
    assert_int_equal(cu.cuMemGetInfo(&left, &total), 0);
}

/* A kernel with a fault fails its stream, and everything after it, until it is told otherwise. */
static void test_fault(void **state)
{
    void           *s = NULL;
    fake_cuda_state before, after;
    float           back[4];
    (void)state;
    cu.state(&before);
    assert_int_equal(cu.cuStreamCreate(&s, 1), 0);
    launch(s, block + 400, 1); /* 100 floats too far on */
    assert_int_equal(cu.cuStreamSynchronize(s), 719);
    assert_int_equal(cu.cuMemcpyDtoHAsync(back, block, sizeof back, s), 719);
    cu.state(&after);
    assert_int_equal(after.faults - before.faults, 1);
    cu.failing(0, 0, 0);
    assert_int_equal(cu.cuStreamDestroy(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stream), cmocka_unit_test(test_events),
        cmocka_unit_test(test_graph),  cmocka_unit_test(test_functions),
        cmocka_unit_test(test_fault),  cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
