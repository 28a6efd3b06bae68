# SPDX-License-Identifier: Apache-2.0
"""Batches of heard sentences: views of the corpus, made worse anew each time, as rows for the encoder."""
import random
import subprocess
from functools import cache

import numpy as np
import torch

import sentences as S
from common import SEED
from mel import normalise
from speech_augment import hide, worsen
from speech_corpus import folder
from speech_model import STACK
from speech_text import plain, words
from speech_voices import PERSON

LONGEST = 1200          # frames of a sentence; longer ones are left out
PERSON_SHARE = 4        # how often the one person's sentences come for once of the others'
DIGITS_SHARE = 2        # and strings of digits: the text core loses its place where one comes twice
SHORT_SHARE = 5         # and one or two words alone, which a person's voice makes the hardest
# Phones: espeak's IPA without stress and length, diphthongs and affricates as one sign.
ONE_SIGN = [("aɪ", "A"), ("eɪ", "E"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("tʃ", "C"), ("dʒ", "J"),
            ("ɐ", "ə"), ("ᵻ", "ɪ"), ("ɾ", "t"), ("ɚ", "ɜ"), ("o", "ɔ"), ("ɑ", "a"), ("r", "ɹ"), ("e", "ɛ")]
PHONES = "AEOWYCJəɪɜɔaɛiuʊʌæpbtdkɡfvθðszʃʒhmnŋlɹjw"


def share(voice, text):
    """How often a sentence is drawn."""
    words = text.split()
    kind = SHORT_SHARE if len(words) < 3 else 1 if set(words) - set(S.ONES[:10]) else DIGITS_SHARE
    return (PERSON_SHARE if voice == PERSON else 1) * kind


class Corpus:
    """All views that are there; `refresh` looks for more. known: only sentences of words.txt's words, no letters."""

    def __init__(self, known=False):
        self.seen, self.items, self.known = set(), [], {w for w in words() if len(w) > 1 or w == "a"} if known else None
        self.refresh()

    def refresh(self):
        """items: (frames [n, 80] f16, text, how often it is drawn)"""
        for path in sorted(folder().glob("view-*.npz")):
            if path.name in self.seen:
                continue
            self.seen.add(path.name)
            with np.load(path) as z:
                frames, ends, texts, voices = z["frames"], z["ends"], z["texts"], z["voices"]
            for a, b, text, voice in zip([0, *ends[:-1]], ends, texts, voices):
                if b - a <= LONGEST and text.strip() and text != "a" and (
                        self.known is None or self.known.issuperset(plain(text))):
                    self.items.append((frames[a:b], str(text), share(str(voice), str(text))))

    def batches(self, step, rows, pool=768):
        """Batches of about so many rows, like lengths together; a function of the step and what is there."""
        rng = random.Random(f"{SEED} speech {step}")
        gen = np.random.default_rng(rng.randrange(1 << 30))
        drawn = rng.choices(self.items, [i[2] for i in self.items], k=pool)
        made = sorted(((hide(normalise(worsen(f, rng, gen)), rng), t) for f, t, _ in drawn), key=lambda m: len(m[0]))
        groups, group = [], []
        for frames, text in made:
            if group and (len(group) + 1) * (len(frames) // STACK + 1) > rows:
                groups.append(group)
                group = []
            group.append((frames, text))
        groups.append(group)
        rng.shuffle(groups)
        return [(*pad([f for f, _ in g]), [t for _, t in g]) for g in groups]


def pad(frames):
    """Rows [b, most, 320] f32 and how many are real."""
    lengths = torch.tensor([-(-len(f) // STACK) for f in frames])
    rows = np.zeros((len(frames), int(lengths.max()) * STACK, frames[0].shape[1]), np.float32)
    for row, f in zip(rows, frames):
        row[:len(f)] = f
    return torch.from_numpy(rows).view(len(frames), -1, STACK * rows.shape[-1]), lengths


@cache
def word_phones(word):
    """A word's phones in American English by espeak-ng, as indices into PHONES."""
    said = {"a": "ə", "the": "ðə"}.get(word)
    if said is None:
        said = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", "en-us", "--", word], capture_output=True, text=True,
                              check=True).stdout
    for many, one in ONE_SIGN:
        said = said.replace(many, one)
    return [PHONES.index(c) for c in said if c in PHONES]


def phones(text):
    return [p for w in text.replace("-", " ").split() for p in word_phones(w)]
