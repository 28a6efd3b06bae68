/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops, across rows: rows by number, rotary positions, windows of places. */
#include <string.h>

#include "core/host/host_ops.h"
#include "core/host/lent.h"
#include "core/model/model.h"

static const weft_dtype f32 = {WEFT_DT_FLOAT, 32, 1};

weft_status wf_host_gather(const weft_host *h, weft_queue *q, const weft_tensor *y,
                           const weft_tensor *x, const weft_tensor *index, weft_error *err)
{
    wf_call        c = wf_call_begin("gather", q, err);
    wf_rows_view   vy = {0}, vx = {0};
    const int32_t *numbers = NULL;
    (void)h;
    wf_check_rows(&c, y, "y", &vy);
    wf_check_rows(&c, x, "x", &vx);
    wf_check_distinct(&c, y, "y");
    wf_check_size(&c, "y", "its last axis", vy.n, vx.n);
    wf_check_index(&c, index, "index", vy.m, &numbers);
    if (wf_call_ok(&c) && vy.m > 0 && vy.data == vx.data)
        wf_call_fail(&c, WEFT_E_INVALID, "y", "may not be x");
    wf_op op = {.kind = WF_OP_GATHER,
                .u.gather = {vy.data, vx.data, numbers, vy.m, vy.n, vx.m, vy.stride, vx.stride}};
    return wf_call_submit(&c, &op);
}

weft_status wf_host_embed(const weft_host *h, weft_queue *q, const weft_tensor *y,
                          const weft_tensor *ids, weft_error *err)
{
    wf_call          c = wf_call_begin("embed", q, err);
    wf_rows_view     v = {0};
    const int32_t   *numbers = NULL;
    wf_model *const *at = wf_lent_of(h)->binding.core;
    const wf_model  *core = at != NULL ? *at : NULL;
    if (wf_call_ok(&c) && core == NULL)
        wf_call_fail(&c, WEFT_E_STATE, "ids", "no text core is loaded that has tokens");
    wf_check_rows(&c, y, "y", &v);
    wf_check_distinct(&c, y, "y");
    if (wf_call_ok(&c))
        wf_check_size(&c, "y", "its last axis", v.n, core->embed.k);
    wf_check_index(&c, ids, "ids", v.m, &numbers);
    if (!wf_call_ok(&c))
        return c.st;
    wf_op op = {
        .kind = WF_OP_EMBED,
        .u.embed = {
            .dst = v.data, .w = core->embed, .ids = numbers, .m = v.m, .dst_stride = v.stride}};
    return wf_call_submit(&c, &op);
}

/* ---- rope ---- */

/* Pairs, their step and distance: all elements named lie within the width, and none twice. */
static void place_pairs(wf_call *c, const weft_rope *r, wf_rotate *a)
{
    int64_t width = r->x->shape[2];
    bool    interleaved = r->interleaved != 0;
    a->pairs = r->pairs != 0 ? r->pairs : width / 2;
    a->step = interleaved ? 2 : 1;
    a->distance = r->distance;
    if (r->distance == 0)
        a->distance = interleaved ? 1 : a->pairs;
    int64_t reach = (a->pairs - 1) * a->step + a->distance; /* the last element that is named */
    if (interleaved && a->distance != 1)
        wf_call_fail(c, WEFT_E_INVALID, "distance", "%d, and interleaved pairs have 1",
                     r->distance);
    else if (!interleaved && a->distance < a->pairs)
        wf_call_fail(c, WEFT_E_INVALID, "distance", "%d: %lld pairs so near each other overlap",
                     r->distance, (long long)a->pairs);
    else if (a->pairs < 0 || (a->pairs > 0 && reach >= width))
        wf_call_fail(c, WEFT_E_INVALID, "pairs",
                     "%lld pairs %lld apart do not fit in %lld elements", (long long)a->pairs,
                     (long long)a->distance, (long long)width);
}

static void check_rope(wf_call *c, const weft_rope *r, wf_rotate *a)
{
    wf_check_tensor(c, r->x, "x", f32, 3, 3);
    wf_check_distinct(c, r->x, "x");
    if (!wf_call_ok(c))
        return;
    if (r->x->shape[2] > 1 && r->x->stride[2] != 1)
        wf_call_fail(c, WEFT_E_INVALID, "x", "the stride of its last axis is %lld, not 1",
                     (long long)r->x->stride[2]);
    if (r->interleaved != 0 && r->interleaved != 1)
        wf_call_fail(c, WEFT_E_INVALID, "interleaved", "%d is neither 0 nor 1", r->interleaved);
    place_pairs(c, r, a);
    wf_check_index(c, r->positions, "positions", r->x->shape[0], &a->pos);
    wf_check_vector(c, r->frequencies, "frequencies", a->pairs, true, &a->freq);
    if (r->frequencies == NULL && !(r->base > 0.0f && r->base - r->base == 0.0f))
        wf_call_fail(c, WEFT_E_INVALID, "base", "%g, and a number above 0 is wanted",
                     (double)r->base);
}

weft_status wf_host_rope(const weft_host *h, weft_queue *q, const weft_rope *r, weft_error *err)
{
    wf_call    c = wf_call_begin("rope", q, err);
    wf_op      op = {.kind = WF_OP_ROTATE};
    wf_rotate *a = &op.u.rotate;
    (void)h;
    if (!WEFT_HAS(r, weft_rope, interleaved))
        wf_call_fail(&c, WEFT_E_INVALID, "r", "weft_rope.hdr.size is not set");
    if (wf_call_ok(&c))
        check_rope(&c, r, a);
    if (!wf_call_ok(&c))
        return c.st;
    a->x = r->x->data;
    a->m = r->x->shape[0];
    a->n_heads = r->x->shape[1];
    a->row_stride = r->x->stride[0];
    a->head_stride = r->x->stride[1];
    a->base = r->base;
    return wf_call_submit(&c, &op);
}

/* ---- pool: the numbers of WEFT_POOL_* are those of WF_POOLING_* ---- */

static void check_windows(wf_call *c, const wf_pooling *a)
{
    const int64_t kernel[2] = {a->kh, a->kw};
    if (a->kh < 1 || a->kw < 1 || a->stride[0] < 1 || a->stride[1] < 1)
        wf_call_fail(c, WEFT_E_INVALID, "kernel", "%lld x %lld in steps of %d x %d is no window",
                     (long long)a->kh, (long long)a->kw, a->stride[0], a->stride[1]);
    for (int i = 0; i < 4; i++)
        if (a->pad[i] < 0 || a->pad[i] >= kernel[i / 2])
            wf_call_fail(c, WEFT_E_INVALID, "pad", "%d is not within 0 to below the kernel's %lld",
                         a->pad[i], (long long)kernel[i / 2]);
    if (a->how < WF_POOLING_MEAN || a->how > WF_POOLING_MAX)
        wf_call_fail(c, WEFT_E_INVALID, "how", "%d is no pooling", a->how);
    if (wf_call_ok(c) && (a->oh < 1 || a->ow < 1))
        wf_call_fail(c, WEFT_E_INVALID, "x", "a window of %lld x %lld has no place in it",
                     (long long)a->kh, (long long)a->kw);
}

static void place_pooling(wf_call *c, const weft_tensor *y, const weft_tensor *x,
                          const int32_t kernel[2], wf_pooling *a)
{
    a->n = x->shape[0];
    a->h = x->shape[1];
    a->wd = x->shape[2];
    a->c = x->shape[3];
    a->kh = kernel[0];
    a->kw = kernel[1];
    a->oh = wf_window_count(a->h, a->kh, a->stride[0], a->pad[0], a->pad[1]);
    a->ow = wf_window_count(a->wd, a->kw, a->stride[1], a->pad[2], a->pad[3]);
    check_windows(c, a);
    wf_check_size(c, "y", "its first axis", y->shape[0], a->n);
    wf_check_size(c, "y", "its height", y->shape[1], a->oh);
    wf_check_size(c, "y", "its width", y->shape[2], a->ow);
    wf_check_size(c, "y", "its last axis", y->shape[3], a->c);
    memcpy(a->y_stride, y->stride, sizeof a->y_stride);
    memcpy(a->x_stride, x->stride, sizeof a->x_stride);
    a->y = y->data;
    a->x = x->data;
}

static void check_places(wf_call *c, const weft_tensor *t, const char *arg)
{
    wf_check_tensor(c, t, arg, f32, 4, 4);
    if (wf_call_ok(c) && t->shape[3] > 1 && t->stride[3] != 1)
        wf_call_fail(c, WEFT_E_INVALID, arg, "the stride of its last axis is %lld, not 1",
                     (long long)t->stride[3]);
}

weft_status wf_host_pool(const weft_host *h, weft_queue *q, const weft_tensor *y,
                         const weft_tensor *x, const int32_t kernel[2], const int32_t stride[2],
                         const int32_t pad[4], int32_t how, weft_error *err)
{
    wf_call     c = wf_call_begin("pool", q, err);
    wf_op       op = {.kind = WF_OP_POOLING};
    wf_pooling *a = &op.u.pooling;
    (void)h;
    check_places(&c, y, "y");
    check_places(&c, x, "x");
    wf_check_distinct(&c, y, "y");
    if (kernel == NULL || stride == NULL || pad == NULL)
        wf_call_fail(&c, WEFT_E_INVALID, "kernel", "kernel, stride and pad are needed");
    if (!wf_call_ok(&c))
        return c.st;
    if (y->data == x->data && wf_tensor_numel(y) > 0)
        wf_call_fail(&c, WEFT_E_INVALID, "y", "may not be x");
    memcpy(a->stride, stride, sizeof a->stride);
    memcpy(a->pad, pad, sizeof a->pad);
    a->how = how;
    place_pooling(&c, y, x, kernel, a);
    return wf_call_submit(&c, &op);
}
