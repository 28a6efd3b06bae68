/* SPDX-License-Identifier: Apache-2.0 */
/* What the encoder and the projector are written in besides plugins/common/run.h. All [encode]. */
#ifndef VOX_CALLS_H
#define VOX_CALLS_H

#include "ultravox.h"

typedef struct vox_run {
    plg_run     on;
    weft_tensor zero; /* [1]: 0.0 */
} vox_run;

/* Layer norm where w has a bias, else RMS norm; y may be x. */
void vox_norm_rows(vox_run *r, const weft_tensor *y, const weft_tensor *x, const plg_pair *w);
void vox_clear(vox_run *r, const weft_tensor *x); /* x [rows, d] = 0 */
/* y [rows, d * 3]: row i is what a convolution of kernel 3 sees from row i * stride of x [n, d] on,
 * in the order of its weight's columns: channel, then place. */
void vox_windows(vox_run *r, const weft_tensor *y, const weft_tensor *x, int64_t stride);

#endif
