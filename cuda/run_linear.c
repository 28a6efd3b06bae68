/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products, and weights into their layout. */
#include "cuda/internal.h"

#include "cuda/blas.h"

#define F32_SIDE 64 /* rows and columns of a block of gemm_f32 */

/* ---- rows made ready ---- */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* Bytes of m rows made ready: elements, and each array of one f32 a row or group. */
static uint64_t element_bytes(const wf_linear *a)
{
    if (wf_is_grouped(a->w.format))
        return aligned((uint64_t)(a->m * wf_cuda_groups(a->w.k) * WF_GROUP));
    const int64_t each = a->w.format == WF_F32 ? 0 : a->w.format == WF_FP8 ? 1 : 2;
    return aligned((uint64_t)(a->m * wf_cuda_padded(a->w.format, a->w.k) * each));
}

static uint64_t scale_bytes(const wf_linear *a)
{
    if (wf_is_grouped(a->w.format))
        return aligned((uint64_t)(a->m * wf_cuda_groups(a->w.k)) * 4);
    return a->w.format == WF_F16 || a->w.format == WF_FP8 ? aligned((uint64_t)a->m * 4) : 0;
}

/* Elements, scales and sums; of q8 and q4 those of the rests behind them. */
static uint64_t plane_bytes(const wf_linear *a)
{
    return element_bytes(a) + 2 * scale_bytes(a);
}

static uint64_t prepared_bytes(const wf_linear *a)
{
    return plane_bytes(a) * (wf_is_grouped(a->w.format) ? 2 : 1);
}

/* With the arguments that a has got so far. */
static weft_status prepare_quant(wf_cuda_queue *q, const wf_linear *a, wf_cuda_prepare_args *p,
                                 wf_cuda_gemm_args *g, weft_error *err)
{
    wf_cuda_grid grid = {wf_cuda_blocks(a->m * wf_cuda_groups(a->w.k), WF_CUDA_THREADS / 32), 1, 1,
                         WF_CUDA_THREADS, 0};
    p->rest = (int8_t *)p->dst + plane_bytes(a);
    p->rest_scale = (float *)(void *)(p->rest + element_bytes(a));
    p->rest_sum = (float *)(void *)(p->rest + element_bytes(a) + scale_bytes(a));
    g->group_scale = p->scale;
    g->group_sum = p->sum;
    g->rest = p->rest;
    g->rest_scale = p->rest_scale;
    g->rest_sum = p->rest_sum;
    weft_status status = wf_cuda_launch(q, WF_CUDA_K_round_q8, grid, p, err);
    grid.x = a->m;
    return status == WEFT_OK ? wf_cuda_launch(q, WF_CUDA_K_round_rest, grid, p, err) : status;
}

/* x made ready in memory of prepared_bytes; g gets where it lies. */
static weft_status prepare(wf_cuda_queue *q, const wf_linear *a, void *memory, wf_cuda_gemm_args *g,
                           weft_error *err)
{
    uint8_t             *scale = (uint8_t *)memory + element_bytes(a);
    wf_cuda_prepare_args p = {.dst = memory,
                              .scale = (float *)(void *)scale,
                              .sum = (float *)(void *)(scale + scale_bytes(a)),
                              .x = a->x,
                              .m = a->m,
                              .k = a->w.k,
                              .x_stride = a->x_stride};
    wf_cuda_grid         grid = {a->m, 1, 1, WF_CUDA_THREADS, 0};
    int32_t              kernel = WF_CUDA_K_round_f16;
    *g = (wf_cuda_gemm_args){.op = *a, .x = memory};
    if (wf_is_grouped(a->w.format))
        return prepare_quant(q, a, &p, g, err);
    if (a->w.format == WF_BF16) {
        kernel = WF_CUDA_K_round_bf16;
        grid.y = wf_cuda_blocks(wf_cuda_padded(WF_BF16, a->w.k), WF_CUDA_COLUMNS);
    } else if (a->w.format == WF_FP8) {
        kernel = WF_CUDA_K_round_fp8;
        g->row_scale = p.scale;
        g->column_scale = wf_cuda_fp8_scales(&a->w);
    } else {
        g->row_scale = p.scale;
    }
    return wf_cuda_launch(q, kernel, grid, &p, err);
}

/* ---- the product ---- */

/* Of each format the kernel for few rows; the one for many comes next. */
static const int32_t narrow_kernels[WF_FORMATS] = {[WF_BF16] = WF_CUDA_K_gemm_bf16_narrow,
                                                   [WF_F16] = WF_CUDA_K_gemm_f16_narrow,
                                                   [WF_Q8] = WF_CUDA_K_gemm_q8_narrow,
                                                   [WF_Q4] = WF_CUDA_K_gemm_q4_narrow,
                                                   [WF_FP8] = WF_CUDA_K_gemm_fp8_narrow};

/* Whether cuBLASLt takes the product: for many rows it is better than the kernels here. Matrix
 * instructions of fp8 came with compute capability 8.9. */
static bool by_blas(wf_cuda_queue *q, const wf_linear *a)
{
    const int32_t format = a->w.format;
    const bool    is_for = format == WF_BF16 || format == WF_F16 ||
                        (format == WF_FP8 && wf_cuda_of(q)->capability >= 89);
    return is_for && a->m > WF_CUDA_NARROW_ROWS && wf_cuda_blas_has(wf_cuda_of(q));
}

/* Can cuBLASLt write y itself? Its own epilogue is alpha sum + c + bias. */
static bool is_direct(const wf_linear *a)
{
    return a->w.format == WF_BF16 && a->act == WF_ACT_NONE &&
           (a->residual == NULL || a->bias == NULL || a->scale == 1.0f);
}

/* memory: cuBLASLt's workspace, then room for sums [m, n] that take another epilogue. *done false:
 * cuBLASLt does not do it. */
static weft_status multiply_blas(wf_cuda_queue *q, const wf_cuda_gemm_args *g, uint8_t *memory,
                                 bool *done, weft_error *err)
{
    const wf_linear  *a = &g->op;
    wf_cuda_gemm_args rest = *g;
    wf_cuda_product   p = {.w = &a->w,
                           .x = g->x,
                           .y = (float *)(void *)(memory + wf_cuda_blas_workspace()),
                           .m = a->m,
                           .y_stride = a->w.n,
                           .workspace = memory,
                           .alpha = 1.0f};
    if (is_direct(a)) {
        p.bias = a->bias;
        p.y = a->y;
        p.y_stride = a->y_stride;
        p.c = a->residual;
        p.c_stride = a->residual_stride;
        p.alpha = a->residual != NULL ? a->scale : 1.0f;
    }
    *done = wf_cuda_blas_run(q, &p);
    if (!*done || is_direct(a))
        return WEFT_OK;
    wf_cuda_grid grid = {a->m, wf_cuda_blocks(a->w.n, WF_CUDA_COLUMNS), 1, WF_CUDA_THREADS, 0};
    rest.x = p.y;
    return wf_cuda_launch(q, WF_CUDA_K_finish, grid, &rest, err);
}

/* With the rows' memory. Both widths give the same bytes. */
weft_status wf_cuda_multiply(wf_cuda_queue *q, const wf_linear *a, void *memory, weft_error *err)
{
    wf_cuda_gemm_args g = {.op = *a};
    wf_cuda_grid      grid = {wf_cuda_blocks(a->w.n, F32_SIDE), wf_cuda_blocks(a->m, F32_SIDE), 1,
                              WF_CUDA_THREADS, 0};
    if (a->w.format == WF_F32)
        return wf_cuda_launch(q, WF_CUDA_K_gemm_f32, grid, &g, err);
    weft_status status = prepare(q, a, memory, &g, err);
    if (status != WEFT_OK)
        return status;
    bool narrow = a->m <= WF_CUDA_NARROW_ROWS, done = false;
    if (by_blas(q, a))
        status = multiply_blas(q, &g, (uint8_t *)memory + prepared_bytes(a), &done, err);
    if (status != WEFT_OK || done)
        return status;
    grid = (wf_cuda_grid){
        wf_cuda_blocks(a->w.n, narrow ? WF_CUDA_NARROW_COLUMNS : WF_CUDA_WIDE_COLUMNS),
        wf_cuda_blocks(a->m, narrow ? WF_CUDA_NARROW_ROWS : WF_CUDA_WIDE_ROWS), 1,
        WF_CUDA_GEMM_THREADS, 0};
    return wf_cuda_launch(q, narrow_kernels[a->w.format] + (narrow ? 0 : 1), grid, &g, err);
}

/* Scratch of a product. */
uint64_t wf_cuda_product_bytes(wf_cuda_queue *q, const wf_linear *a)
{
    uint64_t sums = is_direct(a) ? 0 : (uint64_t)(a->m * a->w.n) * 4;
    return prepared_bytes(a) + (by_blas(q, a) ? wf_cuda_blas_workspace() + sums : 0);
}

/* Rows first..first+m-1 of a. */
static wf_linear rows_of(const wf_linear *a, int64_t first, int64_t m)
{
    wf_linear part = *a;
    part.m = m;
    part.x += first * a->x_stride;
    part.y += first * a->y_stride;
    if (a->residual != NULL)
        part.residual += first * a->residual_stride;
    return part;
}

weft_status wf_cuda_linear(wf_cuda_queue *q, const wf_linear *a, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int64_t first = 0; first < a->m && status == WEFT_OK; first += WF_CUDA_PRODUCT_ROWS) {
        void     *memory = NULL;
        wf_linear part = rows_of(
            a, first, a->m - first < WF_CUDA_PRODUCT_ROWS ? a->m - first : WF_CUDA_PRODUCT_ROWS);
        if (a->w.format != WF_F32)
            status = wf_cuda_scratch(q, wf_cuda_product_bytes(q, &part), &memory, err);
        if (status == WEFT_OK)
            status = wf_cuda_multiply(q, &part, memory, err);
    }
    return status;
}

/* ---- packing ---- */

weft_status wf_cuda_pack(wf_cuda_queue *q, const wf_pack *a, weft_error *err)
{
    const int32_t each = a->src_dtype != a->w.format ? 128 : WF_CUDA_THREADS;
    wf_cuda_grid g = {a->rows, wf_cuda_blocks(wf_cuda_padded(a->w.format, a->w.k), WF_CUDA_COLUMNS),
                      1, WF_CUDA_THREADS, 0};
    if (a->w.format == WF_FP8) {
        g.y = 1;
        return wf_cuda_launch(q, WF_CUDA_K_pack_fp8, g, a, err);
    }
    if (!wf_is_grouped(a->w.format))
        return wf_cuda_launch(q, WF_CUDA_K_pack, g, a, err);
    g = (wf_cuda_grid){wf_cuda_blocks(a->rows * wf_cuda_groups(a->w.k), each), 1, 1, each, 0};
    if (a->src_dtype == a->w.format)
        return wf_cuda_launch(q, WF_CUDA_K_pack_groups, g, a, err);
    return wf_cuda_launch(q, a->w.format == WF_Q8 ? WF_CUDA_K_pack_q8 : WF_CUDA_K_pack_q4, g, a,
                          err);
}
