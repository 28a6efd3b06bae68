/* SPDX-License-Identifier: Apache-2.0 */
/* linear with q8 and q4 weights: everything but the kernels, and the reference of those. Rows of x
 * are rounded a block at a time; then every thread takes its panels, some groups at a time, through
 * all tiles of the block. The f32 sums stand in memory meanwhile, which changes none of them. */
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant_pack.h"
#include "core/device/cpu/quant_rows.h"

#define GROUPS_TOGETHER 16 /* of a panel: as many as stay in the first cache for all tiles */

typedef struct linear_job {
    const wf_linear        *a;
    const wf_quant_kernels *kernels;
    uint8_t                *rows; /* of this block, tile by tile */
    int64_t                 first, n_rows;
    int32_t                 tiles;
} linear_job;

static int64_t block_rows(int64_t m)
{
    return m < WF_LINEAR_ROWS ? m : WF_LINEAR_ROWS;
}

uint64_t wf_quant_scratch_bytes(int64_t m, int64_t k)
{
    uint64_t bytes = (uint64_t)block_rows(m) * (uint64_t)wf_groups(k) * WF_Q_ROW;
    return (bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
}

/* Tiles of a block are cut evenly: 13 rows are 7 and 6, not 12 and 1. */
static uint8_t *tile_at(const linear_job *j, int32_t t, int64_t *from, int64_t *rows)
{
    int64_t to;
    wf_share(j->n_rows, 1, t, j->tiles, from, &to);
    *rows = to - *from;
    return j->rows + *from * wf_groups(j->a->w.k) * WF_Q_ROW;
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++) {
        int64_t  from, rows;
        int32_t  t = (int32_t)(((r + 1) * j->tiles - 1) / j->n_rows); /* that r is in */
        uint8_t *tile = tile_at(j, t, &from, &rows);
        j->kernels->prepare(tile, r - from, rows, a->x + (j->first + r) * a->x_stride, a->w.k,
                            a->w.format);
    }
}

/* Groups begin..end-1 of a panel against all rows of the block. */
static void multiply_groups(const linear_job *j, const uint8_t *w, int64_t begin, int64_t end,
                            float *acc)
{
    int32_t format = j->a->w.format;
    for (int32_t t = 0; t < j->tiles; t++) {
        int64_t        from, rows;
        const uint8_t *x = tile_at(j, t, &from, &rows);
        wf_quant_tile  tile = {acc + from * WF_Q_PANEL,
                               x + begin * rows * WF_Q_ROW,
                               w + begin * wf_quant_group(format),
                               end - begin,
                               (int32_t)rows,
                               format};
        j->kernels->tile(&tile);
    }
}

static void multiply_panel(const linear_job *j, int64_t p, float *acc)
{
    const wf_linear *a = j->a;
    int64_t          groups = wf_groups(a->w.k), left = a->w.n - p * WF_Q_PANEL;
    int64_t          step = j->tiles > 1 ? GROUPS_TOGETHER : groups;
    const uint8_t   *w = (const uint8_t *)a->w.data + p * groups * wf_quant_group(a->w.format);
    memset(acc, 0, (size_t)(j->n_rows * WF_Q_PANEL) * sizeof *acc);
    for (int64_t g = 0; g < groups; g += step)
        multiply_groups(j, w, g, g + step < groups ? g + step : groups, acc);
    j->kernels->finish(a, acc, j->first, j->n_rows, p * WF_Q_PANEL,
                       left < WF_Q_PANEL ? left : WF_Q_PANEL);
}

static void multiply_panels(void *ctx, int64_t begin, int64_t end)
{
    _Alignas(WF_ALIGN) float acc[WF_LINEAR_ROWS * WF_Q_PANEL];
    for (int64_t p = begin; p < end; p++)
        multiply_panel(ctx, p, acc);
}

weft_status wf_quant_linear(wf_exec *ex, const wf_linear *a)
{
    const wf_quant_kernels *kernels = ex->ops->quant;
    if (a->m <= 0)
        return WEFT_OK;
    uint8_t *rows = wf_exec_scratch(ex, (size_t)wf_quant_scratch_bytes(a->m, a->w.k));
    if (rows == NULL)
        return WEFT_E_NOMEM;
    linear_job job = {.a = a, .kernels = kernels, .rows = rows};
    for (int64_t first = 0; first < a->m; first += WF_LINEAR_ROWS) {
        job.first = first;
        job.n_rows = a->m - first < WF_LINEAR_ROWS ? a->m - first : WF_LINEAR_ROWS;
        job.tiles = (int32_t)((job.n_rows + kernels->tile_rows - 1) / kernels->tile_rows);
        wf_range_run(ex, job.n_rows, wf_row_grain(a->w.k), prepare_rows, &job);
        wf_range_run(ex, (a->w.n + WF_Q_PANEL - 1) / WF_Q_PANEL, 1, multiply_panels, &job);
    }
    return WEFT_OK;
}

/* ---- the reference ---- */

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
    float   *acc = t->acc + r * WF_Q_PANEL, dx, product;
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

static void finish_ref(const wf_linear *a, const float *acc, int64_t row, int64_t rows,
                       int64_t column, int64_t columns)
{
    for (int64_t r = row; r < row + rows; r++, acc += WF_Q_PANEL) {
        for (int64_t c = 0, j = column; c < columns; c++, j++) {
            float value = a->bias != NULL ? acc[c] + a->bias[j] : acc[c];
            value = wf_activate(value, a->act);
            if (a->residual != NULL)
                value = a->residual[r * a->residual_stride + j] + a->scale * value;
            a->y[r * a->y_stride + j] = value;
        }
    }
}

const wf_quant_kernels wf_quant_reference = {4,          prepare_row, tile_ref,
                                             finish_ref, pack_panel,  host_panel};
