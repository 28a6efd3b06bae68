# SPDX-License-Identifier: Apache-2.0
"""The frozen core, asked to repeat what rows of its own width say: its greedy answers.

    python repeat.py [--count 30]       words that it gets wrong where all was heard right: of so many sentences that training
                                        never says, of recordings of people with a few words, of LibriVox's sentences
"""
import argparse
import random
from functools import cache

import torch
from transformers import DynamicCache

import ends
import places
from eval_speech import errors
from evalsets import sets
from texts import held_out, plain

USER, ANSWER, OVER = f"{ends.START}user\n", f"{ends.START}assistant\n", "<|im_end|>\n"


def turns(examples):
    """What is said, and the same as the answer. The full stop behind it is the prompt's own, so that the core knows where to stop: in
    silence it stands alone, and nothing is answered."""
    said = [f" {e}." if e else "" for e in examples]
    return "".join(USER + (s or ".") + OVER + ANSWER + s + OVER for s in said)


# The prompt shows what is to be done as earlier turns of the chat: long ones, short ones, silence, and ones without sense, since a core that knows
# sensible sentences alone mends what was misheard, or leaves it out. What was heard stands at the end of as
# many rows as the sound has and SPARE more. The rows before it hold a turn in which the same was said and answered, where its answer at least fits: a core
# that has only other examples answers a question instead of repeating it. More turns like the examples stand before that, as many as fit. These
# rows may begin in the middle of a turn, and line feeds stand before them in a long silence.
EXAMPLES = ["a verona", "the brethren of the of jacob well in the lamb and it came to past seven", "inexorably and twine", "", "eighty third",
            "tell mary bought that the train to lisbon is in eight", "kettle", "it was raining when we left the cold house or the liver",
            "fifty first", "", "an organism that's in the loyal", "he ask four nine hundred and fix the four dollar is", "over there"]
BEFORE = ["over the hill", "the road to village was clothes", "", "seventy nine", "children play and the garden be high and the search"]
TASK = "Repeat every word that the user says, even if it makes no sense."
TURNS = f"{ends.START}system\n{TASK}{OVER}{turns(EXAMPLES)}@.{OVER}{ANSWER}"
SPARE, HEARD = 25, -1


@cache
def fill():
    """Tokens before what was heard, the nearest first; the last of them, a line feed, again where there are more rows."""
    return ends.ids("\n" + turns(BEFORE).removeprefix(USER) + USER)[::-1]


def before(count):
    """The tokens of so many rows, in their order."""
    tokens = fill()
    return [tokens[min(n, len(tokens) - 1)] for n in range(count)][::-1]


@cache
def again():
    """Tokens between these and what was heard, which HEARD stands for: the same said and answered."""
    return [HEARD, *ends.ids(f".{OVER}{ANSWER}"), HEARD, *ends.ids(f".{OVER}{USER}")]


def target(text):
    """The core's tokens of what is heard, each word with the space before it; none of an empty text."""
    return ends.ids("".join(" " + word for word in plain(text).split()))


def placed(words, rows):
    """The tokens of a sound of so many rows in which these words were heard, the last ones of which count where they do not fit."""
    rows += SPARE
    said, behind = target(" ".join(words))[-rows:], again()[::-1].index(HEARD)
    more = again() if said and 2 * len(said) + behind <= rows else []
    out = [i for token in more for i in (said if token == HEARD else [token])] + said
    return before(rows - len(out)) + out[-rows:]


class Repeater:
    def __init__(self):
        self.core = ends.core()
        self.table = self.core.get_input_embeddings().weight
        first, self.after = (ends.ids(part) for part in TURNS.split("@"))
        with torch.no_grad():       # keys and values of all before the rows
            self.prefix = self.core.model(torch.tensor([first]), use_cache=True).past_key_values.to_legacy_cache()

    @torch.inference_mode()
    def answer(self, tokens, most=60):
        """Greedy text after one item's rows, which are these tokens."""
        given, cache, out = [*tokens, *self.after], DynamicCache.from_legacy_cache(self.prefix), []
        while len(out) < most:
            hidden = self.core.model(torch.tensor([given]), past_key_values=cache, use_cache=True)[0]
            token = int(self.core.lm_head(hidden[0, -1]).argmax())
            if token == ends.END:
                break
            out.append(token)
            given = [token]
        return ends.tokenizer().decode(out)

    def repeat(self, words, rows):
        """The answer where so many rows hold these words."""
        return self.answer(placed(words, rows))


def free(count, rng):
    """How many rows of a sound are left by so many tokens, at 12.5 rows a second: pauses, and about one for each token."""
    return rng.randint(3, 14) + int(count * rng.uniform(0.3, 1.8))


def copies(core, texts):
    """(words that the core gets wrong of these texts, words)"""
    rng, wrong, words = random.Random(places.SEED), 0, 0
    for text in texts:
        count = len(target(text))
        answer = core.repeat([text], free(count, rng) + count)
        wrong += errors(plain(text).split(), plain(answer).split())
        words += len(plain(text).split())
    return wrong, words


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--count", type=int, default=30)
    args = args.parse_args()
    torch.set_num_threads(1)
    lines = [t for t in (places.workdir() / "texts.txt").read_text().splitlines() if held_out(t) and plain(t)]
    people = {name: [text for _, text in pairs] for name, pairs in sets(12).items() if name.startswith("people")}
    libri = people.pop("people, LibriVox")
    short, rng, core = [t for texts in people.values() for t in texts], random.Random(places.SEED), Repeater()
    for name, texts in (("sentences", rng.sample(lines, args.count)), ("a few words", rng.sample(short, args.count)), ("LibriVox", libri)):
        wrong, words = copies(core, texts)
        print(f"{name}: {100 * wrong / words:.1f} % of {words} words wrong", flush=True)


if __name__ == "__main__":
    main()
