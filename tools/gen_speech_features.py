#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/speech/features.safetensors: log-mel features of the reference extractors.

    gen_speech_features.py [--out tests/fixtures/speech] [--spoken]

Needs transformers 4.49, torch 2.6, NumPy. For every sound NAME (below):

NAME            i16 [n]: the samples, / 32768 for every extractor
NAME.w2v        f32 [frames, 80]: SeamlessM4TFeatureExtractor, normalised, before frames are stacked
NAME.w2v.raw    the same without normalisation (some)
NAME.w2v.rows   f32 [ceil(frames / 2), 160]: as the class gives it, padding_value 1 (one)
NAME.whisper80, NAME.whisper128
                f32 [n / 160, bins]: WhisperFeatureExtractor on the sound as it is, not padded
                (128: some)
NAME.own        f32 [frames, 80]: training/mel.py, the front end of this project's own models
NAME.own.raw    the same without normalisation (some)

With --spoken also spoken.opus, for the tests of the decoder and the segmenter: three sentences of
espeak-ng, a second of silence before each and after the last, mono, 16 kbit/s (needs espeak-ng and
ffmpeg; their versions change its bytes).

A tensor is absent where the reference has no answer: below 400 samples there is no w2v frame, one
frame alone normalises to NaN there, and below 201 samples Whisper's mirror fails.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import save_file
from transformers import SeamlessM4TFeatureExtractor, WhisperFeatureExtractor

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "training"))
import mel  # noqa: E402

RATE = 16000
SENTENCES = ("the front left wheel of the small red car is turning",
             "nine hundred ninety seven birds are above a yellow house",
             "stop, then go up and to the right of the center")


def to_i16(x):
    return np.clip(np.round(np.asarray(x) * 32767), -32768, 32767).astype(np.int16)


def vowels(n, rng):
    """A buzz of falling pitch through two moving resonances, over a little noise."""
    t = np.arange(n) / RATE
    pitch = 140 - 40 * t / t[-1]
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    x = np.zeros(n)
    for k in range(1, 40):
        f = k * pitch
        weight = np.exp(-((f - 600 - 300 * np.sin(7 * t)) / 250) ** 2)
        weight += 0.4 * np.exp(-((f - 1800 + 500 * np.sin(5 * t)) / 350) ** 2)
        x += (weight + 0.01) * np.sin(k * phase) * (f < 7500)
    return 0.15 * x * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t)) + 0.006 * rng.standard_normal(n)


def sounds():
    rng = np.random.default_rng(20240731)
    noise = 0.05 * rng.standard_normal(8000)
    t = np.arange(6400) / RATE
    out = {f"noise{n}": noise[:n] for n in (200, 201, 399, 400, 401, 559, 560)}
    out["noise8000"] = noise
    out["speech"] = vowels(12345, rng)
    out["quiet"] = vowels(6000, rng) * 0.003
    out["sweep"] = 0.5 * np.sin(2 * np.pi * (50 * t + (7900 - 50) / (2 * t[-1]) * t * t))
    out["tone"] = 0.5 * np.sin(2 * np.pi * 1000 * t[:4000])
    out["impulse"] = np.eye(1, 2400, 1000)[0]
    out["silence"] = np.zeros(3000)
    out["offset"] = np.full(2000, 0.25)
    out["square"] = np.sign(np.sin(2 * np.pi * 300 * t[:3000]))
    return {name: to_i16(x) for name, x in out.items()}


def reference(name, samples, w2v, whispers):
    x = samples.astype(np.float32) / 32768
    out = {name: samples}
    frames = mel.n_frames(len(x))
    if frames > 0:
        raw = w2v._extract_fbank_features(x)
        if frames == 1 or name in ("tone", "speech"):
            out[f"{name}.w2v.raw"] = np.ascontiguousarray(raw.astype(np.float32))
            out[f"{name}.own.raw"] = mel.log_mel_raw(x)
        out[f"{name}.own"] = mel.log_mel(x)
    if frames > 1:
        rows = w2v(x, sampling_rate=RATE, return_tensors="np")["input_features"][0]
        rows = rows.astype(np.float32)
        if name == "noise8000":
            out[f"{name}.w2v.rows"] = rows
        out[f"{name}.w2v"] = np.ascontiguousarray(rows.reshape(-1, 80)[:frames])
    for bins, extractor in whispers.items():
        if len(x) > 200 and (bins == 80 or name in ("noise201", "noise8000", "speech", "tone")):
            y = extractor(x, sampling_rate=RATE, padding=False, return_tensors="np")
            y = y["input_features"][0]
            out[f"{name}.whisper{bins}"] = np.ascontiguousarray(y.T.astype(np.float32))
    return out


def write_spoken(path):
    with tempfile.TemporaryDirectory() as folder:
        inputs, graph = [], ""
        for i, text in enumerate(SENTENCES):
            wav = f"{folder}/{i}.wav"
            subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-w", wav, text], check=True)
            inputs += ["-i", wav]
            graph += f"[{i}]silenceremove=start_periods=1:start_threshold=-60dB,adelay=1000[s{i}];"
        graph += "".join(f"[s{i}]" for i in range(len(SENTENCES)))
        graph += f"concat=n={len(SENTENCES)}:v=0:a=1,apad=pad_dur=1,aresample=48000"
        codec = ["-ac", "1", "-c:a", "libopus", "-b:a", "16k", "-fflags", "+bitexact"]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", graph, *codec,
                        "-map_metadata", "-1", str(path)], check=True)
    path.chmod(0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "tests/fixtures/speech")
    parser.add_argument("--spoken", action="store_true", help="write spoken.opus as well")
    args = parser.parse_args()
    out = args.out
    w2v = SeamlessM4TFeatureExtractor(padding_value=1.0)
    whispers = {bins: WhisperFeatureExtractor(feature_size=bins) for bins in (80, 128)}
    tensors = {}
    for name, samples in sounds().items():
        tensors.update(reference(name, samples, w2v, whispers))
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "features.safetensors")
    (out / "features.safetensors").chmod(0o644)
    if args.spoken:
        write_spoken(out / "spoken.opus")


if __name__ == "__main__":
    main()
