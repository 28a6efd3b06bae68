# SPDX-License-Identifier: Apache-2.0
"""In what a voice hears: the 4,000 of the core's tokens that the sentences use most, and the letters.

A sentence's own tokens are 25,000 kinds, most of them too rare to be learned by sound. A word whose token is not among the 4,000 is
put together from those that are. The core reads such words nearly as well: shown five examples it repeated 40 sentences with
6.9 % of the words wrong, from their own tokens with 2.6 %, from 2,000 kinds with 21.6 % (by a script that is not kept).
"""
import json
import math
from collections import Counter
from functools import cache

import ends
import places
from common import write_bytes
from texts import plain

UNITS = 4000
LONGEST = 16            # letters of a unit
PIECE_COST = 8.0        # of each unit in a word, less 0.3 of the logarithm of how often it is said
LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def counted(lines):
    """{text of a token: (id, how often)} of the most used tokens, and of all letters, within a word and at its beginning."""
    count = Counter()
    for e in ends.tokenizer().encode_batch([" " + plain(t) for t in lines], add_special_tokens=False):
        count.update(e.ids)
    wanted = [i for i, _ in count.most_common(UNITS)]
    single = [ends.ids(before + c) for c in LETTERS for before in ("", " ")]
    wanted += [i[0] for i in single if len(i) == 1 and i[0] not in wanted]
    return {ends.tokenizer().decode([i]): (i, count[i]) for i in wanted}


@cache
def units():
    """What `counted` gives of the sentences of training, kept in $WEFT_VOICE/units.json."""
    path = places.workdir() / "units.json"
    if not path.exists():
        from corpus import sentences, words
        write_bytes(path, json.dumps(counted(sentences() + words())))
    return json.loads(path.read_text())


@cache
def split(word):
    """Ids of a word with the space before it: the cheapest row of units."""
    text, known = " " + word, units()
    best = [(0.0, 0)] + [(math.inf, 0)] * len(text)
    for end in range(1, len(text) + 1):
        for begin in range(max(0, end - LONGEST), end):
            unit = known.get(text[begin:end])
            if unit:
                best[end] = min(best[end], (best[begin][0] + PIECE_COST - 0.3 * math.log(1 + unit[1]), begin))
    out, end = [], len(text)
    while end:
        begin = best[end][1]
        out.append(known[text[begin:end]][0])
        end = begin
    return out[::-1]


def target(text):
    """Token ids of what is heard; none of an empty text."""
    return [i for word in plain(text).split() for i in split(word)]
