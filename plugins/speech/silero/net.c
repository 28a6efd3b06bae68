/* SPDX-License-Identifier: Apache-2.0 */
/* The network, as net.h says. */
#include "net.h"

#include <math.h>

#define PADDED (SIL_BEFORE + SIL_WINDOW + SIL_BEFORE)

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

/* y [n_out] += x row, of n_out columns. */
static void add_row(float *y, const float *row, float x, int32_t n_out)
{
    for (int32_t o = 0; o < n_out; o++)
        y[o] += x * row[o];
}

/* The window with what stands before and behind it: x[n] to x[n + 63] are x[n - 2] downwards. */
static void pad(const sil_state *s, const float *x, float *out)
{
    const int32_t n = SIL_BEFORE + SIL_WINDOW;
    memcpy(out, s->before, sizeof s->before);
    memcpy(out + SIL_BEFORE, x, SIL_WINDOW * sizeof *x);
    for (int32_t i = 0; i < SIL_BEFORE; i++)
        out[n + i] = out[n - 2 - i];
}

static void spectrum(const sil_weights *w, const float *x, float (*m)[SIL_BINS])
{
    for (int32_t t = 0; t < SIL_STEPS; t++) {
        float y[2 * SIL_BINS] = {0};
        for (int32_t i = 0; i < SIL_KERNEL; i++)
            add_row(y, w->stft[i], x[t * SIL_STEP + i], 2 * SIL_BINS);
        for (int32_t k = 0; k < SIL_BINS; k++)
            m[t][k] = sqrtf(y[k] * y[k] + y[SIL_BINS + k] * y[SIL_BINS + k]);
    }
}

/* A convolution and its relu: x [n, n_in] to y [ceil(n / stride), n_out]; w [n_in][3][n_out]. */
typedef struct conv {
    const float *w, *bias;
    int32_t      n, n_in, n_out, stride;
} conv;

static void convolve(const conv *c, const float *x, float *y)
{
    for (int32_t at = 0; at < c->n; at += c->stride, y += c->n_out) {
        memcpy(y, c->bias, (size_t)c->n_out * sizeof *y);
        for (int32_t i = 0; i < c->n_in; i++)
            for (int32_t k = 0; k < 3; k++) {
                const int32_t from = at + k - 1;
                if (from >= 0 && from < c->n)
                    add_row(y, c->w + (i * 3 + k) * c->n_out, x[from * c->n_in + i], c->n_out);
            }
        for (int32_t o = 0; o < c->n_out; o++)
            y[o] = y[o] > 0 ? y[o] : 0;
    }
}

/* One step of the recurrent layer on x [SIL_D]. */
static void recur(const sil_weights *w, sil_state *s, const float *x)
{
    float gate[4 * SIL_D], back[4 * SIL_D];
    memcpy(gate, w->bias_w, sizeof gate);
    memcpy(back, w->bias_u, sizeof back);
    for (int32_t i = 0; i < SIL_D; i++) {
        add_row(gate, w->w[i], x[i], 4 * SIL_D);
        add_row(back, w->u[i], s->h[i], 4 * SIL_D);
    }
    for (int32_t o = 0; o < 4 * SIL_D; o++)
        gate[o] += back[o];
    for (int32_t o = 0; o < SIL_D; o++) {
        s->c[o] =
            sigmoid(gate[SIL_D + o]) * s->c[o] + sigmoid(gate[o]) * tanhf(gate[2 * SIL_D + o]);
        s->h[o] = sigmoid(gate[3 * SIL_D + o]) * tanhf(s->c[o]);
    }
}

float sil_net_window(const sil_weights *w, sil_state *s, const float *x)
{
    float      in[PADDED], m[SIL_STEPS][SIL_BINS], a[4 * 128], b[4 * 128], p = 0;
    const conv all[] = {{&w->conv1[0][0][0], w->bias1, 4, SIL_BINS, 128, 1},
                        {&w->conv2[0][0][0], w->bias2, 4, 128, 64, 2},
                        {&w->conv3[0][0][0], w->bias3, 2, 64, 64, 2},
                        {&w->conv4[0][0][0], w->bias4, 1, 64, 128, 1}};
    pad(s, x, in);
    spectrum(w, in, m);
    convolve(&all[0], &m[0][0], a);
    convolve(&all[1], a, b);
    convolve(&all[2], b, a);
    convolve(&all[3], a, b);
    recur(w, s, b);
    memcpy(s->before, x + SIL_WINDOW - SIL_BEFORE, sizeof s->before);
    for (int32_t i = 0; i < SIL_D; i++)
        p += w->last[i] * (s->h[i] > 0 ? s->h[i] : 0);
    return sigmoid(p + w->bias_last);
}
