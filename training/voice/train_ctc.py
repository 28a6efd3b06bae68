# SPDX-License-Identifier: Apache-2.0
"""The projector, without the language model: $WEFT_VOICE/ctc-NAME.pt.

    nice -n 19 python train_ctc.py [--name letters] [--stack 4] [--layers 2] [--steps 6000] [--start ctc-NAME [--rate 0.5]]

--start begins with the weights of another checkpoint (ctc-NAME), which may stack more or fewer rows, or "shipped": those of models/voice.
Start it again to go on; a larger --steps goes on from the last checkpoint. It may run while corpus.py still makes shards.
"""
import argparse

import torch
from safetensors import safe_open

import ends
import places
from common import Optimiser, Run, autocast, lr_factor
from data import Feed
from hearing import PLACES, SCORES, Hearing, loss
from projector import Projector
from spell import SURE

PREFIX = "multi_modal_projector."
AVERAGE = 0.99          # of the weights of every fourth step: about the last 400 steps


def parser(doc):
    args = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--name", default="letters")
    args.add_argument("--stack", type=int, default=4)
    args.add_argument("--layers", type=int, default=2)
    args.add_argument("--threads", type=int, default=1)
    return args


def hearing(stack, layers):
    return Hearing(Projector(stack, layers, PLACES * SCORES))


class Smoothed(torch.nn.Module):
    """A model and the running mean of its weights, both in one checkpoint."""

    def __init__(self, model):
        super().__init__()
        self.model, self.mean = model, torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE))
        self.mean.requires_grad_(False)

    def follow(self, step):
        if step % 4 == 0:
            self.mean.update_parameters(self.model)


def of_weights(weights):
    """The hearing whose weights these are, in evaluation mode."""
    layers = {key.split(".")[2] for key in weights if key.startswith("projector.layers.")}
    model = hearing(weights["projector.ln_pre.weight"].shape[-1] // ends.WIDTH, len(layers))
    model.load_state_dict(weights)
    return model.eval()


def shipped():
    """(hearing, steps) of models/voice."""
    with safe_open(places.VOICE / "model.safetensors", "pt") as file:
        keys = [k for k in file.keys() if k.startswith(PREFIX) and not k.startswith(f"{PREFIX}ctc.")]
        weights, steps = {k.removeprefix(PREFIX): file.get_tensor(k).float() for k in keys}, int(file.metadata()["steps"])
    del weights["embed_positions.weight"]
    weights["linear_out.bias"].view(PLACES, SCORES)[:, 0] += SURE
    return of_weights({f"projector.{k}": v for k, v in weights.items()}), steps


def trained(name, mean=True):
    """(hearing, steps) of the checkpoint $WEFT_VOICE/NAME.pt, its weights averaged, or of the one that is "shipped"; in evaluation mode."""
    if name == "shipped":
        return shipped()
    state = torch.load(places.workdir() / f"{name}.pt", weights_only=False)
    prefix = "mean.module." if mean else "model."
    return of_weights({k.removeprefix(prefix): v for k, v in state["model"].items() if k.startswith(prefix)}), state["step"]


def begin_with(model, name):
    """Copies what fits of another checkpoint, and says what does not. Where one stacks more rows than the other, the middle ones are the same."""
    mine, theirs = model.state_dict(), trained(name)[0].state_dict()
    for key, value in theirs.items():
        if key not in mine:
            print(f"{name}: {key} has no place here")
        elif mine[key].shape == value.shape:
            mine[key].copy_(value)
        elif key in ("projector.linear_in.weight", "projector.ln_pre.weight"):
            more = (mine[key].shape[-1] - value.shape[-1]) // 2 // ends.WIDTH * ends.WIDTH
            here, there = max(0, more), max(0, -more)
            width = min(mine[key].shape[-1], value.shape[-1])
            mine[key].mul_(0.1 if key.endswith("in.weight") else 1)[..., here:here + width] = value[..., there:there + width]
        else:
            print(f"{name}: {key} has another shape here")


def main():
    args = parser(__doc__)
    args.add_argument("--steps", type=int, default=6000)
    args.add_argument("--start", default="")
    args.add_argument("--rate", type=float, default=1.0, help="times the learning rates: less than 1 where --start is nearly there")
    args.add_argument("--rows", type=int, default=7000, help="encoder rows of a batch, 50 a second")
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(places.SEED)
    model = hearing(args.stack, args.layers).train()
    if args.start:
        begin_with(model, args.start)
    both = Smoothed(model)
    run = Run(f"ctc-{args.name}", both, Optimiser(model.named_parameters(), muon_lr=0.01 * args.rate, adam_lr=2e-3 * args.rate))
    feed, seen = Feed(args.name, args.rows, args.stack), []
    while run.step < args.steps:
        rows, lengths, texts = feed.next(run.step)
        with autocast():
            scores = model.scores(rows, lengths)
        lost = loss(scores, lengths, texts)
        lost.backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        both.follow(run.step)
        seen.append(lost.item())
        run.advance()
        if run.step % 20 == 0:
            run.log(letter_loss=sum(seen) / len(seen), batch=len(texts), items=len(feed.corpus.items))
            seen = []
    run.save()


if __name__ == "__main__":
    main()
