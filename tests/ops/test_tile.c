/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of AMX: what tile.h makes of them against the emulated ones, on the CPU where it has AMX
 * and through the handler of amx.h where it has none; and the emulated ones against the arithmetic
 * that they stand for. */
#include "amx.h"
#include "check.h"

#include <float.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/base/cpu.h"
#include "core/device/cpu/tile_emulated.h"
#include "shapes.h"

/* Tests of instructions need a machine that has them or traps them. */
static void need_tiles(void)
{
    if (amx_traps())
        amx_trap();
    else if ((wf_cpu_detect() & WEFT_CPU_AMX) == 0)
        skip();
}

/* c [rows], a [rows], b [pairs]: tiles 0, 1 and 2. */
static wf_tile_config shapes_of(int rows, int pairs, int columns)
{
    wf_tile_config c = {.palette = 1};
    c.rows[0] = c.rows[1] = (uint8_t)rows;
    c.rows[2] = (uint8_t)pairs;
    c.row_bytes[0] = c.row_bytes[2] = (uint16_t)(4 * columns);
    c.row_bytes[1] = (uint16_t)(4 * pairs);
    return c;
}

static void test_shapes_are_refused(void **unused)
{
    (void)unused;
    wf_tiles       s;
    wf_tile_config good = shapes_of(16, 16, 16), c = {0};
    assert_true(wf_tiles_configure(&s, &good));
    assert_false(wf_tiles_zero(&s, 3));
    assert_false(wf_tiles_bf16(&s, 0, 1, 1));
    assert_false(wf_tiles_bf16(&s, 0, 0, 2));
    assert_true(wf_tiles_bf16(&s, 0, 1, 2));
    assert_true(wf_tiles_configure(&s, &c)); /* released */
    assert_false(wf_tiles_zero(&s, 0));
    static const struct {
        size_t  at;
        uint8_t value;
    } wrong[] = {{0, 2}, {1, 1}, {2, 1}, {15, 1}, {16, 65}, {17, 1}, {48, 17}, {48, 0}, {56, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        c = good;
        ((uint8_t *)&c)[wrong[i].at] = wrong[i].value;
        assert_false(wf_tiles_configure(&s, &c));
    }
    c = shapes_of(16, 8, 16); /* a has 16 pairs, b 8 rows */
    c.row_bytes[1] = 64;
    assert_true(wf_tiles_configure(&s, &c));
    assert_false(wf_tiles_bf16(&s, 0, 1, 2));
    assert_false(wf_tiles_su8(&s, 0, 1, 2));
}

#if defined(__x86_64__)
/* What a compiler at -O2 and -O3 gives to the CPU is the whole configuration. */
static void test_shapes_arrive(void **unused)
{
    (void)unused;
    need_tiles();
    for (int32_t rows = 1; rows <= 16; rows += 5) {
        for (int32_t pairs = 2; pairs <= 16; pairs += 7) {
            wf_tile_config e = {.palette = 1}, got;
            for (int t = 0; t < 8; t++) {
                e.rows[t] = (uint8_t)(t < 6 ? rows : pairs);
                e.row_bytes[t] = (uint16_t)(t == 4 || t == 5 ? 4 * pairs : 64);
            }
            shapes_o2(rows, pairs);
            WF_TILE_READ_CONFIG(got);
            WF_TILE_RELEASE();
            assert_memory_equal(&got, &e, sizeof e);
            shapes_o3(rows, pairs);
            WF_TILE_READ_CONFIG(got);
            WF_TILE_RELEASE();
            assert_memory_equal(&got, &e, sizeof e);
        }
    }
}

/* An f32, often one that is denormal, zero, infinite or near the least normal number. */
static float odd_float(void)
{
    static const uint32_t special[] = {0,           1,           0x007fffffu, 0x00800000u,
                                       0x00800001u, 0x7f800000u, 0x7f7fffffu, 0x3f800000u};
    uint32_t              sign = check_random() & 0x80000000u, pick = check_random() % 12;
    if (pick < 8)
        return wf_float(sign | special[pick]);
    return pick < 10 ? check_float(CHECK_MIXED) : check_float(CHECK_NORMAL) * 0x1p-60f;
}

static void fill(uint8_t *p, size_t bytes, int kind)
{
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t w = check_random();
        if (kind == 1)
            w = wf_bits(odd_float());
        if (kind == 2)
            w = (uint32_t)wf_to_bf16(odd_float()) << 16 | wf_to_bf16(odd_float());
        memcpy(p + i, &w, 4);
    }
}

#define STRIDE 80

typedef struct operands {
    _Alignas(64) uint8_t a[16 * STRIDE], b[16 * STRIDE], c[16 * STRIDE];
} operands;

static void by_instructions(const wf_tile_config *shapes, operands *o, bool bytes)
{
    WF_TILE_CONFIGURE(*shapes);
    WF_TILE_LOAD(0, o->c, STRIDE);
    WF_TILE_LOAD(1, o->a, STRIDE);
    WF_TILE_LOAD(2, o->b, STRIDE);
    if (bytes)
        WF_TILE_SU8(0, 1, 2);
    else
        WF_TILE_BF16(0, 1, 2);
    WF_TILE_STORE(0, o->c, STRIDE);
    WF_TILE_RELEASE();
}

static void by_emulation(const wf_tile_config *shapes, operands *o, bool bytes)
{
    static wf_tiles s;
    assert_true(wf_tiles_configure(&s, shapes));
    assert_true(wf_tiles_load(&s, 0, o->c, STRIDE) && wf_tiles_load(&s, 1, o->a, STRIDE));
    assert_true(wf_tiles_load(&s, 2, o->b, STRIDE));
    assert_true(bytes ? wf_tiles_su8(&s, 0, 1, 2) : wf_tiles_bf16(&s, 0, 1, 2));
    assert_true(wf_tiles_store(&s, 0, o->c, STRIDE));
}

/* Every row of c as far as it goes, and what lies between its rows. */
static void compare(const operands *got, const operands *e, bool floats)
{
    for (size_t i = 0; i < sizeof got->c; i += 4) {
        float x, y;
        memcpy(&x, got->c + i, 4);
        memcpy(&y, e->c + i, 4);
        if (!(floats && x != x && y != y))
            assert_int_equal(wf_bits(x), wf_bits(y));
    }
}

static void test_products(void **unused)
{
    (void)unused;
    need_tiles();
    for (int i = 0; i < 600; i++) {
        bool           bytes = i % 3 == 0;
        wf_tile_config shapes = shapes_of((int)check_between(1, 16), (int)check_between(1, 16),
                                          (int)check_between(1, 16));
        operands       o, e;
        fill(o.a, sizeof o.a, bytes ? 0 : 2);
        fill(o.b, sizeof o.b, bytes ? 0 : 2);
        fill(o.c, sizeof o.c, bytes ? 0 : 1);
        e = o;
        by_instructions(&shapes, &o, bytes);
        by_emulation(&shapes, &e, bytes);
        compare(&o, &e, !bytes);
    }
}

/* Clears a tile, and only that one. */
static void test_zero(void **unused)
{
    (void)unused;
    need_tiles();
    wf_tile_config shapes = shapes_of(16, 16, 16);
    operands       o, e;
    fill(o.a, sizeof o.a, 0);
    fill(o.c, sizeof o.c, 0);
    e = o;
    WF_TILE_CONFIGURE(shapes);
    WF_TILE_LOAD(0, o.c, STRIDE);
    WF_TILE_LOAD(1, o.a, STRIDE);
    WF_TILE_ZERO(0);
    WF_TILE_STORE(0, o.c, STRIDE);
    WF_TILE_STORE(1, o.a, STRIDE);
    WF_TILE_RELEASE();
    for (int r = 0; r < 16; r++)
        memset(e.c + r * STRIDE, 0, 64);
    assert_memory_equal(&o, &e, sizeof o.a);
    assert_memory_equal(o.c, e.c, sizeof o.c);
}

/* The unit of vectors knows the same flushing, as a mode. */
#define FLUSHED 0x8040u /* of mxcsr: outputs, inputs */
__attribute__((target("fma"))) static void by_vector(float a, float b, float c, float *fma,
                                                     float *sum)
{
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSHED);
    __m128 va = _mm_set_ss(a), vb = _mm_set_ss(b), vc = _mm_set_ss(c), f, s;
    /* Assembly: the compiler does not know of the mode, and may move what it does know of. */
    __asm__ volatile("vaddss %2, %1, %0" : "=x"(s) : "x"(va), "x"(vc));
    f = vc;
    __asm__ volatile("vfmadd231ss %2, %1, %0" : "+x"(f) : "x"(va), "x"(vb));
    _mm_setcsr(mode);
    *fma = _mm_cvtss_f32(f);
    *sum = _mm_cvtss_f32(s);
}

static void expect_float(float got, float e)
{
    if (!(got != got && e != e))
        assert_int_equal(wf_bits(got), wf_bits(e));
}

/* Products that end within a few units of the least normal number, where it matters when an output
 * is found to be denormal. */
static float near_least(float a, float b)
{
    return (float)((double)FLT_MIN - (double)a * (double)b) +
           (float)check_between(-3, 3) * 0x1p-149f;
}

static void test_flushing(void **unused)
{
    (void)unused;
    if ((wf_cpu_detect() & WEFT_CPU_AVX2) == 0)
        skip();
    int met = 0;
    for (int i = 0; i < 200000; i++) {
        float a = odd_float(), b = odd_float(), c = odd_float(), fma, sum;
        if (i % 2 == 0) {
            a = wf_round_bf16(check_float(CHECK_NORMAL) * 0x1p-63f);
            b = wf_round_bf16(check_float(CHECK_NORMAL) * 0x1p-64f);
            c = near_least(a, b);
        }
        by_vector(a, b, c, &fma, &sum);
        expect_float(wf_tiles_fma(a, b, c), fma);
        expect_float(wf_tiles_add(a, c), sum);
        float plain = fmaf(a, b, c);
        met += fabsf(plain) == FLT_MIN && fma == 0.0f && isfinite(a) && fabsf(c) >= FLT_MIN;
    }
    print_message("rounded up to the least normal number, and yet denormal: %d\n", met);
    assert_true(met > 0);
}
#endif

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_shapes_are_refused),
#if defined(__x86_64__)
    cmocka_unit_test(test_shapes_arrive),
    cmocka_unit_test(test_products),
    cmocka_unit_test(test_zero),
    cmocka_unit_test(test_flushing),
#endif
};
CHECK_MAIN(tests)
