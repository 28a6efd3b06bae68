/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the recipe in mel.h that is done frame by frame. */
#include "mel.h"

#include "mel_whole.h"
#include "weft/sdk.h"

#include <math.h>

#define RATE 16000.0
#define BLOCK 4096 /* samples taken in at a time */
#define FRAMES 4   /* of a piece of work: a multiple of SPK_FFT_LANES */

spk_features_config spk_features_own(void)
{
    return (spk_features_config){.n_mels = 80,
                                 .frame = 400,
                                 .hop = 160,
                                 .n_fft = 512,
                                 .window = SPK_WINDOW_HANN,
                                 .mel = SPK_MEL_HTK,
                                 .remove_mean = 1,
                                 .normalise = 1,
                                 .stack = 4,
                                 .scale = 1,
                                 .f_min = 20,
                                 .f_max = 8000,
                                 .floor = 1e-6};
}

spk_features_config spk_features_w2v_bert(void)
{
    return (spk_features_config){.n_mels = 80,
                                 .frame = 400,
                                 .hop = 160,
                                 .n_fft = 512,
                                 .window = SPK_WINDOW_POVEY,
                                 .mel = SPK_MEL_KALDI,
                                 .remove_mean = 1,
                                 .normalise = 1,
                                 .stack = 2,
                                 .preemphasis = 0.97,
                                 .scale = 32768,
                                 .f_min = 20,
                                 .f_max = 8000,
                                 .floor = 1.192092955078125e-07};
}

spk_features_config spk_features_whisper(int32_t n_mels)
{
    return (spk_features_config){.n_mels = n_mels,
                                 .frame = 400,
                                 .hop = 160,
                                 .n_fft = 400,
                                 .window = SPK_WINDOW_HANN,
                                 .mel = SPK_MEL_SLANEY,
                                 .center = 1,
                                 .drop_last = 1,
                                 .log10 = 1,
                                 .stack = 1,
                                 .scale = 1,
                                 .f_max = 8000,
                                 .floor = 1e-10,
                                 .range = 8};
}

static int64_t pad_of(const spk_features_config *c)
{
    return c->center ? c->frame / 2 : 0;
}

/* The number of samples, with the zeros that [fill] puts after them. */
static int64_t filled(const spk_features_config *c, int64_t n)
{
    if (n < c->least)
        n = c->least;
    n += c->silence;
    return c->fill > 0 ? (n + c->fill - 1) / c->fill * c->fill : n;
}

int64_t spk_mel_frames(const spk_features_config *c, int64_t n)
{
    int64_t pad = pad_of(c);
    if (n < 1 || n > INT64_MAX / 4)
        return 0;
    n = filled(c, n);
    if (n < (c->center ? pad + 1 : c->frame))
        return 0;
    return (n + 2 * pad - c->frame) / c->hop + 1 - (c->drop_last != 0);
}

/* ---- tables ---- */

static weft_status check(const spk_features_config *c, weft_error *err)
{
    if (c->n_mels < 1 || c->n_mels > 1024)
        return weft_fail(err, WEFT_E_INVALID, "%d mel bins are not possible; give 1 to 1024",
                         c->n_mels);
    if (c->hop < 1 || c->frame < c->hop || c->n_fft < c->frame || c->n_fft > SPK_FFT_MAX)
        return weft_fail(err, WEFT_E_INVALID,
                         "frames of %d samples every %d in a spectrum of %d do not "
                         "fit together: hop <= frame <= n_fft <= %d",
                         c->frame, c->hop, c->n_fft, SPK_FFT_MAX);
    if (!(c->f_min >= 0 && c->f_min < c->f_max && c->f_max <= RATE / 2))
        return weft_fail(err, WEFT_E_INVALID,
                         "mel bins of %g to %g Hz are not possible; give 0 <= f_min "
                         "< f_max <= 8000",
                         c->f_min, c->f_max);
    if (!(c->floor > 0) || !(c->scale > 0) || !(c->range >= 0) || !isfinite(c->preemphasis))
        return weft_fail(err, WEFT_E_INVALID,
                         "the mel floor and scale must be above zero, the dynamic "
                         "range not below it");
    return WEFT_OK;
}

static double to_mel(int32_t scale, double f)
{
    if (scale == SPK_MEL_HTK)
        return 2595.0 * log10(1.0 + f / 700.0);
    if (scale == SPK_MEL_KALDI)
        return 1127.0 * log(1.0 + f / 700.0);
    return f < 1000 ? 3.0 * f / 200.0 : 15.0 + log(f / 1000.0) * (27.0 / log(6.4));
}

static double to_hz(int32_t scale, double m)
{
    if (scale == SPK_MEL_HTK)
        return 700.0 * (pow(10.0, m / 2595.0) - 1.0);
    if (scale == SPK_MEL_KALDI)
        return 700.0 * (exp(m / 1127.0) - 1.0);
    return m < 15 ? 200.0 * m / 3.0 : 1000.0 * exp(log(6.4) / 27.0 * (m - 15.0));
}

/* Corner c_j of the filters: in mel for kaldi, in Hz for the other scales. */
static double corner(const spk_features_config *c, int32_t j)
{
    double lo = to_mel(c->mel, c->f_min), hi = to_mel(c->mel, c->f_max);
    double m = lo + (hi - lo) * j / (c->n_mels + 1);
    return c->mel == SPK_MEL_KALDI ? m : to_hz(c->mel, m);
}

/* Filter j's weight at bin k. */
static double weight(const spk_features_config *c, const double *p, int32_t k)
{
    double f = RATE * k / c->n_fft;
    if (c->mel == SPK_MEL_KALDI)
        f = to_mel(c->mel, f);
    double up = (f - p[0]) / (p[1] - p[0]), down = (p[2] - f) / (p[2] - p[1]);
    double w = up < down ? up : down;
    if (c->mel == SPK_MEL_SLANEY)
        w *= 2.0 / (p[2] - p[0]);
    return w > 0 ? w : 0;
}

/* Writes the weights of filter j that are not zero to `to`, unless that is NULL, and returns how
 * many there are. */
static int32_t fill_filter(const spk_features_config *c, int32_t j, double *to, int32_t *first)
{
    double  p[3] = {corner(c, j), corner(c, j + 1), corner(c, j + 2)};
    int32_t n = 0, bins = c->n_fft / 2 + (c->mel != SPK_MEL_KALDI);
    *first = 0;
    for (int32_t k = 0; k < bins; k++) {
        double w = weight(c, p, k);
        if (w == 0)
            continue;
        if (n == 0)
            *first = k;
        if (to != NULL)
            to[n] = w;
        n++;
    }
    return n;
}

static weft_status make_filters(spk_mel *m, weft_error *err)
{
    const spk_features_config *c = &m->config;
    uint64_t                   total = 0;
    m->first = m->host->alloc(m->host, (uint64_t)c->n_mels * 2 * sizeof(int32_t), 64);
    if (m->first == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for %d mel filters",
                         c->n_mels);
    m->count = m->first + c->n_mels;
    for (int32_t j = 0; j < c->n_mels; j++)
        total += (uint64_t)(m->count[j] = fill_filter(c, j, NULL, &m->first[j]));
    m->weights = m->host->alloc(m->host, (total + 1) * sizeof(double), 64);
    if (m->weights == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for %d mel filters",
                         c->n_mels);
    double *to = m->weights;
    for (int32_t j = 0; j < c->n_mels; j++)
        to += fill_filter(c, j, to, &m->first[j]);
    return WEFT_OK;
}

static weft_status make_window(spk_mel *m, weft_error *err)
{
    int32_t n = m->config.frame;
    m->window = m->host->alloc(m->host, (uint64_t)n * sizeof(double), 64);
    if (m->window == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for frames of %d samples",
                         n);
    for (int32_t i = 0; i < n; i++)
        m->window[i] = m->config.window == SPK_WINDOW_POVEY
                           ? pow(0.5 - 0.5 * cos(2 * M_PI * i / (n - 1)), 0.85)
                           : 0.5 - 0.5 * cos(2 * M_PI * i / n);
    return WEFT_OK;
}

weft_status spk_mel_init(spk_mel *m, const weft_host *host, const spk_features_config *c,
                         weft_error *err)
{
    memset(m, 0, sizeof *m);
    m->host = host;
    m->pool = plg_pool_of(host);
    m->config = *c;
    weft_status st = check(c, err);
    if (st == WEFT_OK)
        st = spk_fft_init(&m->fft, host, c->n_fft, err);
    if (st == WEFT_OK)
        st = make_window(m, err);
    if (st == WEFT_OK)
        st = make_filters(m, err);
    if (st != WEFT_OK)
        spk_mel_deinit(m);
    return st;
}

void spk_mel_deinit(spk_mel *m)
{
    if (m->host != NULL) {
        m->host->free(m->host, m->window);
        m->host->free(m->host, m->weights);
        m->host->free(m->host, m->first);
        spk_fft_deinit(&m->fft);
    }
    m->window = m->weights = NULL;
    m->first = m->count = NULL;
}

/* ---- one recording ---- */

weft_status spk_mel_run_init(spk_mel_run *r, const spk_mel *mel, float *out, int64_t frames_max,
                             weft_error *err)
{
    const weft_host *h = mel->host;
    int64_t          n_fft = mel->config.n_fft;
    memset(r, 0, sizeof *r);
    r->mel = mel;
    r->out = out;
    r->frames_max = frames_max;
    r->n_in = pad_of(&mel->config); /* room for the mirrored start */
    r->room = BLOCK + 2 * mel->config.frame;
    r->in = h->alloc(h, (uint64_t)r->room * sizeof(float), 64);
    /* For each piece of frames, two frames and the transform's buffer. */
    int64_t pieces = (r->room / mel->config.hop + 1) / FRAMES + 1;
    r->work = h->alloc(h, (uint64_t)(2 * n_fft * pieces) * sizeof(spk_lanes), 64);
    if (r->in != NULL && r->work != NULL)
        return WEFT_OK;
    spk_mel_run_deinit(r);
    return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for log-mel frames");
}

void spk_mel_run_deinit(spk_mel_run *r)
{
    if (r->mel != NULL) {
        r->mel->host->free(r->mel->host, r->in);
        r->mel->host->free(r->mel->host, r->work);
    }
    r->in = NULL;
    r->work = NULL;
}

/* Fills x [n_fft] with the two frames that begin at s[0] and s[1], windowed, and zeros behind
 * them. */
static void window_frames(const spk_mel *m, const float *const s[SPK_FFT_LANES], spk_lanes *x)
{
    const spk_features_config *c = &m->config;
    const float                scale = (float)c->scale;
    spk_lanes                  mean = {0}, before;
    for (int32_t i = 0; i < c->frame; i++)
        mean += x[i] = (spk_lanes){s[0][i] * scale, s[1][i] * scale};
    mean = c->remove_mean ? mean / (double)c->frame : (spk_lanes){0};
    before = x[0] - mean;
    for (int32_t i = 0; i < c->frame; i++) {
        spk_lanes v = x[i] - mean;
        x[i] = (v - c->preemphasis * before) * m->window[i];
        before = v;
    }
    memset(x + c->frame, 0, (size_t)(c->n_fft - c->frame) * sizeof *x);
}

/* Frames from s[0] and s[1] to y[0] and y[1]. */
static void make_two(const spk_mel *m, const float *const s[SPK_FFT_LANES], spk_lanes *work,
                     float *const y[SPK_FFT_LANES])
{
    const spk_features_config *c = &m->config;
    const double              *w = m->weights;
    window_frames(m, s, work);
    const spk_lanes *power = spk_fft_power(&m->fft, work, work + c->n_fft);
    for (int32_t j = 0; j < c->n_mels; j++) {
        const spk_lanes *p = power + m->first[j];
        spk_lanes        sum = {0};
        for (int32_t k = 0; k < m->count[j]; k++)
            sum += *w++ * p[k];
        for (int i = 0; i < SPK_FFT_LANES; i++) {
            double v = sum[i] > c->floor ? sum[i] : c->floor;
            y[i][j] = (float)(c->log10 ? log10(v) : log(v));
        }
    }
}

/* Frames [begin, end) of those that are next; the pieces begin at multiples of FRAMES. A last frame
 * that has none beside it fills both lanes. */
static void some_frames(void *ctx, int64_t begin, int64_t end)
{
    const spk_mel_run         *r = ctx;
    const spk_features_config *c = &r->mel->config;
    spk_lanes                 *work = r->work + begin / FRAMES * 2 * c->n_fft;
    for (int64_t i = begin; i < end; i += SPK_FFT_LANES) {
        int64_t      j = i + 1 < end ? i + 1 : i;
        const float *in = r->in + r->next, *const s[] = {in + i * c->hop, in + j * c->hop};
        float       *out = r->out + r->frames * c->n_mels;
        float *const y[] = {out + i * c->n_mels, out + j * c->n_mels};
        make_two(r->mel, s, work, y);
    }
}

/* Makes every frame whose samples are there, and then drops the samples that neither a later frame
 * nor the mirrored end needs. */
static void make_frames(spk_mel_run *r)
{
    const spk_features_config *c = &r->mel->config;
    int64_t there = r->n_in - r->next < c->frame ? 0 : (r->n_in - r->next - c->frame) / c->hop + 1;
    int64_t wanted = r->frames_max - r->frames;
    wanted = wanted < there ? wanted : there;
    plg_pool_run(&r->mel->pool, wanted, FRAMES, some_frames, r);
    r->frames += wanted > 0 ? wanted : 0;
    r->next += there * c->hop;
    int64_t keep = r->n_in - pad_of(c) - 1, drop = r->next < keep ? r->next : keep;
    if (drop <= 0)
        return;
    memmove(r->in, r->in + drop, (size_t)(r->n_in - drop) * sizeof(float));
    r->n_in -= drop;
    r->next -= drop;
}

void spk_mel_push(spk_mel_run *r, const float *samples, int64_t n)
{
    int64_t pad = pad_of(&r->mel->config);
    while (n > 0) {
        int64_t part = n < BLOCK / 2 ? n : BLOCK / 2;
        memcpy(r->in + r->n_in, samples, (size_t)part * sizeof(float));
        int first = r->seen <= pad && r->seen + part > pad;
        r->n_in += part;
        r->seen += part;
        for (int64_t i = 0; first && i < pad; i++)
            r->in[pad - 1 - i] = r->in[pad + 1 + i];
        if (r->seen > pad)
            make_frames(r);
        samples += part;
        n -= part;
    }
}

static void fill_up(spk_mel_run *r)
{
    static const float zeros[256];
    int64_t            left = r->seen > 0 ? filled(&r->mel->config, r->seen) - r->seen : 0;
    while (left > 0) {
        int64_t part = left < 256 ? left : 256;
        spk_mel_push(r, zeros, part);
        left -= part;
    }
}

int64_t spk_mel_end(spk_mel_run *r)
{
    const spk_features_config *c = &r->mel->config;
    int64_t                    pad = pad_of(c), frames = spk_mel_frames(c, r->seen);
    fill_up(r);
    for (int64_t i = 0; r->seen > pad && i < pad; i++)
        r->in[r->n_in + i] = r->in[r->n_in - 2 - i];
    if (r->seen > pad) {
        r->n_in += pad;
        make_frames(r);
    }
    r->frames = r->frames < frames ? r->frames : frames;
    spk_mel_whole(c, r->out, r->frames);
    return r->frames;
}
