/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of n real numbers is taken as n / 2 complex ones and transformed by Stockham's form of
 * the mixed-radix transform, which needs no reordering pass but two buffers that take turns. A last
 * step makes the spectrum of the real frame of that: X[k] = (Z[k] + Z*[m - k]) / 2 - i w^k (Z[k] -
 * Z*[m - k]) / 2,   m = n / 2, w = exp(-2 pi i / n) */
#include "fft.h"

#include "weft/sdk.h"

#include <math.h>

weft_status spk_fft_init(spk_fft *f, const weft_host *host, int32_t n, weft_error *err)
{
    static const int32_t radix[] = {4, 2, 3, 5};
    int32_t              left = n / 2;
    memset(f, 0, sizeof *f);
    f->host = host;
    f->n = n;
    for (size_t i = 0; left > 1 && i < 4; i++)
        for (; left % radix[i] == 0 && f->n_factors < SPK_FFT_FACTORS; left /= radix[i])
            f->factor[f->n_factors++] = radix[i];
    if (n < 2 || n > SPK_FFT_MAX || n % 2 != 0 || left != 1)
        return weft_fail(err, WEFT_E_INVALID,
                         "a spectrum of %d points is not provided: give an even "
                         "number made of 2, 3 and 5, up to %d",
                         n, SPK_FFT_MAX);
    f->roots = host->alloc(host, (uint64_t)n * 2 * sizeof(double), 64);
    if (f->roots == NULL)
        return weft_fail(err, WEFT_E_NOMEM,
                         "there is not enough memory for a spectrum of %d points", n);
    for (int32_t k = 0; k < n; k++) {
        f->roots[2 * k] = cos(2 * M_PI * k / n);
        f->roots[2 * k + 1] = -sin(2 * M_PI * k / n);
    }
    return WEFT_OK;
}

void spk_fft_deinit(spk_fft *f)
{
    if (f->host != NULL)
        f->host->free(f->host, f->roots);
    f->roots = NULL;
}

/* One output of a butterfly: the sum over its p inputs, then the twiddle. */
static void butterfly(const spk_fft *f, const double *x, int32_t step, int32_t p, int32_t q,
                      int32_t twiddle, double *y)
{
    const double *w = f->roots;
    double        re = 0, im = 0;
    for (int32_t r = 0, at = 0; r < p; r++, at = at + q < p ? at + q : at + q - p) {
        const double *a = x + 2 * (size_t)step * (size_t)r, *c = w + 2 * (at * (f->n / p));
        re += a[0] * c[0] - a[1] * c[1];
        im += a[0] * c[1] + a[1] * c[0];
    }
    w += 2 * twiddle;
    y[0] = re * w[0] - im * w[1];
    y[1] = re * w[1] + im * w[0];
}

/* One pass of radix p over transforms of length n, s of them interleaved. */
static void pass(const spk_fft *f, const double *x, double *y, int32_t n, int32_t s, int32_t p)
{
    int32_t m = n / p;
    for (int32_t k = 0; k < m; k++)
        for (int32_t q = 0; q < p; q++)
            for (int32_t i = 0; i < s; i++)
                butterfly(f, x + 2 * (i + s * k), s * m, p, q, 2 * s * k * q % f->n,
                          y + 2 * (i + s * (p * k + q)));
}

void spk_fft_power(const spk_fft *f, double *x, double *work, double *power)
{
    int32_t m = f->n / 2, n = m, s = 1;
    double *z = x, *y = work;
    for (int32_t i = 0; i < f->n_factors; i++) {
        double *t = z;
        pass(f, z, y, n, s, f->factor[i]);
        n /= f->factor[i];
        s *= f->factor[i];
        z = y;
        y = t;
    }
    for (int32_t k = 0; k <= m; k++) {
        const double *a = z + 2 * (k % m), *b = z + 2 * ((m - k) % m),
                     *w = f->roots + 2 * (k % f->n);
        double er = (a[0] + b[0]) / 2, ei = (a[1] - b[1]) / 2;
        double or = (a[1] + b[1]) / 2, oi = (b[0] - a[0]) / 2;
        float re = (float)(er + w[0] * or -w[1] * oi), im = (float)(ei + w[0] * oi + w[1] * or);
        power[k] = (double)re * re + (double)im * im;
    }
}
