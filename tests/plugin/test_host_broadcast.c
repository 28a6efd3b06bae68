/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops: what broadcasts, and what works over the last axis: activate, add, mul, swiglu,
 * softmax. Each gives what a loop written here gives, on the CPU and on the asynchronous test
 * device; each bad argument gives a sentence that names op and argument. */
#include <math.h>

#include "tests/plugin/host_bench.h"

static void activations(void **state)
{
    weft_tensor x = make(2, 3, 7, 0, 0), y = make(2, 3, 7, 0, 0), t;
    float       h[21], hy[21], wants[21];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 21, 0.4f);
    for (int32_t act = WEFT_ACT_NONE; act <= WEFT_ACT_TANH_GELU; act++) {
        for (int i = 0; i < 21; i++) {
            float v = h[i], u = sqrtf(2.0f / 3.14159265f) * (v + 0.044715f * v * v * v);
            float by[] = {v,
                          0.5f * v * (1 + erff(v / sqrtf(2.0f))),
                          v / (1 + expf(-v)),
                          fmaxf(v, 0),
                          v / (1 + expf(-1.702f * v)),
                          0.5f * v * (1 + tanhf(u))};
            wants[i] = by[act];
        }
        fill(&x, h);
        good(ops()->activate(host, queue, &y, &x, act, &err), &err);
        fetch(&y, hy);
        assert_near(hy, wants, 21);
        good(ops()->activate(host, queue, &x, &x, act, &err), &err);
        fetch(&x, hy);
        assert_near(hy, wants, 21);
    }
    refused(ops()->activate(host, queue, &y, &x, 6, &err), &err, "ops.activate: act: 6 is no");
    refused(ops()->activate(host, queue, &y, &x, -1, &err), &err, "ops.activate: act: -1 is no");
    refused(ops()->activate(host, queue, &y, NULL, 1, &err), &err, "ops.activate: x: NULL");
    t = x;
    t.shape[0] = 2;
    refused(ops()->activate(host, queue, &y, &t, 1, &err), &err, "ops.activate: y: its shape");
    t = y;
    t.stride[0] = 0;
    refused(ops()->activate(host, queue, &t, &x, 1, &err), &err,
            "ops.activate: y: a stride of 0 would write one element often");
    t.stride[0] = 6;
    refused(ops()->activate(host, queue, &t, &x, 1, &err), &err,
            "ops.activate: y: its elements overlap: a stride of 6 within 7 elements");
    drop(&x);
    drop(&y);
}

/* y [2, 3, 4, 5] from a [3, 1, 5] and b [2, 1, 4, 1]: every axis repeats in one of them. */
static void two_operands(void **state)
{
    weft_tensor y = make(4, 2, 3, 4, 5), a = make(3, 3, 1, 5, 0), b = make(4, 2, 1, 4, 1);
    float       ha[15], hb[8], hy[120], sum[120], product[120], gated[120];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(ha, 15, 0.3f);
    ramp(hb, 8, 0.7f);
    fill(&a, ha);
    fill(&b, hb);
    for (int i = 0; i < 120; i++) {
        float va = ha[i / 20 % 3 * 5 + i % 5], vb = hb[i / 60 * 4 + i / 5 % 4];
        sum[i] = va - 2.0f * vb;
        product[i] = va * vb;
        gated[i] = va / (1 + expf(-va)) * vb;
    }
    good(ops()->add(host, queue, &y, &a, &b, -2.0f, &err), &err);
    fetch(&y, hy);
    assert_near(hy, sum, 120);
    good(ops()->mul(host, queue, &y, &a, &b, &err), &err);
    fetch(&y, hy);
    assert_near(hy, product, 120);
    good(ops()->swiglu(host, queue, &y, &a, &b, &err), &err);
    fetch(&y, hy);
    assert_near(hy, gated, 120);
    drop(&y);
    drop(&a);
    drop(&b);
}

/* In place, by one number, by a column of numbers within wider rows; eight axes that merge. */
static void in_place(void **state)
{
    weft_tensor x = make(2, 6, 8, 0, 0), column = make(2, 6, 1, 0, 0), part, eight;
    float       h[48], hc[6], hy[48], wants[48];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 48, 0.5f);
    ramp(hc, 6, 1.5f);
    fill(&x, h);
    fill(&column, hc);
    for (int i = 0; i < 48; i++)
        wants[i] = (i % 8 < 3 ? h[i] : h[i] * hc[i / 8]) * hc[0];
    part = weft_slice(&x, 1, 3, 5);
    good(ops()->mul(host, queue, &part, &part, &column, &err), &err);
    weft_tensor one = weft_slice(&column, 0, 0, 1);
    eight = weft_split(&x, 0, 3);
    eight = weft_split(&eight, 0, 1);
    eight = weft_split(&eight, 0, 2);
    eight = weft_split(&eight, 3, 1);
    eight = weft_split(&eight, 3, 3);
    eight = weft_split(&eight, 3, 1);
    assert_int_equal(eight.ndim, 8);
    good(ops()->mul(host, queue, &eight, &eight, &one, &err), &err);
    fetch(&x, hy);
    assert_near(hy, wants, 48);
    drop(&x);
    drop(&column);
}

static void operand_mistakes(void **state)
{
    weft_tensor x = zeros(2, 4, 4, 0, 0), y = zeros(3, 2, 4, 4, 0), t, u;
    float       all[500];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
#define MUL(y, a, b) ops()->mul(host, queue, y, a, b, &err)
    refused(MUL(&y, &x, NULL), &err, "ops.mul: b: NULL");
    refused(MUL(NULL, &x, &x), &err, "ops.mul: y: NULL");
    refused(MUL(&x, &y, &x), &err, "ops.mul: a: has 3 axes, and what is written has 2");
    t = weft_slice(&x, 0, 0, 3);
    refused(MUL(&y, &x, &t), &err, "ops.mul: b: its shape differs from that of what is written: 3");
    t = y;
    t.stride[0] = 0;
    refused(MUL(&t, &x, &x), &err, "ops.mul: y: a stride of 0 would write one element often");
    t = x;
    t.stride[0] = 1;
    t.stride[1] = 4;
    refused(MUL(&y, &x, &t), &err, "ops.mul: b: the stride of its last axis is 4, not 1");
    refused(MUL(&t, &x, &x), &err, "ops.mul: y: the stride of its last axis is 4, not 1");
    t = weft_slice(&x, 0, 0, 1); /* one row of what is written, for all of it */
    refused(MUL(&x, &t, &x), &err, "ops.mul: y: may be a only with the same shape and strides");
    t = zeros(1, 500, 0, 0, 0);
    u = t; /* four leading axes, none of which goes on evenly from the next */
    u.ndim = 5;
    for (int32_t d = 0; d < 5; d++) {
        static const int64_t strides[] = {200, 90, 40, 10, 1};
        u.shape[d] = 2;
        u.stride[d] = strides[d];
    }
    refused(MUL(&u, &u, &u), &err, "ops.mul: y: its leading axes are too uneven; copy first");
    u.shape[1] = 1;
    good(MUL(&u, &u, &u), &err);
    x.shape[1] = y.shape[2] = 0;
    good(MUL(&y, &x, &x), &err);
    fetch(&t, all);
    drop(&t);
    drop(&x);
    drop(&y);
}

/* Scores [2 heads, 3 queries, 5 keys] with a mask a query and a bias a head, one at a time. */
static void op_softmax(void **state)
{
    weft_tensor x = make(3, 2, 3, 5, 0), y = make(3, 2, 3, 5, 0);
    weft_tensor mask = make(2, 3, 5, 0, 0), bias = make(3, 2, 1, 1, 0);
    float       h[30], hm[15], hb[2] = {1, -1}, hy[30], wants[30];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 30, 0.6f);
    for (int i = 0; i < 15; i++)
        hm[i] = i / 5 == 0 || i % 5 > i / 5 ? -INFINITY : 0.25f * (float)i;
    fill(&x, h);
    fill(&mask, hm);
    fill(&bias, hb);
    for (int r = 0; r < 6; r++) {
        float p[5], total = 0;
        for (int i = 0; i < 5; i++)
            total += p[i] = expf(h[r * 5 + i] * 0.5f + hm[r % 3 * 5 + i]);
        for (int i = 0; i < 5; i++)
            wants[r * 5 + i] = r % 3 == 0 ? 0 : p[i] / total;
    }
    good(ops()->softmax(host, queue, &y, &x, &mask, 0.5f, &err), &err);
    fetch(&y, hy);
    assert_near(hy, wants, 30);
    for (int r = 0; r < 6; r++) {
        float p[5], total = 0;
        for (int i = 0; i < 5; i++)
            total += p[i] = expf(h[r * 5 + i]);
        for (int i = 0; i < 5; i++)
            wants[r * 5 + i] = p[i] / total;
    }
    good(ops()->softmax(host, queue, &y, &x, &bias, 1.0f, &err), &err); /* a constant: no change */
    fetch(&y, hy);
    assert_near(hy, wants, 30);
    good(ops()->softmax(host, queue, &x, &x, NULL, 1.0f, &err), &err);
    fetch(&x, hy);
    assert_near(hy, wants, 30);
    refused(ops()->softmax(host, queue, &y, NULL, NULL, 1.0f, &err), &err, "ops.softmax: x: NULL");
    refused(ops()->softmax(host, queue, NULL, &x, NULL, 1.0f, &err), &err, "ops.softmax: y: NULL");
    refused(ops()->softmax(host, queue, &y, &mask, NULL, 1.0f, &err), &err,
            "ops.softmax: x: its shape differs from that of y");
    weft_tensor t = weft_slice(&mask, 1, 0, 4);
    refused(ops()->softmax(host, queue, &y, &x, &t, 1.0f, &err), &err,
            "ops.softmax: bias: its shape differs");
    t = mask;
    t.bytes--;
    refused(ops()->softmax(host, queue, &y, &x, &t, 1.0f, &err), &err,
            "ops.softmax: bias: its shape and strides reach past");
    t = x;
    t.stride[2] = 0;
    refused(ops()->softmax(host, queue, &y, &t, NULL, 1.0f, &err), &err,
            "ops.softmax: x: the stride of its last axis is 0");
    drop(&x);
    drop(&y);
    drop(&mask);
    drop(&bias);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define A(f)                                                                                       \
    {                                                                                              \
#f " on the asynchronous device", f, setup_async, teardown, NULL                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(activations), T(two_operands), T(in_place), T(operand_mistakes), T(op_softmax),
        A(activations), A(two_operands), A(in_place), A(operand_mistakes), A(op_softmax)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
