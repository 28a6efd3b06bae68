/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer over f32 vectors of AVX2 (8 lanes) and AVX-512 (16 lanes), so that a kernel whose
 * variants differ only in width is written once. Included only by files built with ISA flags. */
#ifndef WF_VEC_H
#define WF_VEC_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "vec.h needs at least -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <stdint.h>

/* A sanitizer multiplies code that unrolling has multiplied already, and compiling takes minutes:
 * it gets the same loops rolled, with arrays in memory. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(undefined_behavior_sanitizer)
#define VF_ROLLED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VF_ROLLED
#endif

/* Loops over registers: the arrays they index live in registers only once fully unrolled. */
#if defined(VF_ROLLED)
#define VF_UNROLL
#define VF_INLINE __attribute__((unused)) static inline
#elif defined(__clang__)
#define VF_UNROLL _Pragma("clang loop unroll(full)")
#define VF_INLINE static inline __attribute__((always_inline))
#else
#define VF_UNROLL _Pragma("GCC unroll 16")
#define VF_INLINE static inline __attribute__((always_inline))
#endif

#if defined(__AVX512F__)

#define VF_LANES 16
typedef __m512  vf;
typedef __m512i vi;

VF_INLINE __mmask16 vf_first(int64_t n) /* lanes below n */
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
VF_INLINE vf vf_load_n(const float *p, int64_t n) /* lanes n and up: 0, not read */
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
VF_INLINE vf vf_fma(vf a, vf b, vf c) /* a b + c, rounded once */
{
    return _mm512_fmadd_ps(a, b, c);
}
VF_INLINE vf vf_max(vf a, vf b) /* a > b ? a : b */
{
    return _mm512_max_ps(a, b);
}
VF_INLINE vf vf_min(vf a, vf b) /* a < b ? a : b */
{
    return _mm512_min_ps(a, b);
}
VF_INLINE vf vf_if_negative(vf x, vf a, vf b) /* x < 0 ? a : b */
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, vf_zero(), _CMP_LT_OQ), b, a);
}
VF_INLINE vf vf_first_of(int64_t n, vf a, vf b) /* lanes below n of a, the others of b */
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
VF_INLINE void vi_stream(void *p, vi x) /* p aligned; past the caches, so fence after it */
{
    _mm512_stream_si512(p, x);
}
VF_INLINE vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}
VF_INLINE vi vi_low32(vi a, vi b) /* words 0 and 1 of each 128 bits, a and b in turn */
{
    return _mm512_unpacklo_epi32(a, b);
}
VF_INLINE vi vi_high32(vi a, vi b) /* words 2 and 3 */
{
    return _mm512_unpackhi_epi32(a, b);
}
VF_INLINE vi vi_low64(vi a, vi b) /* the same of 64-bit halves */
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
VF_INLINE vf vf_from_bf16x(const uint16_t *p)
{
    return vf_of(
        vi_sll(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16));
}
VF_INLINE vf vf_from_f16x(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

#else

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
VF_INLINE vf vf_load_n(const float *p, int64_t n)
{
    return _mm256_maskload_ps(p, vf_first(n));
}
VF_INLINE void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}
VF_INLINE void vf_store_n(float *p, vf x, int64_t n)
{
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
VF_INLINE void vi_stream(void *p, vi x) /* p aligned; past the caches, so fence after it */
{
    _mm256_stream_si256((__m256i *)p, x);
}
VF_INLINE vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}
VF_INLINE vi vi_low32(vi a, vi b) /* words 0 and 1 of each 128 bits, a and b in turn */
{
    return _mm256_unpacklo_epi32(a, b);
}
VF_INLINE vi vi_high32(vi a, vi b) /* words 2 and 3 */
{
    return _mm256_unpackhi_epi32(a, b);
}
VF_INLINE vi vi_low64(vi a, vi b) /* the same of 64-bit halves */
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
VF_INLINE vf vf_from_bf16x(const uint16_t *p)
{
    return vf_of(
        vi_sll(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16));
}
VF_INLINE vf vf_from_f16x(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

#endif

/* x rounded to bf16 and widened again, as wf_round_bf16. */
VF_INLINE vf vf_round_bf16(vf x)
{
    vi u = vi_of(x), odd = vi_and(vi_srl(u, 16), vi_set1(1));
    vi rounded = vi_add(u, vi_add(odd, vi_set1(0x7fff)));
    vi mask = vi_set1((int32_t)0xffff0000u);
    vf quiet = vf_of(vi_and(vi_of(vf_add(x, x)), mask)); /* an arithmetic step makes a NaN quiet */
    return vf_if_nan(x, quiet, vf_of(vi_and(rounded, mask)));
}

#endif
