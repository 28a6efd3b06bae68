/* SPDX-License-Identifier: Apache-2.0 */
/* What flows into the linear layers of a text core: of each of their inputs the sum of squares of
 * every column, over the rows of a text that runs through the model. An error of a weight counts in
 * the layer's output as much as the mean square of its column says, so the search for 4-bit weights
 * (core/device/cpu/quant_q4.h) learns from it which weights matter.
 *
 * Squares are added up in f64, row by row in the order of the text, so that the sums depend on the
 * values alone. Those are the same on every CPU where the model runs in q8. */
#ifndef WF_CALIBRATION_H
#define WF_CALIBRATION_H

#include "core/model/names.h"
#include "core/device/device.h"

/* What the linear weights of a layer are multiplied with. */
enum wf_layer_input {
    WF_INPUT_QKV,     /* [d_model] */
    WF_INPUT_O,       /* [n_heads * head_dim] */
    WF_INPUT_GATE_UP, /* [d_model] */
    WF_INPUT_DOWN,    /* [d_ffn] */
    WF_LAYER_INPUTS
};

typedef struct wf_calibration {
    const wf_config *config; /* borrowed, and so is what names points to */
    wf_names         names;
    double          *squares; /* of every layer the columns of its inputs, one behind the other */
    float           *rows;    /* of one input, on the host */
    int64_t          max_rows;
} wf_calibration;

/* For passes of at most max_rows rows. map NULL: a plain Llama directory. On failure, too,
 * wf_calibration_free is called. */
weft_status wf_calibration_init(wf_calibration *c, const wf_config *config,
                                const weft_text_map *map, int64_t max_rows, weft_error *err);
void        wf_calibration_free(wf_calibration *c); /* safe on zeroed memory */

/* Adds m rows of an input that work on the queue computes: x, a device array [m, columns]. Waits
 * for it. */
weft_status wf_calibration_add(wf_calibration *c, weft_queue *q, int32_t layer, int32_t input,
                               const float *x, int64_t m, weft_error *err);

/* Whether all sums are numbers. */
bool wf_calibration_is_finite(const wf_calibration *c);

/* How much each column of a tensor counts, as wf_quantize_rows takes it: weights [columns rounded
 * up to whole groups]. A group's are its sums over the greatest of them, WF_COUNTS_LEAST at least,
 * and 0 past the last column; where no row of a group was more than 0, all are 1. false, and
 * nothing written: the tensor is no linear weight of the text core's layers with so many columns.
 */
#define WF_COUNTS_LEAST 0x1p-10
bool wf_calibration_weights(const wf_calibration *c, const char *tensor, int64_t columns,
                            float *weights);

/* FNV-1a over the bytes of the sums, to tell them from others: two that differ have the same number
 * about once in 2^64 times. */
uint64_t wf_calibration_digest(const wf_calibration *c);

#endif
