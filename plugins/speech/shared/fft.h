/* SPDX-License-Identifier: Apache-2.0 */
/* The power spectra of real frames, in double precision, two frames at a time: the frames lie in
 * the lanes of a vector, so each has the bytes that it would have alone.
 *
 * Why this is not a library's: the features have to agree with the reference's to 1e-5, after a
 * logarithm and a division by each bin's standard deviation, and the reference computes this
 * transform in double precision. Of the libraries that distributions package, kissfft is built for
 * float only, FFTW is under the GPL, and FFmpeg's takes O(n^2) steps at 400 points. */
#ifndef SPK_FFT_H
#define SPK_FFT_H

#include "weft/base.h"

#define SPK_FFT_MAX 8192
#define SPK_FFT_FACTORS 16

/* A value of each frame. 16 bytes are what every CPU that weft runs on has registers for. */
#define SPK_FFT_LANES 2
typedef double spk_lanes __attribute__((vector_size(SPK_FFT_LANES * sizeof(double))));

typedef struct spk_fft {
    const weft_host *host;
    int32_t n, n_factors; /* points of the real frame; the complex transform has half of them */
    int32_t factor[SPK_FFT_FACTORS]; /* of n / 2: 4, 2, 3 and 5 */
    double *roots;                   /* [n, 2]: exp(-2 pi i k / n) */
} spk_fft;

/* Prepares transforms of n points. n must be even, at most SPK_FFT_MAX and have no prime factor
 * above 5; INVALID otherwise. Afterwards *f never changes, so threads may share it. spk_fft_deinit
 * releases it, also a zeroed one. [worker] */
weft_status spk_fft_init(spk_fft *f, const weft_host *host, int32_t n, weft_error *err);
void        spk_fft_deinit(spk_fft *f);

/* Returns |X|^2 [n / 2 + 1] of x [n], in the memory of x or of work [n], both of which are
 * overwritten. re and im of X are rounded to f32 before, as the reference stores them. [any] */
const spk_lanes *spk_fft_power(const spk_fft *f, spk_lanes *x, spk_lanes *work);

#endif
