/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of q8 and q4 weights in plain C: what every level is tested against, and what runs
 * where there is none. */
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant_pack.h"
#include "core/device/cpu/quant_rows.h"

/* sum [32] of q times the integers of one group of a panel. */
static void sum_group(const int8_t *q, const uint8_t *w, int32_t format, int32_t *sum)
{
    const int quads = format == WF_Q8 ? 8 : 4;
    for (int j = 0; j < quads; j++) {
        for (int c = 0; c < WF_Q_PANEL; c++, w += 4) {
            for (int b = 0; b < 4; b++) {
                if (format == WF_Q8)
                    sum[c] += q[4 * j + b] * w[b];
                else
                    sum[c] += q[4 * j + b] * (w[b] & 15) + q[4 * j + b + 16] * (w[b] >> 4);
            }
        }
    }
}

/* One row's products with a group: x and w are of that group. */
static void add_group(const wf_quant_tile *t, const uint8_t *x, const uint8_t *w, int64_t r)
{
    float   *acc = t->acc + (t->at != NULL ? t->at[r] : r) * WF_Q_PANEL, dx, product;
    int32_t  sum[WF_Q_PANEL], begin;
    uint16_t scale[2 * WF_Q_PANEL]; /* q8 has no minima: the second half is not used */
    memcpy(scale, w, (size_t)wf_quant_elements(t->format));
    memcpy(&dx, x + wf_quant_dx_at(t->rows) + 4 * r, 4);
    memcpy(&begin, x + wf_quant_sum_at(t->rows) + 4 * r, 4);
    memcpy(&product, &begin, 4);
    for (int c = 0; c < WF_Q_PANEL; c++)
        sum[c] = t->format == WF_Q8 ? begin : 0;
    sum_group((const int8_t *)x + r * WF_GROUP, w + wf_quant_elements(t->format), t->format, sum);
    for (int c = 0; c < WF_Q_PANEL; c++) {
        if (t->format == WF_Q4)
            acc[c] = fmaf(wf_from_f16(scale[WF_Q_PANEL + c]), product, acc[c]);
        acc[c] = fmaf((float)sum[c], dx * wf_from_f16(scale[c]), acc[c]);
    }
}

static void tile_ref(const wf_quant_tile *t)
{
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t g = 0; g < t->groups; g++)
            add_group(t, t->x + g * t->rows * WF_Q_ROW, t->w + g * wf_quant_group(t->format), r);
}

static void finish_ref(const wf_linear *a, const float *acc, const float *rest, int64_t row,
                       int64_t rows, int64_t column, int64_t columns)
{
    for (int64_t r = row, i = 0; r < row + rows; r++, i += WF_Q_PANEL) {
        for (int64_t c = 0, j = column; c < columns; c++, j++) {
            float value = rest != NULL ? acc[i + c] + rest[i + c] : acc[i + c];
            value = wf_activate(a->bias != NULL ? value + a->bias[j] : value, a->act);
            if (a->residual != NULL)
                value = a->residual[r * a->residual_stride + j] + a->scale * value;
            a->y[r * a->y_stride + j] = value;
        }
    }
}

const wf_quant_kernels wf_quant_reference = {
    .tile_rows = 4,
    .rest_rows = 4,
    .prepare = prepare_row,
    .prepare_rest = prepare_rest,
    .tile = tile_ref,
    .rest_tile = tile_ref,
    .finish = finish_ref,
    .pack_panel = pack_panel,
    .host_panel = host_panel,
};
