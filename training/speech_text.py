# SPDX-License-Identifier: Apache-2.0
"""What the demo is taught to hear: captions, numbers, digit strings, directions, and words alone.

A sentence of more than two words belongs to the test when its checksum says so (`held_out`), whoever speaks
it; training never says it. Shorter ones are too few to be divided: single words and pairs are in both.

    python speech_text.py       write models/demo/words.txt
"""
import random
import re
import zlib

import sentences as S
from common import DEMO, write_bytes

SHARES = {"caption": 36, "number": 19, "digits": 16, "direction": 14, "name": 6, "jumble": 9}
TEST_SHARES = {"caption": 45, "number": 20, "digits": 20, "direction": 15}
PAIRS = sorted({f"{place} {side}" for place in S.PLACES[:3] for side in S.SIDES})


def held_out(text):
    """True for the tenth of the sentences that only tests say."""
    return len(text.split()) > 2 and zlib.crc32(text.encode()) % 10 == 0


def number(rng):
    """0..999; the small ones, the round ones and a bare hundred more often than their share."""
    kind = rng.random()
    if kind < 0.02:
        return "hundred"
    return S.number_words(rng.randrange(21) if kind < 0.35 else rng.randrange(20, 100, 10) if kind < 0.5
                          else rng.randrange(1000))


def direction(rng):
    """One word, a pair as on loudspeakers, or any two."""
    return rng.choice(PAIRS) if rng.random() < 0.4 else S.directions(rng)


def test_number(rng):
    return S.number_words(rng.randrange(1000))


KINDS = {"caption": S.broad_caption, "number": number, "digits": S.digits, "direction": direction,
         "name": lambda rng: rng.choice(S.NAMES + S.SHAPES + list(S.COLOURS)), "jumble": S.jumble}


def training_sentence(rng):
    while True:
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        text = KINDS[kind](rng)
        if not held_out(text):
            return text


def test_sentences(count, name):
    """(kind, sentence) pairs that training never says, save what has at most two words."""
    rng, out = random.Random(f"test {name}"), []
    while len(out) < count:
        kind = rng.choices(list(TEST_SHARES), list(TEST_SHARES.values()))[0]
        text = test_number(rng) if kind == "number" else KINDS[kind](rng)
        if held_out(text) or len(text.split()) <= 2:
            out.append((kind, text))
    return out


def plain(text):
    """Words as they are counted: lower case, hyphens as spaces, no other marks."""
    return re.sub(r"[^a-z0-9' ]", "", text.lower().replace("-", " ")).split()


def words():
    """Every word of captions, numbers and directions."""
    grammar = "a an and above below to the left right of both on background fading from top bottom small large".split()
    names = [w for n in S.NAMES + S.SHAPES for w in plain(n)]
    said = S.ONES + S.TENS + ["hundred"] + S.PLACES + S.SIDES + S.ORDERS
    return sorted({*grammar, *names, *S.COLOURS, *S.TEXTURES, *said})


if __name__ == "__main__":
    write_bytes(DEMO / "words.txt", "".join(w + "\n" for w in words()))
