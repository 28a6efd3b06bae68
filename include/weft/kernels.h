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

/* Items [begin, end) of 0..n-1, and the number of the thread, from 0, that does them. */
typedef struct weft_range {
    int64_t begin, end;
    int32_t worker, reserved;
} weft_range;

/* Does the items of *r, on several threads at once; what it writes must not depend on how 0..n-1 is
 * cut. */
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

/* Both are filled in, and the device takes its own. For a GPU: blocks of the grid and threads of a
 * block, along x, y and z, as cuLaunchKernel has them, and bytes of shared memory. For a CPU: items
 * 0..n-1, of which each call of the body gets whole multiples of grain (0: of 1), and a thread may
 * be called several times. */
typedef struct weft_launch {
    weft_hdr hdr;
    uint32_t grid[3], block[3], shared_bytes, reserved;
    int64_t  n, grain;
} weft_launch;

#define WEFT_IF_KERNELS "weft.kernels/1"
typedef struct weft_if_kernels {
    weft_hdr hdr;
    /* Makes n kernels (an array that is walked by WEFT_AT) known under names that are the plugin's
     * own. The declarations and the image must stay valid until deinit. gpu NULL: none of them has
     * a GPU body. In init, create or load. CONFLICT: a name twice; else what the
     * device says against one of them. [setup] */
    weft_status (*add)(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                       const weft_fatbin *gpu, weft_error *err);
    /* One of those that were added, valid until deinit; NULL: there is none of that name. [setup]
     */
    const weft_kernel *(*find)(const weft_host *h, const char *name);
    /* Enqueues k. args: n_args pointers to the values, which are copied before it returns; what
     * those point to must stay until the host has waited for the queue. l->n 0: nothing is done.
     * [encode]
     */
    weft_status (*launch)(const weft_host *h, weft_queue *q, const weft_kernel *k,
                          const weft_launch *l, void *const *args, weft_error *err);
} weft_if_kernels;

#ifdef __cplusplus
}
#endif
#endif
