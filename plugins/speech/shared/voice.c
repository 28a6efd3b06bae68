/* SPDX-License-Identifier: Apache-2.0 */
/* Applies the rule of voice.h frame by frame. */
#include "voice.h"

#include "weft/sdk.h"

#include <math.h>

#define RATE 16000.0
#define BEFORE 240 /* samples that the window reaches before the frame, and behind it */
#define BIN_LOW 8
#define BIN_HIGH 152 /* 200 to 3800 Hz, in bins of 25 Hz; one past the last */
#define LAG_MIN 40
#define LAG_MAX 200
#define LAG_STEP 2
#define N_LAGS ((LAG_MAX - LAG_MIN) / LAG_STEP + 1)
#define BLOCK_FRAMES 30
#define START_FRAMES 150
#define RINGS_PERIODIC 0.6
#define SPEAKS_CHANGE 4.0f
#define RUSTLES_CHANGE 6.0f
#define HEARD_SPEAKING 8
#define HEARD_RUSTLING 25
#define WORD_RINGING 5
#define WORD_MIN 8
#define WORD_MAX 60

#define DB(power) (10.0f * log10f(power))
/* The levels of the rule as powers: -75, -50, +1.5, +6 and +3 dB. */
#define FLOOR_LOWEST 3.1623e-8f
#define FLOOR_START 1e-5f
#define FLOOR_BIAS 1.4125f
#define OVER_ON 3.9811f
#define OVER_OFF 1.9953f

/* Bands get wider with frequency, because hearing tells high frequencies apart less finely. */
static const int16_t band_edges[SPK_VOICE_BANDS + 1] = {8,  12, 16, 20, 24,  29,  35,  41, 48,
                                                        56, 65, 75, 87, 100, 115, 132, 152};

static void fill_tables(spk_voice *v)
{
    for (int i = 0; i < SPK_VOICE_WINDOW; i++)
        v->window[i] = 0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / SPK_VOICE_WINDOW);
    for (int l = 0; l < N_LAGS; l++) {
        double whole = 0, moved = 0;
        int    lag = LAG_MIN + l * LAG_STEP;
        for (int i = 0; i < SPK_VOICE_WINDOW; i++) {
            whole += v->window[i] * v->window[i];
            if (i + lag < SPK_VOICE_WINDOW)
                moved += v->window[i] * v->window[i + lag];
        }
        v->lags[l] = whole / moved;
    }
}

weft_status spk_voice_init(spk_voice *v, const weft_host *host, weft_error *err)
{
    memset(v, 0, sizeof *v);
    v->host = host;
    weft_status st = spk_fft_init(&v->fft, host, SPK_VOICE_WINDOW, err);
    if (st != WEFT_OK)
        return st;
    v->window = host->alloc(host, (SPK_VOICE_WINDOW + N_LAGS) * sizeof(double), 64);
    v->work = host->alloc(host, 2 * SPK_VOICE_WINDOW * sizeof(spk_lanes), 64);
    if (v->window == NULL || v->work == NULL) {
        spk_voice_deinit(v);
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to look for pauses");
    }
    v->lags = v->window + SPK_VOICE_WINDOW;
    fill_tables(v);
    v->n_in = BEFORE; /* silence is assumed before the recording */
    for (int i = 0; i < SPK_VOICE_BLOCKS; i++)
        v->lowest[i] = INFINITY;
    return WEFT_OK;
}

void spk_voice_deinit(spk_voice *v)
{
    if (v->host == NULL)
        return;
    v->host->free(v->host, v->window);
    v->host->free(v->host, v->work);
    spk_fft_deinit(&v->fft);
    v->window = NULL;
    v->work = NULL;
}

/* Takes the power of the newest frame and returns the level that counts as background. */
static float background(spk_voice *v, float power)
{
    float mean = 0, low = INFINITY;
    v->recent[v->frames % 5] = power;
    for (int i = 0; i < 5; i++)
        mean += v->recent[i] / (v->frames < 4 ? (float)(v->frames + 1) : 5.0f);
    int64_t block = v->frames / BLOCK_FRAMES % SPK_VOICE_BLOCKS;
    if (v->frames % BLOCK_FRAMES == 0)
        v->lowest[block] = INFINITY;
    v->lowest[block] = fminf(v->lowest[block], mean);
    for (int i = 0; i < SPK_VOICE_BLOCKS; i++)
        low = fminf(low, v->lowest[i]);
    low *= FLOOR_BIAS;
    if (v->frames < START_FRAMES)
        low = fminf(low, FLOOR_START);
    return fmaxf(low, FLOOR_LOWEST);
}

/* The largest autocorrelation, with the window's own divided out. It is computed as a sum of
 * cosines over the band, which is the inverse transform of the power spectrum. */
static double periodicity(const spk_voice *v, const spk_lanes *power, double total)
{
    double best = 0;
    for (int l = 0; l < N_LAGS; l++) {
        int    lag = LAG_MIN + l * LAG_STEP, at = BIN_LOW * lag % SPK_VOICE_WINDOW;
        double sum = 0;
        for (int k = BIN_LOW; k < BIN_HIGH; k++) {
            sum += power[k][0] * v->fft.roots[2 * at];
            at = at + lag < SPK_VOICE_WINDOW ? at + lag : at + lag - SPK_VOICE_WINDOW;
        }
        best = fmax(best, sum * v->lags[l]);
    }
    return total > 0 ? best / total : 0;
}

/* Fills *s with the mean level of each band over the last frames, less the mean over all bands, so
 * that loudness drops out and the spectrum's shape is left. A band more than 40 dB below the
 * loudest counts as 40 dB below it; otherwise the rounding errors of an empty band would look like
 * change. */
static void make_shape(spk_voice *v, const spk_lanes *power, spk_voice_shape *s)
{
    float *row = v->band[v->frames % SPK_VOICE_SMOOTH], top = 1e-12f, mean = 0;
    for (int b = 0; b < SPK_VOICE_BANDS; b++) {
        double sum = 0;
        for (int k = band_edges[b]; k < band_edges[b + 1]; k++)
            sum += power[k][0];
        row[b] = (float)(sum / (band_edges[b + 1] - band_edges[b]));
        s->level[b] = 0;
        for (int i = 0; i < SPK_VOICE_SMOOTH; i++)
            s->level[b] += v->band[i][b];
        top = fmaxf(top, s->level[b]);
    }
    for (int b = 0; b < SPK_VOICE_BANDS; b++) {
        s->level[b] = DB(fmaxf(s->level[b], top * 1e-4f));
        mean += s->level[b] / SPK_VOICE_BANDS;
    }
    for (int b = 0; b < SPK_VOICE_BANDS; b++)
        s->level[b] -= mean;
}

static float distance(const spk_voice_shape *a, const spk_voice_shape *b)
{
    float sum = 0;
    for (int i = 0; i < SPK_VOICE_BANDS; i++)
        sum += fabsf(a->level[i] - b->level[i]);
    return sum / SPK_VOICE_BANDS;
}

/* Returns power [n / 2 + 1], the spectrum of the frame, in the first lane, and sets *total to its
 * sum over the band. For digital silence the transform is left out. */
static const spk_lanes *spectrum(spk_voice *v, double *total)
{
    static const float silence[SPK_VOICE_WINDOW];
    spk_lanes         *x = v->work;
    *total = 0;
    memset(x, 0, (SPK_VOICE_WINDOW / 2 + 1) * sizeof *x);
    if (memcmp(v->in, silence, sizeof silence) == 0)
        return x;
    for (int i = 0; i < SPK_VOICE_WINDOW; i++)
        x[i] = (spk_lanes){(double)v->in[i] * v->window[i], 0};
    const spk_lanes *power = spk_fft_power(&v->fft, x, x + SPK_VOICE_WINDOW);
    for (int k = BIN_LOW; k < BIN_HIGH; k++)
        *total += power[k][0];
    return power;
}

static spk_voice_frame look(spk_voice *v)
{
    double           total;
    const spk_lanes *power = spectrum(v, &total);
    spk_voice_frame  f = {0};
    spk_voice_shape  shape = {0}, *before = &v->shape[v->frames % SPK_VOICE_LAG];
    /* Parseval's theorem: twice the sum over half of the spectrum, divided by n and by the window's
     * energy (3 n / 8). */
    f.power = (float)(total * 2 / (0.375 * SPK_VOICE_WINDOW * SPK_VOICE_WINDOW));
    v->active = f.power > background(v, f.power) * (v->active ? OVER_OFF : OVER_ON);
    f.active = v->active != 0;
    make_shape(v, power, &shape);
    shape.active = v->active;
    float change = v->active && before->active ? distance(&shape, before) : 0;
    f.rings = v->active && periodicity(v, power, total) >= RINGS_PERIODIC;
    f.speaks = f.rings && change >= SPEAKS_CHANGE;
    f.rustles = change >= RUSTLES_CHANGE;
    *before = shape;
    v->frames++;
    return f;
}

int64_t spk_voice_push(spk_voice *v, const float *x, int64_t n, spk_voice_frame *out)
{
    int64_t done = 0;
    v->seen += n;
    while (n > 0) {
        int64_t room = (int64_t)(sizeof v->in / sizeof v->in[0]) - v->n_in,
                part = n < room ? n : room;
        memcpy(v->in + v->n_in, x, (size_t)part * sizeof *x);
        v->n_in += part;
        x += part;
        n -= part;
        while (v->n_in >= SPK_VOICE_WINDOW) {
            out[done++] = look(v);
            v->n_in -= SPK_VOICE_HOP;
            memmove(v->in, v->in + SPK_VOICE_HOP, (size_t)v->n_in * sizeof *v->in);
        }
    }
    return done;
}

int64_t spk_voice_end(spk_voice *v, spk_voice_frame *out)
{
    static const float silence[BEFORE + SPK_VOICE_HOP];
    int64_t want = (v->seen + SPK_VOICE_HOP - 1) / SPK_VOICE_HOP, seen = v->seen, done = 0;
    while (v->frames < want)
        done += spk_voice_push(v, silence, SPK_VOICE_HOP, out + done);
    v->seen = seen;
    return done;
}

/* Whether there is a short word: a stretch of 8 to 60 active frames of which 5 ring. */
static int short_word(const spk_voice_frame *f, int64_t n)
{
    int64_t length = 0, rings = 0;
    for (int64_t i = 0; i <= n; i++) {
        if (i < n && f[i].active) {
            length++;
            rings += f[i].rings;
            continue;
        }
        if (length >= WORD_MIN && length <= WORD_MAX && rings >= WORD_RINGING)
            return 1;
        length = rings = 0;
    }
    return 0;
}

int spk_voice_heard(const spk_voice_frame *f, int64_t n)
{
    int64_t speaks = 0, rustles = 0;
    for (int64_t i = 0; i < n; i++) {
        speaks += f[i].speaks;
        rustles += f[i].rustles;
    }
    return speaks >= HEARD_SPEAKING || rustles >= HEARD_RUSTLING || short_word(f, n);
}
