# SPDX-License-Identifier: Apache-2.0
"""The front end of the speech models: plugins/speech/shared/mel.h (spk_features_own) in NumPy.

    frames = log_mel(samples)      # f32 samples in -1..1, 16 kHz, mono -> f32 [n_frames, 80]

A test compares both on the sounds of tests/fixtures/speech (tools/gen_speech_features.py writes
what this file computes). Rates other than 16 kHz are resampled first: resample() below is the
plugin's filter, in double precision.
"""
from math import ceil, gcd

import numpy as np

RATE = 16000
FRAME, HOP, N_FFT, N_MELS = 400, 160, 512, 80
F_MIN, F_MAX = 20.0, 8000.0
FLOOR = 1e-6


def mel_filters(n_mels=N_MELS, n_fft=N_FFT, f_min=F_MIN, f_max=F_MAX):
    """Triangles between points equally spaced in HTK mel, drawn in Hz: [n_fft / 2 + 1, n_mels]."""
    def to_mel(f):
        return 2595.0 * np.log10(1.0 + f / 700.0)

    corners = np.linspace(to_mel(f_min), to_mel(f_max), n_mels + 2)
    corners = 700.0 * (10.0 ** (corners / 2595.0) - 1.0)
    f = (np.arange(n_fft // 2 + 1) * (RATE / n_fft))[:, None]
    up = (f - corners[:-2]) / (corners[1:-1] - corners[:-2])
    down = (corners[2:] - f) / (corners[2:] - corners[1:-1])
    return np.maximum(0.0, np.minimum(up, down))


FILTERS = mel_filters()
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)


def n_frames(n_samples):
    """Frames of so many samples: none below one frame."""
    return 0 if n_samples < FRAME else (n_samples - FRAME) // HOP + 1


def log_mel_raw(samples):
    """Before normalisation: f32 [n_frames, 80]."""
    x = np.asarray(samples, np.float32).astype(np.float64)
    at = HOP * np.arange(n_frames(len(x)))[:, None] + np.arange(FRAME)
    x = x[at]
    x = (x - x.mean(axis=1, keepdims=True)) * WINDOW
    spectrum = np.fft.rfft(x, N_FFT).astype(np.complex64).astype(np.complex128)
    power = spectrum.real ** 2 + spectrum.imag ** 2
    return np.log(np.maximum(power @ FILTERS, FLOOR)).astype(np.float32)


def normalise(y):
    """Every bin to mean 0 and variance 1 over time; one frame alone becomes 0."""
    t = np.ascontiguousarray(y.T)
    mean = t.mean(axis=1, keepdims=True)
    var = t.var(axis=1, ddof=1, keepdims=True) if t.shape[1] > 1 else np.zeros_like(mean)
    return np.ascontiguousarray(((t - mean) / np.sqrt(var + np.float32(1e-7))).T)


def log_mel(samples):
    """What the encoder is given, before four frames are put side by side: f32 [n_frames, 80]."""
    return normalise(log_mel_raw(samples))


def resample(samples, rate):
    """Any rate to 16 kHz with the filter of plugins/speech/shared/resample.h."""
    if rate == RATE:
        return np.asarray(samples, np.float32)
    zeros, beta = 64, 14.769656459379492
    x = np.asarray(samples, np.float64)
    step, c = rate / RATE, 0.9475937167399596 * min(1.0, RATE / rate)
    half = int(ceil(zeros / c))
    g = gcd(rate, RATE)
    num, den = rate // g, RATE // g
    n_out = -(-len(x) * den // num)
    out = np.zeros(n_out)
    padded = np.concatenate([np.zeros(half), x, np.zeros(half + 1)])
    for phase in range(min(den, n_out)):  # outputs phase, phase + den, ... share their weights
        whole, past = divmod(phase * num, den)
        u = c * (np.arange(-half + 1, half + 1) - past / den)
        q = np.clip(1 - (u / zeros) ** 2, 0, None)
        kaiser = np.i0(beta * np.sqrt(q)) / np.i0(beta)
        weights = np.where(np.abs(u) < zeros, c * np.sinc(u) * kaiser, 0)
        rows = np.arange(phase, n_out, den)
        first = whole + (rows - phase) // den * num + 1  # of the padded samples
        for k in range(0, len(rows), 4096):
            out[rows[k:k + 4096]] = padded[first[k:k + 4096, None] + np.arange(2 * half)] @ weights
    return out.astype(np.float32)
