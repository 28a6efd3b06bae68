/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that the encoder and the projector are written with, besides those of
 * plugins/common/run.h, and the two stages. All are [encode]. */
#ifndef GSP_CALLS_H
#define GSP_CALLS_H

#include "granite.h"

typedef struct gsp_run {
    plg_run             on;
    const gsp_modality *m;
} gsp_run;

/* Launches one of this plugin's kernels over n items of about `work` operations each. On a GPU each
 * item gets a block of 128 threads. */
void gsp_launch(gsp_run *r, const weft_kernel *kernel, int64_t n, int64_t work, void *const *args);
/* y [rows, d] = a * sigmoid(b), x [rows, 2 d] = a beside b. */
void gsp_glu(gsp_run *r, const weft_tensor *y, const weft_tensor *x);
/* Columns from.. of x [rows, columns] to y [rows, n]. */
void gsp_columns(gsp_run *r, const weft_tensor *y, const weft_tensor *x, int64_t from);
/* Columns from.. of y [rows, columns] = x [rows, n]. */
void gsp_put_columns(gsp_run *r, const weft_tensor *y, const weft_tensor *x, int64_t from);
/* x [rows, d] = 0; zero: [1], which holds 0. */
void gsp_clear(gsp_run *r, const weft_tensor *x, const weft_tensor *zero);

/* conformer.c: rows [n_rows, d_in] to out [n_rows, d_out]. The buffers come from a; with r NULL
 * they are only counted. */
void gsp_conformer(gsp_run *r, const gsp_config *c, const gsp_weights *w, int64_t n_rows,
                   const weft_tensor *rows, const weft_tensor *out, plg_arena *a);
/* qformer.c: x [n_windows * window, d] to tokens [n_windows * n_queries, d_text]. */
void gsp_qformer(gsp_run *r, const gsp_config *c, const gsp_weights *w, int64_t n_windows,
                 const weft_tensor *x, const weft_tensor *tokens, plg_arena *a);

#endif
