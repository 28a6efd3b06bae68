/* SPDX-License-Identifier: Apache-2.0 */
/* Resamples sound of any rate to 16 kHz, block by block.
 *
 *     y[n] = sum_i x[i] h(i - n r),  r = rate / 16000,  h(t) = c sinc(c t) w(c t / 64),
 *     c = 0.9475937 min(1, 1 / r),  w = Kaiser window, beta 14.769656, zero outside |c t| < 64
 *
 * These are the figures of librosa's and torchaudio's "kaiser_best", so that features agree with
 * what models were trained on. The fraction of n r is called the phase. Every common rate has at
 * most 1024 different phases; a table then holds the kernel h at each of them, and nothing is
 * approximated except by rounding to f32. For other rates the table holds many phases, and values
 * in between are interpolated. ceil(n_in / r) samples come out. What lies outside the recording
 * counts as zero.
 *
 * Measured by tests/speech/test_resample.c against the same sum in double precision: at 8, 11.025,
 * 22.05, 32, 44.1, 48 and 96 kHz, and at 44,099 and 7,999 Hz, where phases are interpolated,
 * samples differ by at most 1e-7 of full scale. The log-mel features made from both (Whisper's, 80
 * bins) differ by at most 1e-5, and at 11.025 kHz by 3e-5, because the bins above that recording's
 * band hold nothing but rounding errors. */
#ifndef SPK_RESAMPLE_H
#define SPK_RESAMPLE_H

#include "weft/base.h"

#define SPK_RATE 16000

typedef struct spk_resampler {
    const weft_host *host;
    int64_t          num, den; /* rate / 16000 in lowest terms */
    int64_t          half;     /* the kernel reaches this many inputs to each side */
    int64_t          phases;
    float  *kernel; /* [phases + 1, 2 half]: row p is for a place p / phases past an input */
    float  *window; /* [room] inputs from window_at on */
    int64_t room, window_at, window_n; /* window_at: the recording's index of window[0] */
    int64_t n_in, n_out;
} spk_resampler;

/* rate: 1000 to 768000, else INVALID. NOMEM. At 16 kHz samples pass unchanged. spk_resampler_deinit
 * releases *r, also a zeroed one or one that failed to start. Different threads may call it, one at
 * a time. [worker] */
weft_status spk_resampler_init(spk_resampler *r, const weft_host *host, int32_t rate,
                               weft_error *err);
void        spk_resampler_deinit(spk_resampler *r);

/* Takes n input samples and writes every output sample that can be computed now to out, which must
 * have room for spk_resampler_bound(r, n). Returns how many. [worker] */
int64_t spk_resampler_push(spk_resampler *r, const float *in, int64_t n, float *out);
/* Writes the last samples, at most spk_resampler_bound(r, 0), when the recording has ended. Returns
 * how many. [worker] */
int64_t spk_resampler_end(spk_resampler *r, float *out);
/* The most samples that a push of n samples, or the end (n 0), writes. [any] */
int64_t spk_resampler_bound(const spk_resampler *r, int64_t n);

/* Averages channels: in [n, channels] to out [n], which may be in. [any] */
void spk_mix(const float *in, int64_t n, int32_t channels, float *out);

/* Outputs of a recording of n_in inputs: ceil(16000 n_in / rate). [any] */
int64_t spk_resampled(int64_t n_in, int32_t rate);

#endif
