# SPDX-License-Identifier: Apache-2.0
"""Connectionist temporal classification of a projector's rows against the core's own embedding table.

A row z stands for token k with the odds exp(-t/2 |z - e_k|^2), e_k the core's embedding of k; blank is one token too, the line feed,
which no sentence has. The odds say which embedding is the nearest, and not how near it is: rows grow to eighteen times the
embeddings' length, and the core cannot read them. What it is given are the embeddings along the likeliest path, repeats and
blanks left out, behind a text that fills the rows which are left (`shown`). Only the tokens of units.py take part.

Letters are taught beside them, by a layer that the exported model lacks, with several places for letters in each row. They say
what a rare word sounds like long before its tokens have been heard often enough.
"""
import torch
from torch import nn
from torch.nn import functional as F

import ends
from texts import plain
from units import target, units

LETTERS = " abcdefghijklmnopqrstuvwxyz'"
BLANK = "\n"


class Hearing(nn.Module):
    def __init__(self, projector, table):
        """table: the core's embeddings [49152, 576]."""
        super().__init__()
        self.projector = projector
        self.ids = ends.ids(BLANK) + sorted(i for i, _ in units().values())
        self.place = {k: n for n, k in enumerate(self.ids)}
        self.register_buffer("table", table[self.ids], persistent=False)
        self.log_t = nn.Parameter(torch.tensor(-0.7))
        self.places = (projector.stack + 1) // 2    # for letters in each row: 25 a second
        self.letters = nn.Linear(projector.last_width(), self.places * (len(LETTERS) + 1))

    def scores(self, z):
        """Log odds of all units, blank first: z [b, n, 576] -> [b, n, 1 + units]."""
        flat, e = z.flatten(0, 1), self.table
        dots = (flat.to(ends.FAST) @ e.to(ends.FAST).T).float() if self.training else flat @ e.T
        return (self.log_t.exp() * (dots - e.square().sum(1) / 2)).unflatten(0, z.shape[:2])

    def kept(self, z):
        """The likeliest path of z [n, 576], repeats and blanks left out: (rows, units)."""
        path = self.scores(z[None])[0].argmax(-1).tolist()
        rows = [n for n, k in enumerate(path) if k and (n == 0 or k != path[n - 1])]
        return rows, [path[n] for n in rows]

    def best(self, z):
        """The same as token ids."""
        return [self.ids[k] for k in self.kept(z)[1]]

    def shown(self, z, before):
        """What the core is given of z [n, 576]: as many rows, before(k) being those of k that nothing was heard in. They are its own
        embeddings, and the gradient goes to the mean embedding under the odds of each row that was kept."""
        rows, kept = self.kept(z)
        said = self.table[kept]
        if z.requires_grad and rows:
            mean = self.scores(z[None, rows])[0].softmax(-1) @ self.table
            said = said + mean - mean.detach()
        return torch.cat([before(len(z) - len(rows)), said])


def ctc(scores, lengths, targets):
    """Mean loss per target, blank 0; what cannot be aligned counts nothing."""
    sizes = torch.tensor([len(t) for t in targets])
    flat = torch.tensor([i for t in targets for i in t], dtype=torch.long)
    loss = F.ctc_loss(scores.log_softmax(-1).transpose(0, 1), flat, lengths, sizes, 0, "none", zero_infinity=True)
    return (loss / sizes.clamp(min=1)).mean()


def token_loss(model, z, lengths, texts):
    """Alignment with the sentences' units."""
    return ctc(model.scores(z), lengths, [[model.place[i] for i in target(t)] for t in texts])


def letter_loss(model, middle, lengths, texts):
    scores = model.letters(middle).float().unflatten(-1, (model.places, -1)).flatten(1, 2)
    return ctc(scores, lengths * model.places, [[LETTERS.index(c) + 1 for c in plain(t)] for t in texts])
