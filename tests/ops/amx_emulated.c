/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of AMX over emulated tiles. Rows are made ready, sums finished and weights packed by
 * the plain C of the reference, for panels of 32. */
#define WF_TILE_EMULATED
#include "amx.h"

#include "core/device/cpu/linear_tiles.h"
#include "core/device/cpu/quant_tiles.h"
#include "check.h"

static void prepare(void *dst, const float *x, int64_t k, int32_t format)
{
    if (format != WF_BF16) {
        memcpy(dst, x, (size_t)k * 4);
        return;
    }
    for (int64_t i = 0; i < wf_padded_k(WF_BF16, k); i++)
        ((uint16_t *)dst)[i] = i < k ? wf_to_bf16(x[i]) : 0;
}

/* f32 and f16 weights in the same panels. */
static void tile_plain(const wf_tile *t)
{
    for (int64_t r = 0; r < t->rows; r++) {
        const float *a = (const float *)(const void *)((const uint8_t *)t->a + r * t->a_stride);
        for (int64_t c = 0; c < TILES_PANEL; c++) {
            float acc = t->goes_on ? t->acc[r * TILES_PANEL + c] : 0.0f;
            for (int64_t i = 0; i < t->k; i++)
                acc = fmaf(a[i], wf_load(t->b, i * TILES_PANEL + c, t->format), acc);
            t->acc[r * TILES_PANEL + c] = acc;
        }
    }
}

static void widen(float *dst, const void *b, int64_t k, int32_t format)
{
    for (int64_t i = 0; i < k * TILES_PANEL; i++)
        dst[i] = wf_load(b, i, format);
}

static void finish(const wf_linear *a, const float *acc, int64_t row, int64_t rows, int64_t column,
                   int64_t columns)
{
    wf_quant_reference.finish(a, acc, NULL, row, rows, column, columns);
}

static weft_status linear(wf_exec *ex, const wf_linear *a)
{
    const wf_linear_kernel kernel = {TILES_PANEL, TILES_ROWS, 0,     prepare,
                                     tile_plain,  widen,      finish};
    return wf_linear_panels(ex, a, &kernel);
}

static weft_status linear_bf16(wf_exec *ex, const wf_linear *a)
{
    const wf_linear_kernel kernel = {TILES_PANEL, TILES_ROWS, 1, prepare, tiles_bf16, NULL, finish};
    return wf_linear_panels_in(ex, a, &kernel, &tiles_blocks);
}

static weft_status pack(wf_exec *ex, const wf_pack *a)
{
    return wf_panel_pack(ex, a, TILES_PANEL, NULL);
}

/* As the reference does it, row by row. */
static void qt_scale(const wf_quant_tile *t, const uint8_t *x, const uint8_t *w,
                     const int32_t *sums)
{
    for (int64_t r = 0; r < t->rows; r++) {
        float    dx, product, *acc = t->acc + r * WF_Q_PANEL;
        int32_t  begin;
        uint16_t scale[2 * WF_Q_PANEL]; /* q8 has no minima: the second half is not used */
        memcpy(scale, w, (size_t)wf_quant_elements(t->format));
        memcpy(&dx, x + wf_quant_dx_at(t->rows) + 4 * r, 4);
        memcpy(&begin, x + wf_quant_sum_at(t->rows) + 4 * r, 4);
        memcpy(&product, &begin, 4);
        for (int c = 0; c < WF_Q_PANEL; c++) {
            int32_t sum = sums[r * WF_Q_PANEL + c] + (t->format == WF_Q8 ? begin : 0);
            if (t->format == WF_Q4)
                acc[c] = fmaf(wf_from_f16(scale[WF_Q_PANEL + c]), product, acc[c]);
            acc[c] = fmaf((float)sum, dx * wf_from_f16(scale[c]), acc[c]);
        }
    }
}

/* Tiles for every number of rows. */
static wf_quant_kernels quant;

void amx_emulated_init(wf_ops *ops)
{
    quant = wf_quant_reference;
    quant.tile_rows = QT_ROWS;
    quant.tile = qt_tile;
    wf_ops_init(ops, 0);
    wf_ops_use_panel32(ops);
    ops->pack = pack;
    ops->linear = linear;
    ops->linear_bf16 = linear_bf16;
    ops->quant = &quant;
}

void amx_levels(void)
{
    wf_ops ops;
    amx_emulated_init(&ops);
    check_add_level("amx emulated", WEFT_CPU_AMX, &ops, NULL);
    if (amx_trapped_init(&ops) != 0)
        check_add_level("amx trapped", WEFT_CPU_AMX, &ops, amx_trap);
}
