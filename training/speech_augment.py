# SPDX-License-Identifier: Apache-2.0
"""Other rooms, microphones, lines and speakers for the clean corpus: $WEFT_TRAINING/speech/view-K-NNNN.npz.

A view of a shard is its sounds made worse, each by its own random chain (rate and pitch together, pauses
around, room, noise, gain, telephone band, mu-law, codecs), as log-mel frames before normalisation, f16.
What is cheap is done to frames while training (`worsen`): tempo, the vocal tract's length, noise, band limit.

    nice -n 19 python speech_augment.py [--views 6]     makes what is missing, waits for shards to come
"""
import argparse
import os
import random
import subprocess
import time

import numpy as np
from scipy.fft import rfft
from scipy.signal import fftconvolve, resample_poly

from common import SEED
from mel import F_MAX, F_MIN, FILTERS, FLOOR, FRAME, HOP, N_FFT, N_MELS, RATE, WINDOW
from speech_corpus import alone, folder, read_shard

CODECS = [["-c:a", "libopus", "-b:a", "10k", "-f", "ogg"], ["-c:a", "libmp3lame", "-b:a", "24k", "-f", "mp3"],
          ["-c:a", "adpcm_ima_wav", "-ar", "8000", "-f", "wav"], ["-c:a", "libopus", "-b:a", "20k", "-f", "ogg"]]
FILTERS32, WINDOW32 = FILTERS.astype(np.float32), WINDOW.astype(np.float32)


def fast_log_mel(x):
    """mel.log_mel_raw in single precision."""
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float32), FRAME)[::HOP]
    frames = (frames - frames.mean(1, keepdims=True)) * WINDOW32
    power = np.square(np.abs(rfft(frames, N_FFT, axis=1)))
    return np.log(np.maximum(power @ FILTERS32, FLOOR))


def colour(n, rng, gen):
    """Noise of n samples whose power falls with frequency as f^-a, 0 <= a <= 2; root mean square 1."""
    spectrum = np.fft.rfft(gen.standard_normal(n).astype(np.float32))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1 + n // 400) ** (-rng.uniform(0, 2) / 2)
    y = np.fft.irfft(spectrum, n)
    return (y / (np.sqrt(np.mean(y * y)) + 1e-9)).astype(np.float32)


def room(x, rng, gen):
    """Convolution with a direct sound and a tail of noise that dies away in 0.1 to 0.7 s (60 dB)."""
    n = int(RATE * rng.uniform(0.1, 0.7))
    tail = gen.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail[:int(RATE * rng.uniform(0.001, 0.02))] = 0
    tail *= rng.uniform(0.1, 1.0) / (np.sqrt(np.sum(tail * tail)) + 1e-9)
    tail[0] = 1
    return fftconvolve(x, tail)[:len(x) + n // 3].astype(np.float32)


def microphone(x, rng, gen):
    """A random smooth response of up to 12 dB either way."""
    response = 10 ** (np.interp(np.linspace(0, 7, 65), np.arange(8), gen.uniform(-12, 12, 8)) / 20)
    taps = np.roll(np.fft.irfft(response), 64) * np.hanning(128)
    return fftconvolve(x, taps, "same").astype(np.float32)


def mu_law(x):
    """To 8 bits and back, as telephones do."""
    y = np.sign(x) * np.log1p(255 * np.minimum(1, np.abs(x))) / np.log(256)
    y = np.round(y * 127) / 127
    return (np.sign(y) * (256 ** np.abs(y) - 1) / 255).astype(np.float32)


def telephone(x, rng):
    """8 kHz, 200..400 to 3200..3800 Hz, half of them with mu-law."""
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    low, high = rng.uniform(100, 400), rng.uniform(3200, 3800)
    spectrum *= np.clip((f - low / 2) / (low / 2), 0, 1) * np.clip((4000 - f) / (4000 - high), 0, 1)
    y = np.fft.irfft(spectrum, len(x)).astype(np.float32)
    if rng.random() < 0.5:
        y = resample_poly(mu_law(resample_poly(y, 1, 2)), 2, 1).astype(np.float32)
    return y


def codec(x, rng):
    """Through an encoder of FFmpeg and back; the sound itself where FFmpeg lacks it."""
    raw = ["-f", "s16le", "-ar", str(RATE), "-ac", "1"]
    quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-threads", "1"]
    pcm = (np.clip(x, -1, 1) * 32767).astype("<i2").tobytes()
    coded = subprocess.run([*quiet, *raw, "-i", "-", *rng.choice(CODECS), "-"], input=pcm, capture_output=True).stdout
    back = subprocess.run([*quiet, "-i", "-", *raw, "-"], input=coded, capture_output=True).stdout
    return np.frombuffer(back[:len(back) // 2 * 2], "<i2").astype(np.float32) / 32768 if len(back) > 3200 else x


def level(x, decibels):
    return x * (10 ** (decibels / 20) / (np.sqrt(np.mean(x * x)) + 1e-9))


def chain(x, rng):
    """One sound as somebody else may have recorded it: f32 samples."""
    gen = np.random.default_rng(rng.randrange(1 << 30))
    x = x.astype(np.float32) / 32768
    if rng.random() < 0.6:
        x = resample_poly(x, rng.randint(84, 118), 100).astype(np.float32)
    around = [np.zeros(int(RATE * rng.uniform(0.02, 0.7)), np.float32) for _ in range(2)]
    x = level(np.concatenate([around[0], x, around[1]]), -20)
    if rng.random() < 0.5:
        x = microphone(x, rng, gen)
    if rng.random() < 0.45:
        x = room(x, rng, gen)
    if rng.random() < 0.7:
        x = level(x, -20) + colour(len(x), rng, gen) * 10 ** ((-20 - rng.uniform(4, 40)) / 20)
    x = level(x, rng.uniform(-36, -14))
    line = rng.random()
    x = telephone(x, rng) if line < 0.35 else codec(x, rng) if line < 0.43 else mu_law(x) if line < 0.47 else x
    return np.round(np.clip(x, -1, 1) * 32767).astype(np.float32) / 32768


def write_view(path, rows, view):
    """View 0 is the clean sound with short silences; texts and voices are those of the shard."""
    frames = []
    for i, (_, _, x) in enumerate(rows):
        rng = random.Random(f"{SEED} {path.name} {i}")
        around = rng.randint(0, 6000), rng.randint(0, 6000)
        y = chain(x, rng) if view else np.pad(x.astype(np.float32) / 32768, around)
        frames.append(fast_log_mel(y).astype(np.float16))
    tmp = path.with_suffix(f".{os.getpid()}.tmp")
    with open(tmp, "wb") as f:
        np.savez(f, voices=np.array([r[0] for r in rows]), texts=np.array([r[1] for r in rows]),
                 ends=np.cumsum([len(x) for x in frames]), frames=np.concatenate(frames))
    os.replace(tmp, path)


def mel_places():
    """Centre frequencies of the bins, and a function from frequency to (fractional) bin."""
    top = 2595 * np.log10(1 + np.array([F_MIN, F_MAX]) / 700)
    places = np.linspace(*top, N_MELS + 2)[1:-1]
    hertz = 700 * (10 ** (places / 2595) - 1)
    return hertz, lambda f: (2595 * np.log10(1 + f / 700) - places[0]) / (places[1] - places[0])


HERTZ, TO_BIN = mel_places()


def interpolate(y, at, axis):
    at = np.clip(at, 0, y.shape[axis] - 1)
    low = np.minimum(at.astype(int), y.shape[axis] - 2)
    share = (at - low).astype(np.float32)
    share = share[:, None] if axis == 0 else share
    return np.take(y, low, axis) * (1 - share) + np.take(y, low + 1, axis) * share


def tighten(y, rng):
    """Often without what is quiet before or behind: recordings may begin and end with their words."""
    loud = y.mean(1)
    low, high = np.percentile(loud, [5, 90])
    at = np.flatnonzero(loud > low + 0.3 * (high - low))
    first = max(0, at[0] - 3) if rng.random() < 0.3 else 0
    last = at[-1] + 4 if rng.random() < 0.4 else len(y)
    return y[first:last]


def worsen(y, rng, gen):
    """Log-mel frames before normalisation to other such frames: edges, tempo, vocal tract, noise, band."""
    y = tighten(y.astype(np.float32), rng)
    if rng.random() < 0.7 and len(y) > 8:
        tempo = rng.uniform(0.8, 1.25)
        y = interpolate(y, np.arange(int(len(y) / tempo)) * tempo, 0)
    if rng.random() < 0.7:
        y = interpolate(y, TO_BIN(HERTZ * rng.uniform(0.88, 1.13)), 1)
    if rng.random() < 0.3:
        y[:, HERTZ > rng.choice([3500, 3800, rng.uniform(3300, 6000)])] = np.log(FLOOR)
    if rng.random() < 0.5:
        shape = np.interp(np.linspace(0, 4, N_MELS), np.arange(5), gen.uniform(-3, 3, 5))
        loud = np.log(np.mean(np.exp(y)) + FLOOR)
        noise = loud + shape - rng.uniform(0.7, 8) + 0.5 * gen.standard_normal(y.shape)
        y = np.logaddexp(y, noise.astype(np.float32))
    return y


def hide(y, rng):
    """Normalised frames with stripes of time and of frequency at the mean (light)."""
    for _ in range(rng.randint(0, 2)):
        width = rng.randint(1, 10)
        at = rng.randrange(N_MELS - width)
        y[:, at:at + width] = 0
    for _ in range(rng.randint(0, 2)):
        width = rng.randint(1, 8)
        if len(y) > 10 * width:
            at = rng.randrange(len(y) - width)
            y[at:at + width] = 0
    return y


def missing(views):
    """(view, shard path, view path) of what is to be made, early views first."""
    shards = sorted(folder().glob("clean-*.npz"))
    for view in range(views):
        for shard in shards:
            path = shard.with_name(shard.name.replace("clean", f"view-{view}"))
            if not path.exists():
                yield view, shard, path


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--views", type=int, default=6)
    args.add_argument("--shards", type=int, default=0, help="wait until so many shards are there")
    args = args.parse_args()
    lock = alone("views")   # noqa: F841
    while True:
        job = next(missing(args.views), None)
        if job:
            started = time.time()
            write_view(job[2], read_shard(job[1]), job[0])
            print(f"{job[2].name}: {time.time() - started:.0f} s", flush=True)
        elif len(list(folder().glob("clean-*.npz"))) >= args.shards:
            return
        else:
            time.sleep(20)


if __name__ == "__main__":
    main()
