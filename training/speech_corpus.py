# SPDX-License-Identifier: Apache-2.0
"""Synthesise the clean corpus: $WEFT_TRAINING/speech/clean-NNNN.npz, 16 kHz int16, whole or absent.

Shard n is one engine's (in turn) and a function of its number, so the script may be stopped, started again
and run several times at once (each takes the shards of its own remainder).

    nice -n 19 python speech_corpus.py [--shards 60] [--part 0/1]
"""
import argparse
import fcntl
import os
import random
import time

import numpy as np
from scipy.signal import resample_poly

import speech_text
import speech_voices as V
from common import SEED, workdir
from mel import RATE

ORDER = ["espeak", "flite", "hibari", "espeak", "piper", "flite", "espeak", "festival", "hibari", "espeak"]
PER_SHARD = 240


def folder():
    path = workdir() / "speech"
    path.mkdir(exist_ok=True)
    return path


def alone(name):
    """A lock to be kept: a second start of the same work waits, and then finds it done."""
    lock = open(folder() / f"{name}.lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def tidy(samples, rate):
    """16 kHz, edges below 1 % of the peak cut to 30 ms, peak 0.5, int16."""
    x = np.asarray(samples, np.float32)
    if rate != RATE:
        g = np.gcd(rate, RATE)
        x = resample_poly(x, RATE // g, rate // g).astype(np.float32)
    peak = np.abs(x).max() if len(x) else 0.0
    if peak == 0.0:
        return np.zeros(0, np.int16)
    loud = np.flatnonzero(np.abs(x) > 0.01 * peak)
    x = x[max(0, loud[0] - 480):loud[-1] + 480]
    return (x * (0.5 * 32767 / peak)).astype(np.int16)


def write_shard(path, rows):
    """rows: (voice, text, int16 samples); empty sounds are left out."""
    rows = [r for r in rows if len(r[2]) >= 1600]
    tmp = path.with_suffix(f".{os.getpid()}.tmp")
    with open(tmp, "wb") as f:
        np.savez(f, voices=np.array([r[0] for r in rows]), texts=np.array([r[1] for r in rows]),
                 ends=np.cumsum([len(r[2]) for r in rows]), samples=np.concatenate([r[2] for r in rows]))
    os.replace(tmp, path)


def read_shard(path):
    """The same rows."""
    with np.load(path) as z:
        samples, ends = z["samples"], z["ends"]
        starts = [0, *ends[:-1]]
        return [(str(v), str(t), samples[a:b]) for v, t, a, b in zip(z["voices"], z["texts"], starts, ends)]


def synthetic(n):
    rng = random.Random(f"{SEED} shard {n}")
    texts = [speech_text.training_sentence(rng) for _ in range(PER_SHARD)]
    said = V.ENGINES[ORDER[n % len(ORDER)]](texts, rng)
    return [(voice, text, tidy(samples, rate)) for text, (voice, samples, rate) in zip(texts, said)]


def person():
    return [(V.PERSON, text, tidy(*V.read_wav(path))) for text, path in V.person_lines()]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--shards", type=int, default=60)
    args.add_argument("--part", default="0/1", help="k/n: the shards with number k modulo n")
    args = args.parse_args()
    part, parts = map(int, args.part.split("/"))
    lock = alone(f"clean-{part}-of-{parts}")   # noqa: F841
    if part == 0 and not (folder() / "clean-person.npz").exists():
        write_shard(folder() / "clean-person.npz", person())
    for n in range(part, args.shards, parts):
        path = folder() / f"clean-{n:04d}.npz"
        if path.exists():
            continue
        started = time.time()
        rows = synthetic(n)
        write_shard(path, rows)
        seconds = sum(len(r[2]) for r in rows) / RATE
        print(f"{path.name} {ORDER[n % len(ORDER)]}: {seconds:.0f} s of speech in {time.time() - started:.0f} s",
              flush=True)


if __name__ == "__main__":
    main()
