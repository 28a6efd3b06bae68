/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products and convolutions, and weights into their layout. */
#include "cuda/internal.h"

#include "cuda/blas.h"

#define F32_SIDE 64                      /* rows and columns of a block of gemm_f32 */
#define WINDOW_BYTES ((int64_t)64 << 20) /* of a convolution's rows at a time; one at least */

/* Rows of a product at a time: the grid's second axis ends there. */
#define ROWS_MOST ((int64_t)65535 * WF_CUDA_NARROW_ROWS)

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
    return a->w.format == WF_F32
               ? 0
               : aligned((uint64_t)(a->m * wf_cuda_padded(a->w.format, a->w.k) * 2));
}

static uint64_t scale_bytes(const wf_linear *a)
{
    if (wf_is_grouped(a->w.format))
        return aligned((uint64_t)(a->m * wf_cuda_groups(a->w.k)) * 4);
    return a->w.format == WF_F16 ? aligned((uint64_t)a->m * 4) : 0;
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
                                                   [WF_Q4] = WF_CUDA_K_gemm_q4_narrow};

/* Whether cuBLASLt takes the product: for many rows it is better than the kernels here. */
static bool by_blas(wf_cuda_queue *q, const wf_linear *a)
{
    return (a->w.format == WF_BF16 || a->w.format == WF_F16) && a->m > WF_CUDA_NARROW_ROWS &&
           wf_cuda_blas_has(wf_cuda_of(q));
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
static weft_status multiply(wf_cuda_queue *q, const wf_linear *a, void *memory, weft_error *err)
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
static uint64_t product_bytes(wf_cuda_queue *q, const wf_linear *a)
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
    for (int64_t first = 0; first < a->m && status == WEFT_OK; first += ROWS_MOST) {
        void     *memory = NULL;
        wf_linear part = rows_of(a, first, a->m - first < ROWS_MOST ? a->m - first : ROWS_MOST);
        if (a->w.format != WF_F32)
            status = wf_cuda_scratch(q, product_bytes(q, &part), &memory, err);
        if (status == WEFT_OK)
            status = multiply(q, &part, memory, err);
    }
    return status;
}

/* ---- convolutions: windows become rows, a bounded number at a time ---- */

static weft_status conv_part(wf_cuda_queue *q, const wf_conv *a, int64_t first, int64_t m,
                             weft_error *err)
{
    int64_t     k = a->c * a->kh * a->kw;
    void       *memory;
    uint64_t    rows_bytes = aligned((uint64_t)(m * k) * 4);
    wf_linear   l = {.y = a->y + first * a->w.n,
                     .w = a->w,
                     .bias = a->bias,
                     .m = m,
                     .y_stride = a->w.n,
                     .x_stride = k,
                     .scale = 1.0f};
    weft_status status = wf_cuda_scratch(q, rows_bytes + product_bytes(q, &l), &memory, err);
    if (status != WEFT_OK)
        return status;
    wf_cuda_windows_args w = {.op = *a, .rows = memory, .first = first, .m = m};
    wf_cuda_grid         g = {wf_cuda_blocks(m * k, WF_CUDA_THREADS), 1, 1, WF_CUDA_THREADS, 0};
    l.x = w.rows;
    status = wf_cuda_launch(q, WF_CUDA_K_windows, g, &w, err);
    return status == WEFT_OK ? multiply(q, &l, (uint8_t *)memory + rows_bytes, err) : status;
}

weft_status wf_cuda_conv(wf_cuda_queue *q, const wf_conv *a, weft_error *err)
{
    int64_t     windows = a->n * a->oh * a->ow, k = a->c * a->kh * a->kw;
    int64_t     most = WINDOW_BYTES / (k * 4) > 0 ? WINDOW_BYTES / (k * 4) : 1;
    weft_status status = WEFT_OK;
    most = most < ROWS_MOST ? most : ROWS_MOST;
    for (int64_t first = 0; first < windows && status == WEFT_OK; first += most)
        status = conv_part(q, a, first, windows - first < most ? windows - first : most, err);
    return status;
}

/* ---- packing ---- */

weft_status wf_cuda_pack(wf_cuda_queue *q, const wf_pack *a, weft_error *err)
{
    const int32_t each = a->src_dtype != a->w.format ? 128 : WF_CUDA_THREADS;
    wf_cuda_grid g = {a->rows, wf_cuda_blocks(wf_cuda_padded(a->w.format, a->w.k), WF_CUDA_COLUMNS),
                      1, WF_CUDA_THREADS, 0};
    if (!wf_is_grouped(a->w.format))
        return wf_cuda_launch(q, WF_CUDA_K_pack, g, a, err);
    g = (wf_cuda_grid){wf_cuda_blocks(a->rows * wf_cuda_groups(a->w.k), each), 1, 1, each, 0};
    if (a->src_dtype == a->w.format)
        return wf_cuda_launch(q, WF_CUDA_K_pack_groups, g, a, err);
    return wf_cuda_launch(q, a->w.format == WF_Q8 ? WF_CUDA_K_pack_q8 : WF_CUDA_K_pack_q4, g, a,
                          err);
}
