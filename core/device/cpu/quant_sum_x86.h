/* SPDX-License-Identifier: Apache-2.0 */
/* The integer sums of a group on x86.
 *
 * vpdpbusd adds the products of four unsigned bytes of the weights and four signed ones of x; 128
 * times the sum of x, which the weights have too much in q8, is taken off by what a sum begins
 * with. Without that instruction vpmaddubsw multiplies |x| with the weights that have taken x's
 * sign: its pairs of 16 bits hold two products of at most 127 x 127, and in q4 those of a whole
 * group. Included by quant_vec.h alone. */
#ifndef WF_QUANT_SUM_X86_H
#define WF_QUANT_SUM_X86_H

#if VF_LANES == 16
VF_INLINE vi vq_dot(vi acc, vi w, vi x)
{
    return _mm512_dpbusd_epi32(acc, w, x);
}
#elif defined(__AVXVNNI__)
VF_INLINE vi vq_dot(vi acc, vi w, vi x)
{
    return _mm256_dpbusd_avx_epi32(acc, w, x);
}
#endif

/* The vectors of four elements each, j along the group, of q4: low half and high half. */
VF_INLINE vi vq_low(const uint8_t *w)
{
    return vi_and(vi_load(w), vi_set1(0x0f0f0f0f));
}

VF_INLINE vi vq_high(const uint8_t *w)
{
    return vi_and(vi_srl(vi_load(w), 4), vi_set1(0x0f0f0f0f));
}

#if VF_LANES == 16 || defined(__AVXVNNI__)
VF_INLINE void vq_add(const vq_group *g, int64_t at, vi w0, vi w1, vi sum[][VQ_VECTORS],
                      const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        vi x = vq_every(g->x + r * WF_GROUP + at);
        sum[r][0] = vq_dot(sum[r][0], w0, x);
        sum[r][1] = vq_dot(sum[r][1], w1, x);
    }
}

/* sum begins with what takes back the 128. */
VF_INLINE void vq_sum_q8(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    VF_UNROLL
    for (int j = 0; j < 8; j++) {
        const uint8_t *w = g->w + j * VQ_STEP;
        vq_add(g, 4 * j, vi_load(w), vi_load(w + 4 * VF_LANES), sum, rows);
    }
}

VF_INLINE void vq_sum_q4(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    VF_UNROLL
    for (int j = 0; j < 4; j++) {
        const uint8_t *w = g->w + j * VQ_STEP, *next = w + 4 * VF_LANES;
        vq_add(g, 4 * j, vq_low(w), vq_low(next), sum, rows);
        vq_add(g, 4 * j + 16, vq_high(w), vq_high(next), sum, rows);
    }
}
#else
VF_INLINE vi vq_pairs(vi x16) /* neighbours of 16 bits added */
{
    return _mm256_madd_epi16(x16, _mm256_set1_epi16(1));
}

/* The sum as it is. Additions of integers may be regrouped, and gcc would make all products of a
 * group before it adds them up: far more than there are registers. */
#define VQ_IN_ORDER(sum) __asm__("" : "+x"(sum))

/* The same, and the sum stays in its register: gcc would add in another one and copy it back. */
#define VQ_ADD(sum, x) __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(x))

VF_INLINE vi vq_signed(const uint8_t *w) /* without the 128 */
{
    return _mm256_xor_si256(vi_load(w), vi_set1((int32_t)0x80808080u));
}

VF_INLINE void vq_sum_q8(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = vi_set1(0);
    for (int j = 0; j < 8; j++) {
        vi w0 = vq_signed(g->w + j * VQ_STEP), w1 = vq_signed(g->w + j * VQ_STEP + 4 * VF_LANES);
        VF_UNROLL
        for (int r = 0; r < rows; r++) {
            vi x = vq_every(g->x + r * WF_GROUP + 4 * j), a = _mm256_abs_epi8(x);
            vi p0 = _mm256_maddubs_epi16(a, _mm256_sign_epi8(w0, x));
            vi p1 = _mm256_maddubs_epi16(a, _mm256_sign_epi8(w1, x));
            VQ_ADD(sum[r][0], vq_pairs(p0));
            VQ_ADD(sum[r][1], vq_pairs(p1));
        }
    }
}

VF_INLINE void vq_add(const vq_group *g, int64_t at, vi w0, vi w1, vi sum[][VQ_VECTORS],
                      const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        vi x = vq_every(g->x + r * WF_GROUP + at);
        sum[r][0] = _mm256_add_epi16(sum[r][0], _mm256_maddubs_epi16(w0, x));
        sum[r][1] = _mm256_add_epi16(sum[r][1], _mm256_maddubs_epi16(w1, x));
        VQ_IN_ORDER(sum[r][0]);
        VQ_IN_ORDER(sum[r][1]);
    }
}

VF_INLINE void vq_sum_q4(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    for (int j = 0; j < 4; j++) {
        const uint8_t *w = g->w + j * VQ_STEP, *next = w + 4 * VF_LANES;
        vq_add(g, 4 * j, vq_low(w), vq_low(next), sum, rows);
        vq_add(g, 4 * j + 16, vq_high(w), vq_high(next), sum, rows);
    }
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        sum[r][0] = vq_pairs(sum[r][0]);
        sum[r][1] = vq_pairs(sum[r][1]);
    }
}
#endif

#endif
