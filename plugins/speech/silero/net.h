/* SPDX-License-Identifier: Apache-2.0 */
/* The network of Silero VAD at 16 kHz: how likely somebody speaks in each window of 512 samples.
 *
 *   x  = the last 64 samples before the window, the window, the 64 before its last one mirrored
 *   m  = |STFT x|          [129, 4]: learned kernel of 256, stride 128; real and imaginary parts
 *   y  = relu(conv1 m)     [128, 4]   kernel 3, one zero on both sides, as all four; stride 1
 *   y  = relu(conv2 y)     [64, 2]    stride 2
 *   y  = relu(conv3 y)     [64, 1]    stride 2
 *   y  = relu(conv4 y)     [128, 1]   stride 1
 *   i, f, g, o = W y + b_ih + U h + b_hh             each [128]
 *   c  = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
 *   p  = sigmoid(w relu(h) + b)
 * h, c and the samples before the first window are 0. In f32; each sum has one accumulator, inputs
 * ascending. Source: silero-vad 6.2 tinygrad_model.py and utils_vad.py. */
#ifndef SIL_NET_H
#define SIL_NET_H

#include "weft/sdk.h"

#define SIL_WINDOW 512 /* samples */
#define SIL_BEFORE 64
#define SIL_KERNEL 256
#define SIL_STEP 128
#define SIL_STEPS 4 /* of a window's spectrum */
#define SIL_BINS 129
#define SIL_D 128 /* of the recurrent state */
#define SIL_TENSORS 15

/* A tensor of the file: its name, its shape, and where it is in the weights. Two axes or three are
 * kept turned, the outputs last, so that a sum's terms are added to all outputs at once. */
typedef struct sil_tensor {
    const char *name;
    int32_t     ndim;
    int64_t     shape[3];
    size_t      at; /* offset in sil_weights */
} sil_tensor;
extern const sil_tensor sil_tensors[SIL_TENSORS];

typedef struct sil_weights {
    float stft[SIL_KERNEL][2 * SIL_BINS];
    float conv1[SIL_BINS][3][128], bias1[128]; /* [in][place][out] */
    float conv2[128][3][64], bias2[64];
    float conv3[64][3][64], bias3[64];
    float conv4[64][3][128], bias4[128];
    float w[SIL_D][4 * SIL_D], u[SIL_D][4 * SIL_D], bias_w[4 * SIL_D], bias_u[4 * SIL_D];
    float last[SIL_D], bias_last;
} sil_weights;

/* Puts one tensor of the file, in C order, into its place. [any] */
void sil_weights_put(sil_weights *w, const sil_tensor *t, const float *data);
/* Reads all of them from the package. On failure *out is NULL; the caller frees it with h->free.
 * CORRUPT names what is missing or has another shape. [setup] */
weft_status sil_weights_load(const weft_host *h, const weft_package *p, sil_weights **out,
                             weft_error *err);

/* Where in a recording the network is; zeros at its beginning. */
typedef struct sil_state {
    float before[SIL_BEFORE], h[SIL_D], c[SIL_D];
} sil_state;

/* The probability that somebody speaks in the next SIL_WINDOW samples at 16 kHz. [any] */
float sil_net_window(const sil_weights *w, sil_state *s, const float *x);

#endif
