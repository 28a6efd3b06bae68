# SPDX-License-Identifier: Apache-2.0
"""Stage 2: the picture encoder alone, on scenes with labels.

Every patch says which thing it shows, its colour and size; the class row says ground and layout. Labels by
patch teach several things a picture, so the encoder learns names several times faster than from captions.
The heads are thrown away afterwards. The learning rate stays up: the adapter's stage goes on with the encoder.
"""
import argparse
import json

import torch
import torch.nn.functional as F
from torch import nn

import scenes
from common import SEED, Optimiser, Run, autocast, lr_factor, workdir, write_bytes
from models import VISION, Encoder

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def normalise(pixels):
    """uint8 [b, T, T, 3] to what the processor hands the encoder, [b, 3, T, T]."""
    x = torch.from_numpy(pixels).float() / 255
    return ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(0, 3, 1, 2).contiguous()


class Heads(nn.Module):
    """Linear readings of the encoder's output rows."""

    def __init__(self):
        super().__init__()
        sizes = [len(scenes.CLASSES) + 1, len(scenes.COLOUR_NAMES), 3]
        whole = [len(scenes.GROUNDS), len(scenes.COLOUR_NAMES), len(scenes.COLOUR_NAMES) + 1, len(scenes.ALL_LAYOUTS)]
        width = VISION["vision_output_dim"]
        self.patch = nn.ModuleList(nn.Linear(width, n) for n in sizes)
        self.whole = nn.ModuleList(nn.Linear(width, n) for n in whole)

    def loss(self, rows, patch, whole):
        """The sum of all readings' cross-entropies, and the share of object patches named right."""
        patch, whole = torch.from_numpy(patch), torch.from_numpy(whole)
        names = self.patch[0](rows[:, 1:]).float()
        thing = patch[:, 0] < len(scenes.CLASSES)
        weight = torch.where(thing, 1.0, 0.1)
        each = F.cross_entropy(names.flatten(0, 1), patch[:, 0].flatten(), reduction="none")
        total = (each * weight.flatten()).sum() / weight.sum()
        for i in (1, 2):
            mask = patch[:, i] >= 0
            if mask.any():
                total = total + 0.3 * F.cross_entropy(self.patch[i](rows[:, 1:][mask]).float(), patch[:, i][mask])
        for i, head in enumerate(self.whole):
            total = total + 0.2 * F.cross_entropy(head(rows[:, 0]).float(), whole[:, i])
        return total, (names.argmax(-1) == patch[:, 0])[thing].float().mean().item()


class Pretrainer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.heads = Encoder(), Heads()

    def loss(self, data):
        pixels, patch, whole, _ = data
        with autocast():
            return self.heads.loss(self.encoder(normalise(pixels)), patch, whole)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--steps", type=int, default=1600)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    model = Pretrainer()
    run = Run("vit", model, Optimiser(model.named_parameters(), adam_lr=1e-3))
    losses, rights = [], []
    while run.step < args.steps:
        counts = [1] if run.step < args.steps // 20 else None
        loss, right = model.loss(scenes.batch(f"vit {run.step}", args.batch, counts))
        loss.backward()
        run.optimiser.step(lr_factor(run.step, 2 * args.steps))   # ends before the fall
        losses.append(loss.item())
        rights.append(right)
        run.advance()
        if run.step % 20 == 0:
            run.log(loss=sum(losses) / len(losses), patches_named=sum(rights) / len(rights))
            losses, rights = [], []
            if (workdir() / "text.done").exists():
                torch.set_num_threads(args.threads + 1)   # the text core's thread is free again
    run.save()
    write_bytes(workdir() / "vit.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
