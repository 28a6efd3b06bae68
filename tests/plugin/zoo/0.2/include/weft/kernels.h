/* SPDX-License-Identifier: Apache-2.0 */
/* weft/kernels.h: a plugin's own kernels: one name, one CPU body, one optional GPU image.
 *
 * The host launches whichever the queue needs, so a plugin loads on a machine without a driver and
 * its two bodies can be compared. args[] follows cuLaunchKernel: a pointer to each argument's
 * value. Pointers among the arguments are device addresses (weft_tensor.data). */
#ifndef WEFT_KERNELS_H
#define WEFT_KERNELS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_range {
    int64_t begin, end;
    int32_t worker, reserved;
} weft_range;

/* Does items [begin, end); must not depend on how 0..n-1 is cut. */
typedef void (*weft_cpu_kernel)(const weft_range *r, void *const *args);

typedef struct weft_kernel_decl {
    weft_hdr        hdr;
    const char     *name;
    weft_cpu_kernel cpu;
    const char     *gpu_symbol; /* NULL: CPU only */
    const uint32_t *arg_bytes;  /* [n_args]: a queue that runs later copies the values */
    uint32_t        n_args, reserved;
} weft_kernel_decl;

typedef struct weft_fatbin {
    weft_hdr    hdr;
    const void *data;
    uint64_t    bytes;
} weft_fatbin;

typedef struct weft_launch {
    weft_hdr hdr;
    uint32_t grid[3], block[3], shared_bytes, reserved; /* GPU */
    int64_t  n, grain;                                  /* CPU: items 0..n-1 in chunks of grain */
} weft_launch;

#define WEFT_IF_KERNELS "weft.kernels/1"
typedef struct weft_if_kernels {
    weft_hdr hdr;
    /* The declarations and the image must stay valid until deinit. gpu may be NULL. [setup] */
    weft_status (*add)(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                       const weft_fatbin *gpu, weft_error *err);
    const weft_kernel *(*find)(const weft_host *h, const char *name); /* [setup] */
    weft_status (*launch)(const weft_host *h, weft_queue *q, const weft_kernel *k,
                          const weft_launch *l, void *const *args, weft_error *err); /* [encode] */
} weft_if_kernels;

#ifdef __cplusplus
}
#endif
#endif
