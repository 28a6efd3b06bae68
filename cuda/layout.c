/* SPDX-License-Identifier: Apache-2.0 */
/* How large weights and pages are on a GPU. Kernels know the same layouts
 * (cuda/kernels/layout.cuh). */
#include "cuda/internal.h"
#include "cuda/kernels/layout.h"

weft_status wf_cuda_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                 uint64_t *bytes, weft_error *err)
{
    const int64_t most = (int64_t)1 << 40; /* past every matrix: only the last product overflows */
    (void)d;
    if (format < WF_F32 || format > WF_FP8)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "the device cuda cannot hold weights of format %s",
                       wf_format_name(format));
    if (n > most || k > most ||
        !wf_mul((uint64_t)n, (uint64_t)wf_cuda_row_bytes(format, k), bytes) ||
        !wf_add(*bytes, WF_ALIGN - 1, bytes))
        return wf_fail(err, WEFT_E_LIMIT, "a weight of %lld x %lld is too large", (long long)n,
                       (long long)k);
    *bytes = *bytes / WF_ALIGN * WF_ALIGN;
    return WEFT_OK;
}

/* As on a CPU, and only where attention has the shared memory for heads of that width: keys
 * [n_kv_heads][head_dim][page_tokens], then values [n_kv_heads][page_tokens] [head_dim]. */
int64_t wf_cuda_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                           int32_t head_dim)
{
    const int32_t shared_most = ((const wf_cuda_device *)d)->shared_most;
    uint64_t      bytes = 2 * WF_KEY_BLOCK * (uint64_t)wf_dtype_bytes(dtype);
    if (dtype < WF_F32 || dtype > WF_F16 || page_tokens != WF_KEY_BLOCK || n_kv_heads < 1 ||
        head_dim < 1 || wf_cuda_tile_bytes(head_dim) > shared_most ||
        !wf_mul(bytes, (uint64_t)n_kv_heads, &bytes) ||
        !wf_mul(bytes, (uint64_t)head_dim, &bytes) || bytes > INT64_MAX - WF_ALIGN)
        return 0;
    return (int64_t)((bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN);
}
