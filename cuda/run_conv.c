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

/* NOMEM: nothing was done. */
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

/* Fewer at a time where there is no memory for so many. */
static weft_status conv_windows(wf_cuda_queue *q, const wf_conv *a, weft_error *err)
{
    const int64_t windows = a->n * a->oh * a->ow, k = a->c * a->kh * a->kw;
    int64_t       most = WINDOW_BYTES / (k * 4) > 0 ? WINDOW_BYTES / (k * 4) : 1;
    most = most < WF_CUDA_PRODUCT_ROWS ? most : WF_CUDA_PRODUCT_ROWS;
    for (int64_t first = 0; first < windows;) {
        const int64_t     m = windows - first < most ? windows - first : most;
        const weft_status status = conv_part(q, a, first, m, err);
        if (status == WEFT_E_NOMEM && m > 1) /* nothing was launched */
            most = m / 2;
        else if (status != WEFT_OK)
            return status;
        else
            first += m;
    }
    return WEFT_OK;
}

/* ---- convolutions by cuDNN ---- */

#define CHANNELS 8                     /* of which cuDNN gets a multiple */
#define DNN_MOST ((uint64_t)192 << 20) /* bytes of scratch: larger ones go window by window */

/* Some items of a convolution: where their x, w and sums lie in the scratch. */
typedef struct dnn_scratch {
    uint64_t w, sums, workspace, all;
} dnn_scratch;

static uint64_t item_bytes(const wf_conv *a, int64_t padded)
{
    return (uint64_t)(a->h * a->wd * padded + a->oh * a->ow * a->w.n) * 4;
}

static dnn_scratch dnn_bytes(const wf_conv *a, int64_t items, int64_t padded)
{
    dnn_scratch s;
    s.w = aligned((uint64_t)(items * a->h * a->wd * padded) * 4);
    s.sums = s.w + aligned((uint64_t)(a->w.n * a->kh * a->kw * padded) * 4);
    s.workspace = s.sums + aligned((uint64_t)(items * a->oh * a->ow * a->w.n) * 4);
    s.all = s.workspace + wf_cuda_dnn_workspace();
    return s;
}

/* How many items go together: x and sums of so many take about WINDOW_BYTES, one at least. They are
 * cut evenly, so that there are two shapes at most. */
static int64_t items_together(const wf_conv *a, int64_t padded)
{
    const int64_t fit = (int64_t)((uint64_t)WINDOW_BYTES / item_bytes(a, padded));
    const int64_t most = fit > 0 ? fit : 1, parts = (a->n + most - 1) / most;
    return (a->n + parts - 1) / parts;
}

static wf_dnn_shape shape_of(const wf_conv *a, int64_t items, int64_t padded)
{
    return (wf_dnn_shape){items,
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
}

/* Pixels of the items of g, and, with the first of them, the weights. */
static weft_status lay_channels(wf_cuda_queue *q, const wf_cuda_channels_args *g, bool first,
                                weft_error *err)
{
    const wf_conv *a = &g->op;
    const int64_t  pixels = a->n * a->h * a->wd * g->padded;
    const int64_t  weights = a->w.n * a->kh * a->kw * g->padded;
    wf_cuda_grid   grid = {wf_cuda_blocks(pixels, WF_CUDA_THREADS), 1, 1, WF_CUDA_THREADS, 0};
    weft_status    status = wf_cuda_launch(q, WF_CUDA_K_conv_pixels, grid, g, err);
    grid.x = wf_cuda_blocks(weights, WF_CUDA_THREADS);
    return status == WEFT_OK && first ? wf_cuda_launch(q, WF_CUDA_K_conv_weights, grid, g, err)
                                      : status;
}

/* The items of a from `first` on, as a convolution of their own. */
static wf_conv items_of(const wf_conv *a, int64_t first, int64_t items)
{
    wf_conv part = *a;
    part.x += first * a->x_stride[0];
    part.y += first * a->oh * a->ow * a->w.n;
    part.n = items;
    return part;
}

/* *done false: nothing was done that counts. */
static weft_status dnn_part(wf_cuda_queue *q, const wf_cuda_channels_args *g, bool first,
                            const dnn_scratch *at, bool *done, weft_error *err)
{
    const wf_conv     *a = &g->op;
    const int64_t      m = a->n * a->oh * a->ow;
    const wf_dnn_shape s = shape_of(a, a->n, g->padded);
    uint8_t           *base = (uint8_t *)g->x;
    float             *sums = (float *)(void *)(base + at->sums);
    weft_status        status = lay_channels(q, g, first, err);
    *done = status == WEFT_OK && wf_cuda_dnn_conv(q, &s, g->x, g->w, sums, base + at->workspace);
    if (!*done)
        return status;
    wf_cuda_gemm_args rest = {
        .op = {.y = a->y, .w = a->w, .bias = a->bias, .m = m, .y_stride = a->w.n, .scale = 1.0f},
        .x = sums};
    wf_cuda_grid grid = {m, wf_cuda_blocks(a->w.n, WF_CUDA_COLUMNS), 1, WF_CUDA_THREADS, 0};
    return wf_cuda_launch(q, WF_CUDA_K_finish, grid, &rest, err);
}

/* Plans are asked for before scratch is taken and anything is launched: a shape without one costs a
 * look. *done false: what was done does not count. */
static weft_status conv_dnn(wf_cuda_queue *q, const wf_conv *a, bool *done, weft_error *err)
{
    const int64_t      padded = (a->c + CHANNELS - 1) / CHANNELS * CHANNELS;
    const int64_t      together = items_together(a, padded), odd = a->n % together;
    const dnn_scratch  at = dnn_bytes(a, together, padded);
    const wf_dnn_shape whole = shape_of(a, together, padded), last = shape_of(a, odd, padded);
    weft_status        status = WEFT_OK;
    void              *memory;
    *done = false;
    if (at.all > DNN_MOST || !wf_cuda_dnn_plans(q, &whole) ||
        (odd > 0 && !wf_cuda_dnn_plans(q, &last)) ||
        wf_cuda_scratch(q, at.all, &memory, NULL) != WEFT_OK)
        return WEFT_OK;
    float *w = (float *)(void *)((uint8_t *)memory + at.w);
    for (int64_t first = 0; first < a->n; first += together) {
        const int64_t         items = a->n - first < together ? a->n - first : together;
        wf_cuda_channels_args g = {items_of(a, first, items), memory, w, padded};
        status = dnn_part(q, &g, first == 0, &at, done, err);
        if (status != WEFT_OK || !*done)
            return status;
    }
    return status;
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
    return conv_windows(q, a, err);
}
