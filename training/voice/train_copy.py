# SPDX-License-Identifier: Apache-2.0
"""Between step 1 and step 2, without a sound: how the core reads rows half of which are blank: $WEFT_VOICE/copy.pt.

    nice -n 19 python train_copy.py [--steps 140]
    python train_copy.py --test 40         words that the core gets wrong of so many sentences that training never says

The core repeats a sentence from the embeddings of its tokens, but not with anything between them, and rows at a fixed rate have
something between them. What is learned is one linear map of all rows, `to_core`, by the cross-entropy of sentences whose
tokens are set apart and said twice by chance, as perfectly heard rows are. An export folds it into the projector's last layer.
"""
import argparse
import random

import torch

import ends
import places
from common import Optimiser, Run, lr_factor
from corpus import sentences
from eval_speech import errors
from hearing import BLANK, target
from repeat import Repeater
from texts import held_out, plain

BATCH = 12
BLANKS, TWICE = 1.2, 0.2        # blanks before a token, and how often it fills two rows


def spread(ids, rng):
    """Token ids as rows at a fixed rate have them; -1 is blank."""
    out = []
    for i in ids:
        out += [-1] * min(4, int(rng.expovariate(1 / BLANKS)))
        out += [i] * (1 + (rng.random() < TWICE))
    return out + [-1] * rng.randint(0, 2)


def rows(ids, table, blank, to_core):
    kept = torch.tensor(ids)
    return to_core(torch.where(kept[:, None] < 0, blank, table[kept.clamp(min=0)]).float())


@torch.inference_mode()
def test(core, blank, to_core, count):
    rng, wrong, words = random.Random(f"{places.SEED} copies"), 0, 0
    for text in [t for t in (places.workdir() / "texts.txt").read_text().splitlines() if held_out(t)][:count]:
        said = plain(text).split()
        wrong += errors(said, plain(core.answer(rows(spread(target(text), rng), core.table, blank, to_core))).split())
        words += len(said)
    print(f"{100 * wrong / words:.1f} % of {words} words wrong")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--steps", type=int, default=140)
    args.add_argument("--test", type=int, default=0)
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    to_core = torch.nn.Linear(ends.D_TEXT, ends.D_TEXT)
    torch.nn.init.eye_(to_core.weight)
    torch.nn.init.zeros_(to_core.bias)
    run = Run("copy", to_core, Optimiser(to_core.named_parameters(), adam_lr=1e-3))
    core, texts, seen = Repeater(ends.FAST), [t for t in sentences() if plain(t)], []
    blank = core.table[ends.ids(BLANK)]
    if args.test:
        return test(core, blank, to_core, args.test)
    while run.step < args.steps:
        rng = random.Random(f"{places.SEED} copy {run.step}")
        said = rng.sample(texts, BATCH)
        loss = core.loss([rows(spread(target(t), rng), core.table, blank, to_core) for t in said], said, "turns")
        loss.backward()
        run.optimiser.step(lr_factor(run.step, args.steps, warmup=10))
        seen.append(loss.item())
        run.advance()
        if run.step % 10 == 0:
            run.log(loss=sum(seen) / len(seen))
            seen = []
    return run.save()


if __name__ == "__main__":
    main()
