/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's tensors checked before their addresses reach an op: each check names op and argument,
 * and after the first failure the rest do nothing, so that a call reads as a list. */
#ifndef WF_VIEW_H
#define WF_VIEW_H

#include <stdbool.h>

#include "core/device/device.h"
#include "weft/ops.h"

typedef struct wf_call {
    const char *op;
    weft_queue *queue;
    weft_error *err;
    weft_status st;
} wf_call;

/* Rows of n contiguous elements, m of them, `stride` elements apart. */
typedef struct wf_rows_view {
    float  *data;
    int64_t m, n, stride;
} wf_rows_view;

/* Starts a call; INVALID without a queue. */
wf_call wf_call_begin(const char *op, weft_queue *q, weft_error *err);
bool    wf_call_ok(const wf_call *c);
void    wf_call_fail(wf_call *c, weft_status code, const char *arg, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Enqueues the op of a call whose checks all held; else the first failure. */
weft_status wf_call_submit(wf_call *c, const wf_op *op);

/* t is a tensor of the queue's device of this dtype, ndim within min..max, not packed, and every
 * element of it lies within its bytes. Strides are not negative. */
void wf_check_tensor(wf_call *c, const weft_tensor *t, const char *arg, weft_dtype dt,
                     int32_t min_dims, int32_t max_dims);
/* The same, and the last axis has stride 1 and the leading ones are evenly spaced rows. f32. */
void wf_check_rows(wf_call *c, const weft_tensor *t, const char *arg, wf_rows_view *out);
/* An f32 vector of n in C order; NULL is fine where optional. *out NULL then. */
void wf_check_vector(wf_call *c, const weft_tensor *t, const char *arg, int64_t n, bool optional,
                     const float **out);
/* An i32 vector of n. */
void wf_check_index(wf_call *c, const weft_tensor *t, const char *arg, int64_t n,
                    const int32_t **out);
/* A packed LINEAR weight: [out, in...]. */
void wf_check_weight(wf_call *c, const weft_tensor *t, const char *arg, wf_weight *out);
/* t, checked already, will be written: no two indices may be one element. Axes sorted by stride
 * must each step over all that the smaller ones reach. */
void wf_check_distinct(wf_call *c, const weft_tensor *t, const char *arg);
/* act is one of WEFT_ACT_*, whose numbers are those of WF_ACT_*. */
void wf_check_act(wf_call *c, int32_t act);
/* C order throughout. */
void wf_check_c_order(wf_call *c, const weft_tensor *t, const char *arg);
void wf_check_size(wf_call *c, const char *arg, const char *axis, int64_t has, int64_t wants);
void wf_check_same_shape(wf_call *c, const weft_tensor *a, const char *arg, const weft_tensor *b,
                         const char *other);

/* Elements of a checked tensor. */
int64_t wf_tensor_numel(const weft_tensor *t);
/* Do axes from..ndim-2 of t form evenly spaced rows? *stride: their distance (0 for one row). */
bool wf_rows_collapse(const weft_tensor *t, int32_t from, int64_t *rows, int64_t *stride);

/* Places of a window along an axis of this size, padding included; 0: none fits, the kernel, stride
 * or padding makes no sense, or some number is above INT32_MAX (so that two may be multiplied). */
int64_t wf_window_count(int64_t size, int64_t kernel, int32_t stride, int32_t before,
                        int32_t after);

#endif
