/* SPDX-License-Identifier: Apache-2.0 */
/* linear with q8 and q4 weights: everything but the kernels, and the reference of those. Rows of x
 * are rounded a block at a time; then every thread takes its panels through all tiles of the block,
 * so that a panel stays in the caches for all of them. */
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant_pack.h"
#include "core/device/cpu/quant_rows.h"

#define TILE_ROWS_MOST 16

typedef struct linear_job {
    const wf_linear        *a;
    const wf_quant_kernels *kernels;
    wf_quant_rows           rows; /* of this block */
    int64_t                 first, n_rows;
} linear_job;

/* Bytes of a row's q: whole groups, and an odd number of cache lines: rows a power of two apart
 * would all want the same few sets. */
static int64_t row_q_bytes(int64_t k)
{
    int64_t lines = (wf_groups(k) * WF_GROUP + WF_ALIGN - 1) / WF_ALIGN;
    return (lines | 1) * (int64_t)WF_ALIGN;
}

static int64_t block_rows(int64_t m)
{
    return m < WF_LINEAR_ROWS ? m : WF_LINEAR_ROWS;
}

uint64_t wf_quant_scratch_bytes(int64_t m, int64_t k)
{
    uint64_t rows = (uint64_t)block_rows(m), scales = (uint64_t)wf_groups(k) * 2 * sizeof(float);
    return rows * ((uint64_t)row_q_bytes(k) + scales);
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++)
        j->kernels->prepare(&j->rows, r, a->x + (j->first + r) * a->x_stride, a->w.k, a->w.format);
}

/* Tiles of a block are cut evenly: 13 rows are 7 and 6, not 12 and 1. */
static void multiply_panel(const linear_job *j, int64_t p, float *acc)
{
    const wf_linear *a = j->a;
    int64_t          groups = wf_groups(a->w.k), left = a->w.n - p * WF_Q_PANEL;
    int32_t tiles = (int32_t)((j->n_rows + j->kernels->tile_rows - 1) / j->kernels->tile_rows);
    const uint8_t *w = (const uint8_t *)a->w.data + p * groups * wf_quant_group(a->w.format);
    for (int32_t t = 0; t < tiles; t++) {
        int64_t from, to;
        wf_share(j->n_rows, 1, t, tiles, &from, &to);
        wf_quant_tile tile = {acc, &j->rows, w, from, 0, groups, (int32_t)(to - from), a->w.format};
        memset(acc, 0, (size_t)((to - from) * WF_Q_PANEL) * sizeof *acc);
        j->kernels->tile(&tile);
        j->kernels->finish(a, acc, j->first + from, to - from, p * WF_Q_PANEL,
                           left < WF_Q_PANEL ? left : WF_Q_PANEL);
    }
}

static void multiply_panels(void *ctx, int64_t begin, int64_t end)
{
    _Alignas(WF_ALIGN) float acc[TILE_ROWS_MOST * WF_Q_PANEL];
    for (int64_t p = begin; p < end; p++)
        multiply_panel(ctx, p, acc);
}

weft_status wf_quant_linear(wf_exec *ex, const wf_linear *a)
{
    if (a->m <= 0)
        return WEFT_OK;
    int64_t  rows = block_rows(a->m), groups = wf_groups(a->w.k), row_q = row_q_bytes(a->w.k);
    uint8_t *scratch = wf_exec_scratch(ex, (size_t)wf_quant_scratch_bytes(a->m, a->w.k));
    if (scratch == NULL)
        return WEFT_E_NOMEM;
    float     *d = (float *)(void *)(scratch + rows * row_q);
    linear_job job = {.a = a,
                      .kernels = ex->ops->quant,
                      .rows = {(int8_t *)scratch, d, (void *)(d + rows * groups), row_q, groups}};
    for (int64_t first = 0; first < a->m; first += WF_LINEAR_ROWS) {
        job.first = first;
        job.n_rows = a->m - first < WF_LINEAR_ROWS ? a->m - first : WF_LINEAR_ROWS;
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

static void add_group(const wf_quant_tile *t, int64_t g, int64_t r)
{
    const wf_quant_rows *x = t->x;
    const uint8_t       *w = t->w + g * wf_quant_group(t->format);
    int64_t              at = (t->first + r) * x->row_d + t->group0 + g;
    const int8_t        *q = x->q + (t->first + r) * x->row_q + (t->group0 + g) * WF_GROUP;
    float               *acc = t->acc + r * WF_Q_PANEL;
    int32_t              sum[WF_Q_PANEL];
    uint16_t             scale[2 * WF_Q_PANEL]; /* q8 has no minima: the second half is not used */
    memcpy(scale, w, (size_t)wf_quant_elements(t->format));
    for (int c = 0; c < WF_Q_PANEL; c++)
        sum[c] = t->format == WF_Q8 ? x->s[at].i : 0;
    sum_group(q, w + wf_quant_elements(t->format), t->format, sum);
    for (int c = 0; c < WF_Q_PANEL; c++) {
        if (t->format == WF_Q4)
            acc[c] = fmaf(wf_from_f16(scale[WF_Q_PANEL + c]), x->s[at].f, acc[c]);
        acc[c] = fmaf((float)sum[c], x->d[at] * wf_from_f16(scale[c]), acc[c]);
    }
}

static void tile_ref(const wf_quant_tile *t)
{
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t g = 0; g < t->groups; g++)
            add_group(t, g, r);
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

const wf_quant_kernels wf_quant_reference = {4, prepare_row, tile_ref, finish_ref, pack_panel};
