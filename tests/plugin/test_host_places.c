/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops: what works across rows: gather, rope, pool. Each gives what a loop written here gives,
 * on the CPU and on the asynchronous test device; each bad argument gives a sentence that names op
 * and argument. */
#include <math.h>

#include "tests/plugin/host_bench.h"

/* A device tensor of i32; freed by drop(). */
static weft_tensor numbers(const int32_t *from, int64_t n)
{
    weft_tensor t = make(1, n, 0, 0, 0);
    weft_error  err = WF_ERROR_INIT;
    t.dtype = WEFT_I32;
    good(ops()->upload(host, queue, &t, from, (uint64_t)n * 4, &err), &err);
    return t;
}

static void op_gather(void **state)
{
    static const int32_t from[6] = {2, 2, -1, 0, 3, 1};
    weft_tensor          x = make(2, 3, 4, 0, 0), y = make(2, 6, 5, 0, 0), index = numbers(from, 6);
    weft_tensor          part = weft_slice(&y, 1, 1, 4), t;
    float                h[12], hy[30], wants[30] = {0};
    weft_error           err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 12, 0.5f);
    fill(&x, h);
    fill(&y, wants);
    for (int i = 0; i < 24; i++)
        if (from[i / 4] >= 0 && from[i / 4] < 3)
            wants[i / 4 * 5 + 1 + i % 4] = h[from[i / 4] * 4 + i % 4];
    good(ops()->gather(host, queue, &part, &x, &index, &err), &err);
    fetch(&y, hy);
    assert_near(hy, wants, 30);
    refused(ops()->gather(host, queue, &y, &x, &index, &err), &err,
            "ops.gather: y: its last axis is 5, and 4");
    refused(ops()->gather(host, queue, &part, &x, NULL, &err), &err, "ops.gather: index: NULL");
    t = weft_slice(&index, 0, 0, 5);
    refused(ops()->gather(host, queue, &part, &x, &t, &err), &err,
            "ops.gather: index: its length is 5, and 6");
    t = index;
    t.dtype = WEFT_F32;
    refused(ops()->gather(host, queue, &part, &x, &t, &err), &err, "ops.gather: index: has dtype");
    t = weft_slice(&part, 0, 0, 3);
    refused(ops()->gather(host, queue, &part, &part, &index, &err), &err,
            "ops.gather: y: may not be x");
    t = part;
    t.stride[0] = 0;
    refused(ops()->gather(host, queue, &t, &x, &index, &err), &err, "ops.gather: y: a stride of 0");
    fetch(&y, hy);
    drop(&x);
    drop(&y);
    drop(&index);
}

/* What one pair becomes. */
static void turn(float *a, float *b, float angle)
{
    float x = *a, y = *b;
    *a = x * cosf(angle) - y * sinf(angle);
    *b = y * cosf(angle) + x * sinf(angle);
}

/* Half-split by a base, interleaved by given frequencies, both within rows wider than their heads;
 * then two axes as Qwen2-VL has them: pairs (i, i + 4) of heads of 8, the first two by one axis. */
static void op_rope(void **state)
{
    enum { ROWS = 5, HEADS = 2, WIDTH = 8, ROW = HEADS * WIDTH + 3 };
    static const int32_t pos[ROWS] = {0, 1, 7, 30, -2}, other[ROWS] = {3, 3, 2, 9, 1};
    static const float   freq[4] = {1.0f, 0.3f, 0.05f, 0.001f};
    weft_tensor          all = make(2, ROWS, ROW, 0, 0), f = make(1, 4, 0, 0, 0);
    weft_tensor          p = numbers(pos, ROWS), o = numbers(other, ROWS);
    weft_tensor          used = weft_slice(&all, 1, 0, HEADS * WIDTH);
    weft_tensor          x = weft_split(&used, 1, WIDTH), low, high;
    weft_rope            r = {.hdr = WEFT_HDR(weft_rope), .positions = &p};
    float                h[ROWS * ROW], wants[ROWS * ROW], hy[ROWS * ROW];
    weft_error           err = WF_ERROR_INIT;
    (void)state;
    for (int how = 0; how < 3; how++) {
        ramp(h, ROWS * ROW, 0.2f);
        memcpy(wants, h, sizeof h);
        for (int i = 0; i < ROWS * HEADS * 4; i++) {
            int    row = i / (HEADS * 4), pair = i % 4, axis = pair / 2;
            float *head = wants + row * ROW + i / 4 % HEADS * WIDTH;
            float  by_base = powf(100.0f, -(float)pair / 4.0f);
            if (how == 0)
                turn(head + pair, head + pair + 4, (float)pos[row] * by_base);
            else if (how == 1)
                turn(head + 2 * pair, head + 2 * pair + 1, (float)pos[row] * freq[pair]);
            else
                turn(head + pair, head + pair + 4,
                     (float)(axis == 0 ? pos : other)[row] * powf(100.0f, -(float)(pair % 2) / 2));
        }
        fill(&all, h);
        fill(&f, freq);
        r.x = &x;
        r.positions = &p;
        r.base = 100.0f;
        r.frequencies = how == 1 ? &f : NULL;
        r.interleaved = how == 1;
        r.pairs = how == 2 ? 2 : 0;
        r.distance = how == 2 ? 4 : 0;
        low = weft_slice(&x, 2, 0, 6);
        high = weft_slice(&x, 2, 2, 6);
        if (how == 2)
            r.x = &low;
        good(ops()->rope(host, queue, &r, &err), &err);
        r.x = &high;
        r.positions = &o;
        if (how == 2)
            good(ops()->rope(host, queue, &r, &err), &err);
        fetch(&all, hy);
        assert_near(hy, wants, ROWS * ROW);
    }
    drop(&all);
    drop(&f);
    drop(&p);
    drop(&o);
}

static void rope_mistakes(void **state)
{
    static const int32_t pos[3] = {0};
    weft_tensor          x = zeros(3, 3, 2, 8, 0), p = numbers(pos, 3), f = zeros(1, 4, 0, 0, 0), t;
    weft_rope            good_one = {.hdr = WEFT_HDR(weft_rope), .base = 10.0f}, r;
    weft_error           err = WF_ERROR_INIT;
    float                h[48];
    (void)state;
    good_one.x = &x;
    good_one.positions = &p;
#define ROPE(change, part)                                                                         \
    do {                                                                                           \
        r = good_one;                                                                              \
        change;                                                                                    \
        refused(ops()->rope(host, queue, &r, &err), &err, "ops.rope: " part);                      \
    } while (0)
    ROPE(r.hdr.size = 8, "r: weft_rope.hdr.size is not set");
    refused(ops()->rope(host, queue, NULL, &err), &err, "ops.rope: r: weft_rope.hdr.size");
    ROPE(r.x = NULL, "x: NULL");
    ROPE(r.positions = NULL, "positions: NULL");
    ROPE(r.base = 0.0f, "base: 0, and a number above 0");
    ROPE(r.base = NAN, "base: nan, and");
    ROPE(r.base = INFINITY, "base: inf, and");
    ROPE(r.pairs = 5, "pairs: 5 pairs 5 apart do not fit in 8 elements");
    ROPE(r.pairs = -1, "pairs: -1 pairs");
    ROPE(r.pairs = INT32_MAX, "pairs: 2147483647 pairs");
    ROPE((r.pairs = 3, r.distance = 2), "distance: 2: 3 pairs so near each other overlap");
    ROPE((r.pairs = 3, r.distance = 6), "pairs: 3 pairs 6 apart");
    ROPE(r.distance = -4, "distance: -4: 4 pairs");
    ROPE((r.interleaved = 1, r.distance = 4), "distance: 4, and interleaved pairs have 1");
    ROPE((r.interleaved = 1, r.pairs = 5), "pairs: 5 pairs 1 apart");
    ROPE(r.interleaved = 2, "interleaved: 2 is neither");
    t = weft_slice(&f, 0, 0, 3);
    ROPE(r.frequencies = &t, "frequencies: its length is 3, and 4");
    t = weft_slice(&p, 0, 0, 2);
    ROPE(r.positions = &t, "positions: its length is 2, and 3");
    t = x;
    t.stride[1] = 0;
    ROPE(r.x = &t, "x: a stride of 0");
    t = x;
    t.stride[1] = 7;
    ROPE(r.x = &t, "x: its elements overlap");
    t = x;
    t.bytes -= 4;
    ROPE(r.x = &t, "x: its shape and strides reach past");
    t = x;
    t.shape[2] = 0; /* nothing to turn */
    r = good_one;
    r.x = &t;
    good(ops()->rope(host, queue, &r, &err), &err);
    fetch(&x, h);
    drop(&x);
    drop(&p);
    drop(&f);
}

/* Tokens [2, 3 * 5, 4] as places, windows of 2 x 3 every 2 x 2, one row of padding above. */
static void op_pool(void **state)
{
    weft_tensor   tokens = make(3, 2, 15, 4, 0), y = make(4, 2, 2, 2, 4);
    weft_tensor   x = weft_split(&tokens, 1, 5);
    const int32_t kernel[2] = {2, 3}, stride[2] = {2, 2}, pad[4] = {1, 0, 0, 0};
    float         h[120], hy[32], wants[32];
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 120, 0.3f);
    fill(&tokens, h);
    for (int32_t how = WEFT_POOL_MEAN; how <= WEFT_POOL_MAX; how++) {
        for (int i = 0; i < 32; i++) {
            float sum = 0, most = -INFINITY, n = 0;
            for (int w = 0; w < 6; w++) {
                int row = i / 8 % 2 * 2 - 1 + w / 3, place = i / 4 % 2 * 2 + w % 3;
                if (row < 0)
                    continue;
                float v = h[i / 16 * 60 + row * 20 + place * 4 + i % 4];
                sum += v;
                most = fmaxf(most, v);
                n++;
            }
            wants[i] = how == WEFT_POOL_MEAN ? sum / n : how == WEFT_POOL_MAX ? most : sum / 6;
        }
        good(ops()->pool(host, queue, &y, &x, kernel, stride, pad, how, &err), &err);
        fetch(&y, hy);
        assert_near(hy, wants, 32);
    }
    drop(&tokens);
    drop(&y);
}

static void pool_mistakes(void **state)
{
    weft_tensor   x = zeros(4, 1, 4, 4, 3), y = zeros(4, 1, 2, 2, 3), t;
    const int32_t two[2] = {2, 2}, none[4] = {0}, zero[2] = {0, 2}, five[2] = {5, 5};
    const int32_t thick[4] = {0, 2, 0, 0}, minus[4] = {0, 0, -1, 0};
    weft_error    err = WF_ERROR_INIT;
    float         h[12];
    (void)state;
#define POOL(y, x, k, s, p, how, part)                                                             \
    refused(ops()->pool(host, queue, y, x, k, s, p, how, &err), &err, "ops.pool: " part)
    POOL(NULL, &x, two, two, none, 0, "y: NULL");
    POOL(&y, NULL, two, two, none, 0, "x: NULL");
    POOL(&y, &x, NULL, two, none, 0, "kernel: kernel, stride and pad are needed");
    POOL(&y, &x, two, two, NULL, 0, "kernel: kernel, stride and pad are needed");
    POOL(&y, &x, zero, two, none, 0, "kernel: 0 x 2 in steps of 2 x 2 is no window");
    POOL(&y, &x, two, zero, none, 0, "kernel: 2 x 2 in steps of 0 x 2 is no window");
    POOL(&y, &x, five, two, none, 0, "x: a window of 5 x 5 has no place");
    POOL(&y, &x, two, two, thick, 0, "pad: 2 is not within 0 to below the kernel's 2");
    POOL(&y, &x, two, two, minus, 0, "pad: -1 is not");
    POOL(&y, &x, two, two, none, 3, "how: 3 is no pooling");
    POOL(&x, &x, two, two, none, 0, "y: may not be x");
    t = weft_slice(&y, 2, 0, 1);
    POOL(&t, &x, two, two, none, 0, "y: its width is 1, and 2");
    t = weft_slice(&y, 3, 0, 2);
    POOL(&t, &x, two, two, none, 0, "y: its last axis is 2, and 3");
    t = x;
    t.ndim = 3;
    POOL(&y, &t, two, two, none, 0, "x: has 3 axes");
    t = x;
    t.stride[3] = 2;
    t.bytes *= 2;
    POOL(&y, &t, two, two, none, 0, "x: the stride of its last axis is 2, not 1");
    t = x;
    t.bytes--;
    POOL(&y, &t, two, two, none, 0, "x: its shape and strides reach past");
    t = y;
    t.stride[1] = 3;
    POOL(&t, &x, two, two, none, 0, "y: its elements overlap");
    t = x;
    t.shape[0] = y.shape[0] = 0;
    good(ops()->pool(host, queue, &y, &t, two, two, none, 0, &err), &err);
    y.shape[0] = 1;
    fetch(&y, h);
    drop(&x);
    drop(&y);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define A(f)                                                                                       \
    {                                                                                              \
#f " on the asynchronous device", f, setup_async, teardown, NULL                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(op_gather), T(op_rope), T(rope_mistakes), T(op_pool), T(pool_mistakes),
        A(op_gather), A(op_rope), A(rope_mistakes), A(op_pool), A(pool_mistakes)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
