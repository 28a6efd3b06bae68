/* SPDX-License-Identifier: Apache-2.0 */
/* The network's weights: names and shapes of silero_vad_16k.safetensors, and how they are kept. */
#include "net.h"

#define AT(field) offsetof(sil_weights, field)

const sil_tensor sil_tensors[SIL_TENSORS] = {
    {"stft_conv.weight", 3, {2 * SIL_BINS, 1, SIL_KERNEL}, AT(stft)},
    {"conv1.weight", 3, {128, SIL_BINS, 3}, AT(conv1)},
    {"conv1.bias", 1, {128, 0, 0}, AT(bias1)},
    {"conv2.weight", 3, {64, 128, 3}, AT(conv2)},
    {"conv2.bias", 1, {64, 0, 0}, AT(bias2)},
    {"conv3.weight", 3, {64, 64, 3}, AT(conv3)},
    {"conv3.bias", 1, {64, 0, 0}, AT(bias3)},
    {"conv4.weight", 3, {128, 64, 3}, AT(conv4)},
    {"conv4.bias", 1, {128, 0, 0}, AT(bias4)},
    {"lstm_cell.weight_ih", 2, {4 * SIL_D, SIL_D, 0}, AT(w)},
    {"lstm_cell.weight_hh", 2, {4 * SIL_D, SIL_D, 0}, AT(u)},
    {"lstm_cell.bias_ih", 1, {4 * SIL_D, 0, 0}, AT(bias_w)},
    {"lstm_cell.bias_hh", 1, {4 * SIL_D, 0, 0}, AT(bias_u)},
    {"final_conv.weight", 3, {1, SIL_D, 1}, AT(last)},
    {"final_conv.bias", 1, {1, 0, 0}, AT(bias_last)},
};

void sil_weights_put(sil_weights *w, const sil_tensor *t, const float *data)
{
    float        *to = (float *)(void *)((char *)w + t->at);
    const int64_t n_out = t->shape[0];
    int64_t       n_in = 1;
    for (int32_t d = 1; d < t->ndim; d++)
        n_in *= t->shape[d];
    for (int64_t o = 0; o < n_out; o++)
        for (int64_t i = 0; i < n_in; i++)
            to[i * n_out + o] = data[o * n_in + i];
}

weft_status sil_weights_load(const weft_host *h, const weft_package *p, sil_weights **out,
                             weft_error *err)
{
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    weft_weight            want[SIL_TENSORS];
    weft_tensor            got[SIL_TENSORS];
    *out = NULL;
    for (int32_t i = 0; i < SIL_TENSORS; i++) {
        const sil_tensor *t = &sil_tensors[i];
        want[i] = (weft_weight){WEFT_HDR(weft_weight), t->name, WEFT_USE_HOST, t->ndim, {0}};
        for (int32_t d = 0; d < t->ndim; d++)
            want[i].shape[d] = t->shape[d];
    }
    weft_status status = weights->get(h, p, want, SIL_TENSORS, got, err);
    if (status != WEFT_OK)
        return status;
    sil_weights *w = h->alloc(h, sizeof *w, 64);
    if (w == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for the network's weights");
    for (int32_t i = 0; i < SIL_TENSORS; i++)
        sil_weights_put(w, &sil_tensors[i], got[i].data);
    *out = w;
    return WEFT_OK;
}
