# SPDX-License-Identifier: Apache-2.0
"""Stage 4: the video adapter on cached rows of the frozen encoder (video_features.py), text core frozen.

Shards may still be in the making: each pass takes those that are there.
"""
import argparse
import json
import random

import torch
import torch.nn.functional as F

import sentences as S
from common import SEED, Optimiser, Run, autocast, lr_factor, workdir, write_bytes
from demo import demo_modules
from train_text import tokenizer
from train_vision import Smoothed, collate
from video_features import folder
from video_model import VideoAdapter

MARKER = "<|reserved_special_token_4|>"


class Clips:
    """Endless batches from the shards, in an order of their own each time around."""

    def __init__(self, seed, size):
        self.rng, self.size, self.round, self.left = random.Random(seed), size, -1, []
        self.shards = {}

    def shard(self, path):
        if path not in self.shards:
            self.shards[path] = torch.load(path, mmap=True)
        return self.shards[path]

    def batch(self):
        """(features f32 [b, frames, rows, width], texts)."""
        picks = []
        while len(picks) < self.size:
            if not self.left:
                paths = sorted(folder().glob("shard-*.pt"))
                if not paths:
                    raise SystemExit("there are no clips yet: run video_features.py")
                self.left = [(p, i) for p in paths for i in range(len(self.shard(p)["texts"]))]
                self.rng.shuffle(self.left)
                self.round += 1
            picks.append(self.left.pop())
        rows = torch.stack([self.shard(p)["features"][i] for p, i in picks])
        return rows.float(), [self.shard(p)["texts"][i] for p, i in picks]


def answer_loss(core, adapter, tok, features, texts, rng):
    """Cross-entropy of the sentences, and the share of their tokens that is right."""
    marker = tok.special[MARKER]
    ids, targets = collate(tok, [rng.choice(S.CLIP_PROMPTS) for _ in texts], texts, marker)
    seen = (ids == marker)[..., None].cumsum(1).clamp(max=1).float()
    x = core.embed_tokens(ids)
    rows = core(x, adapter.video_layers, adapter(features), seen)[:, :-1][targets >= 0]
    logits, wanted = core.logits(rows).float(), targets[targets >= 0]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--steps", type=int, default=1400)
    args.add_argument("--batch", type=int, default=48)
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tok = tokenizer()
    core = demo_modules(tok)[0].requires_grad_(False)
    adapter = VideoAdapter()
    both = Smoothed(adapter)
    run = Run("video", both, Optimiser(adapter.named_parameters(), muon_lr=0.01, adam_lr=1e-3))
    data, seen = Clips(f"order {run.step}", args.batch), []
    while run.step < args.steps:
        features, texts = data.batch()
        with autocast():
            loss, right = answer_loss(core, adapter, tok, features, texts, random.Random(run.step))
        loss.backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        both.follow(run.step)
        seen.append((loss.item(), right))
        run.advance()
        if run.step % 20 == 0:
            mean = [sum(c) / len(c) for c in zip(*seen)]
            run.log(loss=mean[0], tokens_right=mean[1], rounds=data.round)
            seen = []
    run.save()
    write_bytes(workdir() / "video.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
