/* SPDX-License-Identifier: Apache-2.0 */
/* The module's own kernels: X(image, name, large) is the function wf_cuda_NAME of the image
 * (cuda/kernels/IMAGE.cu); large 1: it takes more than 48 KiB of shared memory. */
#ifndef WF_CUDA_LIST_H
#define WF_CUDA_LIST_H

/* clang-format off */
#define WF_CUDA_IMAGE_LIST(X) \
    X(rows) \
    X(tensor) \
    X(conv) \
    X(norm) \
    X(position) \
    X(weights) \
    X(quantize) \
    X(fp8) \
    X(prepare) \
    X(gemm) \
    X(gemm_f32) \
    X(gemm_quant) \
    X(attend) \
    X(attend_split) \
    X(attend_mma) \
    X(best)
/* clang-format on */

#define WF_CUDA_KERNEL_LIST(X)                                                                     \
    X(rows, convert, 0)                                                                            \
    X(rows, swiglu, 0)                                                                             \
    X(rows, add, 0)                                                                                \
    X(rows, activate, 0)                                                                           \
    X(rows, rows, 0)                                                                               \
    X(rows, gather, 0)                                                                             \
    X(tensor, copy, 0)                                                                             \
    X(tensor, combine, 0)                                                                          \
    X(tensor, softmax, 0)                                                                          \
    X(tensor, pooling, 0)                                                                          \
    X(tensor, windows, 0)                                                                          \
    X(conv, conv_pixels, 0)                                                                        \
    X(conv, conv_weights, 0)                                                                       \
    X(norm, norm_block, 0)                                                                         \
    X(norm, norm_warp, 0)                                                                          \
    X(position, rope_table, 0)                                                                     \
    X(position, rope, 0)                                                                           \
    X(position, rotate, 0)                                                                         \
    X(position, kv_store, 0)                                                                       \
    X(weights, pack, 0)                                                                            \
    X(weights, pack_groups, 0)                                                                     \
    X(fp8, pack_fp8, 0)                                                                            \
    X(fp8, round_fp8, 0)                                                                           \
    X(fp8, embed_fp8, 0)                                                                           \
    X(weights, embed, 0)                                                                           \
    X(weights, embed_groups, 0)                                                                    \
    X(quantize, pack_q8, 0)                                                                        \
    X(quantize, pack_q4, 0)                                                                        \
    X(prepare, round_bf16, 0)                                                                      \
    X(prepare, round_f16, 0)                                                                       \
    X(prepare, round_q8, 0)                                                                        \
    X(prepare, round_rest, 0)                                                                      \
    X(prepare, finish, 0)                                                                          \
    X(gemm, gemm_bf16_narrow, 0)                                                                   \
    X(gemm, gemm_bf16_wide, 0)                                                                     \
    X(gemm, gemm_f16_narrow, 0)                                                                    \
    X(gemm, gemm_f16_wide, 0)                                                                      \
    X(gemm, gemm_fp8_narrow, 0)                                                                    \
    X(gemm, gemm_fp8_wide, 0)                                                                      \
    X(gemm_f32, gemm_f32, 0)                                                                       \
    X(gemm_quant, gemm_q8_narrow, 0)                                                               \
    X(gemm_quant, gemm_q8_wide, 0)                                                                 \
    X(gemm_quant, gemm_q4_narrow, 0)                                                               \
    X(gemm_quant, gemm_q4_wide, 0)                                                                 \
    X(attend, attend_pages, 1)                                                                     \
    X(attend, attend_rows, 1)                                                                      \
    X(attend_split, attend_block, 1)                                                               \
    X(attend_split, attend_merge, 0)                                                               \
    X(attend_mma, mma_pages_bf16_64, 1)                                                            \
    X(attend_mma, mma_pages_bf16_128, 1)                                                           \
    X(attend_mma, mma_pages_f16_64, 1)                                                             \
    X(attend_mma, mma_pages_f16_128, 1)                                                            \
    X(attend_mma, mma_rows_64, 1)                                                                  \
    X(attend_mma, mma_rows_128, 1)                                                                 \
    X(best, finite, 0)                                                                             \
    X(best, best_part, 0)                                                                          \
    X(best, best_join, 0)                                                                          \
    X(best, exp_part, 0)                                                                           \
    X(best, exp_join, 0)

#define WF_CUDA_IMAGE_ID(name) WF_CUDA_IMAGE_##name,
enum { WF_CUDA_IMAGE_LIST(WF_CUDA_IMAGE_ID) WF_CUDA_IMAGES };
#undef WF_CUDA_IMAGE_ID

#define WF_CUDA_KERNEL_ID(image, name, large) WF_CUDA_K_##name,
enum { WF_CUDA_KERNEL_LIST(WF_CUDA_KERNEL_ID) WF_CUDA_KERNELS };
#undef WF_CUDA_KERNEL_ID

#endif
