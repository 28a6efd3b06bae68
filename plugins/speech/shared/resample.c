/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the sum of resample.h from a table of the kernel at each phase. Every sum is made of
 * eight partial sums in a fixed order, so the bytes do not depend on the size of the blocks. */
#include "resample.h"

#include "weft/sdk.h"

#include <math.h>

#define ZEROS 64
#define ROLLOFF 0.9475937167399596
#define BETA 14.769656459379492
#define EXACT_PHASES 1024
#define BLOCK 4096 /* inputs taken into the window at a time */

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

/* The modified Bessel function I0, by its power series. 60 terms are exact in double precision up
 * to x = 15. */
static double bessel0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 60; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

/* The kernel h(t), t in input samples. */
static double kernel_at(double t, double c)
{
    double u = c * t;
    if (fabs(u) >= ZEROS)
        return 0;
    double q = u / ZEROS, s = u == 0 ? 1 : sin(M_PI * u) / (M_PI * u);
    return c * s * bessel0(BETA * sqrt(1 - q * q)) / bessel0(BETA);
}

static void fill_kernel(spk_resampler *r, double c)
{
    for (int64_t p = 0; p <= r->phases; p++) {
        double place = (double)p / (double)r->phases;
        for (int64_t k = 0; k < 2 * r->half; k++)
            r->kernel[p * 2 * r->half + k] = (float)kernel_at((double)(k - r->half + 1) - place, c);
    }
}

/* How many phases the table holds. Where all of them are too many, there are enough that the error
 * of interpolating stays below -100 dB. Fewer are needed when the output's band is a small part of
 * the input's, since the kernel is then smoother. */
static int64_t choose_phases(const spk_resampler *r, double ratio)
{
    if (r->den <= EXACT_PHASES)
        return r->den;
    double want = EXACT_PHASES / (ratio < 1 ? 1 : ratio);
    return want < 64 ? 64 : (int64_t)want;
}

weft_status spk_resampler_init(spk_resampler *r, const weft_host *host, int32_t rate,
                               weft_error *err)
{
    memset(r, 0, sizeof *r);
    r->host = host;
    if (rate < 1000 || rate > 768000)
        return weft_fail(err, WEFT_E_INVALID,
                         "a rate of %d samples a second cannot be brought to %d", rate, SPK_RATE);
    int64_t g = gcd(rate, SPK_RATE);
    double  ratio = (double)rate / SPK_RATE, c = ROLLOFF / (ratio < 1 ? 1 : ratio);
    r->num = rate / g;
    r->den = SPK_RATE / g;
    if (rate == SPK_RATE)
        return WEFT_OK;
    r->half = ((int64_t)ceil(ZEROS / c) + 4) / 4 * 4; /* rows of whole lanes */
    r->phases = choose_phases(r, ratio);
    r->room = 2 * r->half + BLOCK;
    r->kernel = host->alloc(host, (uint64_t)((r->phases + 1) * 2 * r->half) * sizeof(float), 64);
    r->window = host->alloc(host, (uint64_t)r->room * sizeof(float), 64);
    if (r->kernel == NULL || r->window == NULL) {
        spk_resampler_deinit(r);
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to resample from %d Hz",
                         rate);
    }
    fill_kernel(r, c);
    /* What lies before the recording counts as zero. */
    memset(r->window, 0, (size_t)r->half * sizeof(float));
    r->window_at = -r->half;
    r->window_n = r->half;
    return WEFT_OK;
}

void spk_resampler_deinit(spk_resampler *r)
{
    if (r->host != NULL) {
        r->host->free(r->host, r->kernel);
        r->host->free(r->host, r->window);
    }
    r->kernel = r->window = NULL;
}

void spk_mix(const float *in, int64_t n, int32_t channels, float *out)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = in[i * channels];
        for (int32_t c = 1; c < channels; c++)
            sum += in[i * channels + c];
        out[i] = channels == 1 ? sum : sum / (float)channels;
    }
}

int64_t spk_resampled(int64_t n_in, int32_t rate)
{
    int64_t g = gcd(rate, SPK_RATE), num = rate / g, den = SPK_RATE / g;
    return n_in / num * den + (n_in % num * den + num - 1) / num;
}

int64_t spk_resampler_bound(const spk_resampler *r, int64_t n)
{
    return (n + r->half + 1) * r->den / r->num + 2;
}

static float dot(const float *a, const float *b, int64_t n)
{
    float lane[8] = {0};
    for (int64_t i = 0; i < n; i += 8)
        for (int k = 0; k < 8; k++)
            lane[k] += a[i + k] * b[i + k];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* Computes output n, all of whose inputs are in the window. */
static float output(const spk_resampler *r, int64_t n)
{
    int64_t at = n / r->den * r->num + n % r->den * r->num / r->den;
    int64_t past = n % r->den * r->num % r->den; /* the phase times den: how far past input `at` */
    int64_t p = past * r->phases / r->den, rest = past * r->phases % r->den;
    int64_t taps = 2 * r->half;
    const float *x = r->window + (at - r->half + 1 - r->window_at);
    float        y = dot(x, r->kernel + p * taps, taps);
    if (rest == 0)
        return y;
    float f = (float)rest / (float)r->den;
    return y + f * (dot(x, r->kernel + (p + 1) * taps, taps) - y);
}

/* The index of the last input that output n needs. */
static int64_t needs(const spk_resampler *r, int64_t n)
{
    return n / r->den * r->num + n % r->den * r->num / r->den + r->half;
}

/* Writes the outputs below `end` whose inputs are all there, and then drops the inputs that no
 * later output needs. */
static int64_t drain(spk_resampler *r, int64_t end, float *out)
{
    int64_t done = 0;
    while (r->n_out < end && needs(r, r->n_out) < r->window_at + r->window_n)
        out[done++] = output(r, r->n_out++);
    int64_t drop = needs(r, r->n_out) - 2 * r->half + 1 - r->window_at;
    if (drop > r->window_n)
        drop = r->window_n;
    if (drop > 0) {
        memmove(r->window, r->window + drop, (size_t)(r->window_n - drop) * sizeof(float));
        r->window_at += drop;
        r->window_n -= drop;
    }
    return done;
}

int64_t spk_resampler_push(spk_resampler *r, const float *in, int64_t n, float *out)
{
    int64_t done = 0, at = 0;
    r->n_in += n;
    if (r->half == 0) {
        memcpy(out, in, (size_t)n * sizeof(float));
        return n;
    }
    while (at < n) {
        int64_t part = n - at < r->room - r->window_n ? n - at : r->room - r->window_n;
        memcpy(r->window + r->window_n, in + at, (size_t)part * sizeof(float));
        r->window_n += part;
        at += part;
        done += drain(r, INT64_MAX, out + done);
    }
    return done;
}

int64_t spk_resampler_end(spk_resampler *r, float *out)
{
    if (r->half == 0)
        return 0;
    int64_t end = r->n_in / r->num * r->den + (r->n_in % r->num * r->den + r->num - 1) / r->num;
    int64_t done = 0;
    while (r->n_out < end) {
        memset(r->window + r->window_n, 0, (size_t)(r->room - r->window_n) * sizeof(float));
        r->window_n = r->room;
        done += drain(r, end, out + done);
    }
    return done;
}
