/* SPDX-License-Identifier: Apache-2.0 */
/* weft/pool.h: the host's threads, for work on the host: resizing, spectra, anything that
 * preprocess does. An encoder does its work in the queue instead (ops.h, kernels.h). */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Does items [begin, end). The result must not depend on how 0..n-1 is cut, nor on the order of the
 * pieces. It runs on several threads at once, must not fail, and calls nothing of the host but
 * alloc, free, log and cancelled. */
typedef void (*weft_pool_fn)(void *ctx, int64_t begin, int64_t end);

#define WEFT_IF_POOL "weft.pool/1"
typedef struct weft_if_pool {
    weft_hdr hdr;
    /* Calls fn over all of 0..n-1 in pieces of `grain` items (the last one may be shorter) and
     * returns when all is done. n or grain below 1: nothing, or pieces of 1. Where the threads are
     * busy, or the call comes from within fn, the calling thread does all of it. Required; the host
     * gives it. [worker] */
    void (*run)(const weft_host *h, int64_t n, int64_t grain, weft_pool_fn fn, void *ctx);
} weft_if_pool;

#ifdef __cplusplus
}
#endif
#endif
