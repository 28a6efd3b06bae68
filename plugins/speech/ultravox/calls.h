/* SPDX-License-Identifier: Apache-2.0 */
/* What the encoder and the projector are written in: calls that enqueue one op each, on buffers
 * carved from scratch. Nothing waits; once a call has failed, those after it do nothing and
 * run->status tells. All [encode]. */
#ifndef VOX_CALLS_H
#define VOX_CALLS_H

#include "ultravox.h"

typedef struct vox_run {
    const vox_modality *m;
    weft_queue         *q;
    weft_error         *err;
    weft_status         status;
    weft_tensor         zero; /* [1]: 0.0 */
} vox_run;

/* Device memory handed out from its start; base NULL: only counted. Setting used back to an earlier
 * value gives what came after it to others; peak remembers the most. */
typedef struct vox_arena {
    const weft_tensor *base;
    uint64_t           used, peak;
} vox_arena;

/* The next [rows, columns] (columns 0: [rows]). */
weft_tensor vox_carve(vox_arena *a, weft_dtype type, int64_t rows, int64_t columns);
/* Rows first .. first + rows of t [n, d]. */
weft_tensor vox_rows(const weft_tensor *t, int64_t first, int64_t rows);
/* Elements of t from `from` on as a C-order [rows, columns]. */
weft_tensor vox_part(const weft_tensor *t, int64_t from, int64_t rows, int64_t columns);

void vox_linear(vox_run *r, const weft_tensor *y, const weft_tensor *x, const vox_dense *w,
                int32_t act);
/* Layer norm where w has a bias, else RMS norm; y may be x. */
void vox_norm_rows(vox_run *r, const weft_tensor *y, const weft_tensor *x, const vox_norm *w);
void vox_add(vox_run *r, const weft_tensor *x, const weft_tensor *b); /* x += b */
void vox_copy(vox_run *r, const weft_tensor *to, const weft_tensor *from);
void vox_clear(vox_run *r, const weft_tensor *x); /* x [rows, d] = 0 */
void vox_upload(vox_run *r, const weft_tensor *to, const void *from, uint64_t bytes);
/* y [rows, d * 3]: row i is what a convolution of kernel 3 sees from row i * stride of x [n, d] on,
 * in the order of its weight's columns: channel, then place. */
void vox_windows(vox_run *r, const weft_tensor *y, const weft_tensor *x, int64_t stride);

#endif
