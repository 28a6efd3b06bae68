# SPDX-License-Identifier: Apache-2.0
"""Step 2: the projector of step 1 with the frozen core behind it: $WEFT_VOICE/core-NAME.pt.

    nice -n 19 python train_core.py [--name s4l2] [--steps 2000] [--rows 3000]

The loss is the cross-entropy of the sentence behind what was heard (--several: in one of six wordings each time; --distil: the
divergence from what the core expects behind the written sentence), and a share of step 1's. What the core is given is what weft
gives it, the embeddings of the likeliest path, and the gradient goes to the odds that chose them (Hearing.shown).
"""
import random

import torch

import ends
import places
from common import Optimiser, Run, autocast, lr_factor
from data import Feed
from hearing import letter_loss, token_loss
from repeat import WORDINGS, Repeater
from train_ctc import LETTER_SHARE, Smoothed, hearing, parser, trained

CTC_SHARE = 0.3


def losses(model, core, batch, step, args):
    rows, lengths, texts = batch
    rng = random.Random(f"{places.SEED} core {step}")
    with autocast():
        middle = model.projector.middle(rows, lengths)
        z = model.projector.last(middle)
    z = z.float()
    aligned = token_loss(model, z, lengths, texts) + LETTER_SHARE * letter_loss(model, middle, lengths, texts)
    wording = rng.choice(list(WORDINGS)) if args.several else "turns"
    return core.loss([model.shown(r[:n], core.before) for r, n in zip(z, lengths)], texts, wording, args.distil), aligned


def main():
    args = parser(__doc__)
    args.add_argument("--steps", type=int, default=2000)
    args.add_argument("--rows", type=int, default=3000, help="encoder rows of a batch, 50 a second")
    args.add_argument("--rate", type=float, default=0.001, help="learning rate; at 0.004 the projector forgets what step 1 taught it")
    args.add_argument("--start", default="", help="a checkpoint of step 1 (default: ctc-NAME)")
    args.add_argument("--several", action="store_true")
    args.add_argument("--distil", action="store_true")
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(places.SEED)
    first, _ = trained(args.start or f"ctc-{args.name}")
    stack, layers = first.projector.stack, first.projector.n_layers
    model = hearing(stack, layers)
    model.load_state_dict(first.state_dict())
    model.train()
    both = Smoothed(model, stack, layers)
    run = Run(f"core-{args.name}", both, Optimiser(model.named_parameters(), muon_lr=args.rate, adam_lr=args.rate / 8))
    core, feed, seen = Repeater(ends.FAST), Feed(f"core {args.name}", args.rows, stack), []
    while run.step < args.steps:
        repeated, aligned = losses(model, core, feed.next(run.step), run.step, args)
        (repeated + CTC_SHARE * aligned).backward()
        run.optimiser.step(lr_factor(run.step, args.steps, warmup=20))
        both.follow(run.step)
        seen.append([repeated.item(), aligned.item()])
        run.advance()
        if run.step % 10 == 0:
            told, heard = (sum(c) / len(c) for c in zip(*seen))
            run.log(core_loss=told, ctc_loss=heard, items=len(feed.corpus.items))
            seen = []
    run.save()


if __name__ == "__main__":
    main()
