/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors from a package into device memory, a bounded piece at a time: peak memory is the model
 * plus two pieces. What a model needs is listed first and checked whole, so that every missing or
 * misshapen name is reported together before anything is read. */
#ifndef WF_LOAD_H
#define WF_LOAD_H

#include <stdbool.h>

#include "core/device/device.h"
#include "core/model/directory.h"

#define WF_DTYPE_AUTO (-1) /* keep what is stored */

/* Device memory of one owner, freed together. */
typedef struct wf_buffers {
    wf_device *device;
    void     **p;
    uint64_t   n, cap, bytes;
} wf_buffers;

/* bytes of device memory kept in b, zeroed by q when zero. */
weft_status wf_buffers_add(wf_buffers *b, weft_queue *q, uint64_t bytes, bool zero, void **out,
                           weft_error *err);
void        wf_buffers_free(wf_buffers *b); /* after the queues that use them were waited for */

typedef struct wf_loader {
    wf_device    *device;
    weft_queue   *queue;
    weft_package *package;
    int32_t       dtype; /* WF_F32, WF_BF16, WF_F16 or WF_DTYPE_AUTO: for linear weights */
    int32_t       reserved;
    void         *host, *staging; /* one piece, on the host and on the device */
    void (*progress)(void *ctx, uint64_t bytes_done);
    void    *progress_ctx;
    uint64_t bytes_done;
} wf_loader;

weft_status wf_loader_open(wf_device *d, weft_package *p, int32_t dtype, wf_loader *out,
                           weft_error *err);
void        wf_loader_close(wf_loader *l); /* waits for its queue first */

/* One expected tensor. */
typedef struct wf_want {
    const char *name;
    int32_t     rank;
    int64_t     shape[4];
} wf_want;

/* Collects problems: up to a handful of names in one sentence, and the count. Weights that cannot
 * be opened are one problem, which takes the place of all others. */
typedef struct wf_problems {
    uint64_t   n;
    bool       no_weights; /* the directory has none at all */
    weft_error broken;     /* the files, the index or memory; OK: the names could be looked up */
    char       text[360];
} wf_problems;
#define WF_PROBLEMS_INIT                                                                           \
    {                                                                                              \
        .broken = WF_ERROR_INIT                                                                    \
    }
void        wf_problems_check(wf_problems *pr, weft_package *p, const wf_want *w);
weft_status wf_problems_report(const wf_problems *pr, const weft_package *p, weft_error *err);

/* A packed linear weight of n rows in all from the tensors of names, one below the other; each is
 * [rows_i, k] with trailing axes flattened. The rows' sum must be n; of a single tensor the first n
 * rows are taken. */
weft_status wf_load_linear(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                           int64_t n, int64_t k, wf_weight *out, weft_error *err);
/* A tensor of numel elements as f32 on the device. */
weft_status wf_load_f32(wf_loader *l, wf_buffers *b, const char *name, float **out,
                        weft_error *err);
/* The same into host memory of n elements (the tensor must have n). */
weft_status wf_load_host(wf_loader *l, const char *name, float *dst, uint64_t n, weft_error *err);

/* f32 from stored f32, bf16 or f16 (WF_ST_*). */
void wf_to_f32(float *dst, const void *src, int32_t st_dtype, uint64_t n);

#endif
