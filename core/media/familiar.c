/* SPDX-License-Identifier: Apache-2.0 */
/* The score of an item, and the warning. */
#include "core/media/familiar.h"

#include <math.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/json.h"
#include "core/io/text.h"
#include "core/model/directory.h"

#define FILE_NAME "familiar.json"
#define WIDTH_MAX 65536

/* The first output that the text reads and that has rows of d values; n_outputs: none. */
static uint32_t output_of(const weft_item *item, int64_t d)
{
    uint32_t i = 0;
    for (; i < item->plan.n_outputs; i++) {
        const weft_plan_tensor *t = &item->plan.outputs[i];
        if (t->stream != NULL && t->stream_rows > 0 && t->spec.ndim > 0 &&
            t->spec.shape[t->spec.ndim - 1] == d && item->output[i] != NULL)
            break;
    }
    return i;
}

/* The output on the host, f32; the caller gives it to wf_device_host_free. NULL: no memory, or the
 * device failed. */
static float *take_rows(const weft_item *item, uint32_t output)
{
    uint64_t bytes = wf_spec_bytes(&item->plan.outputs[output].spec);
    void    *rows = NULL;
    if (wf_device_host_alloc(item->of->device, bytes, &rows, NULL) == WEFT_OK &&
        wf_queue_download(item->of->encode_queue, rows, item->output[output], bytes, NULL) ==
            WEFT_OK &&
        wf_queue_wait(item->of->encode_queue, NULL) == WEFT_OK)
        return rows;
    wf_device_host_free(item->of->device, rows);
    return NULL;
}

static double score_of(const json_t *weights, const float *rows, int64_t n, int64_t d)
{
    double score = 0;
    for (int64_t k = 0; k < d; k++) {
        double mean = 0;
        for (int64_t r = 0; r < n; r++)
            mean += (double)rows[r * d + k] / (double)n;
        score += mean * json_number_value(json_array_get(weights, (size_t)k));
    }
    return score;
}

/* The weights of a file that is as it should be, else NULL. */
static const json_t *weights_of(const json_t *root, double *limit, double *beyond)
{
    const json_t *weights = json_object_get(root, "weights");
    const json_t *at = json_object_get(root, "limit"), *share = json_object_get(root, "beyond");
    if (!json_is_array(weights) || json_array_size(weights) < 1 ||
        json_array_size(weights) > WIDTH_MAX || !json_is_number(at) || !json_is_number(share))
        return NULL;
    for (size_t k = 0; k < json_array_size(weights); k++)
        if (!json_is_number(json_array_get(weights, k)))
            return NULL;
    *limit = json_number_value(at);
    *beyond = json_number_value(share);
    return weights;
}

void wf_familiar_look(const weft_item *item)
{
    weft_error    err = WF_ERROR_INIT;
    const json_t *root;
    double        limit, beyond;
    if (item->modality->package == NULL)
        return;
    weft_status status = wf_package_json(item->modality->package, FILE_NAME, &root, &err);
    if (status == WEFT_E_NOTFOUND)
        return;
    const json_t *weights = status == WEFT_OK ? weights_of(root, &limit, &beyond) : NULL;
    if (weights == NULL) {
        wf_log_about(item->file, WEFT_LOG_WARN, "%s: " FILE_NAME " cannot be used: %s",
                     wf_quote(wf_package_dir(item->modality->package)).s,
                     status != WEFT_OK ? err.message : "weights, limit or beyond is no number");
        return;
    }
    int64_t  d = (int64_t)json_array_size(weights);
    uint32_t output = output_of(item, d);
    float   *rows = output < item->plan.n_outputs ? take_rows(item, output) : NULL;
    if (rows == NULL)
        return;
    double score = score_of(weights, rows, item->plan.outputs[output].stream_rows, d) - limit;
    wf_device_host_free(item->of->device, rows);
    if (score > 0)
        wf_log_about(item->file, WEFT_LOG_WARN,
                     "%s: unlike what this model was trained on, so what it says of it may be made "
                     "up (score %.2f, and %g %% of its own kind are over 0)",
                     wf_quote(item->file != NULL ? item->file : "an item").s, score, 100 * beyond);
}
