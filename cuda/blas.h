/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products by cuBLASLt. */
#ifndef WF_CUDA_BLAS_H
#define WF_CUDA_BLAS_H

#include "cuda/internal.h"
#include "cuda/kernels/args.h"

/* y [m, n] = alpha x w^T + c, + bias: f32 from bf16, f16 or E4M3, whose scales it leaves out. */
typedef struct wf_cuda_product {
    const wf_weight *w;
    const void      *x;        /* prepared rows [m, k_padded] of w's format */
    const float     *bias, *c; /* NULL: none */
    float           *y;
    int64_t          m, y_stride, c_stride;
    void            *workspace; /* of wf_cuda_blas_workspace() bytes */
    float            alpha;
} wf_cuda_product;

/* Whether there is a cuBLASLt to be used: looks for it the first time. The context is entered. */
bool     wf_cuda_blas_has(wf_cuda_device *d);
uint64_t wf_cuda_blas_workspace(void);
/* Enqueues the product; false: cuBLASLt knows no way, and nothing is enqueued. */
bool wf_cuda_blas_run(wf_cuda_queue *q, const wf_cuda_product *a);

#endif
