# SPDX-License-Identifier: Apache-2.0
"""Stage 3: encoder and adapter learn to caption, the text core frozen at its exported (bf16) values.

For the first steps the encoder stands still too, so that fresh cross layers do not pull it about; after
that both learn, and the encoder keeps its labels as a second task. What is exported is a running mean of the
weights, so that a checkpoint from the plateau of the learning rate is as good as it can be.
"""
import argparse
import copy
import json
import random

import torch
import torch.nn.functional as F
from torch import nn

import scenes
import sentences as S
from common import SEED, Optimiser, Run, autocast, load, lr_factor, workdir, write_bytes
from models import Adapter, TextCore
from train_text import Rows, tokenizer
from train_vit import Pretrainer, normalise
from vocab import BOS, EOT, PAD

LABEL_SHARE = 0.3   # weight of the labels beside the captions
# (from step, share of things that are coloured shapes): later steps show more of them than scenes have. Only their
# outline names them, and nearly all names that were still wrong were theirs ("oval" for a circle).
SHAPES = [(0, 0.15), (3600, 0.35), (5000, 0.6)]
MEAN_OVER = 200      # steps that the running mean of the weights looks back


def frozen_core(tok):
    """The text core as it is exported: rounded to bf16, closed to training."""
    core = TextCore(tok.vocab_size)
    state = load(workdir() / "text.pt")
    if state:
        core.load_state_dict(state["model"])
    for p in core.parameters():
        p.data = p.data.bfloat16().float()
    return core.requires_grad_(False).eval()


class VisionModel(nn.Module):
    """What this stage trains: encoder with its label heads, and the adapter."""

    def __init__(self, core, tok):
        super().__init__()
        self.vision, self.adapter = Pretrainer(), Adapter()
        self.adapter.extra.data.copy_(core.embed_tokens.weight[tok.vocab_size:])
        state = load(workdir() / "vit.pt")
        if state:
            self.vision.load_state_dict(state["model"])


def prompt_rows(tok, prompt, marker=None):
    """Ids up to where the answer begins; the marker, a picture's where none is given, leads the user's message."""
    marker = tok.image if marker is None else marker
    rows = Rows(tok).special(BOS).header("user").add([marker]).text(prompt).special(EOT).header("assistant")
    return [r[0] for r in rows.rows]


def collate(tok, prompts, texts, marker=None):
    """ids [b, n] and targets [b, n-1]."""
    seqs, targets = [], []
    for prompt, text in zip(prompts, texts):
        head, answer = prompt_rows(tok, prompt, marker), [*tok.encode(text), tok.special[EOT]]
        seqs.append(head + answer)
        targets.append([-100] * (len(head) - 1) + answer)
    n = max(map(len, seqs))
    ids = torch.tensor([s + [tok.special[PAD]] * (n - len(s)) for s in seqs])
    return ids, torch.tensor([t + [-100] * (n - 1 - len(t)) for t in targets])


def embed(core, adapter, tok, ids):
    """Embedded rows, the marker's from the adapter, and which rows see the picture."""
    marker = (ids == tok.image)[..., None]
    x = torch.where(marker, adapter.extra[0], core.embed_tokens(ids.clamp(max=tok.vocab_size - 1)))
    return x, (marker.cumsum(1) > 0).float()


def caption_loss(core, model, tok, features, ids, targets):
    """Cross-entropy of the answers, and the share of their tokens that is right."""
    x, seen = embed(core, model.adapter, tok, ids)
    source = model.adapter.multi_modal_projector(features)
    rows = core(x, model.adapter.layers, source, seen)[:, :-1][targets >= 0]
    logits, wanted = core.logits(rows).float(), targets[targets >= 0]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def step_loss(core, model, tok, data, still, rng):
    """The loss of one batch, encoder standing still or learning."""
    pixels, patch, whole, texts = data
    ids, targets = collate(tok, [rng.choice(S.PICTURE_PROMPTS) for _ in texts], texts)
    with autocast():
        with torch.set_grad_enabled(not still):
            features = model.vision.encoder(normalise(pixels))
        loss, right = caption_loss(core, model, tok, features, ids, targets)
        if not still:
            label, named = model.vision.heads.loss(features, patch, whole)
            return loss + LABEL_SHARE * label, loss.item(), right, named
    return loss, loss.item(), right, 0.0


class Smoothed(nn.Module):
    """A model and the running mean of its weights, saved together."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.mean = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def follow(self, step):
        """Move the mean; the first steps count for less than their number."""
        share = max(1 / MEAN_OVER, 1 / (1 + step))
        for mean, value in zip(self.mean.parameters(), self.model.parameters()):
            mean.lerp_(value, share)


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--steps", type=int, default=5700)
    args.add_argument("--stop", type=int, default=0, help="leave after this step, to go on later")
    args.add_argument("--still", type=int, default=300)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tok = tokenizer()
    core = frozen_core(tok)
    model = VisionModel(core, tok)
    both = Smoothed(model)
    run = Run("vision", both, Optimiser(model.named_parameters(), muon_lr=0.01, adam_lr=1e-3))
    seen, last = [], args.stop or args.steps
    while run.step < last:
        name = f"vision {run.step}"
        shapes = [share for begin, share in SHAPES if run.step >= begin][-1]
        loss, *figures = step_loss(core, model, tok, scenes.batch(name, args.batch, shapes=shapes),
                                   run.step < args.still, random.Random(name))
        loss.backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        both.follow(run.step)
        seen.append(figures)
        run.advance()
        if run.step % 20 == 0:
            mean = [sum(c) / len(c) for c in zip(*seen)]
            run.log(caption_loss=mean[0], tokens_right=mean[1], patches_named=mean[2])
            seen = []
    run.save()
    if run.step >= args.steps:
        write_bytes(workdir() / "vision.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
