/* SPDX-License-Identifier: Apache-2.0 */
/* The power spectrum of a real frame, in double precision.
 *
 * Why not a library's: features have to agree with the reference's to 1e-5 after a logarithm and a
 * division by a bin's own deviation, and the reference transforms in double. Of the packaged ones
 * kissfft is built for float only, FFTW is GPL, and FFmpeg's is O(n^2) at 400 points. */
#ifndef SPK_FFT_H
#define SPK_FFT_H

#include "weft/base.h"

#define SPK_FFT_MAX 8192
#define SPK_FFT_FACTORS 16

typedef struct spk_fft {
    const weft_host *host;
    int32_t n, n_factors; /* points of the real frame; the complex transform has half of them */
    int32_t factor[SPK_FFT_FACTORS]; /* of n / 2: 4, 2, 3 and 5 */
    double *roots;                   /* [n, 2]: exp(-2 pi i k / n) */
} spk_fft;

/* n: even, at most SPK_FFT_MAX, with no prime factor above 5; INVALID otherwise. Immutable
 * afterwards: shared between threads. Ended by spk_fft_deinit, which accepts a zeroed one. [worker]
 * */
weft_status spk_fft_init(spk_fft *f, const weft_host *host, int32_t n, weft_error *err);
void        spk_fft_deinit(spk_fft *f);

/* power [n / 2 + 1] = |X|^2 of x [n]; re and im are rounded to f32 before, as the reference stores
 * them. work: [n]. x is overwritten. [any] */
void spk_fft_power(const spk_fft *f, double *x, double *work, double *power);

#endif
