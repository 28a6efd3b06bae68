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

/* The same of fp8: row_scale is left out of g, which has its own with the column's. */
__device__ inline void wf_finish_fp8(const wf_cuda_gemm_args *g, int64_t row, int64_t column,
                                     float value)
{
    wf_cuda_gemm_args plain = {};
    plain.op = g->op;
    if (row < g->op.m && column < g->op.w.n)
        wf_finish(&plain, row, column, value * (g->row_scale[row] * g->column_scale[column]));
}

#endif
