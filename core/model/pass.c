/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that self-attention blocks and cross-attention sites share. */
#include "core/model/pass.h"

weft_status wf_do_norm(wf_decoder *d, float *y, const float *x, const float *w, int64_t m,
                       int64_t n, weft_error *err)
{
    wf_op op = {.kind = WF_OP_NORM,
                .u.norm = {.y = y,
                           .x = x,
                           .w = w,
                           .m = m,
                           .n = n,
                           .inner = 1,
                           .y_stride = n,
                           .x_stride = n,
                           .eps = d->model->config.rms_eps,
                           .rms = 1}};
    return wf_queue_submit(d->queue, &op, err);
}

static weft_status linear(wf_decoder *d, float *y, int64_t y_stride, const float *x,
                          int64_t x_stride, const wf_weight *w, const float *bias, int64_t m,
                          weft_error *err)
{
    wf_op op = {.kind = WF_OP_LINEAR,
                .u.linear = {.y = y,
                             .x = x,
                             .w = *w,
                             .bias = bias,
                             .m = m,
                             .y_stride = y_stride,
                             .x_stride = x_stride,
                             .act = WF_ACT_NONE}};
    return wf_queue_submit(d->queue, &op, err);
}

weft_status wf_do_linear(wf_decoder *d, float *y, int64_t y_stride, const float *x,
                         int64_t x_stride, const wf_weight *w, int64_t m, weft_error *err)
{
    return linear(d, y, y_stride, x, x_stride, w, NULL, m, err);
}

weft_status wf_do_parts(wf_decoder *d, float *y, int64_t y_stride, const float *x, int64_t x_stride,
                        const wf_weight *parts, int32_t n_parts, const float *bias, int64_t m,
                        weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < n_parts && parts[i].n > 0 && status == WEFT_OK; i++) {
        status = linear(d, y, y_stride, x, x_stride, &parts[i], bias, m, err);
        y += parts[i].n;
        bias = bias != NULL ? bias + parts[i].n : NULL;
    }
    return status;
}

/* h += each * (x w^T), channel by channel; the product stands in d->a meanwhile. */
static weft_status linear_add_each(wf_decoder *d, float *h, const float *x, int64_t x_stride,
                                   const wf_weight *w, const float *each, int64_t m,
                                   weft_error *err)
{
    wf_op       op = {.kind = WF_OP_ADD,
                      .u.add = {.y = h,
                                .a = h,
                                .b = d->a,
                                .m = m,
                                .n = w->n,
                                .y_stride = w->n,
                                .a_stride = w->n,
                                .b_stride = w->n,
                                .gate = each}};
    weft_status status = wf_do_linear(d, d->a, w->n, x, x_stride, w, m, err);
    return status == WEFT_OK ? wf_queue_submit(d->queue, &op, err) : status;
}

weft_status wf_do_linear_add(wf_decoder *d, float *h, const float *x, int64_t x_stride,
                             const wf_weight *w, wf_gate gate, int64_t m, weft_error *err)
{
    if (gate.each != NULL)
        return linear_add_each(d, h, x, x_stride, w, gate.each, m, err);
    wf_op op = {.kind = WF_OP_LINEAR,
                .u.linear = {.y = h,
                             .x = x,
                             .w = *w,
                             .residual = h,
                             .m = m,
                             .y_stride = w->n,
                             .x_stride = x_stride,
                             .residual_stride = w->n,
                             .scale = gate.scale,
                             .act = WF_ACT_NONE}};
    return wf_queue_submit(d->queue, &op, err);
}

weft_status wf_do_ffn(wf_decoder *d, float *h, const float *norm, float eps,
                      const wf_weight *gate_up, const wf_weight *down, int64_t d_ffn, wf_gate gate,
                      int64_t m, weft_error *err)
{
    int64_t     n = d->model->config.d_model;
    wf_op       norm_op = {.kind = WF_OP_NORM,
                           .u.norm = {.y = d->a,
                                      .x = h,
                                      .w = norm,
                                      .m = m,
                                      .n = n,
                                      .inner = 1,
                                      .y_stride = n,
                                      .x_stride = n,
                                      .eps = eps,
                                      .rms = 1}};
    wf_op       swiglu = {.kind = WF_OP_SWIGLU,
                          .u.swiglu = {.y = d->ffn,
                                       .gate = d->gate_up,
                                       .up = d->gate_up + d_ffn,
                                       .m = m,
                                       .n = d_ffn,
                                       .y_stride = d_ffn,
                                       .gate_stride = 2 * d_ffn,
                                       .up_stride = 2 * d_ffn}};
    weft_status status = wf_queue_submit(d->queue, &norm_op, err);
    if (status == WEFT_OK)
        status = wf_do_parts(d, d->gate_up, 2 * d_ffn, d->a, n, gate_up, 2, NULL, m, err);
    if (status == WEFT_OK)
        status = wf_queue_submit(d->queue, &swiglu, err);
    return status == WEFT_OK ? wf_do_linear_add(d, h, d->ffn, d_ffn, down, gate, m, err) : status;
}
