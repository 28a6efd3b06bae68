/* SPDX-License-Identifier: Apache-2.0 */
/* What matrix products share: the epilogue. */
#ifndef WF_CUDA_GEMM_CUH
#define WF_CUDA_GEMM_CUH

#include "cuda/kernels/common.cuh"

/* Output (row, column) with its epilogue, where there is such a place (order: core/ops/op.h). */
__device__ inline void wf_finish(const wf_cuda_gemm_args *g, int64_t row, int64_t column,
                                 float value)
{
    const wf_linear *a = &g->op;
    if (row >= a->m || column >= a->w.n)
        return;
    if (g->row_scale != NULL)
        value = value * g->row_scale[row];
    if (a->bias != NULL)
        value = value + a->bias[column];
    value = wf_activated(value, a->act);
    if (a->residual != NULL)
        value = a->residual[row * a->residual_stride + column] + a->scale * value;
    a->y[row * a->y_stride + column] = value;
}

#endif
