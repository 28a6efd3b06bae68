# SPDX-License-Identifier: Apache-2.0
"""Connectionist temporal classification (CTC, Graves et al. 2006) of a projector's rows over letters.

Each row has several places for letters, one after another, so that letters come at up to 50 a second while rows for the core stay
few. Letters say what a word sounds like that was never heard before; what words they are is found by spell.py.
"""
import torch
from torch import nn
from torch.nn import functional as F

from texts import plain

LETTERS = " abcdefghijklmnopqrstuvwxyz'"
SCORES = len(LETTERS) + 1       # of a place; the first is the blank
PLACES = 4                      # in a row
OF_NOTHING = 6                  # letters that a sound without a word counts for


class Hearing(nn.Module):
    def __init__(self, projector):
        super().__init__()
        self.projector = projector

    def scores(self, rows, lengths):
        """Log odds of the blank and of all letters: rows [b, n * stack, 384] -> [b, n * PLACES, SCORES]."""
        return self.projector(rows, lengths).float().unflatten(-1, (PLACES, SCORES)).flatten(1, 2).log_softmax(-1)


def written(scores):
    """The likeliest path of [places, SCORES], repeats and blanks left out."""
    path = scores.argmax(-1).tolist()
    return "".join(LETTERS[k - 1] for n, k in enumerate(path) if k and (n == 0 or k != path[n - 1]))


def target(text):
    return [LETTERS.index(c) + 1 for c in plain(text)]


def loss(scores, lengths, texts):
    """Mean loss a letter; what cannot be aligned counts nothing. lengths: of the sounds, in rows. A sound without a word counts as a short word."""
    targets = [target(t) for t in texts]
    sizes = torch.tensor([len(t) for t in targets])
    flat = torch.tensor([i for t in targets for i in t], dtype=torch.long)
    lost = F.ctc_loss(scores.transpose(0, 1), flat, lengths * PLACES, sizes, 0, "none", zero_infinity=True)
    return (lost / sizes.where(sizes > 0, OF_NOTHING)).mean()
