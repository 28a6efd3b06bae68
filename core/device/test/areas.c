/* SPDX-License-Identifier: Apache-2.0 */
/* Areas of the ops whose arguments say everything. */
#include "core/device/test/areas.h"

#include <string.h>

#include "core/device/device.h"
#include "core/device/test/areas_walk.h"

static bool weight_as(const wf_walk *w, const wf_weight *h, int32_t access)
{
    return wf_walk_list(w, "w", access, h->data, (int64_t)w->weight_bytes(h->format, h->n, h->k),
                        1);
}

static bool weight(const wf_walk *w, const wf_weight *h)
{
    return weight_as(w, h, WF_READS);
}

static bool linear(const wf_walk *w, const wf_linear *a)
{
    int64_t n = a->w.n, m = a->m;
    return weight(w, &a->w) &&
           wf_walk_rows(w, "x", WF_READS, a->x, m, a->w.k, a->x_stride, WF_F4) &&
           wf_walk_maybe(w, "bias", a->bias, n, WF_F4) &&
           (a->residual == NULL ||
            wf_walk_rows(w, "residual", WF_READS, a->residual, m, n, a->residual_stride, WF_F4)) &&
           wf_walk_rows(w, "y", WF_WRITES, a->y, m, n, a->y_stride, WF_F4);
}

/* Where the bytes of a row lie is the layout's affair; rows come in ascending order, so all of the
 * weight is there with the last one. */
static bool pack(const wf_walk *w, const wf_pack *a)
{
    bool last = a->row0 + a->rows == a->w.n;
    return weight_as(w, &a->w, last ? WF_WRITES : WF_TOUCHES) &&
           wf_walk_list(w, "src", WF_READS, a->src, a->rows, wf_row_bytes(a->src_dtype, a->w.k));
}

static bool convert(const wf_walk *w, const wf_convert *a)
{
    return wf_walk_list(w, "src", WF_READS, a->src, a->n, wf_dtype_bytes(a->src_dtype)) &&
           wf_walk_list(w, "dst", WF_WRITES, a->dst, a->n, WF_F4);
}

/* Groups of `inner` rows of n stand side by side; the last group may have fewer. */
static bool norm_rows(const wf_walk *w, const wf_norm *a, const char *name, int32_t access,
                      const float *p, int64_t stride)
{
    int64_t groups = a->m / a->inner, rest = a->m % a->inner;
    return wf_walk_rows(w, name, access, p, groups, a->inner * a->n, stride, WF_F4) &&
           (rest == 0 || wf_walk_list(w, name, access, p + groups * stride, rest * a->n, WF_F4));
}

static bool norm(const wf_walk *w, const wf_norm *a)
{
    return norm_rows(w, a, "x", WF_READS, a->x, a->x_stride) &&
           wf_walk_list(w, "w", WF_READS, a->w, a->n, WF_F4) &&
           wf_walk_maybe(w, "bias", a->bias, a->n, WF_F4) &&
           norm_rows(w, a, "y", WF_WRITES, a->y, a->y_stride);
}

static bool rope_table(const wf_walk *w, const wf_rope_table *a)
{
    return wf_walk_list(w, "pos", WF_READS, a->pos, a->m, sizeof(int32_t)) &&
           wf_walk_list(w, "inv_freq", WF_READS, a->inv_freq, a->head_dim / 2, WF_F4) &&
           wf_walk_list(w, "cos_sin", WF_WRITES, a->cos_sin, a->m * a->head_dim, WF_F4);
}

static bool rope(const wf_walk *w, const wf_rope *a)
{
    int64_t n = (int64_t)a->n_heads * a->head_dim;
    return wf_walk_list(w, "cos_sin", WF_READS, a->cos_sin, a->m * a->head_dim, WF_F4) &&
           wf_walk_rows(w, "x", WF_READS, a->x, a->m, n, a->stride, WF_F4) &&
           wf_walk_rows(w, "x", WF_WRITES, a->x, a->m, n, a->stride, WF_F4);
}

static bool swiglu(const wf_walk *w, const wf_swiglu *a)
{
    return wf_walk_rows(w, "gate", WF_READS, a->gate, a->m, a->n, a->gate_stride, WF_F4) &&
           wf_walk_rows(w, "up", WF_READS, a->up, a->m, a->n, a->up_stride, WF_F4) &&
           wf_walk_rows(w, "y", WF_WRITES, a->y, a->m, a->n, a->y_stride, WF_F4);
}

static bool add(const wf_walk *w, const wf_add_op *a)
{
    return wf_walk_rows(w, "a", WF_READS, a->a, a->m, a->n, a->a_stride, WF_F4) &&
           wf_walk_rows(w, "b", WF_READS, a->b, a->m, a->n, a->b_stride, WF_F4) &&
           wf_walk_maybe(w, "gate", a->gate, a->n, WF_F4) &&
           wf_walk_rows(w, "y", WF_WRITES, a->y, a->m, a->n, a->y_stride, WF_F4);
}

static bool copy(const wf_walk *w, const wf_copy *a)
{
    return wf_walk_axes(w, "src", WF_CARRIES, a->src, a->shape, a->src_stride) &&
           wf_walk_axes(w, "dst", WF_WRITES, a->dst, a->shape, a->dst_stride);
}

static bool conv(const wf_walk *w, const wf_conv *a)
{
    const int64_t windows = a->n * a->oh * a->ow, shape[] = {a->n, a->c, a->h, a->wd};
    return windows <= 0 ||
           (weight(w, &a->w) && wf_walk_axes(w, "x", WF_READS, a->x, shape, a->x_stride) &&
            wf_walk_maybe(w, "bias", a->bias, a->w.n, WF_F4) &&
            wf_walk_list(w, "y", WF_WRITES, a->y, windows * a->w.n, WF_F4));
}

/* Whatever stands in an argument and is an address at all: a body takes pointers alone and in
 * structs. The visitor knows which values are addresses of the device. */
static bool kernel(const wf_walk *w, const wf_kernel_op *a)
{
    for (uint32_t i = 0; i < a->kernel->n_args; i++)
        for (uint32_t at = 0; at + sizeof(void *) <= a->kernel->arg_bytes[i]; at += 8) {
            void *p;
            memcpy(&p, a->data + a->kernel->offset[i] + at, sizeof p);
            wf_area area = {a->kernel->name, p, {1, 1, 1, 1}, {0}, 1, WF_TOUCHES, 0};
            if (!w->fn(w->ctx, &area))
                return false;
        }
    return true;
}

static bool activate(const wf_walk *w, const wf_activate_op *a)
{
    return wf_walk_rows(w, "x", WF_READS, a->x, a->m, a->n, a->x_stride, WF_F4) &&
           wf_walk_rows(w, "y", WF_WRITES, a->y, a->m, a->n, a->y_stride, WF_F4);
}

static bool combine(const wf_walk *w, const wf_combine *a)
{
    return wf_walk_axes(w, "a", WF_READS, a->a, a->shape, a->a_stride) &&
           wf_walk_axes(w, "b", WF_READS, a->b, a->shape, a->b_stride) &&
           wf_walk_axes(w, "y", WF_WRITES, a->y, a->shape, a->y_stride);
}

static bool softmax(const wf_walk *w, const wf_softmax *a)
{
    return wf_walk_axes(w, "x", WF_READS, a->x, a->shape, a->x_stride) &&
           (a->bias == NULL ||
            wf_walk_axes(w, "bias", WF_READS, a->bias, a->shape, a->bias_stride)) &&
           wf_walk_axes(w, "y", WF_WRITES, a->y, a->shape, a->y_stride);
}

static bool pooling(const wf_walk *w, const wf_pooling *a)
{
    int64_t x_shape[4] = {a->n, a->h, a->wd, a->c}, y_shape[4] = {a->n, a->oh, a->ow, a->c};
    int64_t x_stride[4] = {a->x_stride[0], a->x_stride[1], a->x_stride[2], 1};
    int64_t y_stride[4] = {a->y_stride[0], a->y_stride[1], a->y_stride[2], 1};
    return wf_walk_axes(w, "x", WF_READS, a->x, x_shape, x_stride) &&
           wf_walk_axes(w, "y", WF_WRITES, a->y, y_shape, y_stride);
}

static bool rotate(const wf_walk *w, const wf_rotate *a)
{
    int64_t shape[4] = {a->m, a->n_heads, 2, a->pairs};
    int64_t stride[4] = {a->row_stride, a->head_stride, a->distance, a->step};
    return wf_walk_list(w, "pos", WF_READS, a->pos, a->m, sizeof(int32_t)) &&
           wf_walk_maybe(w, "freq", a->freq, a->pairs, WF_F4) &&
           wf_walk_axes(w, "x", WF_READS, a->x, shape, stride) &&
           wf_walk_axes(w, "x", WF_WRITES, a->x, shape, stride);
}

static bool finite_rows(const wf_walk *w, const wf_finite *a)
{
    return wf_walk_rows(w, "x", WF_READS, a->x, a->m, a->n, a->x_stride, WF_F4) &&
           wf_walk_rows(w, "out", WF_WRITES, a->out, a->m, 1, a->out_stride, sizeof *a->out);
}

static bool best_rows(const wf_walk *w, const wf_best *a)
{
    return wf_walk_rows(w, "x", WF_READS, a->x, a->m, a->n, a->x_stride, WF_F4) &&
           wf_walk_rows(w, "best", WF_WRITES, a->best, a->m, a->k, a->best_stride,
                        sizeof *a->best) &&
           (a->sum == NULL ||
            wf_walk_rows(w, "sum", WF_WRITES, a->sum, a->m, 1, a->sum_stride, sizeof *a->sum));
}

bool wf_op_areas(const wf_op *op, wf_weight_bytes_fn bytes, wf_area_fn fn, void *ctx)
{
    wf_walk w = {fn, ctx, bytes};
    switch (op->kind) {
    case WF_OP_LINEAR:
        return linear(&w, &op->u.linear);
    case WF_OP_PACK:
        return pack(&w, &op->u.pack);
    case WF_OP_CONVERT:
        return convert(&w, &op->u.convert);
    case WF_OP_NORM:
        return norm(&w, &op->u.norm);
    case WF_OP_ROPE_TABLE:
        return rope_table(&w, &op->u.rope_table);
    case WF_OP_ROPE:
        return rope(&w, &op->u.rope);
    case WF_OP_KV_STORE:
        return wf_areas_kv_store(&w, &op->u.kv_store);
    case WF_OP_ATTEND_PAGES:
        return wf_areas_attend_pages(&w, &op->u.attend_pages);
    case WF_OP_ATTEND:
        return wf_areas_attend(&w, &op->u.attend);
    case WF_OP_SWIGLU:
        return swiglu(&w, &op->u.swiglu);
    case WF_OP_ADD:
        return add(&w, &op->u.add);
    case WF_OP_ROWS:
        return wf_areas_rows(&w, &op->u.rows);
    case WF_OP_EMBED:
        return weight(&w, &op->u.embed.w) && wf_areas_embed(&w, &op->u.embed);
    case WF_OP_COPY:
        return copy(&w, &op->u.copy);
    case WF_OP_CONV:
        return conv(&w, &op->u.conv);
    case WF_OP_KERNEL:
        return kernel(&w, &op->u.kernel);
    case WF_OP_GATHER:
        return wf_areas_gather(&w, &op->u.gather);
    case WF_OP_ACTIVATE:
        return activate(&w, &op->u.activate);
    case WF_OP_COMBINE:
        return combine(&w, &op->u.combine);
    case WF_OP_SOFTMAX:
        return softmax(&w, &op->u.softmax);
    case WF_OP_POOLING:
        return pooling(&w, &op->u.pooling);
    case WF_OP_ROTATE:
        return rotate(&w, &op->u.rotate);
    case WF_OP_FINITE:
        return finite_rows(&w, &op->u.finite);
    case WF_OP_BEST:
        return best_rows(&w, &op->u.best);
    default:
        return false;
    }
}

const char *wf_op_name(int32_t kind)
{
    static const char *const names[WF_OP_KINDS] = {
        "linear",   "pack",         "convert", "norm",   "rope_table", "rope",
        "kv_store", "attend_pages", "attend",  "swiglu", "add",        "rows",
        "embed",    "copy",         "conv",    "kernel", "gather",     "activate",
        "combine",  "softmax",      "pooling", "rotate", "finite",     "best"};
    return kind >= 0 && kind < WF_OP_KINDS ? names[kind] : "?";
}
