/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of vec.h are in AVX2 and AVX-512 alike. */
#ifndef WF_VEC_X86_H
#define WF_VEC_X86_H

#include <immintrin.h>

VF_INLINE void vf_transpose4(float *const to[4], const float *const from[4])
{
    __m128 a = _mm_loadu_ps(from[0]), b = _mm_loadu_ps(from[1]);
    __m128 c = _mm_loadu_ps(from[2]), d = _mm_loadu_ps(from[3]);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to[0], a);
    _mm_storeu_ps(to[1], b);
    _mm_storeu_ps(to[2], c);
    _mm_storeu_ps(to[3], d);
}
VF_INLINE void vi_fence(void)
{
    _mm_sfence();
}

#endif
