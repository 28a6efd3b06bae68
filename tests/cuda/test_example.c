/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU body of examples/melody, as nvcc makes it for a stranger, in the interpreter against the
 * formula that melody.c states: y[i] = table[note of i] * (1 - exp(-length of i / 4)). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ptx_file.h"

#define NOTES 128

static float *floats(ptx_memory *m, uint64_t *at, size_t n, bool defined)
{
    *at = ptx_alloc(m, (n + 1) * sizeof(float));
    if (defined)
        ptx_define(m, *at, n * sizeof(float));
    return ptx_host(m, *at, (n + 1) * sizeof(float));
}

static void check(ptx_memory *m, ptx_kernel *k, uint32_t n, int d, uint64_t seed)
{
    static ptx_report r;
    uint64_t          at_y, at_notes, at_table;
    float            *y = floats(m, &at_y, (size_t)n * (size_t)d, false);
    float            *notes = floats(m, &at_notes, 2 * n, true);
    float            *table = floats(m, &at_table, NOTES * (size_t)d, true);
    void             *args[] = {&at_y, &at_notes, &at_table, &d};
    const ptx_launch  l = {{n, 1, 1}, {128, 1, 1}, 0, seed, 0};
    for (uint32_t i = 0; i < n; i++) {
        notes[2 * i] = (float)((i * 37 + seed) % 140) -
                       5; /* some lie outside the table and count as its ends */
        notes[2 * i + 1] = (float)(i % 9);
    }
    for (int i = 0; i < NOTES * d; i++)
        table[i] = sinf((float)i);
    r = (ptx_report){0};
    if (!ptx_run(k, &l, args, &r) || !ptx_clean(&r))
        fail_msg("%s", ptx_sentence(&r));
    assert_int_equal(ptx_undefined(m, at_y, (size_t)n * (size_t)d * sizeof(float)), 0);
    for (uint32_t i = 0; i < n; i++) {
        const int   note = (int)fminf(fmaxf(notes[2 * i], 0), NOTES - 1);
        const float strength = 1.0f - expf(-notes[2 * i + 1] / 4.0f);
        for (int c = 0; c < d; c++) {
            const float want = table[note * d + c] * strength,
                        got = y[(size_t)i * (size_t)d + (size_t)c];
            if (fabsf(got - want) > 4e-7f) /* expf of both, and two roundings */
                fail_msg("note %u, channel %d: %g, not %g", i, c, (double)got, (double)want);
        }
    }
    ptx_release(m, at_y);
    ptx_release(m, at_notes);
    ptx_release(m, at_table);
}

static void test_notes(void **state)
{
    static const int widths[] = {1, 31, 48, 128, 129, 300};
    ptx_memory      *m = ptx_memory_new();
    ptx_module      *x = ptx_module_file(m, PTX_EXAMPLE, "notes");
    ptx_kernel      *k = ptx_kernel_find(x, "notes_gpu");
    (void)state;
    assert_non_null(k);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (uint64_t seed = 0; seed < 5; seed++)
            check(m, k, 1 + (uint32_t)(seed * 7), widths[i], seed);
    ptx_module_free(x);
    ptx_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
