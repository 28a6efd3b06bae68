/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the encoder and the projector are written with, besides those of
 * plugins/common/run.h. All are [encode]. */
#ifndef VOX_CALLS_H
#define VOX_CALLS_H

#include "ultravox.h"

typedef struct vox_run {
    plg_run     on;
    weft_tensor zero; /* [1]: 0.0 */
} vox_run;

/* y = norm of each row of x: a layer norm where w has a bias, else an RMS norm. y may be x. */
void vox_norm_rows(vox_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w);
void vox_clear(vox_run *r, const weft_tensor *x); /* x [rows, d] = 0 */
/* Gathers what a convolution of kernel 3 reads, so that a linear layer can do the rest: row i of y
 * [rows, d * 3] holds the three rows of x [n, d] from row i * stride on, in the order of the
 * weight's columns (channel, then place). */
void vox_windows(vox_run *r, const weft_tensor *y, const weft_tensor *x, int64_t stride);

#endif
