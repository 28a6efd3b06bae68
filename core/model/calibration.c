/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of squares of what linear layers are given, and what the search for 4-bit weights makes of
 * them. */
#include "core/model/calibration.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

static int64_t columns_of(const wf_config *c, int32_t input)
{
    switch (input) {
    case WF_INPUT_O:
        return (int64_t)c->n_heads * c->head_dim;
    case WF_INPUT_DOWN:
        return c->d_ffn;
    default:
        return c->d_model;
    }
}

/* Of a layer's inputs before this one; WF_LAYER_INPUTS: of all. */
static int64_t columns_before(const wf_config *c, int32_t input)
{
    int64_t n = 0;
    for (int32_t i = 0; i < input; i++)
        n += columns_of(c, i);
    return n;
}

static size_t all_columns(const wf_config *c)
{
    return (size_t)(c->n_layers * columns_before(c, WF_LAYER_INPUTS));
}

static double *squares_of(const wf_calibration *c, int32_t layer, int32_t input)
{
    return c->squares + layer * columns_before(c->config, WF_LAYER_INPUTS) +
           columns_before(c->config, input);
}

weft_status wf_calibration_init(wf_calibration *c, const wf_config *config,
                                const weft_text_map *map, int64_t max_rows, weft_error *err)
{
    const size_t all = all_columns(config);
    int64_t      widest = 0;
    for (int32_t i = 0; i < WF_LAYER_INPUTS; i++)
        widest = columns_of(config, i) > widest ? columns_of(config, i) : widest;
    *c =
        (wf_calibration){.config = config, .names = wf_names_of(config, map), .max_rows = max_rows};
    c->squares = wf_zalloc_n(all, sizeof *c->squares);
    c->rows = wf_zalloc_n((size_t)(max_rows * widest), sizeof *c->rows);
    return c->squares != NULL && c->rows != NULL
               ? WEFT_OK
               : wf_fail_nomem(err, all * sizeof *c->squares, "sums of a calibration");
}

void wf_calibration_free(wf_calibration *c)
{
    wf_free(c->squares);
    wf_free(c->rows);
    memset(c, 0, sizeof *c);
}

weft_status wf_calibration_add(wf_calibration *c, weft_queue *q, int32_t layer, int32_t input,
                               const float *x, int64_t m, weft_error *err)
{
    const int64_t k = columns_of(c->config, input);
    double       *sum = squares_of(c, layer, input);
    weft_status status = wf_queue_download(q, c->rows, x, (uint64_t)(m * k) * sizeof *c->rows, err);
    if (status == WEFT_OK)
        status = wf_queue_wait(q, err);
    if (status != WEFT_OK)
        return status;
    for (const float *row = c->rows; row < c->rows + m * k; row += k)
        for (int64_t i = 0; i < k; i++)
            sum[i] += (double)row[i] * (double)row[i];
    return WEFT_OK;
}

/* ---- how much columns count ---- */

/* What a layer's tensor is multiplied with; WF_LAYER_INPUTS: it is no linear weight. */
static int32_t input_of(int32_t tensor)
{
    static const int32_t inputs[WF_LAYER_TENSORS] = {
        [WF_NORM_ATTN] = WF_LAYER_INPUTS,
        [WF_Q] = WF_INPUT_QKV,
        [WF_K] = WF_INPUT_QKV,
        [WF_V] = WF_INPUT_QKV,
        [WF_O] = WF_INPUT_O,
        [WF_NORM_FFN] = WF_LAYER_INPUTS,
        [WF_GATE_PROJ] = WF_INPUT_GATE_UP,
        [WF_UP_PROJ] = WF_INPUT_GATE_UP,
        [WF_DOWN_PROJ] = WF_INPUT_DOWN,
    };
    return inputs[tensor];
}

/* The input of the tensor of that name; false: it is none of the layers' linear weights. */
static bool find(const wf_calibration *c, const char *tensor, int32_t *layer, int32_t *input)
{
    char name[WF_NAME_BYTES];
    for (*layer = 0; *layer < c->config->n_layers; ++*layer) {
        for (int32_t which = 0; which < WF_LAYER_TENSORS; which++) {
            *input = input_of(which);
            wf_layer_name(name, &c->names, *layer, which);
            if (*input < WF_LAYER_INPUTS && strcmp(name, tensor) == 0)
                return true;
        }
    }
    return false;
}

static void weigh_group(const double *sums, int64_t n, float *weights)
{
    double most = 0.0;
    for (int64_t i = 0; i < n; i++)
        most = sums[i] > most ? sums[i] : most;
    for (int64_t i = 0; i < WF_GROUP; i++) {
        double part = i < n && most > 0.0 ? sums[i] / most : 1.0;
        weights[i] = i < n ? (float)(part > WF_COUNTS_LEAST ? part : WF_COUNTS_LEAST) : 0.0f;
    }
}

bool wf_calibration_weights(const wf_calibration *c, const char *tensor, int64_t columns,
                            float *weights)
{
    int32_t layer, input;
    if (!find(c, tensor, &layer, &input) || columns_of(c->config, input) != columns)
        return false;
    const double *sums = squares_of(c, layer, input);
    for (int64_t g = 0; g < columns; g += WF_GROUP)
        weigh_group(sums + g, columns - g < WF_GROUP ? columns - g : WF_GROUP, weights + g);
    return true;
}

bool wf_calibration_is_finite(const wf_calibration *c)
{
    bool finite = true;
    for (size_t i = 0; i < all_columns(c->config); i++)
        finite = finite && isfinite(c->squares[i]) != 0;
    return finite;
}

uint64_t wf_calibration_digest(const wf_calibration *c)
{
    const uint8_t *bytes = (const uint8_t *)c->squares;
    uint64_t       hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < all_columns(c->config) * sizeof *c->squares; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}
