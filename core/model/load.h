/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors from a package into device memory, a bounded piece at a time: peak memory is the model
 * plus two pieces (core/model/pieces.h), one of which is read while the other is packed. So a load
 * has only begun when its function returns; all are done when wf_loader_finish() has returned OK.
 * After a failure of any of them a loader is closed, and what was loaded is freed after that. */
#ifndef WF_LOAD_H
#define WF_LOAD_H

#include <stdbool.h>

#include "core/device/device.h"
#include "core/model/pieces.h"
#include "core/model/region.h"
#include "core/model/want.h"

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
    /* WF_Q8 or WF_Q4: linear weights become that, whatever dtype says; WF_DTYPE_AUTO after open. */
    int32_t    quantize;
    bool       fp8; /* feed-forward weights become fp8, but for the first and the last layer's */
    wf_pieces *pieces;
    void (*progress)(void *ctx, uint64_t bytes_done); /* after each piece; NULL: nobody listens */
    void *progress_ctx;
    int32_t (*cancelled)(void *ctx); /* not 0: CANCELLED before the next piece; NULL: never asked */
    void    *cancelled_ctx;
    uint64_t bytes_done;
} wf_loader;

/* Whether the feed-forward weights of layer i of n are among those that fp8 is for (Llama 3,
 * section 6.2). */
static inline bool wf_is_fp8_layer(int32_t i, int32_t n)
{
    return i > 0 && i < n - 1;
}

/* The format that a linear weight gets. What is stored in q8 or q4 stays so. stored: as
 * wf_st_format; table: rows of it are embeddings, and it becomes q8 where others become q4. */
int32_t wf_linear_format(int32_t stored, int32_t dtype, int32_t quantize, bool table);

weft_status wf_loader_open(wf_device *d, weft_package *p, int32_t dtype, wf_loader *out,
                           weft_error *err);
/* Waits until all that was begun is on the device. */
weft_status wf_loader_finish(wf_loader *l, weft_error *err);
/* Drops what was not finished, and waits for the queue and the reading thread. */
void wf_loader_close(wf_loader *l);

/* A packed linear weight [n, k] of slices, one below the other: each has k columns, and their rows
 * sum up to n. CORRUPT: they do not; nothing was read then. UNSUPPORTED: one is quantised already,
 * and not as the weight will be. The weight's memory is b's. */
weft_status wf_load_linear_slices(wf_loader *l, wf_buffers *b, const wf_slice *slices,
                                  int32_t n_slices, int64_t n, int64_t k, wf_weight *out,
                                  weft_error *err);
/* The same of 1 to 4 whole tensors; of a single one the first n rows are taken. */
weft_status wf_load_linear(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                           int64_t n, int64_t k, wf_weight *out, weft_error *err);
/* Whether rows of two formats can be one weight. Quantised rows are given as they are stored, so
 * they stand with their like alone; of others the first one's format becomes that of all. */
bool wf_formats_join(int32_t first, int32_t next);
/* n_names whole tensors, of rows[i] rows and k columns each, that are multiplied as one below the
 * other, in as few parts as can be: parts [n_names], of which those that are not needed come last
 * and have n 0. */
weft_status wf_load_parts(wf_loader *l, wf_buffers *b, const char *const *names,
                          const int64_t *rows, int32_t n_names, int64_t k, wf_weight *parts,
                          weft_error *err);
/* The same as wf_load_linear of a table of embeddings, or the head that reads it. */
weft_status wf_load_table(wf_loader *l, wf_buffers *b, const char *const *names, int32_t n_names,
                          int64_t n, int64_t k, wf_weight *out, weft_error *err);
/* Row `row` of such a table [rows, k] as f32 in memory of b, rounded as the whole table would be.
 * Done on return, as is everything that was begun before. */
weft_status wf_load_table_row(wf_loader *l, wf_buffers *b, const char *name, int64_t row, int64_t k,
                              float **out, weft_error *err);
/* A slice, a whole tensor, as f32 on the device, its rows one after the other in memory of b. */
weft_status wf_load_f32_slice(wf_loader *l, wf_buffers *b, const wf_slice *s, float **out,
                              weft_error *err);
weft_status wf_load_f32(wf_loader *l, wf_buffers *b, const char *name, float **out,
                        weft_error *err);
/* The same into host memory of n elements (the slice must have n), done on return. */
weft_status wf_load_host_slice(wf_loader *l, const wf_slice *s, float *dst, uint64_t n,
                               weft_error *err);
weft_status wf_load_host(wf_loader *l, const char *name, float *dst, uint64_t n, weft_error *err);
/* n > 0 values of the host's to device memory of b, done on return. */
weft_status wf_load_values(wf_loader *l, wf_buffers *b, const float *src, uint64_t n, float **out,
                           weft_error *err);

#endif
