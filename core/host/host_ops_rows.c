/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops/1, element by element: tensors of one shape as rows. Where the leading axes of some of
 * them are not evenly spaced (a table repeated by a stride of 0), one op per outer index is queued.
 */
#include "core/host/host_ops.h"

#define OUTER_MAX 65536 /* ops of one call */

typedef struct elementwise {
    const weft_tensor *t[3];
    int64_t            stride[3], m, n, outer;
    int32_t            split; /* axes from here to the last but one are rows of every tensor */
} elementwise;

static void check_three(wf_call *c, elementwise *e, const char *const names[3])
{
    for (int i = 0; i < 3; i++) {
        wf_check_tensor(c, e->t[i], names[i], (weft_dtype){WEFT_DT_FLOAT, 32, 1}, 1, WEFT_MAX_DIMS);
        if (!wf_call_ok(c))
            return;
        wf_check_same_shape(c, e->t[i], names[i], e->t[0], names[0]);
        int32_t last = e->t[i]->ndim - 1;
        if (wf_call_ok(c) && e->t[i]->shape[last] > 1 && e->t[i]->stride[last] != 1)
            wf_call_fail(c, WEFT_E_INVALID, names[i], "the stride of its last axis is not 1");
    }
}

static bool collapses(elementwise *e, int32_t from)
{
    for (int i = 0; i < 3; i++)
        if (!wf_rows_collapse(e->t[i], from, &e->m, &e->stride[i]))
            return false;
    return true;
}

static void plan(wf_call *c, elementwise *e, const char *const names[3])
{
    check_three(c, e, names);
    if (!wf_call_ok(c))
        return;
    e->n = e->t[0]->shape[e->t[0]->ndim - 1];
    while (!collapses(e, e->split))
        e->split++; /* ends: without leading axes there is one row */
    e->outer = 1;
    for (int32_t d = 0; d < e->split; d++) {
        if (e->t[0]->shape[d] > OUTER_MAX) {
            wf_call_fail(c, WEFT_E_INVALID, names[0],
                         "its leading axes are too uneven; copy first");
            return;
        }
        e->outer *= e->t[0]->shape[d];
        if (e->outer > OUTER_MAX)
            wf_call_fail(c, WEFT_E_INVALID, names[0],
                         "its leading axes are too uneven; copy first");
        if (!wf_call_ok(c))
            return;
    }
}

/* The rows of tensor i at the outer index. */
static float *at(const elementwise *e, int i, int64_t index)
{
    int64_t offset = 0;
    for (int32_t d = e->split - 1; d >= 0; d--) {
        offset += index % e->t[i]->shape[d] * e->t[i]->stride[d];
        index /= e->t[i]->shape[d];
    }
    return (float *)e->t[i]->data + offset;
}

weft_status wf_host_add(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err)
{
    static const char *const names[3] = {"y", "a", "b"};
    wf_call                  c = wf_call_begin("add", q, err);
    elementwise              e = {.t = {y, a, b}};
    (void)h;
    plan(&c, &e, names);
    for (int64_t i = 0; wf_call_ok(&c) && i < e.outer; i++) {
        wf_op op = {.kind = WF_OP_ADD,
                    .u.add = {.y = at(&e, 0, i),
                              .a = at(&e, 1, i),
                              .b = at(&e, 2, i),
                              .m = e.m,
                              .n = e.n,
                              .y_stride = e.stride[0],
                              .a_stride = e.stride[1],
                              .b_stride = e.stride[2],
                              .scale = scale_b}};
        c.st = wf_queue_submit(q, &op, err);
    }
    return c.st;
}

weft_status wf_host_swiglu(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *gate, const weft_tensor *up, weft_error *err)
{
    static const char *const names[3] = {"y", "gate", "up"};
    wf_call                  c = wf_call_begin("swiglu", q, err);
    elementwise              e = {.t = {y, gate, up}};
    (void)h;
    plan(&c, &e, names);
    for (int64_t i = 0; wf_call_ok(&c) && i < e.outer; i++) {
        wf_op op = {.kind = WF_OP_SWIGLU,
                    .u.swiglu = {.y = at(&e, 0, i),
                                 .gate = at(&e, 1, i),
                                 .up = at(&e, 2, i),
                                 .m = e.m,
                                 .n = e.n,
                                 .y_stride = e.stride[0],
                                 .gate_stride = e.stride[1],
                                 .up_stride = e.stride[2]}};
        c.st = wf_queue_submit(q, &op, err);
    }
    return c.st;
}
