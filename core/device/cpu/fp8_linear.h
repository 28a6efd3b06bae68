/* SPDX-License-Identifier: Apache-2.0 */
/* Ops with fp8 weights on a CPU. The format and its sums: core/ops/op.h. */
#ifndef WF_CPU_FP8_LINEAR_H
#define WF_CPU_FP8_LINEAR_H

#include "core/device/cpu/dispatch.h"

/* A multiple of WF_ALIGN; 0: overflow. */
uint64_t wf_fp8_weight_bytes(const wf_ops *ops, int64_t n, int64_t k);
/* src is f32, bf16 or f16. */
weft_status wf_fp8_pack(wf_exec *ex, const wf_pack *a);
weft_status wf_fp8_embed(wf_exec *ex, const wf_embed *a);
weft_status wf_fp8_linear(wf_exec *ex, const wf_linear *a);
/* Scratch that wf_fp8_linear needs at most: conv gives it a part of its own. */
uint64_t wf_fp8_scratch_bytes(const wf_exec *ex, int64_t m, int64_t n, int64_t k);

#endif
