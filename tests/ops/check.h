/* SPDX-License-Identifier: Apache-2.0 */
/* The harness of the op tests, after the manner of checkasm: inputs are random or pathological and
 * come from a printed seed (WEFT_SEED=N replays), outputs lie between guard bytes, every
 * instruction-set level that this machine has is compared with the reference, and --bench times the
 * call just checked. A failed check is a failed cmocka test. */
#ifndef WF_CHECK_H
#define WF_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/device/cpu/internal.h"

typedef enum check_fill {
    CHECK_NORMAL,   /* in [-1, 1) */
    CHECK_ZERO,     /* zeros of both signs */
    CHECK_LARGE,    /* around 1e17: products stay finite, sums lose everything small */
    CHECK_DENORMAL, /* below 2^-126 */
    CHECK_MIXED,    /* exponents from 2^-30 to 2^30 */
    CHECK_FILLS
} check_fill;

/* Runs the tests; with --bench as an argument check_bench() times. Prints the seed. */
int check_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n_tests);
/* more: adds levels to those that the machine has. */
int check_main_with(int argc, char **argv, const struct CMUnitTest *tests, size_t n_tests,
                    void (*more)(void));
#define CHECK_MAIN(tests)                                                                          \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return check_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));                    \
    }
#define CHECK_MAIN_WITH(tests, more)                                                               \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return check_main_with(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), more);         \
    }

/* The numbers that follow are those of this seed, not of the run's. */
void     check_seed(uint64_t seed);
uint32_t check_random(void);
int64_t  check_between(int64_t low, int64_t high); /* both included */
float    check_float(check_fill fill);

/* n floats between guards, filled; freed at the end of the test by check_free_all(). */
float *check_floats(int64_t n, check_fill fill);
void  *check_bytes(uint64_t bytes); /* guarded, 64-aligned, filled with 0xa5 */
/* Asserts that nobody wrote around any live buffer, and frees them all. */
void check_free_all(void);

/* One more level; ops is copied, and flags say whose sums it has. before: called before every op
 * that runs at it; or NULL. */
void check_add_level(const char *name, uint64_t flags, const wf_ops *ops, void (*before)(void));

/* Levels of this machine, lowest first, then those that were added: 0 is the reference. */
int32_t       check_levels(void);
const char   *check_level_name(int32_t level);
uint64_t      check_level_flags(int32_t level);
const wf_ops *check_ops(int32_t level);

/* Runs op at a level with 1, 2, 3 or 8 threads; asserts OK. */
void check_run(int32_t level, int32_t threads, const wf_op *op);

/* Same bytes in the first n of each of m rows, any NaN equal to any NaN; canary elsewhere in y
 * (rows of stride floats) is asserted against CHECK_CANARY. */
#define CHECK_CANARY 12345.678f
void check_canary(float *y, int64_t m, int64_t n, int64_t stride); /* sets the padding columns */
void check_same(const float *y, const float *expected, int64_t m, int64_t n, int64_t stride,
                const char *what);
/* sum (y - e)^2 <= bound * sum e^2 + floor over m rows of n; e is f64 [m, n]. */
void check_nmse(const float *y, const double *e, int64_t m, int64_t n, int64_t stride, double bound,
                double floor, const char *what);

int check_is_benching(void);
/* Under --bench: the best of a few timings of op at each level, beside its FLOP/s and bytes/s. */
void check_bench(const char *name, int32_t level, int32_t threads, const wf_op *op, double flop,
                 double bytes);

/* src [n, k] f32 packed as dtype for a level; the memory is guarded. */
wf_weight check_weight(int32_t level, int32_t dtype, const float *src, int64_t n, int64_t k);

/* n_pages pages of dtype in pools of pool_pages, each guarded memory of its own, as the first layer
 * sees them. */
wf_kv check_kv(int32_t dtype, int32_t n_kv_heads, int32_t head_dim, int32_t n_pages,
               int32_t pool_pages);
/* The memory of a page. */
uint8_t *check_page(const wf_kv *kv, int64_t page);

/* The value that dtype keeps of f. */
float check_rounded(float f, int32_t dtype);

#endif
