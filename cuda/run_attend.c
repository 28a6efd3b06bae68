/* SPDX-License-Identifier: Apache-2.0 */
/* Attention and best: ops of more than one kernel, or of several ways to cut the work. */
#include "cuda/internal.h"

#include "cuda/kernels/args.h"

#define FEW_ROWS 64 /* up to here a row is a tile: they are mostly rows of different sequences */

/* Bytes of a split's parts: beyond, there are rows enough to run side by side without one. */
#define PARTS_MOST ((uint64_t)64 << 20)

int32_t wf_cuda_tile_bytes(int64_t head_dim)
{
    int64_t floats = (WF_KEY_BLOCK + 1) * head_dim + 2 * WF_CUDA_QUERIES * head_dim +
                     WF_CUDA_QUERIES * WF_KEY_BLOCK + 7 * WF_CUDA_QUERIES;
    return floats < INT32_MAX / 4 ? (int32_t)(floats * 4) : INT32_MAX;
}

static int64_t rows_of_tile(int64_t m, int32_t n_heads, int32_t n_kv_heads)
{
    int64_t rows = WF_CUDA_QUERIES / (n_heads / n_kv_heads);
    return m <= FEW_ROWS || rows < 1 ? 1 : rows;
}

/* ---- by matrix instructions ---- */

/* Shared memory of a block of keys and values; parts: 2 where they are f32. */
static int32_t mma_bytes(int32_t width, int32_t parts)
{
    int32_t values = WF_KEY_BLOCK * (width + 8), keys = width * (WF_KEY_BLOCK + 8);
    return 2 * parts * (parts == 1 ? keys + values : 2 * values);
}

/* The width of the kernels for that head; 0: there are none, or the caller wants bytes that do not
 * depend on the number of rows. */
static int32_t mma_width(const wf_cuda_queue *q, int64_t m, int32_t group, int32_t head_dim)
{
    if (wf_cuda_of(q)->deterministic || m <= FEW_ROWS || group > WF_CUDA_MMA_QUERIES ||
        head_dim % 8 != 0 || head_dim > 128)
        return 0;
    return head_dim <= 64 ? 64 : 128;
}

static weft_status mma_pages(wf_cuda_queue *q, const wf_attend_pages *a, int32_t width,
                             weft_error *err)
{
    bool               bf16 = a->kv.dtype == WF_BF16;
    int32_t            kernel = bf16 ? WF_CUDA_K_mma_pages_bf16_64 : WF_CUDA_K_mma_pages_f16_64;
    wf_cuda_pages_args p = {.op = *a,
                            .tile_rows = WF_CUDA_MMA_QUERIES / (a->n_heads / a->kv.n_kv_heads)};
    wf_cuda_grid       g = {wf_cuda_blocks(a->m, p.tile_rows), a->kv.n_kv_heads, 1,
                            WF_CUDA_ATTEND_THREADS, mma_bytes(width, 1)};
    return wf_cuda_launch(q, kernel + (width > 64), g, &p, err);
}

static weft_status mma_rows(wf_cuda_queue *q, const wf_attend *a, int32_t width, weft_error *err)
{
    wf_cuda_rows_args r = {.op = *a,
                           .tile_rows = WF_CUDA_MMA_QUERIES / (a->n_heads / a->n_kv_heads)};
    wf_cuda_grid g = {wf_cuda_blocks(a->m, r.tile_rows), a->n_kv_heads, 1, WF_CUDA_ATTEND_THREADS,
                      mma_bytes(width, 2)};
    return wf_cuda_launch(q, WF_CUDA_K_mma_rows_64 + (width > 64), g, &r, err);
}

/* ---- in the canonical sums ---- */

/* Bytes of the parts of a split: one for each row, head and block of keys. */
static uint64_t part_bytes(const wf_attend_pages *a)
{
    return (uint64_t)(a->m * a->n_heads) * (uint64_t)a->most_spans *
           (uint64_t)(a->kv.head_dim + 2) * 4;
}

/* The blocks of keys side by side, then their merge. part: memory of part_bytes. */
static weft_status split(wf_cuda_queue *q, const wf_attend_pages *a, void *part, weft_error *err)
{
    wf_cuda_split_args s = {.op = *a, .part = part, .most = a->most_spans};
    wf_cuda_grid       g = {s.most, a->m * a->kv.n_kv_heads, 1, WF_CUDA_ATTEND_THREADS,
                            wf_cuda_tile_bytes(a->kv.head_dim)};
    weft_status        status = wf_cuda_launch(q, WF_CUDA_K_attend_block, g, &s, err);
    g = (wf_cuda_grid){a->m, a->n_heads, 1, WF_CUDA_ATTEND_THREADS, 0};
    return status == WEFT_OK ? wf_cuda_launch(q, WF_CUDA_K_attend_merge, g, &s, err) : status;
}

/* Few rows of many keys are split where the parts have room: both ways give the same bytes. */
static bool has_room(wf_cuda_queue *q, const wf_attend_pages *a, void **part)
{
    return a->m <= FEW_ROWS && a->most_spans > 1 && part_bytes(a) <= PARTS_MOST &&
           wf_cuda_scratch(q, part_bytes(a), part, NULL) == WEFT_OK;
}

weft_status wf_cuda_attend_pages(wf_cuda_queue *q, const wf_attend_pages *a, weft_error *err)
{
    wf_cuda_pages_args p = {.op = *a};
    int32_t            width = mma_width(q, a->m, a->n_heads / a->kv.n_kv_heads, a->kv.head_dim);
    void              *part;
    if (has_room(q, a, &part))
        return split(q, a, part, err);
    if (width > 0 && a->kv.dtype != WF_F32)
        return mma_pages(q, a, width, err);
    p.tile_rows = rows_of_tile(a->m, a->n_heads, a->kv.n_kv_heads);
    wf_cuda_grid g = {wf_cuda_blocks(a->m, p.tile_rows), a->kv.n_kv_heads, 1,
                      WF_CUDA_ATTEND_THREADS, wf_cuda_tile_bytes(a->kv.head_dim)};
    return wf_cuda_launch(q, WF_CUDA_K_attend_pages, g, &p, err);
}

weft_status wf_cuda_attend(wf_cuda_queue *q, const wf_attend *a, weft_error *err)
{
    wf_cuda_rows_args r = {.op = *a};
    int64_t           rows = WF_CUDA_QUERIES / (a->n_heads / a->n_kv_heads);
    int32_t           width = mma_width(q, a->m, a->n_heads / a->n_kv_heads, a->head_dim);
    if (width > 0)
        return mma_rows(q, a, width, err);
    r.tile_rows = rows < 1 ? 1 : rows;
    wf_cuda_grid g = {wf_cuda_blocks(a->m, r.tile_rows), a->n_kv_heads, 1, WF_CUDA_ATTEND_THREADS,
                      wf_cuda_tile_bytes(a->head_dim)};
    return wf_cuda_launch(q, WF_CUDA_K_attend_rows, g, &r, err);
}

weft_status wf_cuda_best(wf_cuda_queue *q, const wf_best *a, weft_error *err)
{
    wf_cuda_best_args b = {.op = *a, .parts = wf_cuda_blocks(a->n, WF_CUDA_BEST_PART)};
    uint64_t          keys = (uint64_t)(a->m * b.parts) * (uint64_t)a->k * sizeof *b.keys;
    uint64_t          sums = (uint64_t)(a->m * b.parts) * sizeof *b.sums;
    void             *memory;
    if (a->m <= 0)
        return WEFT_OK;
    weft_status status = wf_cuda_scratch(q, keys + sums + WF_ALIGN, &memory, err);
    if (status != WEFT_OK)
        return status;
    b.keys = memory;
    b.sums = (double *)(void *)((uint8_t *)memory + keys);
    wf_cuda_grid parts = {b.parts, a->m, 1, WF_CUDA_THREADS, 0};
    wf_cuda_grid rows = {a->m, 1, 1, WF_CUDA_THREADS, 0};
    status = wf_cuda_launch(q, WF_CUDA_K_best_part, parts, &b, err);
    if (status == WEFT_OK)
        status = wf_cuda_launch(q, WF_CUDA_K_best_join, rows, &b, err);
    if (status != WEFT_OK || a->sum == NULL)
        return status;
    status = wf_cuda_launch(q, WF_CUDA_K_exp_part, parts, &b, err);
    rows.x = wf_cuda_blocks(a->m, WF_CUDA_THREADS);
    return status == WEFT_OK ? wf_cuda_launch(q, WF_CUDA_K_exp_join, rows, &b, err) : status;
}
