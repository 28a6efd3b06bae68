# SPDX-License-Identifier: Apache-2.0
"""A word or a few, cut out of longer recordings at their pauses: people and actors seldom say a single word, and single words are the hardest
to hear. Where the words of a recording lie is asked of a projector that was trained before (models/voice), by the likeliest path of its letters
that spells the text.
"""
import numpy as np
import torch

import data
import ends
import train_ctc
from hearing import target
from texts import plain

PLACE = ends.PER_ROW            # samples a place of a letter: as many as a row of the encoder
WINDOW, QUIET, PAUSE = 160, -30, 8      # samples whose loudness is one; dB below the loud ones; how many of them are a pause
SLACK = 3                       # places by which a letter may come early or late
MOST, SHORTEST = 4, ends.RATE // 3      # words, samples


def path(scores, letters):
    """The place of each letter on the likeliest path of log odds [places, letters] that spells them."""
    states = np.zeros(2 * len(letters) + 1, int)
    states[1::2] = letters
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    best, back = np.full(len(states), -np.inf), np.zeros((len(scores), len(states)), np.int8)
    best[0] = 0
    for at, row in zip(back, scores):
        ways = np.stack([best, np.r_[-np.inf, best[:-1]], np.where(may_skip, np.r_[[-np.inf] * 2, best[:-2]], -np.inf)])
        at[:] = ways.argmax(0)
        best = ways.max(0) + row[states]
    state, found = len(states) - 1 - (best[-2] > best[-1]), np.zeros(len(states), int)
    for n in range(len(scores) - 1, -1, -1):
        found[state] = n
        state -= back[n, state]
    return found[1::2]


def pauses(samples):
    """The middles of all pauses, in samples."""
    loud = np.square(samples[:len(samples) // WINDOW * WINDOW].astype(np.float64)).reshape(-1, WINDOW).mean(1)
    quiet = np.r_[False, loud < np.percentile(loud, 95) * 10 ** (QUIET / 10), False].astype(int)
    begins, stops = (np.flatnonzero(np.diff(quiet) == step) for step in (1, -1))
    return [(a + b) // 2 * WINDOW for a, b in zip(begins, stops) if b - a >= PAUSE]


def cuts(text, at, quiet):
    """[(number of the word that ends there, sample)] of words between which there is one pause and no other; at: the places of letters."""
    words, first, out = plain(text).split(), 0, []
    for n, word in enumerate(words[:-1]):
        before, behind = at[first + len(word) - 1] - SLACK, at[first + len(word) + 1] + SLACK
        inside = [p for p in quiet if before * PLACE <= p <= behind * PLACE]
        out += [(n + 1, inside[0])] if len(inside) == 1 else []
        first += len(word) + 1
    return out


class Cutter:
    def __init__(self, encoder):
        self.encoder, self.net = encoder, train_ctc.shipped()[0]

    @torch.inference_mode()
    def __call__(self, text, samples):
        """[(text, samples)] of the pieces of a few words; samples: int16."""
        words, quiet = plain(text).split(), pauses(samples) if len(samples) >= SHORTEST else []
        if len(words) < 2 or not quiet:
            return []
        rows, lengths = data.pad([self.encoder(samples.astype(np.float32) / 32768)], self.net.projector.stack)
        scores = self.net.scores(rows, lengths)[0].numpy()
        if len(scores) <= 2 * len(plain(text)):      # a path needs a blank between equal letters
            return []
        ends_at = [(0, 0), *cuts(text, path(scores, target(text)), quiet), (len(words), len(samples))]
        made = [(" ".join(words[a:b]), samples[x:y]) for (a, x), (b, y) in zip(ends_at, ends_at[1:])]
        return [(t, s) for t, s in made if len(made) > 1 and len(t.split()) <= MOST and len(s) >= SHORTEST]
