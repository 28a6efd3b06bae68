# SPDX-License-Identifier: Apache-2.0
"""Connectionist temporal classification of a projector's rows against the core's own embedding table.

A row z stands for token k with the odds exp(-t/2 |z - e_k|^2), e_k the core's embedding of k; blank is one token too, the line feed,
which no sentence has. The odds say which embedding is the nearest, and not how near it is: rows grow to eighteen times the
embeddings' length. What the core can read is the mean embedding under the odds (`expected`), and `to_core` makes rows of it that
the core can read although half of them are blank (train_copy.py). Tokens are those of the lower-case sentence without signs,
each word with the space before it. Of the 49,152 tokens only those that the sentences use take part (`known`), and in
training a random choice of these beside the batch's own.

Letters are taught beside them, by a layer that the exported model lacks, with several places for letters in each row. They say
what a rare word sounds like long before its tokens have been heard often enough.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

import ends
import places
from texts import plain

LETTERS = " abcdefghijklmnopqrstuvwxyz'"
BLANK = "\n"
OTHERS = 3000           # random tokens beside those of the batch


def target(text):
    """Token ids of what is heard; none of an empty text."""
    words = plain(text)
    return ends.ids(" " + words) if words else []


def known(lines):
    """Sorted ids of all tokens that the sentences use, kept in $WEFT_VOICE/known.pt."""
    path = places.workdir() / "known.pt"
    if not path.exists():
        used = sorted({i for t in lines for i in target(t)})
        torch.save(torch.tensor(used), path)
    return torch.load(path)


class Hearing(nn.Module):
    def __init__(self, projector, table, ids):
        """table: the core's embeddings [49152, 576]; ids: the known tokens."""
        super().__init__()
        self.projector = projector
        self.register_buffer("table", table[ids], persistent=False)
        self.place = {int(k): n for n, k in enumerate(ids)}
        self.register_buffer("blank", table[ends.ids(BLANK)[0]], persistent=False)
        self.to_core = nn.Linear(ends.D_TEXT, ends.D_TEXT)
        with torch.no_grad():
            nn.init.eye_(self.to_core.weight)
            nn.init.zeros_(self.to_core.bias)
        self.log_t = nn.Parameter(torch.tensor(-0.7))
        self.places = (projector.stack + 1) // 2    # for letters in each row: 25 a second
        self.letters = nn.Linear(projector.last_width(), self.places * (len(LETTERS) + 1))

    def scores(self, z, chosen):
        """Log odds of the chosen tokens (indices into `known`), blank first: z [b, n, 576] -> [b, n, 1 + chosen]."""
        e = torch.cat([self.blank[None], self.table[chosen]])
        flat = z.flatten(0, 1)
        dots = (flat.to(ends.FAST) @ e.to(ends.FAST).T).float() if self.training else flat @ e.T
        return (self.log_t.exp() * (dots - e.square().sum(1) / 2)).unflatten(0, z.shape[:2])

    def expected(self, z):
        """Mean embedding of each row [b, n, 576] under the odds of all known tokens and blank: rows among the core's own embeddings."""
        return self.scores(z, slice(None)).softmax(-1) @ torch.cat([self.blank[None], self.table])

    def best(self, z):
        """The likeliest path of z [n, 576] as token ids, repeats and blanks left out."""
        path = self.scores(z[None], slice(None))[0].argmax(-1).tolist()
        ids = list(self.place)
        return [ids[k - 1] for k, before in zip(path, [0, *path[:-1]]) if k and k != before]


def ctc(scores, lengths, targets):
    """Mean loss per target, blank 0; what cannot be aligned counts nothing."""
    sizes = torch.tensor([len(t) for t in targets])
    flat = torch.tensor([i for t in targets for i in t], dtype=torch.long)
    loss = F.ctc_loss(scores.log_softmax(-1).transpose(0, 1), flat, lengths, sizes, 0, "none", zero_infinity=True)
    return (loss / sizes.clamp(min=1)).mean()


def token_loss(model, z, lengths, texts, gen, blank_cost=0.0):
    """Alignment with the sentences' tokens. blank_cost: taken from the log odds of blank, so that rows rather repeat a token."""
    wanted = [[model.place[i] for i in target(t) if i in model.place] for t in texts]
    mine = sorted({i for t in wanted for i in t})
    others = sorted(set(torch.randperm(len(model.table), generator=gen)[:OTHERS].tolist()) - set(mine))
    at = {k: n + 1 for n, k in enumerate(mine)}
    scores = model.scores(z, torch.tensor(mine + others))
    # Each of the others stands for several that were not drawn, so that the sum over all tokens is right on the average.
    several = math.log((len(model.table) - len(mine)) / len(others))
    scores = torch.cat([scores[..., :1] - blank_cost, scores[..., 1:1 + len(mine)], scores[..., 1 + len(mine):] + several], -1)
    return ctc(scores, lengths, [[at[i] for i in t] for t in wanted])


def letter_loss(model, middle, lengths, texts):
    scores = model.letters(middle).float().unflatten(-1, (model.places, -1)).flatten(1, 2)
    return ctc(scores, lengths * model.places, [[LETTERS.index(c) + 1 for c in plain(t)] for t in texts])
