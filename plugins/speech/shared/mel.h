/* SPDX-License-Identifier: Apache-2.0 */
/* Log-mel frames of 16 kHz mono sound.
 *
 * The recipe. Frames t = 0, 1, ... are made one after another, in double precision. A line with a
 * name in brackets applies only where the configuration says so:
 *     [fill]   zeros after the samples: up to `least`, `silence` more, up to a multiple of `fill`
 *     s        = samples (+-1) scale
 *     [center] frame / 2 more on both sides, mirrored about the first and the last sample without
 *              repeating them
 *     x[i]     = s[t hop + i], 0 <= i < frame
 *     [mean]   x -= mean(x)
 *     [pre]    x[i] -= pre x[i - 1], from the x before; x[0] *= 1 - pre
 *     x[i]    *= window[i]:  hann  0.5 - 0.5 cos(2 pi i / frame)
 *                            povey (0.5 - 0.5 cos(2 pi i / (frame - 1)))^0.85
 *     P[k]     = |rfft(x, zeros up to n_fft)[k]|^2, 0 <= k <= n_fft / 2; re and im rounded to f32
 *     M[j]     = sum_k P[k] max(0, min(up, down))
 *                up = (f_k - c_j) / (c_{j+1} - c_j), down = (c_{j+2} - f_k) / (c_{j+2} - c_{j+1})
 *                corners c_0 .. c_{n_mels+1} equally spaced in mel from f_min to f_max
 *                f_k = 16000 k / n_fft
 *                htk    m = 2595 log10(1 + f / 700), triangles in Hz
 *                kaldi  m = 1127 ln(1 + f / 700), triangles in mel (c and f_k), last bin unused
 *                slaney m = 3 f / 200 below 1 kHz, else 15 + 27 ln(f / 1000) / ln 6.4,
 *                       triangles in Hz, each times 2 / (c_{j+2} - c_j)
 *     y[t, j]  = ln or log10 of max(M[j], floor), as f32
 * and over the whole recording, in f32:
 *     [range]  y = max(y, max(y) - range); y = (y + 4) / 4
 *     [norm]   y[:, j] = (y[:, j] - mean) / sqrt(var + 1e-7), var with n - 1; one frame alone: 0
 *              (sums in NumPy's pairwise order: in silence their rounding is all that is left)
 *
 * Sources: transformers 4.49 audio_utils.spectrogram and mel_filter_bank, with the arguments of
 * SeamlessM4TFeatureExtractor and WhisperFeatureExtractor; Kaldi for povey. training/mel.py is the
 * same recipe in NumPy. */
#ifndef SPK_MEL_H
#define SPK_MEL_H

#include "../../common/pool.h"
#include "fft.h"

typedef enum spk_mel_window { SPK_WINDOW_HANN, SPK_WINDOW_POVEY } spk_mel_window;
typedef enum spk_mel_scale { SPK_MEL_HTK, SPK_MEL_KALDI, SPK_MEL_SLANEY } spk_mel_scale;

typedef struct spk_features_config {
    int32_t n_mels, frame, hop, n_fft; /* samples; hop <= frame <= n_fft */
    int32_t window, mel;               /* spk_mel_window, spk_mel_scale */
    int32_t center, drop_last;         /* drop_last: the last frame is not given */
    int32_t remove_mean, log10;        /* log10 0: natural logarithm */
    int32_t normalise;                 /* every bin over time */
    int32_t stack;       /* frames side by side in a row of the encoder: for the encoder's use */
    int32_t fill, least; /* samples; 0: nothing is filled up */
    int32_t silence;     /* samples behind those */
    double  preemphasis, scale;  /* 0: none; 1: none */
    double  f_min, f_max;        /* Hz */
    double  floor, range;        /* range 0: none */
    float   pad_value, reserved; /* of frames that fill up the last row: for the encoder's use */
} spk_features_config;

/* The front end of this project's own speech models: 80 htk bins of 20 to 8000 Hz, hann frames of
 * 25 ms every 10 ms, mean removed, n_fft 512, not centred, ln, floor 1e-6, every bin normalised
 * over time, 4 frames a row. [any] */
spk_features_config spk_features_own(void);
/* SeamlessM4TFeatureExtractor, as facebook/w2v-bert-2.0 has it. */
spk_features_config spk_features_w2v_bert(void);
/* WhisperFeatureExtractor; n_mels 80 or 128. */
spk_features_config spk_features_whisper(int32_t n_mels);

/* The number of frames that n samples at 16 kHz make; 0 where they are too few for a frame, or,
 * with `center`, too few to be mirrored. [any] */
int64_t spk_mel_frames(const spk_features_config *c, int64_t n);

/* The tables of one configuration. They never change after init, so threads may share them. */
typedef struct spk_mel {
    spk_features_config config;
    const weft_host    *host;
    plg_pool            pool; /* for frames */
    spk_fft             fft;
    double             *window;        /* [frame] */
    double             *weights;       /* of all filters, one after another */
    int32_t            *first, *count; /* [n_mels] bins of a filter: first, and how many */
} spk_mel;

/* INVALID where the configuration is impossible, with a message that names what is wrong.
 * spk_mel_deinit releases *m, also a zeroed one or one that failed to start. [setup] or [worker] */
weft_status spk_mel_init(spk_mel *m, const weft_host *host, const spk_features_config *c,
                         weft_error *err);
void        spk_mel_deinit(spk_mel *m);

/* One recording that is being turned into frames. Its memory does not depend on the recording's
 * length. */
typedef struct spk_mel_run {
    const spk_mel *mel;
    float         *in;               /* [room] samples with mirrored ends */
    int64_t        room, n_in, next; /* in `in`: how many are there, where the next frame begins */
    int64_t        seen;             /* samples pushed */
    spk_lanes     *work;
    float         *out; /* [frames_max, n_mels], the caller's */
    int64_t        frames_max, frames;
} spk_mel_run;

/* Starts a recording whose frames go to out, at most frames_max of them. mel and out must outlive
 * *r. spk_mel_run_deinit releases *r, also a zeroed one or one that failed to start. [worker] */
weft_status spk_mel_run_init(spk_mel_run *r, const spk_mel *mel, float *out, int64_t frames_max,
                             weft_error *err);
void        spk_mel_run_deinit(spk_mel_run *r);
void        spk_mel_push(spk_mel_run *r, const float *samples, int64_t n); /* [worker] */
/* Ends the recording: makes the last frames and applies the steps that go over the whole recording.
 * Returns how many frames out holds: spk_mel_frames() of the samples pushed, or frames_max where
 * that is less. [worker] */
int64_t spk_mel_end(spk_mel_run *r);

#endif
