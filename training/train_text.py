# SPDX-License-Identifier: Apache-2.0
"""Stage 1: the vocabulary and the text core, on the sentences of all three jobs; then frozen for good.

Speech is given as what an adapter will give later: rows that are word embeddings, each held for several
rows, faded into its neighbour, interrupted by gaps of silence, under noise. A clip or a picture is one
marker row and the core learns to caption without seeing: the distribution of captions, which the adapters
then only have to condition. Speech starts easy (one clean row a token, many jumbled words, so that repeating is
learned at all) and becomes hard by the middle of the run.
"""
import argparse
import json
import random

import torch
import torch.nn.functional as F

import sentences as S
from common import DEMO, SEED, Optimiser, Run, autocast, lr_factor, workdir, write_bytes
from models import N_BASE, TextCore
from vocab import AUDIO_BEGIN, AUDIO_END, BOS, EOT, HEAD, HEAD_END, PAD, VIDEO, Tokenizer, files, train_ranks


def tokenizer():
    """The demo's tokenizer: the shipped one, which never changes; trained on first use where there is none."""
    path, shipped = workdir() / "tokenizer.model", DEMO / "text" / "tokenizer.model"
    if shipped.exists():
        return Tokenizer.read(shipped)
    if not path.exists():
        made = files(Tokenizer(train_ranks(S.corpus(), N_BASE)), 2048)
        write_bytes(path, made["tokenizer.model"])
    return Tokenizer.read(path)


class Rows:
    """A sequence as rows for the core: two ids, the second's share, the sum's scale, noise, and the target flag."""

    def __init__(self, tok):
        self.tok, self.rows = tok, []

    def add(self, ids, target=False):
        self.rows += [(i, i, 0.0, 1.0, 0.0, target) for i in ids]
        return self

    def special(self, name, target=False):
        return self.add([self.tok.special[name]], target)

    def text(self, text, target=False):
        return self.add(self.tok.encode(text), target)

    def header(self, role):
        return self.special(HEAD).text(role).special(HEAD_END).text("\n\n")

    def speech(self, text, rng, hard=1.0):
        """The words of a sentence as an adapter would speak them; hard 0: one clean row a token, 1: as it comes."""
        ids = self.tok.encode(" " + text)
        stretch = 1.0 + hard * rng.uniform(0.0, 3.0)
        noise, fade = hard * rng.uniform(0.0, 0.5), hard * rng.uniform(0.0, 0.5)
        gap = lambda odds, most: [(ids[0], ids[0], 0.0, 0.0, noise, False)] * (  # noqa: E731
            rng.randint(1, most) if rng.random() < odds * hard else 0)
        self.special(AUDIO_BEGIN)
        self.rows += gap(0.7, 5)
        for at, i in enumerate(ids):
            hold = max(1, round(stretch * rng.uniform(1 - 0.4 * hard, 1 + 0.4 * hard)))
            after = ids[min(at + 1, len(ids) - 1)]
            for k in range(hold):
                share = fade * rng.random() if k == hold - 1 else 0.0
                self.rows.append((i, after, share, 1 + 0.3 * hard * rng.uniform(-1, 1), noise, False))
            self.rows += gap(0.12 if at + 1 < len(ids) else 0.7, 4)
        return self.special(AUDIO_END)

    def answer(self, text):
        return self.special(EOT).header("assistant").text(text, True).special(EOT, True)


def hardness(step, total):
    """How hard speech is at a step: easy for an eighth of the run, as hard as it gets from the middle on."""
    return min(1.0, max(0.0, (step / total - 0.125) / 0.375))


def sample(tok, rng, hard):
    """One training sequence."""
    rows = Rows(tok).special(BOS)
    kind = rng.choices(["picture", "clip", "repeat", "translate", "plain"], [22, 10, 54, 7, 7])[0]
    if kind == "picture":
        return rows.header("user").add([tok.image]).text(rng.choice(S.PICTURE_PROMPTS)).answer(S.broad_caption(rng))
    if kind == "clip":
        return rows.header("user").special(VIDEO).text(rng.choice(S.CLIP_PROMPTS)).answer(S.clip_caption(rng))
    if kind == "plain":
        return rows.text(rng.choice([S.broad_caption, S.clip_caption, S.spoken])(rng), True).special(EOT, True)
    prompt, heard, said = S.REPEAT, None, None
    if kind == "repeat":
        heard = said = S.jumble(rng) if rng.random() < 0.6 * (1 - hard) else S.spoken(rng)
    else:
        language, heard, said = S.translation(rng)
        prompt = S.TRANSLATE.format(language)
    if rng.random() < 0.3:
        rows.header("system").text(prompt.strip()).special(EOT).header("user")
    else:
        rows.header("user").text(prompt)
    return rows.speech(heard, rng, hard).answer(said)


def batches(tok, step, tokens, hard, pool=512):
    """All batches of one pool: sequences of like length together; the step it starts at is its seed."""
    rng = random.Random(f"{SEED}-{step}")
    seqs = sorted((sample(tok, rng, hard).rows for _ in range(pool)), key=len)
    groups, group = [], []
    for s in seqs:
        if group and (len(group) + 1) * len(s) > tokens:
            groups.append(group)
            group = []
        group.append(s)
    groups.append(group)
    rng.shuffle(groups)
    return [collate(tok, g, step * 100 + n) for n, g in enumerate(groups)]


def collate(tok, group, seed):
    """Rows to tensors: ids [b, n, 2], numbers [b, n, 3], targets [b, n-1] with -100 where nothing is asked."""
    n = max(len(s) for s in group)
    pad = (tok.special[PAD],) * 2 + (0.0, 1.0, 0.0, False)
    table = torch.tensor([s + [pad] * (n - len(s)) for s in group], dtype=torch.float64)
    ids = table[..., :2].long()
    targets = torch.where(table[:, 1:, 5] > 0, ids[:, 1:, 0], -100)
    return ids, table[..., 2:5].float(), targets, torch.Generator().manual_seed(seed)


def embed(core, ids, numbers, gen):
    """Mixed, scaled and noisy embeddings of Rows."""
    e = core.embed_tokens(ids)
    share, scale, noise = (numbers[..., i:i + 1] for i in range(3))
    x = ((1 - share) * e[..., 0, :] + share * e[..., 1, :]) * scale
    size = core.embed_tokens.weight.detach().square().mean().sqrt()
    return x + noise * size * torch.randn(x.shape, generator=gen)


def loss_of(core, batch):
    ids, numbers, targets, gen = batch
    with autocast():
        rows = core(embed(core, ids, numbers, gen))[:, :-1][targets >= 0]
        logits = core.logits(rows)
    return F.cross_entropy(logits.float(), targets[targets >= 0])


@torch.no_grad()
def repeat_accuracy(core, tok, hard, count=128):
    """Share of answer tokens right, teacher forced, for unseen sentences between the speech tokens."""
    rng = random.Random("held out")
    seqs = [Rows(tok).special(BOS).header("user").text(S.REPEAT).speech(s, rng, hard).answer(s).rows
            for s in (S.spoken(rng) for _ in range(count))]
    ids, numbers, targets, gen = collate(tok, seqs, 0)
    with autocast():
        guess = core.logits(core(embed(core, ids, numbers, gen))[:, :-1]).argmax(-1)
    return (guess == targets)[targets >= 0].float().mean().item()


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--steps", type=int, default=1600)
    args.add_argument("--tokens", type=int, default=3072)
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tok = tokenizer()
    core = TextCore(tok.vocab_size)
    run = Run("text", core, Optimiser(core.named_parameters()))
    queue, losses = [], []
    while run.step < args.steps:
        if not queue:
            queue = batches(tok, run.step, args.tokens, hardness(run.step, args.steps))
        loss = loss_of(core, queue.pop())
        loss.backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        losses.append(loss.item())
        run.advance()
        if run.step % 20 == 0:
            run.log(loss=sum(losses) / len(losses))
            losses = []
        if run.step % 100 == 0:
            run.log(repeat_easy=repeat_accuracy(core, tok, 0.0), repeat_hard=repeat_accuracy(core, tok, 1.0))
    run.save()
    write_bytes(workdir() / "text.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
