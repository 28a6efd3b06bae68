/* SPDX-License-Identifier: Apache-2.0 */
/* The op table of a CPU: the reference first, then each instruction set upward. */
#include "core/device/cpu/dispatch.h"

#include "core/base/cpu.h"
#include "core/device/cpu/fp8_linear.h"
#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant.h"

static const wf_ops reference = {
    .isa = "none",
    .weight_bytes = wf_weight_bytes_ref,
    .linear = wf_linear_ref,
    .pack = wf_pack_ref,
    .convert = wf_convert_ref,
    .norm = wf_norm_ref,
    .rope_table = wf_rope_table_ref,
    .rope = wf_rope_ref,
    .kv_store = wf_kv_store_ref,
    .attend_pages = wf_attend_pages_ref,
    .attend = wf_attend_ref,
    .swiglu = wf_swiglu_ref,
    .add = wf_add_ref,
    .rows = wf_rows_ref,
    .embed = wf_embed_ref,
    .copy = wf_copy_ref,
    .conv = wf_conv_ref,
    .kernel = wf_kernel_ref,
    .gather = wf_gather_ref,
    .activate = wf_activate_ref,
    .combine = wf_combine_ref,
    .softmax = wf_softmax_ref,
    .pooling = wf_pooling_ref,
    .rotate = wf_rotate_ref,
    .finite = wf_finite_ref,
    .best = wf_best_ref,
    .quant = &wf_quant_reference,
};

void wf_ops_init(wf_ops *ops, uint64_t cpu_flags)
{
    *ops = reference;
    cpu_flags &= wf_cpu_detect(); /* a mask may name more than this machine has */
#if defined(__x86_64__)
    wf_ops_init_avx2(ops, cpu_flags);
    wf_ops_init_avx512(ops, cpu_flags);
    wf_ops_init_avx512bf16(ops, cpu_flags);
    wf_ops_init_amx(ops, cpu_flags);
    wf_quant_init_avx2(ops, cpu_flags);
    wf_quant_init_avxvnni(ops, cpu_flags);
    wf_quant_init_avx512vnni(ops, cpu_flags);
    wf_quant_init_amx(ops, cpu_flags);
#elif defined(__aarch64__)
    wf_ops_init_neon(ops, cpu_flags);
    wf_quant_init_neon(ops, cpu_flags);
    wf_quant_init_dotprod(ops, cpu_flags);
#endif
    ops->isa = wf_cpu_level_name(cpu_flags);
    ops->flags = cpu_flags;
}

weft_status wf_linear_run(wf_exec *ex, const wf_linear *a)
{
    if (a->w.format == WF_FP8)
        return wf_fp8_linear(ex, a);
    if (wf_is_grouped(a->w.format))
        return wf_quant_linear(ex, a);
    if (a->w.format == WF_BF16 && ex->ops->linear_bf16 != NULL)
        return ex->ops->linear_bf16(ex, a);
    return ex->ops->linear(ex, a);
}

static weft_status pack_run(wf_exec *ex, const wf_pack *a)
{
    if (a->w.format == WF_FP8)
        return wf_fp8_pack(ex, a);
    return wf_is_grouped(a->w.format) ? wf_quant_pack(ex, a) : ex->ops->pack(ex, a);
}

static weft_status embed_run(wf_exec *ex, const wf_embed *a)
{
    if (a->w.format == WF_FP8)
        return wf_fp8_embed(ex, a);
    return wf_is_grouped(a->w.format) ? wf_quant_embed(ex, a) : ex->ops->embed(ex, a);
}

weft_status wf_op_run(wf_exec *ex, const wf_op *op)
{
    const wf_ops *ops = ex->ops;
    switch (op->kind) {
    case WF_OP_LINEAR:
        return wf_linear_run(ex, &op->u.linear);
    case WF_OP_PACK:
        return pack_run(ex, &op->u.pack);
    case WF_OP_CONVERT:
        return ops->convert(ex, &op->u.convert);
    case WF_OP_NORM:
        return ops->norm(ex, &op->u.norm);
    case WF_OP_ROPE_TABLE:
        return ops->rope_table(ex, &op->u.rope_table);
    case WF_OP_ROPE:
        return ops->rope(ex, &op->u.rope);
    case WF_OP_KV_STORE:
        return ops->kv_store(ex, &op->u.kv_store);
    case WF_OP_ATTEND_PAGES:
        return ops->attend_pages(ex, &op->u.attend_pages);
    case WF_OP_ATTEND:
        return ops->attend(ex, &op->u.attend);
    case WF_OP_SWIGLU:
        return ops->swiglu(ex, &op->u.swiglu);
    case WF_OP_ADD:
        return ops->add(ex, &op->u.add);
    case WF_OP_ROWS:
        return ops->rows(ex, &op->u.rows);
    case WF_OP_EMBED:
        return embed_run(ex, &op->u.embed);
    case WF_OP_COPY:
        return ops->copy(ex, &op->u.copy);
    case WF_OP_CONV:
        return ops->conv(ex, &op->u.conv);
    case WF_OP_KERNEL:
        return ops->kernel(ex, &op->u.kernel);
    case WF_OP_GATHER:
        return ops->gather(ex, &op->u.gather);
    case WF_OP_ACTIVATE:
        return ops->activate(ex, &op->u.activate);
    case WF_OP_COMBINE:
        return ops->combine(ex, &op->u.combine);
    case WF_OP_SOFTMAX:
        return ops->softmax(ex, &op->u.softmax);
    case WF_OP_POOLING:
        return ops->pooling(ex, &op->u.pooling);
    case WF_OP_ROTATE:
        return ops->rotate(ex, &op->u.rotate);
    case WF_OP_FINITE:
        return ops->finite(ex, &op->u.finite);
    case WF_OP_BEST:
        return ops->best(ex, &op->u.best);
    default:
        return WEFT_E_INTERNAL;
    }
}
