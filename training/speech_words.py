# SPDX-License-Identifier: Apache-2.0
"""The person's numbers and directions alone, cut out of her sentences: $WEFT_TRAINING/speech/clean-person-words.npz.

Stage 4 aligns the phones of what is written with what is said (the best path of its connectionist temporal
classification), and a word is what lies between the middles of the gaps to its neighbours. Short single words by
a person are the hardest to hear, and no synthesiser says them as she does.

    python speech_words.py      after train_ctc.py
"""
import argparse

import numpy as np
import torch

import speech_voices as V
from greedy_speech import trained_hearing
from mel import HOP, RATE, log_mel, resample
from sentences import ONES, ORDERS, PLACES, SIDES, TENS
from speech_corpus import folder, tidy, write_shard
from speech_data import pad, word_phones
from speech_model import STACK

WORDS = {*ONES, *TENS, "hundred", *PLACES, *SIDES, *ORDERS}
ROW = STACK * HOP               # samples of an encoder's row
BEFORE, BEHIND = 3, 5           # rows kept at most around a word's first and last phone
LEAST = -2.0                    # mean logarithm of the odds of a word's phones
LONGEST, SHORTEST = 9, 3        # seconds of a part that is encoded at once


def parts(x):
    """Ends of parts of at most LONGEST seconds, each at the quietest spot there is, on whole rows."""
    quiet = np.convolve(np.square(x), np.ones(RATE // 5), "same")
    at = [0]
    while len(x) - at[-1] > LONGEST * RATE:
        window = quiet[at[-1] + SHORTEST * RATE:at[-1] + LONGEST * RATE]
        at.append((at[-1] + SHORTEST * RATE + int(window.argmin())) // ROW * ROW)
    return [*at[1:], len(x)]


@torch.no_grad()
def phone_odds(model, x):
    """Logarithms of the phones' odds [rows, phones + 1] of a recording of any length."""
    out, begin = [], 0
    for end in parts(x):
        frames, n = pad([log_mel(x[begin:end])])
        whole = (end - begin) // ROW
        out.append(model.phones(model.speech(frames, n)[0])[0].float().log_softmax(-1)[:whole].numpy())
        begin = end
    return np.concatenate(out)


def align(odds, targets):
    """First and last row of each target on the best path of all; None where there are too few rows."""
    states = np.full(2 * len(targets) + 1, odds.shape[1] - 1)
    states[1::2] = targets
    skip = np.zeros(len(states), bool)
    skip[3::2] = states[3::2] != states[1:-2:2]
    best, back = np.full(len(states), -np.inf), np.zeros((len(odds), len(states)), int)
    best[:2] = odds[0, states[:2]]
    for t in range(1, len(odds)):
        one = np.concatenate([[-np.inf], best[:-1]])
        two = np.where(skip, np.concatenate([[-np.inf] * 2, best[:-2]]), -np.inf)
        choices = np.stack([best, one, two])
        back[t] = choices.argmax(0)
        best = choices.max(0) + odds[t, states]
    at = len(states) - 1 - int(best[-1] < best[-2])
    if not np.isfinite(best[at]):
        return None
    spans = [[len(odds), -1] for _ in targets]
    for t in range(len(odds) - 1, -1, -1):
        if at % 2:
            spans[at // 2] = [t, max(t, spans[at // 2][1])]
        at -= back[t][at]
    return spans


def words_of(model, text, x):
    """(word, samples) of the WORDS in one recording."""
    said = text.replace("-", " ").split()
    sounds = [word_phones(w) for w in said]
    odds = phone_odds(model, x)
    spans = align(odds, [p for s in sounds for p in s])
    if spans is None:
        return
    ends = np.cumsum([len(s) for s in sounds])
    rows = [(spans[e - len(s)][0], spans[e - 1][1]) if s else None for s, e in zip(sounds, ends)]
    for i, word in enumerate(said):
        if word not in WORDS or not rows[i]:
            continue
        sure = np.mean([odds[a:b + 1, p].max() for (a, b), p in zip(spans[ends[i] - len(sounds[i]):], sounds[i])])
        first, last = rows[i]
        before = next((r[1] for r in reversed(rows[:i]) if r), 0)
        behind = next((r[0] for r in rows[i + 1:] if r), len(odds))
        begin = max((before + 1 + first) / 2, first - BEFORE)
        end = min((last + 1 + behind) / 2, last + 1 + BEHIND)
        if sure > LEAST:
            yield word, x[int(begin * ROW):int(end * ROW)]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    path = folder() / "clean-person-words.npz"
    if path.exists():
        return
    model, rows = trained_hearing("ctc"), []
    for text, sound in V.person_lines(longest=2000):
        x = resample(*V.read_wav(sound)).astype(np.float32)
        rows += [(V.PERSON, word, tidy(piece, RATE)) for word, piece in words_of(model, text, x)]
    write_shard(path, rows)
    print(f"{path.name}: {len(rows)} words, {sum(len(r[2]) for r in rows) / RATE:.0f} s of speech")


if __name__ == "__main__":
    main()
