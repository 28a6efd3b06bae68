# SPDX-License-Identifier: Apache-2.0
"""What the voice is measured on, as WAV files of 16 kHz in $WEFT_VOICE/test; made once.

seen         sentences that training never says, by every synthesiser of the training
held out     the same by two synthesisers that training never uses
people       LibriVox readers and card players (pocketsphinx-testdata), tuxpaint's other descriptions, asterisk's digits/,
             speakers' names of alsa-utils
nothing      noises of tuxpaint's stamps, chords, coloured noise, silence: every word is wrong
"""
import gzip
import random
import re
from pathlib import Path

import numpy as np

import places
import speech_voices as V
from common import write_bytes
from eval_speech import PLACES, write_wav
from speakers import RATE, chord, decode, stamp_descriptions, stamp_noises, tidy
from speech_augment import colour
from texts import held_out

SPHINX = Path("/usr/share/pocketsphinx/test/data")
UNSAID = ("a-m", "p-m")         # letters, which nobody writes in one way


def folder(name):
    path = places.workdir() / "test" / re.sub(r"[^a-z0-9]+", "-", name.lower())
    path.mkdir(parents=True, exist_ok=True)
    return path


def kept(name, items):
    """[(path, text)] of (text, function that gives int16 samples); files that are there stay."""
    out = []
    for i, (text, make) in enumerate(items):
        path = folder(name) / f"{i:03d}.wav"
        if not path.exists():
            write_wav(path, make())
        out.append((path, text))
    return out


def spoken(name, speak, texts):
    """Sentences by one engine, which speaks all of them at once; again where the sentences are others than before."""
    paths = [folder(name) / f"{i:03d}.wav" for i in range(len(texts))]
    said, lines = folder(name) / "said.txt", "\n".join(texts)
    if not said.exists() or said.read_text() != lines:
        said.unlink(missing_ok=True)        # whoever is stopped here begins again
        for path, (_, samples, rate) in zip(paths, speak(texts, random.Random(f"{places.SEED} test {name}"))):
            write_wav(path, np.pad(tidy(samples, rate), 3200))
        write_bytes(said, lines)
    return list(zip(paths, texts))


def transcribed(kind):
    """(text, path) of a folder of pocketsphinx-testdata."""
    path = next((SPHINX / kind).glob("*transcription"))
    for line in path.read_text().splitlines():
        text, name = re.fullmatch(r"<s>(.*)</s> \((.*)\)", line).groups()
        yield text.strip(), SPHINX / kind / f"{name}.wav"


def digits():
    for line in gzip.open(V.SCRIPT, "rt", errors="replace"):
        name, _, text = line.strip().partition(":")
        path = V.SOUNDS / f"{name}.wav"
        if name.startswith("digits/") and path.stem not in UNSAID and path.exists():
            yield text.strip().replace("fourtieth", "fortieth"), path


def files(name, items):
    return kept(name, [(t, lambda p=p: np.pad(tidy(decode(p), RATE), 3200)) for t, p in items])


def nothing():
    rng, gen = random.Random(f"{places.SEED} nothing"), np.random.default_rng(places.SEED)
    made = [("", lambda p=p: tidy(decode(p)[:6 * RATE], RATE)) for p in stamp_noises(tests=True)[:40]]
    made += [("", lambda: tidy(chord(rng), RATE)) for _ in range(10)]
    made += [("", lambda: tidy(colour(3 * RATE, rng, gen), RATE)) for _ in range(10)]
    return made + [("", lambda: np.zeros(2 * RATE, np.int16))]


def sets(count):
    """Name -> [(path, text)]."""
    lines = [t for t in (places.workdir() / "texts.txt").read_text().splitlines() if held_out(t)]
    names = [f"seen, {n}" for n in V.ENGINES] + [f"held out, {v}" for v in V.HELD_OUT]
    out = {}
    for n, name in enumerate(names):
        kind, _, who = name.partition(", ")
        speak = V.ENGINES[who] if kind == "seen" else lambda t, r, v=who: V.speak_held_out(v, t, r)
        out[name] = spoken(name, speak, lines[n * count:(n + 1) * count])
    out["people, LibriVox"] = files("librivox", transcribed("librivox"))
    out["people, cards"] = files("cards", transcribed("cards"))
    out["people, tuxpaint"] = files("tuxpaint", stamp_descriptions(tests=True))
    out["people, asterisk digits"] = files("digits", digits())
    out["people, alsa"] = files("alsa", [(p.stem.replace("_", " "), p) for p in sorted(PLACES.glob("*_*.wav"))])
    out["nothing"] = kept("nothing", nothing())
    return out
