/* SPDX-License-Identifier: Apache-2.0 */
/* How each op is launched. The grids are those that the kernels' comments name. */
#include "cuda/internal.h"

#include "cuda/kernels/args.h"

/* Rows by parts of a row. */
static wf_cuda_grid by_rows(int64_t m, int64_t n)
{
    return (wf_cuda_grid){m, wf_cuda_blocks(n, WF_CUDA_COLUMNS), 1, WF_CUDA_THREADS, 0};
}

/* A thread an item. */
static wf_cuda_grid by_items(int64_t n)
{
    return (wf_cuda_grid){wf_cuda_blocks(n, WF_CUDA_THREADS), 1, 1, WF_CUDA_THREADS, 0};
}

static int64_t count(const int64_t shape[4])
{
    return shape[0] * shape[1] * shape[2] * shape[3];
}

static weft_status convert(wf_cuda_queue *q, const wf_convert *a, weft_error *err)
{
    wf_cuda_grid g = by_items(a->n);
    int64_t      most = (int64_t)wf_cuda_of(q)->n_sms * 32;
    g.x = g.x < most ? g.x : most; /* the threads go round */
    return wf_cuda_launch(q, WF_CUDA_K_convert, g, a, err);
}

static weft_status norm(wf_cuda_queue *q, const wf_norm *a, weft_error *err)
{
    wf_cuda_grid g = {a->m, 1, 1, WF_CUDA_THREADS, 0};
    if (a->n > WF_CUDA_WARP_ROW)
        return wf_cuda_launch(q, WF_CUDA_K_norm_block, g, a, err);
    g.x = wf_cuda_blocks(a->m, WF_CUDA_THREADS / 32);
    return wf_cuda_launch(q, WF_CUDA_K_norm_warp, g, a, err);
}

static weft_status kv_store(wf_cuda_queue *q, const wf_kv_store *a, weft_error *err)
{
    wf_cuda_grid g = {a->m * a->kv.n_kv_heads, 1, 1, 128, 0};
    return wf_cuda_launch(q, WF_CUDA_K_kv_store, g, a, err);
}

static weft_status embed(wf_cuda_queue *q, const wf_embed *a, weft_error *err)
{
    int32_t kernel = wf_is_grouped(a->w.format) ? WF_CUDA_K_embed_groups
                     : a->w.format == WF_FP8    ? WF_CUDA_K_embed_fp8
                                                : WF_CUDA_K_embed;
    return wf_cuda_launch(q, kernel, by_rows(a->m, a->w.k), a, err);
}

static weft_status softmax(wf_cuda_queue *q, const wf_softmax *a, weft_error *err)
{
    wf_cuda_grid g = {a->shape[0] * a->shape[1] * a->shape[2], 1, 1, WF_CUDA_THREADS, 0};
    return a->shape[3] > 0 ? wf_cuda_launch(q, WF_CUDA_K_softmax, g, a, err) : WEFT_OK;
}

static weft_status find_unsound(wf_cuda_queue *q, const wf_finite *a, weft_error *err)
{
    wf_cuda_grid g = {a->m, 1, 1, WF_CUDA_THREADS, 0};
    return wf_cuda_launch(q, WF_CUDA_K_finite, g, a, err);
}

/* A plugin's kernel, with the grid that it asks for. */
static weft_status kernel(wf_cuda_queue *q, const wf_kernel_op *a, weft_error *err)
{
    const wf_cuda_device *d = wf_cuda_of(q);
    const wf_cuda_kernel *k = (const wf_cuda_kernel *)a->kernel;
    void                 *args[WF_KERNEL_ARGS];
    for (uint32_t i = 0; i < k->base.n_args; i++)
        args[i] = (void *)(uintptr_t)(a->data + k->base.offset[i]);
    for (int i = 0; i < 3; i++)
        if (a->grid[i] == 0 || a->block[i] == 0)
            return wf_fail(err, WEFT_E_INVALID,
                           "kernel %s is launched with a grid or a block of no size", k->base.name);
    CUresult r =
        d->driver->cuLaunchKernel(k->function, a->grid[0], a->grid[1], a->grid[2], a->block[0],
                                  a->block[1], a->block[2], a->shared_bytes, q->stream, args, NULL);
    return r == CUDA_SUCCESS ? WEFT_OK : wf_cuda_fail(d->driver, r, k->base.name, err);
}

/* Ops of one kernel whose grid follows from the op alone. */
static weft_status simple(wf_cuda_queue *q, const wf_op *op, weft_error *err)
{
    const void *a = &op->u;
    switch (op->kind) {
    case WF_OP_ROPE_TABLE:
        return wf_cuda_launch(q, WF_CUDA_K_rope_table,
                              by_items(op->u.rope_table.m * (op->u.rope_table.head_dim / 2)), a,
                              err);
    case WF_OP_ROPE:
        return wf_cuda_launch(
            q, WF_CUDA_K_rope,
            by_items(op->u.rope.m * op->u.rope.n_heads * (op->u.rope.head_dim / 2)), a, err);
    case WF_OP_SWIGLU:
        return wf_cuda_launch(q, WF_CUDA_K_swiglu, by_rows(op->u.swiglu.m, op->u.swiglu.n), a, err);
    case WF_OP_ADD:
        return wf_cuda_launch(q, WF_CUDA_K_add, by_rows(op->u.add.m, op->u.add.n), a, err);
    case WF_OP_ROWS:
        return wf_cuda_launch(q, WF_CUDA_K_rows, by_rows(op->u.rows.m, op->u.rows.n), a, err);
    case WF_OP_COPY:
        return wf_cuda_launch(q, WF_CUDA_K_copy, by_items(count(op->u.copy.shape)), a, err);
    case WF_OP_GATHER:
        return wf_cuda_launch(q, WF_CUDA_K_gather, by_rows(op->u.gather.m, op->u.gather.n), a, err);
    case WF_OP_ACTIVATE:
        return wf_cuda_launch(q, WF_CUDA_K_activate, by_rows(op->u.activate.m, op->u.activate.n), a,
                              err);
    case WF_OP_COMBINE:
        return wf_cuda_launch(q, WF_CUDA_K_combine, by_items(count(op->u.combine.shape)), a, err);
    case WF_OP_POOLING:
        return wf_cuda_launch(
            q, WF_CUDA_K_pooling,
            by_items(op->u.pooling.n * op->u.pooling.oh * op->u.pooling.ow * op->u.pooling.c), a,
            err);
    case WF_OP_ROTATE:
        return wf_cuda_launch(q, WF_CUDA_K_rotate, by_items(op->u.rotate.m * op->u.rotate.pairs), a,
                              err);
    default:
        return wf_fail(err, WEFT_E_INTERNAL, "device cuda: an op of kind %d", op->kind);
    }
}

weft_status wf_cuda_run_op(wf_cuda_queue *q, const wf_op *op, weft_error *err)
{
    switch (op->kind) {
    case WF_OP_LINEAR:
        return wf_cuda_linear(q, &op->u.linear, err);
    case WF_OP_PACK:
        return wf_cuda_pack(q, &op->u.pack, err);
    case WF_OP_CONVERT:
        return convert(q, &op->u.convert, err);
    case WF_OP_NORM:
        return norm(q, &op->u.norm, err);
    case WF_OP_KV_STORE:
        return kv_store(q, &op->u.kv_store, err);
    case WF_OP_ATTEND_PAGES:
        return wf_cuda_attend_pages(q, &op->u.attend_pages, err);
    case WF_OP_ATTEND:
        return wf_cuda_attend(q, &op->u.attend, err);
    case WF_OP_EMBED:
        return embed(q, &op->u.embed, err);
    case WF_OP_CONV:
        return wf_cuda_conv(q, &op->u.conv, err);
    case WF_OP_KERNEL:
        return kernel(q, &op->u.kernel, err);
    case WF_OP_SOFTMAX:
        return softmax(q, &op->u.softmax, err);
    case WF_OP_FINITE:
        return find_unsound(q, &op->u.finite, err);
    case WF_OP_BEST:
        return wf_cuda_best(q, &op->u.best, err);
    default:
        return simple(q, op, err);
    }
}
