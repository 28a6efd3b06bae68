/* SPDX-License-Identifier: Apache-2.0 */
/* A thin layer over f32 vectors, so that a kernel whose variants differ only in width and in names
 * of instructions is written once: vf and vi are VF_LANES f32 and int32. AVX-512 has 16 lanes, AVX2
 * 8, and NEON 8 as well, in pairs of registers of 4: since it has twice as many of them as AVX2,
 * what fills the registers of one fills those of the other. Each word gives the same bytes
 * everywhere. Included only by files of an instruction set.
 *
 *   vf_load_n, vf_store_n   n lanes, or all if n is more; those past n are read as 0, not written
 *   vf_fma(a, b, c)         a b + c, rounded once; vf_fma1 the same with a number for a
 *   vf_max, vf_min          a > b ? a : b, a < b ? a : b: b where one of them is NaN
 *   vf_if_negative(x, a, b) x < 0 ? a : b
 *   vf_if_nan(x, a, b)      x != x ? a : b
 *   vf_first_of(n, a, b)    lanes below n of a, the others of b
 *   vf_reduce_max           the greatest lane; there is no NaN
 *   vf_transpose4           to[i][k] = from[k][i], i and k below 4
 *   vi_stream               stores past the caches where that can be asked for, so that vi_fence
 *                           comes after the last; p is aligned
 *   vi_low32(a, b)          words 0 and 1 of each 128 bits, of a and b in turn; vi_high32: words 2
 *                           and 3; vi_low64, vi_high64 the same of halves of 64 bits
 *   vf_from_bf16x and its like: VF_LANES elements at p as f32 */
#ifndef WF_VEC_H
#define WF_VEC_H

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
#include "core/device/cpu/vec_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "core/device/cpu/vec_avx2.h"
#elif defined(__aarch64__)
#include "core/device/cpu/vec_neon.h"
#else
#error "vec.h needs AArch64, or at least -mavx2 -mfma -mf16c"
#endif

VF_INLINE vf vf_fma1(float x, vf b, vf c)
{
    return vf_fma(vf_set1(x), b, c);
}

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
