/* SPDX-License-Identifier: Apache-2.0 */
/* The words of vec.h in AArch64's NEON: eight lanes, as two registers of four. */
#ifndef WF_VEC_NEON_H
#define WF_VEC_NEON_H

#include <arm_neon.h>
#include <string.h>

#define VF_LANES 8
typedef struct vf {
    float32x4_t a, b;
} vf;
typedef struct vi {
    int32x4_t a, b;
} vi;
typedef struct vf_mask {
    uint32x4_t a, b;
} vf_mask;

VF_INLINE vf_mask vf_first(int64_t n)
{
    static const int32_t lanes[VF_LANES] = {0, 1, 2, 3, 4, 5, 6, 7};
    int32x4_t            end = vdupq_n_s32(n < VF_LANES ? (int32_t)n : VF_LANES);
    return (vf_mask){vcltq_s32(vld1q_s32(lanes), end), vcltq_s32(vld1q_s32(lanes + 4), end)};
}
VF_INLINE vf vf_select(vf_mask m, vf x, vf y)
{
    return (vf){vbslq_f32(m.a, x.a, y.a), vbslq_f32(m.b, x.b, y.b)};
}
VF_INLINE vf vf_set1(float x)
{
    return (vf){vdupq_n_f32(x), vdupq_n_f32(x)};
}
VF_INLINE vf vf_zero(void)
{
    return vf_set1(0.0f);
}
VF_INLINE vf vf_load(const float *p)
{
    return (vf){vld1q_f32(p), vld1q_f32(p + 4)};
}
VF_INLINE void vf_store(float *p, vf x)
{
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
}
VF_INLINE vf vf_load_n(const float *p, int64_t n)
{
    float some[VF_LANES] = {0};
    if (n >= VF_LANES)
        return vf_load(p);
    memcpy(some, p, (size_t)n * sizeof *p);
    return vf_load(some);
}
VF_INLINE void vf_store_n(float *p, vf x, int64_t n)
{
    float some[VF_LANES];
    if (n >= VF_LANES) {
        vf_store(p, x);
        return;
    }
    vf_store(some, x);
    memcpy(p, some, (size_t)n * sizeof *p);
}
VF_INLINE vf vf_add(vf x, vf y)
{
    return (vf){vaddq_f32(x.a, y.a), vaddq_f32(x.b, y.b)};
}
VF_INLINE vf vf_sub(vf x, vf y)
{
    return (vf){vsubq_f32(x.a, y.a), vsubq_f32(x.b, y.b)};
}
VF_INLINE vf vf_mul(vf x, vf y)
{
    return (vf){vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b)};
}
VF_INLINE vf vf_div(vf x, vf y)
{
    return (vf){vdivq_f32(x.a, y.a), vdivq_f32(x.b, y.b)};
}
VF_INLINE vf vf_fma(vf x, vf y, vf z)
{
    return (vf){vfmaq_f32(z.a, x.a, y.a), vfmaq_f32(z.b, x.b, y.b)};
}
/* Not fmax and fmin, which take other sides where there are NaNs and zeros of both signs. */
VF_INLINE vf vf_max(vf x, vf y)
{
    return vf_select((vf_mask){vcgtq_f32(x.a, y.a), vcgtq_f32(x.b, y.b)}, x, y);
}
VF_INLINE vf vf_min(vf x, vf y)
{
    return vf_select((vf_mask){vcltq_f32(x.a, y.a), vcltq_f32(x.b, y.b)}, x, y);
}
VF_INLINE vf vf_if_negative(vf x, vf y, vf z)
{
    return vf_select((vf_mask){vcltzq_f32(x.a), vcltzq_f32(x.b)}, y, z);
}
VF_INLINE vf vf_first_of(int64_t n, vf x, vf y)
{
    return vf_select(vf_first(n), x, y);
}
VF_INLINE vf vf_if_nan(vf x, vf y, vf z)
{
    return vf_select((vf_mask){vceqq_f32(x.a, x.a), vceqq_f32(x.b, x.b)}, z, y);
}
VF_INLINE vf vf_abs(vf x)
{
    return (vf){vabsq_f32(x.a), vabsq_f32(x.b)};
}
VF_INLINE float vf_reduce_max(vf x)
{
    return vmaxvq_f32(vmaxq_f32(x.a, x.b));
}
VF_INLINE void vf_transpose4(float *const to[4], const float *const from[4])
{
    float32x4_t a = vld1q_f32(from[0]), b = vld1q_f32(from[1]);
    float32x4_t c = vld1q_f32(from[2]), d = vld1q_f32(from[3]);
    float32x4_t ac = vzip1q_f32(a, c), bd = vzip1q_f32(b, d);
    vst1q_f32(to[0], vzip1q_f32(ac, bd));
    vst1q_f32(to[1], vzip2q_f32(ac, bd));
    ac = vzip2q_f32(a, c);
    bd = vzip2q_f32(b, d);
    vst1q_f32(to[2], vzip1q_f32(ac, bd));
    vst1q_f32(to[3], vzip2q_f32(ac, bd));
}
VF_INLINE vi vi_set1(int32_t x)
{
    return (vi){vdupq_n_s32(x), vdupq_n_s32(x)};
}
VF_INLINE vi vi_load(const void *p)
{
    const int8_t *bytes = p; /* which need no alignment */
    return (vi){vreinterpretq_s32_s8(vld1q_s8(bytes)), vreinterpretq_s32_s8(vld1q_s8(bytes + 16))};
}
VF_INLINE void vi_stream(void *p, vi x)
{
    vst1q_s32((int32_t *)p, x.a);
    vst1q_s32((int32_t *)p + 4, x.b);
}
VF_INLINE void vi_fence(void)
{
}
VF_INLINE vi vi_add(vi x, vi y)
{
    return (vi){vaddq_s32(x.a, y.a), vaddq_s32(x.b, y.b)};
}
VF_INLINE vi vi_sub(vi x, vi y)
{
    return (vi){vsubq_s32(x.a, y.a), vsubq_s32(x.b, y.b)};
}
VF_INLINE vi vi_and(vi x, vi y)
{
    return (vi){vandq_s32(x.a, y.a), vandq_s32(x.b, y.b)};
}
VF_INLINE vi vi_sll(vi x, const int n)
{
    return (vi){x.a << n, x.b << n};
}
VF_INLINE vi vi_sra(vi x, const int n)
{
    return (vi){x.a >> n, x.b >> n};
}
VF_INLINE vi vi_srl(vi x, const int n)
{
    return (vi){vreinterpretq_s32_u32(vreinterpretq_u32_s32(x.a) >> n),
                vreinterpretq_s32_u32(vreinterpretq_u32_s32(x.b) >> n)};
}
VF_INLINE vi vi_low32(vi x, vi y)
{
    return (vi){vzip1q_s32(x.a, y.a), vzip1q_s32(x.b, y.b)};
}
VF_INLINE vi vi_high32(vi x, vi y)
{
    return (vi){vzip2q_s32(x.a, y.a), vzip2q_s32(x.b, y.b)};
}
VF_INLINE vi vi_low64(vi x, vi y)
{
    return (vi){
        vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(x.a), vreinterpretq_s64_s32(y.a))),
        vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(x.b), vreinterpretq_s64_s32(y.b)))};
}
VF_INLINE vi vi_high64(vi x, vi y)
{
    return (vi){
        vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(x.a), vreinterpretq_s64_s32(y.a))),
        vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(x.b), vreinterpretq_s64_s32(y.b)))};
}
VF_INLINE vi vi_low128(vi x, vi y)
{
    return (vi){x.a, y.a};
}
VF_INLINE vi vi_high128(vi x, vi y)
{
    return (vi){x.b, y.b};
}
VF_INLINE vi vi_of(vf x)
{
    return (vi){vreinterpretq_s32_f32(x.a), vreinterpretq_s32_f32(x.b)};
}
VF_INLINE vf vf_of(vi x)
{
    return (vf){vreinterpretq_f32_s32(x.a), vreinterpretq_f32_s32(x.b)};
}
VF_INLINE vf vf_from_i32(vi x)
{
    return (vf){vcvtq_f32_s32(x.a), vcvtq_f32_s32(x.b)};
}
VF_INLINE vf vf_from_bf16x(const uint16_t *p)
{
    uint16x8_t x = vld1q_u16(p), zero = vdupq_n_u16(0);
    return (vf){vreinterpretq_f32_u16(vzip1q_u16(zero, x)),
                vreinterpretq_f32_u16(vzip2q_u16(zero, x))};
}
VF_INLINE vf vf_from_f16x(const uint16_t *p)
{
    float16x8_t x = vreinterpretq_f16_u16(vld1q_u16(p));
    return (vf){vcvt_f32_f16(vget_low_f16(x)), vcvt_high_f32_f16(x)};
}
VF_INLINE vf vf_from_i8x(const int8_t *p)
{
    int16x8_t x = vmovl_s8(vld1_s8(p));
    return (vf){vcvtq_f32_s32(vmovl_s16(vget_low_s16(x))), vcvtq_f32_s32(vmovl_high_s16(x))};
}

#endif
