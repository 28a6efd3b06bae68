/* SPDX-License-Identifier: Apache-2.0 */
/* The words of vec.h in AVX2, FMA and F16C: eight lanes. */
#ifndef WF_VEC_AVX2_H
#define WF_VEC_AVX2_H

#include "core/device/cpu/vec_x86.h"

#define VF_LANES 8
typedef __m256  vf;
typedef __m256i vi;

VF_INLINE __m256i vf_first(int64_t n)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < VF_LANES ? (int32_t)n : VF_LANES), lanes);
}
VF_INLINE vf vf_zero(void)
{
    return _mm256_setzero_ps();
}
VF_INLINE vf vf_set1(float x)
{
    return _mm256_set1_ps(x);
}
VF_INLINE vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
/* Whole vectors without a mask: a masked store takes Zen 2 a dozen cycles. */
VF_INLINE vf vf_load_n(const float *p, int64_t n)
{
    return n >= VF_LANES ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, vf_first(n));
}
VF_INLINE void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}
VF_INLINE void vf_store_n(float *p, vf x, int64_t n)
{
    if (n >= VF_LANES)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, vf_first(n), x);
}
VF_INLINE vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
VF_INLINE vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
VF_INLINE vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
VF_INLINE vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
VF_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
VF_INLINE vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}
VF_INLINE vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}
VF_INLINE vf vf_if_negative(vf x, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, vf_zero(), _CMP_LT_OQ));
}
VF_INLINE vf vf_first_of(int64_t n, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(vf_first(n)));
}
VF_INLINE vf vf_if_nan(vf x, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
VF_INLINE vf vf_abs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
VF_INLINE float vf_reduce_max(vf x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
VF_INLINE vi vi_set1(int32_t x)
{
    return _mm256_set1_epi32(x);
}
VF_INLINE vi vi_load(const void *p)
{
    return _mm256_loadu_si256(p);
}
VF_INLINE void vi_stream(void *p, vi x)
{
    _mm256_stream_si256((__m256i *)p, x);
}
VF_INLINE vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}
VF_INLINE vi vi_low32(vi a, vi b)
{
    return _mm256_unpacklo_epi32(a, b);
}
VF_INLINE vi vi_high32(vi a, vi b)
{
    return _mm256_unpackhi_epi32(a, b);
}
VF_INLINE vi vi_low64(vi a, vi b)
{
    return _mm256_unpacklo_epi64(a, b);
}
VF_INLINE vi vi_high64(vi a, vi b)
{
    return _mm256_unpackhi_epi64(a, b);
}
VF_INLINE vi vi_sub(vi a, vi b)
{
    return _mm256_sub_epi32(a, b);
}
VF_INLINE vi vi_and(vi a, vi b)
{
    return _mm256_and_si256(a, b);
}
#define vi_sll(x, n) _mm256_slli_epi32(x, n)
#define vi_sra(x, n) _mm256_srai_epi32(x, n)
#define vi_srl(x, n) _mm256_srli_epi32(x, n)
VF_INLINE vi vi_of(vf x)
{
    return _mm256_castps_si256(x);
}
VF_INLINE vf vf_of(vi x)
{
    return _mm256_castsi256_ps(x);
}
VF_INLINE vf vf_from_i32(vi x)
{
    return _mm256_cvtepi32_ps(x);
}
VF_INLINE vf vf_from_bf16x(const uint16_t *p)
{
    return vf_of(
        vi_sll(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16));
}
VF_INLINE vf vf_from_f16x(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
VF_INLINE vf vf_from_i8x(const int8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
VF_INLINE vi vi_low128(vi a, vi b) /* the first half of a and of b */
{
    return _mm256_permute2x128_si256(a, b, 0x20);
}
VF_INLINE vi vi_high128(vi a, vi b)
{
    return _mm256_permute2x128_si256(a, b, 0x31);
}

#endif
