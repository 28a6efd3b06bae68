# SPDX-License-Identifier: Apache-2.0
"""What words the letters are: a search through all words that the texts have at least twice (names of things: once), by what they sound
like (hearing.py) and by how often a word follows another.

The odds of a word behind another are those of pairs, with absolute discounting (Ney et al. 1994): what a discount of 0.75 takes from the pairs
that are kept, and all of the pairs that are too rare to be kept, goes to every word by its share alone: half of it how often the word was
said, and half behind how many kinds of words. The search is time-synchronous with a beam, over a tree of the words' letters; in the tree the
odds of the likeliest word below a letter are taken at once, and what a word has less than that at its end.
"""
import math
from collections import Counter
from functools import cache
from heapq import nlargest
from itertools import islice

import torch

import ends
from hearing import LETTERS, PLACES
from texts import ALIVE, FOOD, plain, thing_names

DISCOUNT = 0.75
LEAST, LEAST_PAIR = 2, 3    # words and pairs that are seen less often are not kept
BEGIN, END = "<s>", "</s>"  # one word in the tables
SHARE, BONUS = 0.8, 0.0     # of the odds of words beside those of letters; for each word
SURE = 1.0                  # how much too sure the blank is: it is most of what is heard. The exported file's last bias is without it
BEAM, WIDTH = 128, 16.0     # hypotheses, and how far behind the best one


def rounded(value):
    """As bf16 has it."""
    return float(torch.tensor(value).bfloat16())


class Words:
    """Log odds of words alone and in pairs."""

    def __init__(self, lines, names=frozenset()):
        """names: words that are kept where they are seen once."""
        alone, pairs = Counter(), Counter()
        for line in lines:
            words = [BEGIN, *plain(line).split(), END]
            alone.update(words[1:])
            pairs.update(zip(words, words[1:]))
        alone = Counter({w: n for w, n in alone.items() if n >= LEAST or w in names})
        pairs = Counter({(a, b): n for (a, b), n in pairs.items() if (a == BEGIN or a in alone) and b in alone})
        behind, self.first = Counter(b for _, b in pairs), Counter()
        for (a, _), count in pairs.items():
            self.first[a] += count
        total, all_kinds = sum(alone.values()), len(pairs)
        share = {w: (n / total + behind[w] / all_kinds) / 2 for w, n in alone.items()}
        self.alone = {w: rounded(math.log(p)) for w, p in share.items()}
        kept = {pair: n - DISCOUNT for pair, n in pairs.items() if n >= LEAST_PAIR}
        taken = Counter()
        for (a, _), n in kept.items():
            taken[a] += n
        self.rest = {a: math.log(1 - taken[a] / n) for a, n in self.first.items()}
        self.pairs = {(a, b): math.log(n / self.first[a] + math.exp(self.rest[a]) * share[b]) for (a, b), n in kept.items()}

    def odds(self, a, b):
        both = self.pairs.get((a, b))
        return both if both is not None else self.rest.get(a, 0.0) + self.alone[b]


class Node:
    __slots__ = "letter", "below", "word", "best"

    def __init__(self, letter):
        self.letter, self.below, self.word, self.best = letter, {}, None, -math.inf


def tree(words):
    root = Node(0)
    for word, odds in words.alone.items():
        if word == END:
            continue
        node = root
        node.best = max(node.best, odds)
        for c in word:
            letter = LETTERS.index(c) + 1
            node = node.below.setdefault(letter, Node(letter))
            node.best = max(node.best, odds)
        node.word = word
    return root


def read_tables(of):
    """(odds of words, their tree) of an exported file's tensors {tree, words, pairs, ...}."""
    rows, words, pairs = of["tree"].tolist(), of["words"].tolist(), iter(of["pairs"].tolist())
    nodes, said, names = [Node(0)], [""], [BEGIN]
    for i, (_, below, best, ends) in enumerate(rows):
        nodes[i].best = best
        for letter, *_ in rows[len(nodes):len(nodes) + int(below)]:
            nodes[i].below[int(letter)] = Node(int(letter))
            said.append(said[i] + LETTERS[int(letter) - 1])
        nodes += nodes[i].below.values()
        if ends:
            nodes[i].word = said[i]
            names.append(said[i])
    odds = Words.__new__(Words)
    odds.alone = {name: row[0] for name, row in zip([END, *names[1:]], words)}
    odds.rest = {name: row[1] for name, row in zip(names, words)}
    odds.pairs = {(a, names[int(b)] if b else END): pair for a, row in zip(names, words) for b, pair in islice(pairs, int(row[2]))}
    return odds, nodes[0]


def tables(words, root, again, fill):
    """What weft.ultravox reads (docs/MODEL.md): {name: tensor}, and the keys `ctc` of config.json."""
    nodes, names = [root], [BEGIN]
    for node in nodes:
        nodes += [below for _, below in sorted(node.below.items())]
    names += [n.word for n in nodes if n.word is not None]
    place = {name: i for i, name in enumerate(names)} | {END: 0}
    after = {}
    for (a, b), odds in words.pairs.items():
        after.setdefault(place[a], []).append((place[b], odds))
    ids = [e.ids for e in ends.tokenizer().encode_batch(["", *(" " + n for n in names[1:])], add_special_tokens=False)]
    alone = [words.alone[END], *(words.alone[n] for n in names[1:])]
    rows = {"tree": [(n.letter, len(n.below), n.best, n.word is not None) for n in nodes],
            "words": [(odds, words.rest.get(name, 0.0), len(after.get(i, ())), len(ids[i])) for i, (odds, name) in enumerate(zip(alone, names))],
            "pairs": [pair for i in range(len(names)) for pair in sorted(after.get(i, ()))],
            "tokens": [i for e in ids for i in e], "again": again, "fill": fill}
    out = {name: torch.tensor(r, dtype=torch.float32) for name, r in rows.items()}
    out["tree"] = out["tree"].bfloat16()
    sizes = {"nodes" if name == "tree" else name: len(r) for name, r in rows.items()}
    return out, {"letters": LETTERS, "places": PLACES, "share": SHARE, "bonus": BONUS, "beam": BEAM, "width": WIDTH, **sizes}


@cache
def known_words():
    """(Words, their tree) of the training."""
    from corpus import read, sentences, words
    odds = Words(sentences() + words() + read() + sorted(thing_names((ALIVE, FOOD))), thing_names())
    return odds, tree(odds)


def spell(scores, share=SHARE, bonus=BONUS, beam=BEAM, width=WIDTH, sure=SURE, known=None):
    """The likeliest words of letters' log odds, a list of a list for each place, of one chunk. A hypothesis is (place in the tree, word
    before, letter or blank last) with its odds and its words. known: (odds, root) of other words than those of the training."""
    words, root = known or known_words()
    space = LETTERS.index(" ") + 1
    now = {(root, BEGIN, 0): (0.0, None)}
    for at in scores:
        then = {}

        def add(key, odds, said):
            old = then.get(key)
            if old is None or odds > old[0]:
                then[key] = odds, said

        for (node, before, last), (odds, said) in now.items():
            add((node, before, 0), odds + at[0] - sure, said)
            if last:
                add((node, before, last), odds + at[last], said)
            for letter, below in node.below.items():
                if letter != last:
                    add((below, before, letter), odds + at[letter] + share * (below.best - node.best), said)
            word = node.word
            if word is not None and last != space:
                add((root, word, space), odds + at[space] + share * (words.odds(before, word) - node.best + root.best) + bonus, (said, word))
        best = max(odds for odds, _ in then.values()) - width
        now = {k: v for k, v in nlargest(beam, then.items(), key=lambda i: i[1][0]) if v[0] >= best}
    ends = []
    for (node, before, _), (odds, said) in now.items():
        if node is root:
            ends.append((odds + share * (words.odds(before, END) - root.best), said))
        elif node.word is not None:
            ends.append((odds + share * (words.odds(before, node.word) - node.best + words.odds(node.word, END)) + bonus, (said, node.word)))
    said, out = max(ends or now.values(), key=lambda e: e[0])[1], []     # none ends where the sound stops within a word
    while said:
        said, word = said
        out.append(word)
    return out[::-1]
