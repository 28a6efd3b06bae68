# SPDX-License-Identifier: Apache-2.0
"""Who speaks, and what is no speech: synthesisers and people of Debian's packages and PyPI's wheels.

The synthesisers are the demo's (../speech_voices.py): espeak-ng, flite, festival, hibari and piper; its two held-out voices
are held out here too. People: asterisk's recordings (all but digits/), half of the English descriptions of tuxpaint's stamps, the words of qabcs
and ktuberling.
Nothing: the other sounds of tuxpaint's stamps, noise and chords; half of the sounds are kept for the evaluation.
"""
import random
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np

import places  # noqa: F401
import speech_voices as V
from speech_augment import RATE, colour
from speech_corpus import tidy
from texts import plain

STAMPS = Path("/usr/share/tuxpaint/stamps")
HELD_OUT = V.HELD_OUT


def speak(engine, texts, rng):
    """(voice, text, int16 at 16 kHz) of every text, by one engine."""
    said = V.ENGINES[engine](texts, rng)
    return [(voice, text, tidy(samples, rate)) for text, (voice, samples, rate) in zip(texts, said)]


def decode(path):
    """Any sound file as f32 at 16 kHz, mono."""
    raw = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-i", str(path), "-f", "s16le", "-ar", str(RATE),
                          "-ac", "1", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


def for_tests(path):
    """Which half of the stamps' sounds belongs to the evaluation."""
    return zlib.crc32(path.name.encode()) % 2 == 0


def stamp_descriptions(tests):
    """(text, path) of the half that is asked for, without the article: where "A frog." is written, "frog" is said. A few have no text."""
    for path in sorted(STAMPS.rglob("*_desc.ogg")):
        lines = path.with_name(path.name.replace("_desc.ogg", ".txt"))
        text = lines.read_text(errors="replace").split("\n")[0].strip() if lines.exists() else ""
        text = re.sub(r"^(An?|The) ", "", text)
        if text and for_tests(path) == tests:
            yield text, path


def stamp_noises(tests):
    """Animals, bells, engines: sounds without a word."""
    return [p for p in sorted(STAMPS.rglob("*.ogg")) if "_desc" not in p.name and for_tests(p) == tests]


def named_words():
    """(text, path) of the words, one or two, that two programs for children say, as far as their files are named like words of the texts."""
    share = places.workdir() / "games/usr/share"
    files = [*(share / "qabcs/abcs/en/sounds/words").glob("*.ogg"), *(share / "ktuberling/sounds/en").glob("*.ogg")]
    if not files:
        sys.exit(f"{share} has no words of qabcs and ktuberling: unpack the packages that README.md names")
    known = set(plain((places.workdir() / "texts.txt").read_text()).split())
    for path in sorted(files):
        text = path.stem.replace("_", " ") if "qabcs" in path.parts else path.stem.split("_")[-1]
        if "-" not in text and known.issuperset(plain(text).split()):
            yield text, path


def people():
    """The recordings of people that may be trained on, as rows of a shard."""
    rows = [("asterisk", text, tidy(*V.read_wav(path))) for text, path in V.person_lines()]
    rows += [("tuxpaint", text, tidy(decode(path), RATE)) for text, path in stamp_descriptions(tests=False)]
    rows += [("things", text, tidy(decode(path), RATE)) for text, path in named_words()]
    return [r for r in rows if plain(r[1])]


def chord(rng):
    """A few seconds of notes, several at a time, with overtones that die away."""
    t = np.arange(int(RATE * rng.uniform(0.3, 0.9))) / RATE
    parts = []
    for _ in range(rng.randint(3, 8)):
        y = sum(np.sin(2 * np.pi * f * k * t) / k ** 1.5 for f in (110 * 2 ** (rng.randint(0, 36) / 12)
                for _ in range(rng.randint(1, 4))) for k in range(1, 6) if f * k < 7500)
        parts.append(y * np.exp(-t * rng.uniform(0, 6)))
    return np.concatenate(parts).astype(np.float32)


def nothing(count, seed):
    """Sounds in which nobody speaks, with an empty text."""
    rng, rows = random.Random(seed), []
    gen = np.random.default_rng(rng.randrange(1 << 30))
    for path in stamp_noises(tests=False):
        rows.append(("noise", "", tidy(decode(path)[:6 * RATE], RATE)))
    while len(rows) < count:
        y = chord(rng) if rng.random() < 0.4 else colour(int(RATE * rng.uniform(0.5, 5)), rng, gen)
        rows.append(("noise", "", tidy(y, RATE)))
    return [r for r in rows if len(r[2])][:count]
