/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions: by cuDNN where it can, else by rows that are multiplied. */
#include "cuda/internal.h"

#include "cuda/dnn.h"
#include "cuda/kernels/args.h"

#define WINDOW_BYTES ((int64_t)64 << 20) /* of rows at a time; one at least */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/* ---- windows become rows, a bounded number at a time ---- */

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
    weft_status status =
        wf_cuda_scratch(q, rows_bytes + wf_cuda_product_bytes(q, &l), &memory, err);
    if (status != WEFT_OK)
        return status;
    wf_cuda_windows_args w = {.op = *a, .rows = memory, .first = first, .m = m};
    wf_cuda_grid         g = {wf_cuda_blocks(m * k, WF_CUDA_THREADS), 1, 1, WF_CUDA_THREADS, 0};
    l.x = w.rows;
    status = wf_cuda_launch(q, WF_CUDA_K_windows, g, &w, err);
    return status == WEFT_OK ? wf_cuda_multiply(q, &l, (uint8_t *)memory + rows_bytes, err)
                             : status;
}

/* ---- convolutions by cuDNN ---- */

#define CHANNELS 8                     /* of which cuDNN gets a multiple */
#define DNN_MOST ((uint64_t)512 << 20) /* bytes of scratch: larger ones go window by window */

/* The bytes of x, w and sums of a convolution, and where each begins. */
typedef struct dnn_scratch {
    uint64_t w, sums, workspace, all;
} dnn_scratch;

static dnn_scratch dnn_bytes(const wf_conv *a, int64_t padded)
{
    dnn_scratch s;
    s.w = aligned((uint64_t)(a->n * a->h * a->wd * padded) * 4);
    s.sums = s.w + aligned((uint64_t)(a->w.n * a->kh * a->kw * padded) * 4);
    s.workspace = s.sums + aligned((uint64_t)(a->n * a->oh * a->ow * a->w.n) * 4);
    s.all = s.workspace + wf_cuda_dnn_workspace();
    return s;
}

static weft_status lay_channels(wf_cuda_queue *q, const wf_cuda_channels_args *g, weft_error *err)
{
    const wf_conv *a = &g->op;
    const int64_t  pixels = a->n * a->h * a->wd * g->padded;
    const int64_t  weights = a->w.n * a->kh * a->kw * g->padded;
    wf_cuda_grid   grid = {wf_cuda_blocks(pixels, WF_CUDA_THREADS), 1, 1, WF_CUDA_THREADS, 0};
    weft_status    status = wf_cuda_launch(q, WF_CUDA_K_conv_pixels, grid, g, err);
    grid.x = wf_cuda_blocks(weights, WF_CUDA_THREADS);
    return status == WEFT_OK ? wf_cuda_launch(q, WF_CUDA_K_conv_weights, grid, g, err) : status;
}

/* *done false: nothing was done that counts. */
static weft_status conv_dnn(wf_cuda_queue *q, const wf_conv *a, bool *done, weft_error *err)
{
    const int64_t     padded = (a->c + CHANNELS - 1) / CHANNELS * CHANNELS;
    const dnn_scratch at = dnn_bytes(a, padded);
    const int64_t     m = a->n * a->oh * a->ow;
    void             *memory;
    *done = false;
    if (at.all > DNN_MOST || wf_cuda_scratch(q, at.all, &memory, NULL) != WEFT_OK)
        return WEFT_OK;
    uint8_t              *base = memory;
    float                *sums = (float *)(void *)(base + at.sums);
    wf_cuda_channels_args g = {*a, memory, (float *)(void *)(base + at.w), padded};
    wf_dnn_shape          s = {a->n,
                               padded,
                               a->h,
                               a->wd,
                               a->w.n,
                               a->kh,
                               a->kw,
                               a->oh,
                               a->ow,
                               {a->stride[0], a->stride[1]},
                               {a->pad[0], a->pad[1], a->pad[2], a->pad[3]}};
    weft_status           status = lay_channels(q, &g, err);
    if (status != WEFT_OK || !wf_cuda_dnn_conv(q, &s, g.x, g.w, sums, base + at.workspace))
        return status;
    *done = true;
    wf_cuda_gemm_args rest = {
        .op = {.y = a->y, .w = a->w, .bias = a->bias, .m = m, .y_stride = a->w.n, .scale = 1.0f},
        .x = sums};
    wf_cuda_grid grid = {m, wf_cuda_blocks(a->w.n, WF_CUDA_COLUMNS), 1, WF_CUDA_THREADS, 0};
    return wf_cuda_launch(q, WF_CUDA_K_finish, grid, &rest, err);
}

static bool by_dnn(wf_cuda_queue *q, const wf_conv *a)
{
    return (a->w.format == WF_BF16 || a->w.format == WF_F16) &&
           a->n * a->oh * a->ow > WF_CUDA_NARROW_ROWS && wf_cuda_dnn_has(wf_cuda_of(q));
}

weft_status wf_cuda_conv(wf_cuda_queue *q, const wf_conv *a, weft_error *err)
{
    bool        done = false;
    weft_status tried = by_dnn(q, a) ? conv_dnn(q, a, &done, err) : WEFT_OK;
    if (tried != WEFT_OK || done)
        return tried;
    int64_t     windows = a->n * a->oh * a->ow, k = a->c * a->kh * a->kw;
    int64_t     most = WINDOW_BYTES / (k * 4) > 0 ? WINDOW_BYTES / (k * 4) : 1;
    weft_status status = WEFT_OK;
    most = most < WF_CUDA_PRODUCT_ROWS ? most : WF_CUDA_PRODUCT_ROWS;
    for (int64_t first = 0; first < windows && status == WEFT_OK; first += most)
        status = conv_part(q, a, first, windows - first < most ? windows - first : most, err);
    return status;
}
