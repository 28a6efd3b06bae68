/* SPDX-License-Identifier: Apache-2.0 */
/* linear over packed panels, everything but the kernels: rows of x are made ready a block at a time
 * (rounded where the weights are bf16, at a stride that spreads them over the cache sets), then
 * every thread takes its panels through all tiles of the block. A panel of weights stays in the
 * second cache meanwhile; k is never cut. */
#include "core/device/cpu/internal.h"

typedef struct linear_job {
    const wf_linear        *a;
    const wf_linear_kernel *kernel;
    uint8_t                *rows; /* prepared rows of this block, row_bytes apart */
    int64_t                 row_bytes, first, n_rows;
} linear_job;

/* An odd number of cache lines: rows a power of two apart would all want the same few sets. */
static int64_t prepared_bytes(int64_t k, int64_t element)
{
    int64_t lines = ((k + 1) * element + WF_ALIGN - 1) / WF_ALIGN;
    return (lines | 1) * (int64_t)WF_ALIGN;
}

uint64_t wf_linear_scratch_bytes(int64_t m, int64_t k)
{
    int64_t rows = m < WF_LINEAR_ROWS ? m : WF_LINEAR_ROWS;
    return (uint64_t)(rows * prepared_bytes(k, 4));
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++)
        j->kernel->prepare(j->rows + r * j->row_bytes, a->x + (j->first + r) * a->x_stride, a->w.k,
                           a->w.format);
}

/* Tiles of a block are cut evenly: 13 rows are 7 and 6, not 12 and 1. */
static void multiply_panels(void *ctx, int64_t begin, int64_t end)
{
    const linear_job        *j = ctx;
    const wf_linear         *a = j->a;
    const wf_linear_kernel  *kernel = j->kernel;
    _Alignas(WF_ALIGN) float acc[WF_TILE_FLOATS];
    int64_t                  bytes = wf_panel_bytes(a->w.format, a->w.k, kernel->panel);
    int32_t tiles = (int32_t)((j->n_rows + kernel->tile_rows - 1) / kernel->tile_rows);
    for (int64_t p = begin; p < end; p++) {
        const void *w = (const uint8_t *)a->w.data + p * bytes;
        int64_t     left = a->w.n - p * kernel->panel;
        for (int32_t t = 0; t < tiles; t++) {
            int64_t from, to;
            wf_share(j->n_rows, 1, t, tiles, &from, &to);
            wf_tile tile = {acc,    j->rows + from * j->row_bytes, w,          j->row_bytes,
                            a->w.k, (int32_t)(to - from),          a->w.format};
            kernel->tile(&tile);
            kernel->finish(a, acc, j->first + from, to - from, p * kernel->panel,
                           left < kernel->panel ? left : kernel->panel);
        }
    }
}

weft_status wf_linear_panels(wf_exec *ex, const wf_linear *a, const wf_linear_kernel *kernel)
{
    if (a->m <= 0)
        return WEFT_OK;
    uint8_t *rows = wf_exec_scratch(ex, (size_t)wf_linear_scratch_bytes(a->m, a->w.k));
    if (rows == NULL)
        return WEFT_E_NOMEM;
    int64_t    element = kernel->pairs && a->w.format == WF_BF16 ? 2 : 4;
    int64_t    panels = (a->w.n + kernel->panel - 1) / kernel->panel;
    linear_job job = {a, kernel, rows, prepared_bytes(a->w.k, element), 0, 0};
    for (int64_t first = 0; first < a->m; first += WF_LINEAR_ROWS) {
        job.first = first;
        job.n_rows = a->m - first < WF_LINEAR_ROWS ? a->m - first : WF_LINEAR_ROWS;
        wf_range_run(ex, job.n_rows, wf_row_grain(a->w.k), prepare_rows, &job);
        wf_range_run(ex, panels, 1, multiply_panels, &job);
    }
    return WEFT_OK;
}
