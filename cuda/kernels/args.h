/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of kernels that are no op's, and how work is cut: what the host's part (C) and the
 * kernels (CUDA) must agree on. A kernel has one argument, a struct by value. */
#ifndef WF_CUDA_ARGS_H
#define WF_CUDA_ARGS_H

#include "cuda/kernels/layout.h"

#define WF_CUDA_THREADS 256  /* of a block, where nothing else is said */
#define WF_CUDA_COLUMNS 1024 /* of a row that a block takes */
#define WF_CUDA_WARP_ROW 256 /* norm: rows of at most so many elements are a warp's work */

/* Rows of x made ready for a matrix product: dst [m, k_padded] of bf16, or of f16 times a power of
 * two whose inverse stands in scale [m]; or of E4M3, with its scale; or for q8 and q4 weights dst
 * int8 [m, 32 groups], scale [m, groups] dx and sum [m, groups] dx * (sum of q), and rest,
 * rest_scale and rest_sum the same of the rests: de is 0 of groups that are not wide, and nothing
 * else is written for those. */
typedef struct wf_cuda_prepare_args {
    void        *dst;
    float       *scale, *sum;
    int8_t      *rest;
    float       *rest_scale, *rest_sum;
    const float *x;
    int64_t      m, k, x_stride;
} wf_cuda_prepare_args;

/* A matrix product with its epilogue (core/ops/op.h, wf_linear) over prepared rows. */
typedef struct wf_cuda_gemm_args {
    wf_linear     op;
    const void   *x;         /* as wf_cuda_prepare_args.dst; of f32 weights op.x is used */
    const float  *row_scale; /* of f16 and fp8: what a row's sums are multiplied with; else NULL */
    const float  *column_scale; /* of fp8: of the weight's rows; else NULL */
    const float  *group_scale;  /* of q8 and q4: dx [m, groups] */
    const float  *group_sum;    /* of q4: dx * (sum of q) [m, groups] */
    const int8_t *rest;         /* of q8 and q4, as in wf_cuda_prepare_args */
    const float  *rest_scale, *rest_sum;
} wf_cuda_gemm_args;

/* Blocks of the matrix products: rows by columns of y. */
#define WF_CUDA_NARROW_ROWS 16
#define WF_CUDA_NARROW_COLUMNS 32
#define WF_CUDA_WIDE_ROWS 64
#define WF_CUDA_WIDE_COLUMNS 64
#define WF_CUDA_GEMM_THREADS 128

/* Rows [m, c * kh * kw] of the windows first..first+m-1 of a convolution. */
typedef struct wf_cuda_windows_args {
    wf_conv op;
    float  *rows;
    int64_t first, m;
} wf_cuda_windows_args;

/* x and w of a convolution with their channels side by side, `padded` of them. */
typedef struct wf_cuda_channels_args {
    wf_conv op;
    float  *x, *w;
    int64_t padded;
} wf_cuda_channels_args;

/* Attention over pages, a tile of queries at a time: tile_rows rows of one kv head. */
#define WF_CUDA_QUERIES 16     /* of a tile */
#define WF_CUDA_MMA_QUERIES 64 /* of a tile by matrix instructions */
#define WF_CUDA_ATTEND_THREADS 128
typedef struct wf_cuda_pages_args {
    wf_attend_pages op;
    int64_t         tile_rows;
} wf_cuda_pages_args;

typedef struct wf_cuda_rows_args {
    wf_attend op;
    int64_t   tile_rows;
} wf_cuda_rows_args;

/* The same for few rows of many keys: every block of keys gives its part [head_dim + 2] of (row,
 * head, block): o, then m and l; then the parts of a row are merged in order. */
typedef struct wf_cuda_split_args {
    wf_attend_pages op;
    float          *part; /* [m, n_heads, most, head_dim + 2] */
    int64_t         most; /* blocks of keys that a row has at most */
} wf_cuda_split_args;

/* best: keys of parts of WF_CUDA_BEST_PART elements, in falling order, [m, parts, k]. */
#define WF_CUDA_BEST_PART 2048
typedef struct wf_cuda_best_args {
    wf_best   op;
    uint64_t *keys;
    double   *sums; /* [m, parts] */
    int64_t   parts;
} wf_cuda_best_args;

#endif
