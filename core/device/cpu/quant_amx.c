/* SPDX-License-Identifier: Apache-2.0 */
/* The AMX level of q8 and q4 weights: tiles where there are rows enough for them, and vpdpbusd for
 * fewer rows and for what rounding leaves of wide groups. */
#if defined(__x86_64__)
#if !defined(__AVX512VNNI__)
#error "build this file with -mavx512vnni"
#endif
#include "core/device/cpu/quant_tiles.h"

/* For fewer, weights come from memory no faster than vectors multiply them (reckoned from the
 * rates of the instructions, not measured). At most one more than vectors have rows for. */
#define QT_ROWS_LEAST 7

static void qt_tile_or_vectors(const wf_quant_tile *t);
#define VQ_TILE qt_tile_or_vectors
#define VQ_TILE_ROWS QT_ROWS
#include "core/device/cpu/quant_vec.h"

_Static_assert(QT_ROWS_LEAST - 1 <= VQ_ROWS, "vectors take what tiles do not");

VF_INLINE void qt_scale_as(const wf_quant_tile *t, const uint8_t *x, const uint8_t *w,
                           const int32_t *sums, const int32_t format)
{
    const uint8_t *dx_at = x + wf_quant_dx_at(t->rows), *sum_at = x + wf_quant_sum_at(t->rows);
    vf             d[2] = {vq_f16(w), vq_f16(w + 2 * VF_LANES)}, m[2] = {vf_zero(), vf_zero()};
    if (format == WF_Q4) {
        m[0] = vq_f16(w + 2 * WF_Q_PANEL);
        m[1] = vq_f16(w + 2 * (WF_Q_PANEL + VF_LANES));
    }
    for (int r = 0; r < t->rows; r++) {
        vf dx = vq_every_float(dx_at + 4 * r);
        vi begin = vq_every(sum_at + 4 * r);
        VF_UNROLL
        for (int v = 0; v < 2; v++) {
            float *acc = t->acc + r * WF_Q_PANEL + v * VF_LANES;
            vi     sum = vi_load(sums + r * WF_Q_PANEL + v * VF_LANES);
            vf     f = vf_load(acc);
            if (format == WF_Q4)
                f = vf_fma(m[v], vf_of(begin), f);
            else
                sum = vi_add(sum, begin);
            vf_store(acc, vf_fma(vf_from_i32(sum), vf_mul(dx, d[v]), f));
        }
    }
}

static void qt_scale(const wf_quant_tile *t, const uint8_t *x, const uint8_t *w,
                     const int32_t *sums)
{
    if (t->format == WF_Q4)
        qt_scale_as(t, x, w, sums, WF_Q4);
    else
        qt_scale_as(t, x, w, sums, WF_Q8);
}

static void qt_tile_or_vectors(const wf_quant_tile *t)
{
    if (t->rows < QT_ROWS_LEAST)
        vq_tile(t);
    else
        qt_tile(t);
}

void wf_quant_init_amx(wf_ops *ops, uint64_t cpu_flags)
{
    if ((cpu_flags & WEFT_CPU_AMX) != 0)
        ops->quant = &vq_kernels;
}
#endif
