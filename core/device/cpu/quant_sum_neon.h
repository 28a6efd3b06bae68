/* SPDX-License-Identifier: Apache-2.0 */
/* The integer sums of quant_vec.h in NEON: four bytes of the weights times four of x, both signed,
 * by sdot, or where a CPU has it not by widening multiplications: a pair of products of at most 127
 * x 127 fits 16 bits. Part of quant_vec.h. */
#ifndef WF_QUANT_SUM_NEON_H
#define WF_QUANT_SUM_NEON_H

#if defined(__ARM_FEATURE_DOTPROD)
/* acc += each four bytes of w times the four of x's lane. The lane is a literal. */
#define vq_dot(acc, w, x, lane) vdotq_laneq_s32(acc, w, x, lane)
#else
#define vq_dot(acc, w, x, lane) vq_widened(acc, w, vdupq_laneq_s32(vreinterpretq_s32_s8(x), lane))

VF_INLINE int32x4_t vq_widened(int32x4_t acc, int8x16_t w, int32x4_t four)
{
    int8x16_t x = vreinterpretq_s8_s32(four);
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x)), high = vmull_high_s8(w, x);
    return vpadalq_s16(acc, vpaddq_s16(low, high));
}
#endif

/* Of a vector's columns the elements that stand four apart from p on, for lane 0 to 3 of x. */
#define VQ_EACH_LANE(weights, p)                                                                   \
    VQ_LANE(weights, p, 0)                                                                         \
    VQ_LANE(weights, p, 1)                                                                         \
    VQ_LANE(weights, p, 2)                                                                         \
    VQ_LANE(weights, p, 3)
#define VQ_LANE(weights, p, lane)                                                                  \
    {                                                                                              \
        const uint8_t *at = (p) + (lane)*VQ_STEP;                                                  \
        int8x16_t      w0 = weights(at), w1 = weights(at + 16);                                    \
        VF_UNROLL                                                                                  \
        for (int r = 0; r < rows; r++) {                                                           \
            sum[r][0].a = vq_dot(sum[r][0].a, w0, x[r], lane);                                     \
            sum[r][0].b = vq_dot(sum[r][0].b, w1, x[r], lane);                                     \
        }                                                                                          \
    }

VF_INLINE int8x16_t vq_signed(const uint8_t *w) /* without the 128 */
{
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w), vdupq_n_u8(0x80)));
}

VF_INLINE int8x16_t vq_low(const uint8_t *w)
{
    return vreinterpretq_s8_u8(vandq_u8(vld1q_u8(w), vdupq_n_u8(15)));
}

VF_INLINE int8x16_t vq_high(const uint8_t *w)
{
    return vreinterpretq_s8_u8(vshrq_n_u8(vld1q_u8(w), 4));
}

/* Half of the group of each row, and sums of nothing where it is the first half. */
VF_INLINE void vq_half(const vq_group *g, int8x16_t *x, const int half, vi sum[][VQ_VECTORS],
                       const int rows)
{
    VF_UNROLL
    for (int r = 0; r < rows; r++) {
        x[r] = vreinterpretq_s8_u8(vld1q_u8(g->x + r * WF_GROUP + 16 * half));
        if (half == 0)
            sum[r][0] = vi_set1(0);
    }
}

VF_INLINE void vq_sum_q8(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    int8x16_t x[VQ_ROWS];
    vq_half(g, x, 0, sum, rows);
    VQ_EACH_LANE(vq_signed, g->w)
    vq_half(g, x, 1, sum, rows);
    VQ_EACH_LANE(vq_signed, g->w + 4 * VQ_STEP)
}

VF_INLINE void vq_sum_q4(const vq_group *g, vi sum[][VQ_VECTORS], const int rows)
{
    int8x16_t x[VQ_ROWS];
    vq_half(g, x, 0, sum, rows);
    VQ_EACH_LANE(vq_low, g->w)
    vq_half(g, x, 1, sum, rows);
    VQ_EACH_LANE(vq_high, g->w)
}

#endif
