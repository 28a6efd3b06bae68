# SPDX-License-Identifier: Apache-2.0
"""What the segmenters let through, in words: `weft transcribe` of the demo behind weft.segmenter and behind weft.silero.

    python eval_segments.py --silero DIR [--sentences 60] [--weft ../build/weft] [--markdown]
DIR is what tools/fetch_silero.py made. First 60 s each of sounds in which nobody speaks: every word that is written down
is invented. Then sentences that the demo knows and that training never says (speech_text.held_out), ten to a recording
with 1.5 s between them: alone, softer, under noise, hum and music, and under a second voice that begins other sentences at
the same times and is cut off where the first one ends, so that pauses stay pauses.
Words are aligned with what was said: missed, another one, invented. "cut by hand": each sentence is a file of its own,
which is the transcriber's part of the errors. Voices are espeak-ng's (the one) and flite's (the other); everything else
is computed with fixed seeds. Files are made in a folder that is removed. Levels are those of root mean squares.
"""
import argparse
import json
import os
import random
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from speech_text import plain, test_sentences

ROOT = Path(__file__).resolve().parent.parent
RATE, SECONDS, EACH = 16000, 60, 10
PAUSE_S, LEVEL = 1.5, 0.1  # -20 dB
SEGMENTERS = ("weft.segmenter", "weft.silero")


def level(x, decibels=0.0):
    rms = float(np.sqrt(np.mean(x * x)))
    return x * (LEVEL * 10 ** (decibels / 20) / rms) if rms > 0 else x


def white(n, rng):
    return rng.standard_normal(n)


def pink(n, rng):
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, n)


def hum(n, _rng):
    t = np.arange(n) / RATE
    return sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 9))


def chords(n, rng):
    """Four chords of three voices with five harmonics, and a drum every half second."""
    t, out = np.arange(n) / RATE, np.zeros(n)
    for i, root in enumerate((220.0, 174.6, 261.6, 196.0)):
        here = (t // 2).astype(int) % 4 == i
        for step in (1.0, 1.26, 1.5):
            for k in range(1, 6):
                out += here * np.sin(2 * np.pi * root * step * k * t) / k ** 1.5
    beat = t % 0.5
    return out + 3 * np.exp(-30 * beat) * rng.standard_normal(n)


def melody(n, rng):
    """Notes of 0.3 s with vibrato and ten harmonics: as much like a voice as music gets without one."""
    t = np.arange(n) / RATE
    notes = 220 * 2 ** (rng.integers(0, 13, n // int(0.3 * RATE) + 1) / 12)
    pitch = notes[(t / 0.3).astype(int)] * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return np.exp(-3 * (t % 0.3)) * sum(np.sin(k * phase) / k for k in range(1, 11))


def clicks(n, rng):
    out = np.zeros(n)
    out[rng.integers(0, n, SECONDS * 3)] = 1.0
    return out


def bursts(n, rng):
    t = np.arange(n) / RATE
    return rng.standard_normal(n) * (t % 3 < 0.4)


SOUNDS = {"white noise": (white, 0), "pink noise": (pink, 0), "mains hum": (hum, 0), "clicks": (clicks, 0),
          "bursts of noise": (bursts, 0), "quiet (white, -70 dB)": (white, -50), "chords with drums": (chords, 0),
          "a melody with vibrato": (melody, 0)}
# name -> (what lies under the speech, its level in dB, that of the speech)
UNDER = {"nothing": (None, 0, 0), "nothing, 20 dB softer": (None, 0, -20), "white noise, -20 dB": (white, -20, 0),
         "white noise, -10 dB": (white, -10, 0), "white noise, as loud": (white, 0, 0), "pink noise, -10 dB": (pink, -10, 0),
         "hum, -10 dB": (hum, -10, 0), "chords with drums, -10 dB": (chords, -10, 0),
         "chords with drums, -5 dB": (chords, -5, 0), "a second voice, -20 dB": ("voice", -20, 0),
         "a second voice, -10 dB": ("voice", -10, 0), "a second voice, -5 dB": ("voice", -5, 0),
         "a second voice, as loud": ("voice", 0, 0)}


def speak(command, text, folder):
    path = Path(folder) / "said.wav"
    subprocess.run([*command, text.replace("-", " "), *(["-o", str(path)] if command[0] == "flite" else [])],
                   check=True, stdout=subprocess.DEVNULL)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-ar", str(RATE), "-ac", "1", "-f", "f32le", "-"],
                         check=True, stdout=subprocess.PIPE).stdout
    return level(np.frombuffer(raw, np.float32).astype(np.float64))


def one_voice(text, folder):
    return speak(["espeak-ng", "-v", "en-us", "-s", "150", "-w", str(Path(folder) / "said.wav")], text, folder)


def other_voice(text, folder):
    return speak(["flite", "-voice", "slt", "-t"], text, folder)


def write(path, x):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes((np.clip(x, -1, 1) * 32767).round().astype("<i2").tobytes())
    return path


def hear(args, segmenter, paths):
    """path -> text of its parts, in one run of the program."""
    command = [args.weft, "transcribe", "-q", "--format", "json"]
    if segmenter == "weft.silero":
        command += ["--set", f"weft.silero.weights={args.silero}"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([*command, "-o", out, *map(str, paths)], check=True, env=env)
        return {p: json.loads((Path(out) / (p.stem + ".json")).read_text())["text"] for p in paths}


def align(said, heard):
    """(missed, another word, invented) of the alignment with the fewest edits."""
    rows = [[(j, 0, 0, j) for j in range(len(heard) + 1)]]  # edits, missed, other, invented
    for i, word in enumerate(said, 1):
        row = [(i, i, 0, 0)]
        for j, got in enumerate(heard, 1):
            a, b, c = rows[-1][j], rows[-1][j - 1], row[j - 1]
            same = word == got
            row.append(min((b[0] + (not same), b[1], b[2] + (not same), b[3]), (a[0] + 1, a[1] + 1, a[2], a[3]),
                           (c[0] + 1, c[1], c[2], c[3] + 1)))
        rows.append(row)
    return rows[-1][-1][1:]


def recordings(args, folder):
    """[(words, [first sample of each sentence], the one voice, the other)], ten sentences each."""
    ones = [t for _, t in test_sentences(args.sentences, "segments")]
    others = [t for _, t in test_sentences(6 * args.sentences, "segments, the other")]
    pause, out = np.zeros(int(PAUSE_S * RATE)), []
    for at in range(0, len(ones), EACH):
        parts, lies, starts, n = [pause], [pause], [], len(pause)
        for text in ones[at:at + EACH]:
            spoken, beside = one_voice(text, folder), np.zeros(0)
            while len(beside) < len(spoken):
                beside = np.concatenate([beside, other_voice(others.pop(), folder)])
            starts.append((text, n, n + len(spoken)))
            parts += [spoken, pause]
            lies += [beside[:len(spoken)], pause]
            n += len(spoken) + len(pause)
        out.append((starts, np.concatenate(parts), np.concatenate(lies)))
    return out


def mixed(one, second, under, rng):
    what, below, own = under
    if what is None:
        return one * 10 ** (own / 20)
    lies = second if what == "voice" else level(what(len(one), rng))
    return one * 10 ** (own / 20) + lies * 10 ** (below / 20)


def silence_table(args, folder):
    paths, heard = {}, {}
    for i, (name, (make, decibels)) in enumerate(SOUNDS.items()):
        x = level(make(SECONDS * RATE, np.random.default_rng(i)), decibels)
        paths[name] = write(Path(folder) / f"sound{i}.wav", x)
    for segmenter in SEGMENTERS:
        heard[segmenter] = hear(args, segmenter, list(paths.values()))
    row("60 s of", *(f"words invented behind {s}" for s in SEGMENTERS))
    row(*["---"] * 3)
    for name, path in paths.items():
        row(name, *(str(len(plain(heard[s][path]))) for s in SEGMENTERS))


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def told(edits, words):
    return ", ".join(f"{100 * e / words:.1f}" for e in edits)


def speech_table(args, folder):
    made, words = recordings(args, folder), 0
    row(f"{args.sentences} sentences over", "cut by hand", *SEGMENTERS)
    row(*["---"] * 4)
    for k, (name, under) in enumerate(UNDER.items()):
        files, hand = [], []
        for i, (starts, one, second) in enumerate(made):
            x = mixed(one, second, under, np.random.default_rng(100 * k + i))
            said = [w for text, _, _ in starts for w in plain(text)]
            files.append((write(Path(folder) / f"talk{k}-{i}.wav", x), said))
            edge = RATE // 4
            hand += [(write(Path(folder) / f"cut{k}-{i}-{j}.wav", x[a - edge:b + edge]), plain(text))
                     for j, (text, a, b) in enumerate(starts)]
        words = sum(len(said) for _, said in files)
        cells = [told(edits_of(hear(args, SEGMENTERS[0], [p for p, _ in hand]), hand), words)]
        cells += [told(edits_of(hear(args, s, [p for p, _ in files]), files), words) for s in SEGMENTERS]
        row(name, *cells)
    seconds = sum(len(one) for _, one, _ in made) / RATE
    print(f"\n{words} words in {seconds:.0f} s; of each 100 words: missed, another one, invented.")


def edits_of(heard, files):
    return np.sum([align(said, plain(heard[path])) for path, said in files], axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silero", required=True, help="directory of tools/fetch_silero.py")
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args = parser.parse_args()
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        silence_table(args, folder)
        print()
        speech_table(args, folder)


if __name__ == "__main__":
    main()
