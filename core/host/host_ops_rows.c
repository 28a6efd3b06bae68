/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops, element by element and over the last axis: tensors broadcast to the one that is
 * written. */
#include <string.h>

#include "core/host/axes.h"
#include "core/host/host_ops.h"

/* ---- two operands ---- */

typedef struct pair {
    const weft_tensor *t[3]; /* y, a, b */
    wf_axes            axes;
    float              scale;
    int32_t            how; /* WF_COMBINE_* */
} pair;

static wf_op as_rows(const pair *p)
{
    const wf_axes *x = &p->axes;
    wf_op          op = {.kind = p->how == WF_COMBINE_ADD ? WF_OP_ADD : WF_OP_SWIGLU};
    int64_t        m = x->shape[2], n = x->shape[3];
    int64_t        sy = x->stride[0][2], sa = x->stride[1][2], sb = x->stride[2][2];
    float         *y = p->t[0]->data;
    const float   *a = p->t[1]->data, *b = p->t[2]->data;
    if (p->how == WF_COMBINE_ADD)
        op.u.add = (wf_add_op){y, a, b, m, n, sy, sa, sb, p->scale, 0, NULL};
    else
        op.u.swiglu = (wf_swiglu){y, a, b, m, n, sy, sa, sb};
    return op;
}

static wf_op as_combination(const pair *p)
{
    wf_op       op = {.kind = WF_OP_COMBINE};
    wf_combine *c = &op.u.combine;
    c->y = p->t[0]->data;
    c->a = p->t[1]->data;
    c->b = p->t[2]->data;
    memcpy(c->shape, p->axes.shape, sizeof c->shape);
    memcpy(c->y_stride, p->axes.stride[0], sizeof c->y_stride);
    memcpy(c->a_stride, p->axes.stride[1], sizeof c->a_stride);
    memcpy(c->b_stride, p->axes.stride[2], sizeof c->b_stride);
    c->scale = p->scale;
    c->how = p->how;
    return op;
}

/* Evenly spaced rows, which most calls have, go to the ops that the text core uses too. */
static weft_status combine(wf_call *c, pair *p, const char *const names[3])
{
    for (int i = 0; i < 3; i++)
        if (p->t[i] == NULL)
            wf_call_fail(c, WEFT_E_INVALID, names[i], "NULL");
    if (wf_call_ok(c))
        wf_check_axes(c, p->t, names, 3, &p->axes);
    if (!wf_call_ok(c))
        return c->st;
    bool  rows = p->how != WF_COMBINE_MUL && wf_axes_are_rows(&p->axes, 3);
    wf_op op = rows ? as_rows(p) : as_combination(p);
    return wf_call_submit(c, &op);
}

weft_status wf_host_add(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, float scale_b, weft_error *err)
{
    static const char *const names[3] = {"y", "a", "b"};
    wf_call                  c = wf_call_begin("add", q, err);
    pair                     p = {.t = {y, a, b}, .scale = scale_b, .how = WF_COMBINE_ADD};
    (void)h;
    return combine(&c, &p, names);
}

weft_status wf_host_mul(const weft_host *h, weft_queue *q, const weft_tensor *y,
                        const weft_tensor *a, const weft_tensor *b, weft_error *err)
{
    static const char *const names[3] = {"y", "a", "b"};
    wf_call                  c = wf_call_begin("mul", q, err);
    pair                     p = {.t = {y, a, b}, .how = WF_COMBINE_MUL};
    (void)h;
    return combine(&c, &p, names);
}

weft_status wf_host_swiglu(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *gate, const weft_tensor *up, weft_error *err)
{
    static const char *const names[3] = {"y", "gate", "up"};
    wf_call                  c = wf_call_begin("swiglu", q, err);
    pair                     p = {.t = {y, gate, up}, .how = WF_COMBINE_SWIGLU};
    (void)h;
    return combine(&c, &p, names);
}

/* ---- one operand ---- */

weft_status wf_host_activate(const weft_host *h, weft_queue *q, const weft_tensor *y,
                             const weft_tensor *x, int32_t act, weft_error *err)
{
    wf_call      c = wf_call_begin("activate", q, err);
    wf_rows_view vy = {0}, vx = {0};
    (void)h;
    wf_check_rows(&c, y, "y", &vy);
    wf_check_rows(&c, x, "x", &vx);
    wf_check_same_shape(&c, y, "y", x, "x");
    wf_check_distinct(&c, y, "y");
    wf_check_act(&c, act);
    if (wf_call_ok(&c) && vy.data == vx.data && vy.m > 1 && vy.stride != vx.stride)
        wf_call_fail(&c, WEFT_E_INVALID, "y", "may be x only with the same strides");
    wf_op op = {.kind = WF_OP_ACTIVATE,
                .u.activate = {vy.data, vx.data, vy.m, vy.n, vy.stride, vx.stride, act, 0}};
    return wf_call_submit(&c, &op);
}

weft_status wf_host_softmax(const weft_host *h, weft_queue *q, const weft_tensor *y,
                            const weft_tensor *x, const weft_tensor *bias, float scale,
                            weft_error *err)
{
    static const char *const names[3] = {"y", "x", "bias"};
    const weft_tensor *const t[3] = {y, x, bias};
    wf_call                  c = wf_call_begin("softmax", q, err);
    wf_axes                  axes;
    wf_op                    op = {.kind = WF_OP_SOFTMAX};
    wf_softmax              *a = &op.u.softmax;
    (void)h;
    if (x == NULL)
        wf_call_fail(&c, WEFT_E_INVALID, "x", "NULL");
    wf_check_axes(&c, t, names, 3, &axes);
    wf_check_same_shape(&c, x, "x", y, "y");
    if (wf_call_ok(&c) && axes.stride[1][3] != 1)
        wf_call_fail(&c, WEFT_E_INVALID, "x", "the stride of its last axis is 0, not 1");
    if (!wf_call_ok(&c))
        return c.st;
    a->y = y->data;
    a->x = x->data;
    a->bias = bias != NULL ? bias->data : NULL;
    a->scale = scale;
    memcpy(a->shape, axes.shape, sizeof a->shape);
    memcpy(a->y_stride, axes.stride[0], sizeof a->y_stride);
    memcpy(a->x_stride, axes.stride[1], sizeof a->x_stride);
    memcpy(a->bias_stride, axes.stride[2], sizeof a->bias_stride);
    return wf_call_submit(&c, &op);
}
