/* SPDX-License-Identifier: Apache-2.0 */
/* How a CPU runs ops: one table of functions, filled once from the reference bodies and, upward,
 * with what each instruction set does better. The CPU device and the test device share it. */
#ifndef WF_CPU_DISPATCH_H
#define WF_CPU_DISPATCH_H

#include "core/base/threads.h"
#include "core/base/status.h"
#include "core/ops/op.h"

/* What a CPU op runs with: threads, the table it came from (conv calls linear), and scratch that
 * grows on demand and is kept. One exec per queue that runs on the CPU; not shared. */
typedef struct wf_ops           wf_ops;
typedef struct wf_quant_kernels wf_quant_kernels;
typedef struct wf_exec {
    wf_pool      *pool;
    const wf_ops *ops;
    void         *scratch; /* wf_alloc_aligned */
    size_t        scratch_bytes;
} wf_exec;

/* Scratch of at least bytes, WF_ALIGN-aligned, contents undefined; NULL: out of memory. */
void *wf_exec_scratch(wf_exec *ex, size_t bytes);

struct wf_ops {
    const char *isa;   /* level name for reports */
    uint64_t    flags; /* WEFT_CPU_* that it was filled with */
    /* Bytes of a packed weight; a multiple of WF_ALIGN. n, k > 0. 0: a format that has no body
     * here, or overflow. */
    uint64_t (*weight_bytes)(int32_t format, int64_t n, int64_t k);
    weft_status (*linear)(wf_exec *ex, const wf_linear *a);
    /* linear with bf16 weights where that has a body of its own; NULL: linear does them too. */
    weft_status (*linear_bf16)(wf_exec *ex, const wf_linear *a);
    weft_status (*pack)(wf_exec *ex, const wf_pack *a);
    weft_status (*convert)(wf_exec *ex, const wf_convert *a);
    weft_status (*norm)(wf_exec *ex, const wf_norm *a);
    weft_status (*rope_table)(wf_exec *ex, const wf_rope_table *a);
    weft_status (*rope)(wf_exec *ex, const wf_rope *a);
    weft_status (*kv_store)(wf_exec *ex, const wf_kv_store *a);
    weft_status (*attend_pages)(wf_exec *ex, const wf_attend_pages *a);
    weft_status (*attend)(wf_exec *ex, const wf_attend *a);
    weft_status (*swiglu)(wf_exec *ex, const wf_swiglu *a);
    weft_status (*add)(wf_exec *ex, const wf_add_op *a);
    weft_status (*rows)(wf_exec *ex, const wf_rows *a);
    weft_status (*embed)(wf_exec *ex, const wf_embed *a);
    weft_status (*copy)(wf_exec *ex, const wf_copy *a);
    weft_status (*conv)(wf_exec *ex, const wf_conv *a);
    weft_status (*kernel)(wf_exec *ex, const wf_kernel_op *a);
    weft_status (*gather)(wf_exec *ex, const wf_gather *a);
    weft_status (*activate)(wf_exec *ex, const wf_activate_op *a);
    weft_status (*combine)(wf_exec *ex, const wf_combine *a);
    weft_status (*softmax)(wf_exec *ex, const wf_softmax *a);
    weft_status (*pooling)(wf_exec *ex, const wf_pooling *a);
    weft_status (*rotate)(wf_exec *ex, const wf_rotate *a);
    weft_status (*finite)(wf_exec *ex, const wf_finite *a);
    weft_status (*best)(wf_exec *ex, const wf_best *a);
    /* What stands behind linear, pack and embed of q8 and q4 weights (core/device/cpu/quant.h). */
    const wf_quant_kernels *quant;
};

/* Fills the table: the reference everywhere, then each ISA level in cpu_flags (WEFT_CPU_*) upward.
 */
void wf_ops_init(wf_ops *ops, uint64_t cpu_flags);

/* linear with a weight of any format. */
weft_status wf_linear_run(wf_exec *ex, const wf_linear *a);
/* Runs one op now. NOMEM if scratch could not grow. */
weft_status wf_op_run(wf_exec *ex, const wf_op *op);

/* Where things are in a page, as offsets in bytes: K [n_kv_heads][head_dim][page_tokens] (keys
 * innermost, so that a score is one FMA per key and dimension) at 0, V
 * [n_kv_heads][page_tokens][head_dim]; in q8 the scales of K and of V, f32
 * [n_kv_heads][page_tokens]. */
static inline int64_t wf_cpu_kv_element(int32_t dtype)
{
    return dtype == WF_Q8 ? 1 : wf_dtype_bytes(dtype);
}

static inline int64_t wf_cpu_values_at(const wf_kv *kv)
{
    return WF_KEY_BLOCK * (int64_t)kv->n_kv_heads * kv->head_dim * wf_cpu_kv_element(kv->dtype);
}

static inline int64_t wf_cpu_k_scales_at(const wf_kv *kv)
{
    return 2 * wf_cpu_values_at(kv);
}

static inline int64_t wf_cpu_v_scales_at(const wf_kv *kv)
{
    return wf_cpu_k_scales_at(kv) + WF_KEY_BLOCK * (int64_t)kv->n_kv_heads * 4;
}

/* Bytes of one page, rounded up to WF_ALIGN. 0: no page of this kind (page_tokens other than
 * WF_KEY_BLOCK, a type other than f32, bf16, f16 and q8), or overflow. */
int64_t wf_cpu_page_bytes(int32_t dtype, int32_t page_tokens, int32_t n_kv_heads, int32_t head_dim);

#endif
