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

/* A complex number of each frame. */
typedef struct point {
    spk_lanes re, im;
} point;

static inline point plus(point a, point b)
{
    return (point){a.re + b.re, a.im + b.im};
}

static inline point minus(point a, point b)
{
    return (point){a.re - b.re, a.im - b.im};
}

/* -i a */
static inline point turned(point a)
{
    return (point){a.im, -a.re};
}

static inline point scaled(point a, double c)
{
    return (point){a.re * c, a.im * c};
}

static inline point times(point a, const double *w)
{
    return (point){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

/* One pass over transforms of length n, of which s are interleaved: m = n / radix points apart lie
 * the inputs of a butterfly. Output q of the k-th is multiplied by w^(q k), w = exp(-2 pi i / n),
 * which is roots[2 s q k]. */
typedef struct pass {
    const double *roots;
    const point  *x;
    point        *y;
    int32_t       m, s;
} pass;

static inline const double *twiddle(const pass *t, int32_t q, int32_t k)
{
    return t->roots + 4 * ((size_t)t->s * (size_t)q * (size_t)k);
}

static void pass2(const pass *t)
{
    int32_t m = t->m, s = t->s;
    for (int32_t k = 0; k < m; k++) {
        const double *w = twiddle(t, 1, k);
        const point  *x = t->x + s * k;
        point        *y = t->y + 2 * s * k;
        for (int32_t i = 0; i < s; i++, x++, y++) {
            y[0] = plus(x[0], x[s * m]);
            y[s] = times(minus(x[0], x[s * m]), w);
        }
    }
}

static void pass3(const pass *t)
{
    static const double half_root3 = 0.866025403784438646763723170752936183;
    int32_t             m = t->m, s = t->s;
    for (int32_t k = 0; k < m; k++) {
        const double *w1 = twiddle(t, 1, k), *w2 = twiddle(t, 2, k);
        const point  *x = t->x + s * k;
        point        *y = t->y + 3 * s * k;
        for (int32_t i = 0; i < s; i++, x++, y++) {
            point sum = plus(x[s * m], x[2 * s * m]), at = minus(x[0], scaled(sum, 0.5));
            point off = turned(scaled(minus(x[s * m], x[2 * s * m]), half_root3));
            y[0] = plus(x[0], sum);
            y[s] = times(plus(at, off), w1);
            y[2 * s] = times(minus(at, off), w2);
        }
    }
}

static void pass4(const pass *t)
{
    int32_t m = t->m, s = t->s;
    for (int32_t k = 0; k < m; k++) {
        const double *w1 = twiddle(t, 1, k), *w2 = twiddle(t, 2, k), *w3 = twiddle(t, 3, k);
        const point  *x = t->x + s * k;
        point        *y = t->y + 4 * s * k;
        for (int32_t i = 0; i < s; i++, x++, y++) {
            point a = plus(x[0], x[2 * s * m]), b = minus(x[0], x[2 * s * m]);
            point c = plus(x[s * m], x[3 * s * m]), d = turned(minus(x[s * m], x[3 * s * m]));
            y[0] = plus(a, c);
            y[s] = times(plus(b, d), w1);
            y[2 * s] = times(minus(a, c), w2);
            y[3 * s] = times(minus(b, d), w3);
        }
    }
}

static void pass5(const pass *t)
{
    static const double c1 = 0.309016994374947424102293417182819059,
                        c2 = -0.809016994374947424102293417182819059,
                        s1 = 0.951056516295153572116439333379382143,
                        s2 = 0.587785252292473129168705954639072769;
    int32_t m = t->m, s = t->s;
    for (int32_t k = 0; k < m; k++) {
        const point *x = t->x + s * k;
        point       *y = t->y + 5 * s * k;
        for (int32_t i = 0; i < s; i++, x++, y++) {
            point a = plus(x[s * m], x[4 * s * m]), b = plus(x[2 * s * m], x[3 * s * m]);
            point c = minus(x[s * m], x[4 * s * m]), d = minus(x[2 * s * m], x[3 * s * m]);
            point e = plus(x[0], plus(scaled(a, c1), scaled(b, c2)));
            point f = plus(x[0], plus(scaled(a, c2), scaled(b, c1)));
            point g = turned(plus(scaled(c, s1), scaled(d, s2)));
            point h = turned(minus(scaled(c, s2), scaled(d, s1)));
            y[0] = plus(x[0], plus(a, b));
            y[s] = times(plus(e, g), twiddle(t, 1, k));
            y[2 * s] = times(plus(f, h), twiddle(t, 2, k));
            y[3 * s] = times(minus(f, h), twiddle(t, 3, k));
            y[4 * s] = times(minus(e, g), twiddle(t, 4, k));
        }
    }
}

/* As the reference stores it. Through a vector of f32: gcc 12 takes a conversion of single lanes to
 * f32 and back for none at all. */
static inline spk_lanes rounded(spk_lanes x)
{
    typedef float narrow __attribute__((vector_size(SPK_FFT_LANES * sizeof(float))));
    return __builtin_convertvector(__builtin_convertvector(x, narrow), spk_lanes);
}

const spk_lanes *spk_fft_power(const spk_fft *f, spk_lanes *x, spk_lanes *work)
{
    static void (*const of_radix[])(const pass *) = {NULL, NULL, pass2, pass3, pass4, pass5};
    int32_t m = f->n / 2, s = 1;
    point  *z = (point *)x, *y = (point *)work;
    for (int32_t i = 0; i < f->n_factors; i++) {
        int32_t p = f->factor[i];
        pass    t = {f->roots, z, y, m / s / p, s};
        of_radix[p](&t);
        s *= p;
        point *last = z;
        z = y;
        y = last;
    }
    spk_lanes *power = (spk_lanes *)y;
    for (int32_t k = 0; k <= m; k++) {
        point         a = z[k % m], b = z[(m - k) % m];
        const double *w = f->roots + 2 * (k % f->n);
        point         even = {(a.re + b.re) * 0.5, (a.im - b.im) * 0.5};
        point         odd = times((point){(a.im + b.im) * 0.5, (b.re - a.re) * 0.5}, w);
        spk_lanes     re = rounded(even.re + odd.re), im = rounded(even.im + odd.im);
        power[k] = re * re + im * im;
    }
    return power;
}
