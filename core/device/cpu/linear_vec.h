/* SPDX-License-Identifier: Apache-2.0 */
/* linear's kernels over vec.h: panels of two vectors, tiles of VF_TILE_ROWS rows by two vectors of
 * accumulators (12 x 32 fills the 32 registers of AVX-512, 6 x 16 the 16 of AVX2 and the 32 of
 * NEON). Every output has one accumulator that takes one fused multiply-add per k, ascending: the
 * reference's bytes. */
#ifndef WF_LINEAR_VEC_H
#define WF_LINEAR_VEC_H

#include "core/device/cpu/internal.h"
#include "core/device/cpu/vec_math.h"

#define VF_PANEL (2 * VF_LANES)
#if VF_LANES == 16
#define VF_TILE_ROWS 12
#else
#define VF_TILE_ROWS 6
#endif

/* A row as f32, rounded to bf16 where the weights are. Nothing is read past k: the kernels below
 * end there too. */
static void prepare_f32(void *dst, const float *x, int64_t k, int32_t dtype)
{
    float *d = dst;
    if (dtype != WF_BF16) {
        memcpy(d, x, (size_t)k * 4);
        return;
    }
    for (int64_t i = 0; i < k; i += VF_LANES)
        vf_store_n(d + i, vf_round_bf16(vf_load_n(x + i, k - i)), k - i);
}

VF_INLINE void fetch_ahead(const uint8_t *p)
{
    __builtin_prefetch(p);
#if VF_LANES == 16
    __builtin_prefetch(p + 64);
#endif
}

/* acc += a's element i of every row, times the two vectors b. */
VF_INLINE void tile_step(vf acc[][2], const wf_tile *t, int64_t i, vf b0, vf b1, const int rows)
{
    const uint8_t *a = (const uint8_t *)t->a + i * 4;
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        float x;
        memcpy(&x, a + r * t->a_stride, 4);
        acc[r][0] = vf_fma1(x, b0, acc[r][0]);
        acc[r][1] = vf_fma1(x, b1, acc[r][1]);
    }
}

VF_INLINE void tile_f32(vf acc[][2], const wf_tile *t, const int rows)
{
    const float   *b = t->b;
    const uint8_t *ahead = t->ahead;
    for (int64_t i = 0; i < t->k; i++, b += VF_PANEL, ahead += t->ahead_step) {
        fetch_ahead(ahead);
        tile_step(acc, t, i, vf_load(b), vf_load(b + VF_LANES), rows);
    }
}

VF_INLINE void tile_f16(vf acc[][2], const wf_tile *t, const int rows)
{
    const uint16_t *b = t->b;
    const uint8_t  *ahead = t->ahead;
    for (int64_t i = 0; i < t->k; i++, b += VF_PANEL, ahead += t->ahead_step) {
        fetch_ahead(ahead);
        tile_step(acc, t, i, vf_from_f16x(b), vf_from_f16x(b + VF_LANES), rows);
    }
}

/* A lane holds the pair (even k, odd k): the low half moves up, the high half stays. An odd k has
 * no second step, so that no zero is added that the reference does not add. */
VF_INLINE void tile_bf16(vf acc[][2], const wf_tile *t, const int rows)
{
    const uint8_t *b = t->b, *ahead = t->ahead;
    const vi       high = vi_set1((int32_t)0xffff0000u);
    int64_t        i = 0;
    for (; i + 1 < t->k; i += 2, b += VF_PANEL * 4, ahead += 2 * t->ahead_step) {
        vi b0 = vi_load(b), b1 = vi_load(b + VF_LANES * 4);
        fetch_ahead(ahead);
        tile_step(acc, t, i, vf_of(vi_sll(b0, 16)), vf_of(vi_sll(b1, 16)), rows);
        tile_step(acc, t, i + 1, vf_of(vi_and(b0, high)), vf_of(vi_and(b1, high)), rows);
    }
    if (i < t->k)
        tile_step(acc, t, i, vf_of(vi_sll(vi_load(b), 16)),
                  vf_of(vi_sll(vi_load(b + VF_LANES * 4), 16)), rows);
}

/* Sums go on where an earlier part of k left them: in registers, or spilled to acc between. */
VF_INLINE void tile_load(const wf_tile *t, vf acc[][2], const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++)
        acc[r][0] = acc[r][1] = vf_zero();
    if (!t->goes_on)
        return;
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        acc[r][0] = vf_load(t->acc + r * VF_PANEL);
        acc[r][1] = vf_load(t->acc + r * VF_PANEL + VF_LANES);
    }
}

VF_INLINE void tile_store(const wf_tile *t, vf acc[][2], const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        vf_store(t->acc + r * VF_PANEL, acc[r][0]);
        vf_store(t->acc + r * VF_PANEL + VF_LANES, acc[r][1]);
    }
}

VF_INLINE void tile_rows(const wf_tile *t, const int rows)
{
    vf acc[VF_TILE_ROWS][2];
    tile_load(t, acc, rows);
    if (t->format == WF_F32)
        tile_f32(acc, t, rows);
    else if (t->format == WF_BF16)
        tile_bf16(acc, t, rows);
    else
        tile_f16(acc, t, rows);
    tile_store(t, acc, rows);
}

/* One instance per row count: the count must be a constant for the accumulators to be registers.
 * Other counts do not occur: no tile is larger than VF_TILE_ROWS. */
/* clang-format off */
#define VF_CASE(body, n) case n: body(t, n); break;
#define VF_CASES_6(body) \
    VF_CASE(body, 1) VF_CASE(body, 2) VF_CASE(body, 3) \
    VF_CASE(body, 4) VF_CASE(body, 5) VF_CASE(body, 6)
#define VF_CASES_12(body) VF_CASES_6(body) \
    VF_CASE(body, 7) VF_CASE(body, 8) VF_CASE(body, 9) \
    VF_CASE(body, 10) VF_CASE(body, 11) VF_CASE(body, 12)
#if defined(VF_ROLLED)
#define VF_EACH_COUNT(body) body(t, t->rows)
#elif VF_LANES == 16
#define VF_EACH_COUNT(body) switch (t->rows) { VF_CASES_12(body) default: break; }
#else
#define VF_EACH_COUNT(body) switch (t->rows) { VF_CASES_6(body) default: break; }
#endif
/* clang-format on */

static void tile_fma(const wf_tile *t)
{
    VF_EACH_COUNT(tile_rows);
}

/* The pair that a lane holds becomes two rows; of an odd k's last pair only the first. */
VF_INLINE void widen_bf16(float *dst, const uint8_t *b, int64_t k)
{
    const vi high = vi_set1((int32_t)0xffff0000u);
    for (int64_t i = 0; i < k; i += 2, b += VF_PANEL * 4, dst += 2 * VF_PANEL) {
        vi b0 = vi_load(b), b1 = vi_load(b + VF_LANES * 4);
        vf_store(dst, vf_of(vi_sll(b0, 16)));
        vf_store(dst + VF_LANES, vf_of(vi_sll(b1, 16)));
        if (i + 1 == k)
            break;
        vf_store(dst + VF_PANEL, vf_of(vi_and(b0, high)));
        vf_store(dst + VF_PANEL + VF_LANES, vf_of(vi_and(b1, high)));
    }
}

static void widen(float *dst, const void *b, int64_t k, int32_t format)
{
    if (format == WF_BF16) {
        widen_bf16(dst, b, k);
        return;
    }
    for (int64_t i = 0; i < k * VF_PANEL; i += VF_LANES)
        vf_store(dst + i, vf_from_f16x((const uint16_t *)b + i));
}

/* The epilogue of one vector of outputs (order: core/ops/op.h), n of them real. */
VF_INLINE void finish_vector(const wf_linear *a, vf value, int64_t r, int64_t c, int64_t n)
{
    if (a->bias != NULL)
        value = vf_add(value, vf_load_n(a->bias + c, n));
    value = vf_activate(value, a->act);
    if (a->residual != NULL)
        value = vf_add(vf_load_n(a->residual + r * a->residual_stride + c, n),
                       vf_mul(vf_set1(a->scale), value));
    vf_store_n(a->y + r * a->y_stride + c, value, n);
}

static void finish(const wf_linear *a, const float *acc, int64_t row, int64_t rows, int64_t column,
                   int64_t columns)
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c += VF_LANES)
            finish_vector(a, vf_load(acc + r * VF_PANEL + c), row + r, column + c, columns - c);
    }
}

#endif
