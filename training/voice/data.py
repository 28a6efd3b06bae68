# SPDX-License-Identifier: Apache-2.0
"""Batches of heard sentences from the shards of corpus.py, made worse anew at every use."""
import json
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.nn import functional as F

import places
from texts import plain

SHARES = {"people": 3, "word": 2, "actor": 2, "piece": 2}   # how often these come for once of a synthesiser's sentence
JOINED = 0.3            # of the sounds follow another
LONGEST = 700           # encoder rows (14 s)


class Corpus:
    """All shards that are there; `refresh` looks for more. items: (shard, first row, rows, text, share)."""

    def __init__(self):
        self.seen, self.items = {}, []
        self.refresh()

    def refresh(self):
        for path in sorted(places.rows().glob("*.json")):
            if path.name in self.seen:
                continue
            self.seen[path.name] = np.load(path.with_suffix(".npy"), mmap_mode="r")
            at = 0
            for item in json.loads(path.read_text()):
                share = SHARES.get(path.name.split("-")[0], 1)
                if 8 <= item["rows"] <= LONGEST and len(plain(item["text"])) != 1:     # a letter that is spelled is no word
                    self.items.append((path.name, at, item["rows"], item["text"], share))
                at += item["rows"]

    def rows(self, item):
        return self.seen[item[0]][item[1]:item[1] + item[2]]

    def batches(self, seed, rows, stack, pool=640):
        """Batches of about so many encoder rows, like lengths together; a function of the seed and of what is there."""
        rng = random.Random(f"{places.SEED} {seed}")
        drawn = sorted(joined(rng.choices(self.items, [i[4] for i in self.items], k=pool), rng), key=long)
        groups, group = [], []
        for items in drawn:
            if group and (len(group) + 1) * long(items) > rows:
                groups.append(group)
                group = []
            group.append(items)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            made = [worsen(torch.from_numpy(np.concatenate([self.rows(i) for i in items])).float(), rng, stack) for items in group]
            yield (*pad(made, stack), [" ".join(i[3] for i in items) for items in group])


def long(items):
    return sum(i[2] for i in items)


def joined(drawn, rng):
    """Some sounds follow one another, so that what is said first does not tell what comes next."""
    out = []
    for item in drawn:
        if out and rng.random() < JOINED and long(out[-1]) + item[2] <= LONGEST:
            out[-1].append(item)
        else:
            out.append([item])
    return out


def worsen(rows, rng, stack):
    """Another beginning (and so other stacks), another tempo, noise, hidden columns and stretches."""
    rows = rows[rng.randrange(min(stack, len(rows) // 2)):]
    if rng.random() < 0.5:
        n = max(4, int(len(rows) * rng.uniform(0.85, 1.18)))
        rows = F.interpolate(rows.T[None], n, mode="linear", align_corners=True)[0].T.contiguous()
    gen = torch.Generator().manual_seed(rng.randrange(1 << 30))
    rows = rows + rng.uniform(0, 0.3) * rows.std() * torch.randn(rows.shape, generator=gen)
    rows = rows * (torch.rand(rows.shape[1], generator=gen) >= rng.uniform(0, 0.2))
    for _ in range(rng.randint(0, 1 + len(rows) // 50)):
        width = rng.randint(1, max(1, min(8, len(rows) // 12)))      # never a whole short word
        at = rng.randrange(max(1, len(rows) - width))
        rows[at:at + width] = 0
    return rows


def pad(made, stack):
    """Rows [b, most * stack, 384] with zeros behind, and how many stacks each has."""
    lengths = torch.tensor([-(-len(r) // stack) for r in made])
    out = torch.zeros(len(made), int(lengths.max()) * stack, made[0].shape[1])
    for place, r in zip(out, made):
        place[:len(r)] = r
    return out, lengths


class Feed:
    """Batches without end, the next one made while this one is learned from, and a look for more shards now and then."""

    def __init__(self, name, rows, stack, every=50):
        self.name, self.size, self.stack, self.every = name, rows, stack, every
        self.corpus, self.queue, self.looked = Corpus(), iter(()), 0
        self.maker, self.coming = ThreadPoolExecutor(1), None

    def make(self, step):
        if step - self.looked >= self.every:
            self.corpus.refresh()
            self.looked = step
        batch = next(self.queue, None)
        if batch is None:
            self.queue = self.corpus.batches(f"{self.name} {step}", self.size, self.stack)
            batch = next(self.queue)
        return batch

    def next(self, step):
        batch = self.coming.result() if self.coming else self.make(step)
        self.coming = self.maker.submit(self.make, step + 1)
        return batch
