/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution: windows become rows (im2col), a bounded number at a time, and linear multiplies
 * them. */
#include "core/device/cpu/fp8_linear.h"
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant.h"

#define WINDOW_BYTES ((int64_t)8 << 20) /* of rows gathered at a time; at least one row */

typedef struct gather_job {
    const wf_conv *a;
    float         *rows; /* [end - first, c * kh * kw] */
    int64_t        first;
} gather_job;

/* One window, in the order of w's columns: channel, y, x. Places outside the plane are 0. */
static void gather_window(const wf_conv *a, int64_t window, float *row)
{
    int64_t       item = window / (a->oh * a->ow);
    int64_t       y0 = window / a->ow % a->oh * a->stride[0] - a->pad[0];
    int64_t       x0 = window % a->ow * a->stride[1] - a->pad[2];
    const int64_t row_stride = a->x_stride[2], place_stride = a->x_stride[3];
    for (int64_t c = 0; c < a->c; c++) {
        const float *plane = a->x + item * a->x_stride[0] + c * a->x_stride[1];
        for (int64_t y = y0; y < y0 + a->kh; y++) {
            for (int64_t x = x0; x < x0 + a->kw; x++) {
                int inside = y >= 0 && y < a->h && x >= 0 && x < a->wd;
                *row++ = inside ? plane[y * row_stride + x * place_stride] : 0.0f;
            }
        }
    }
}

static void gather_rows(void *ctx, int64_t begin, int64_t end)
{
    const gather_job *j = ctx;
    int64_t           k = j->a->c * j->a->kh * j->a->kw;
    for (int64_t r = begin; r < end; r++)
        gather_window(j->a, j->first + r, j->rows + r * k);
}

static weft_status conv_rows(wf_exec *ex, const wf_conv *a, float *rows, int64_t first, int64_t n)
{
    int64_t    k = a->c * a->kh * a->kw;
    gather_job job = {a, rows, first};
    wf_range_run(ex, n, wf_row_grain(k), gather_rows, &job);
    wf_linear l = {
        .y = a->y + first * a->w.n,
        .x = rows,
        .w = a->w,
        .bias = a->bias,
        .m = n,
        .y_stride = a->w.n,
        .x_stride = k,
        .scale = 1.0f,
    };
    return wf_linear_run(ex, &l);
}

weft_status wf_conv_ref(wf_exec *ex, const wf_conv *a)
{
    int64_t windows = a->n * a->oh * a->ow, k = a->c * a->kh * a->kw;
    if (windows <= 0)
        return WEFT_OK;
    int64_t most = WINDOW_BYTES / (k * 4) > 0 ? WINDOW_BYTES / (k * 4) : 1;
    most = most < windows ? most : windows;
    uint64_t rows_bytes = (uint64_t)(most * k * 4 + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
    uint64_t linear_bytes = a->w.format == WF_FP8        ? wf_fp8_scratch_bytes(ex, most, a->w.n, k)
                            : wf_is_grouped(a->w.format) ? wf_quant_scratch_bytes(ex, most, k)
                                                         : wf_linear_scratch_bytes(ex, most, k);
    uint8_t *scratch = wf_exec_scratch(ex, rows_bytes + linear_bytes);
    if (scratch == NULL)
        return WEFT_E_NOMEM;
    /* linear works in the second part: it never needs more than it is lent here. */
    wf_exec     inner = {ex->pool, ex->ops, scratch + rows_bytes, linear_bytes};
    weft_status status = WEFT_OK;
    for (int64_t first = 0; first < windows && status == WEFT_OK; first += most) {
        int64_t n = windows - first < most ? windows - first : most;
        status = conv_rows(&inner, a, (float *)scratch, first, n);
    }
    return status;
}
