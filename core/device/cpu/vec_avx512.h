/* SPDX-License-Identifier: Apache-2.0 */
/* The words of vec.h in AVX-512: sixteen lanes. */
#ifndef WF_VEC_AVX512_H
#define WF_VEC_AVX512_H

#include "core/device/cpu/vec_x86.h"

#define VF_LANES 16
typedef __m512  vf;
typedef __m512i vi;

VF_INLINE __mmask16 vf_first(int64_t n)
{
    uint32_t mask = n >= VF_LANES ? 0xffffu : (1u << n) - 1u;
    return (__mmask16)mask;
}
VF_INLINE vf vf_zero(void)
{
    return _mm512_setzero_ps();
}
VF_INLINE vf vf_set1(float x)
{
    return _mm512_set1_ps(x);
}
VF_INLINE vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
VF_INLINE vf vf_load_n(const float *p, int64_t n)
{
    return _mm512_maskz_loadu_ps(vf_first(n), p);
}
VF_INLINE void vf_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}
VF_INLINE void vf_store_n(float *p, vf x, int64_t n)
{
    _mm512_mask_storeu_ps(p, vf_first(n), x);
}
VF_INLINE vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
VF_INLINE vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
VF_INLINE vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
VF_INLINE vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
VF_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
VF_INLINE vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}
VF_INLINE vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}
VF_INLINE vf vf_if_negative(vf x, vf a, vf b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, vf_zero(), _CMP_LT_OQ), b, a);
}
VF_INLINE vf vf_first_of(int64_t n, vf a, vf b)
{
    return _mm512_mask_blend_ps(vf_first(n), b, a);
}
VF_INLINE vf vf_if_nan(vf x, vf a, vf b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), b, a);
}
VF_INLINE vf vf_abs(vf x)
{
    return _mm512_abs_ps(x);
}
VF_INLINE float vf_reduce_max(vf x)
{
    return _mm512_reduce_max_ps(x);
}
VF_INLINE vi vi_set1(int32_t x)
{
    return _mm512_set1_epi32(x);
}
VF_INLINE vi vi_load(const void *p)
{
    return _mm512_loadu_si512(p);
}
VF_INLINE void vi_stream(void *p, vi x)
{
    _mm512_stream_si512(p, x);
}
VF_INLINE vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}
VF_INLINE vi vi_low32(vi a, vi b)
{
    return _mm512_unpacklo_epi32(a, b);
}
VF_INLINE vi vi_high32(vi a, vi b)
{
    return _mm512_unpackhi_epi32(a, b);
}
VF_INLINE vi vi_low64(vi a, vi b)
{
    return _mm512_unpacklo_epi64(a, b);
}
VF_INLINE vi vi_high64(vi a, vi b)
{
    return _mm512_unpackhi_epi64(a, b);
}
VF_INLINE vi vi_sub(vi a, vi b)
{
    return _mm512_sub_epi32(a, b);
}
VF_INLINE vi vi_and(vi a, vi b)
{
    return _mm512_and_si512(a, b);
}
#define vi_sll(x, n) _mm512_slli_epi32(x, n)
#define vi_sra(x, n) _mm512_srai_epi32(x, n)
#define vi_srl(x, n) _mm512_srli_epi32(x, n)
VF_INLINE vi vi_of(vf x)
{
    return _mm512_castps_si512(x);
}
VF_INLINE vf vf_of(vi x)
{
    return _mm512_castsi512_ps(x);
}
VF_INLINE vf vf_from_i32(vi x)
{
    return _mm512_cvtepi32_ps(x);
}
VF_INLINE vf vf_from_bf16x(const uint16_t *p)
{
    return vf_of(
        vi_sll(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16));
}
VF_INLINE vf vf_from_f16x(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
VF_INLINE vf vf_from_i8x(const int8_t *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

#endif
