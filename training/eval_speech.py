# SPDX-License-Identifier: Apache-2.0
"""Score the demo's hearing through the program: sound files, `weft transcribe` on them, errors counted.

    python eval_speech.py [--count 200] [--weft ../build/weft] [--engine weft|torch|ctc]
Sets: every synthesiser of training ("seen"), the two held-out voices, all with sentences that training never
says (speech_text.held_out); 29 recorded numbers of asterisk-core-sounds-en-wav; eight recorded directions of
alsa-utils (/usr/share/sounds/alsa), whose speakers are not in the corpus.
Word error rate: substitutions, insertions and deletions over words said; a hyphen is a space.
Files are made once, in $WEFT_TRAINING/speech/test. torch: the last checkpoint of train_speech.py without the
program; ctc: the soft tokens' own best path (stage 4), without the text core.
"""
import argparse
import os
import random
import subprocess
import wave
from collections import defaultdict
from pathlib import Path

import sentences as S
import speech_voices as V
from common import ROOT
from eval_vision import interval
from mel import RATE
from speech_corpus import folder, tidy
from speech_text import plain, test_sentences

NUMBERS = [*range(21), *range(30, 100, 10), "hundred"]
PLACES = Path("/usr/share/sounds/alsa")


def errors(said, heard):
    """Least edits from one list of words to another."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def write_wav(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    tmp = path.with_suffix(".tmp")
    with wave.open(str(tmp), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(samples.tobytes())
    tmp.rename(path)


def synthetic(name, count, speak):
    """[(path, sentence)] of one voice or engine, spoken where the files are not there."""
    texts = [t for _, t in test_sentences(count, name)]
    paths = [folder() / "test" / name.replace(" ", "-") / f"{i:03d}.wav" for i in range(count)]
    if not all(p.exists() for p in paths):
        for path, (_, samples, rate) in zip(paths, speak(texts, random.Random(f"test voice {name}"))):
            write_wav(path, tidy(samples, rate))
    return list(zip(paths, texts))


def people():
    numbers = [(V.SOUNDS / "digits" / f"{n}.wav", n if isinstance(n, str) else S.number_words(n)) for n in NUMBERS]
    places = [(p, p.stem.replace("_", " ").lower()) for p in sorted(PLACES.glob("*_*.wav"))]
    return {"29 numbers, a person": numbers, "directions, people": places}


def sets(count):
    """Name -> [(path, sentence)]."""
    out = {f"seen, {n}": synthetic(n, count, e) for n, e in V.ENGINES.items()}
    out |= {f"held out, {v}": synthetic(v, count, lambda t, r, v=v: V.speak_held_out(v, t, r)) for v in V.HELD_OUT}
    return out | people()


def without_own_settings():
    """The environment without WEFT_TRAINING, which the program would take for one of its options."""
    return {k: v for k, v in os.environ.items() if k != "WEFT_TRAINING"}


def ask_weft(program, paths, config):
    """path -> text, by one run of the program; the parts of a recording joined."""
    command = [program, "transcribe", "-q", *(["--config", config] if config else []), *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=without_own_settings())
    out = defaultdict(list)
    for line in done.stdout.splitlines():
        path, _, text = line.partition("\t")
        out[Path(path)].append(text)
    return {p: " ".join(t) for p, t in out.items()}


def ask(args, paths):
    if args.engine == "weft":
        return ask_weft(args.weft, paths, args.config)
    from greedy_speech import hear_files
    return hear_files(paths, args.engine)


def score(name, pairs, show):
    """One line: words wrong, whole sentences right. pairs: (said, heard)."""
    wrong = words = whole = 0
    for said, heard in ((plain(a), plain(b)) for a, b in pairs):
        edits = errors(said, heard)
        wrong, words, whole = wrong + edits, words + len(said), whole + (edits == 0)
        if edits and show > 0:
            show -= 1
            print(f"    said:  {' '.join(said)}\n    heard: {' '.join(heard)}")
    print(f"{name:40s} {wrong:5d} of {words:5d} words wrong, {100 * wrong / max(1, words):5.1f} %; "
          f"{whole} of {len(pairs)} whole", flush=True)
    return wrong, words


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--count", type=int, default=200, help="sentences for each engine and held-out voice")
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args.add_argument("--config", default="")
    args.add_argument("--engine", choices=["weft", "torch", "ctc"], default="weft")
    args.add_argument("--show", type=int, default=0, help="wrong answers to print, for each set")
    args = args.parse_args()
    todo = sets(args.count)
    heard = ask(args, [p for pairs in todo.values() for p, _ in pairs])
    totals = defaultdict(lambda: [0, 0])
    for name, pairs in todo.items():
        wrong, words = score(name, [(text, heard.get(path, "")) for path, text in pairs], args.show)
        total = totals[name.split(",")[0]]
        total[0], total[1] = total[0] + wrong, total[1] + words
    for kind in ("seen", "held out"):
        wrong, words = totals[kind]
        low, high = interval(wrong, words)
        print(f"all of {kind}: {100 * wrong / max(1, words):.1f} % of words wrong ({100 * low:.1f} to {100 * high:.1f})")


if __name__ == "__main__":
    main()
