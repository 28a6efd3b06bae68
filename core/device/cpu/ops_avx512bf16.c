/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX512-BF16 level: bf16 weights by vdpbf16ps, one instruction per pair of k. Its sums are its
 * own (the instruction flushes denormals and rounds in its own way); f32 and f16 weights, and all
 * other ops, keep the bytes of AVX-512. */
#if defined(__x86_64__)
#if !defined(__AVX512BF16__)
#error "build this file with -mavx512bf16"
#endif
#include "core/device/cpu/linear_vec.h"

/* With bf16 weights a row becomes bf16 too, in whole pairs; the rounding is that of every path. */
static void prepare_pairs(void *dst, const float *x, int64_t k, int32_t dtype)
{
    uint16_t *d = dst;
    if (dtype != WF_BF16) {
        prepare_f32(dst, x, k, dtype);
        return;
    }
    int64_t padded = wf_padded_k(dtype, k);
    for (int64_t i = 0; i < k; i += VF_LANES) {
        vi rounded = vi_of(vf_round_bf16(vf_load_n(x + i, k - i)));
        _mm256_mask_storeu_epi16(d + i, vf_first(padded - i),
                                 _mm512_cvtepi32_epi16(vi_srl(rounded, 16)));
    }
}

VF_INLINE __m512bh pairs_load(const uint8_t *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}

VF_INLINE __m512bh pairs_set1(const uint8_t *p)
{
    int32_t pair;
    memcpy(&pair, p, 4);
    return (__m512bh)_mm512_set1_epi32(pair);
}

VF_INLINE void tile_pairs(const wf_tile *t, const int rows)
{
    vf             acc[VF_TILE_ROWS][2];
    const uint8_t *a = t->a, *b = t->b, *ahead = t->ahead;
    tile_load(t, acc, rows);
    for (int64_t i = 0; i < t->k; i += 2, a += 4, b += VF_PANEL * 4, ahead += 2 * t->ahead_step) {
        __m512bh b0 = pairs_load(b), b1 = pairs_load(b + VF_LANES * 4);
        fetch_ahead(ahead);
        VF_UNROLL
        for (int r = 0; r < rows; r++) {
            __m512bh x = pairs_set1(a + r * t->a_stride);
            acc[r][0] = _mm512_dpbf16_ps(acc[r][0], x, b0);
            acc[r][1] = _mm512_dpbf16_ps(acc[r][1], x, b1);
        }
    }
    tile_store(t, acc, rows);
}

static void tile(const wf_tile *t)
{
    if (t->format != WF_BF16) {
        tile_fma(t);
        return;
    }
    VF_EACH_COUNT(tile_pairs);
}

void wf_prepare_pairs_avx512(void *dst, const float *x, int64_t k, int32_t dtype)
{
    prepare_pairs(dst, x, k, dtype);
}

void wf_finish_avx512(const wf_linear *a, const float *acc, int64_t row, int64_t rows,
                      int64_t column, int64_t columns)
{
    finish(a, acc, row, rows, column, columns);
}

static weft_status linear(wf_exec *ex, const wf_linear *a)
{
    static const wf_linear_kernel kernel = {VF_PANEL, VF_TILE_ROWS, 1,     prepare_pairs,
                                            tile,     widen,        finish};
    return wf_linear_panels(ex, a, &kernel);
}

void wf_ops_init_avx512bf16(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AVX512BF16) != 0)
        ops->linear = linear;
}
#endif
