# SPDX-License-Identifier: Apache-2.0
"""Stage 4: the conformer and its adapter learn where which words are, before the text core listens.

Two alignment losses (connectionist temporal classification, Graves et al., ICML 2006): phones at the encoder's
rows, 40 ms, and the text core's own tokens at the soft tokens, 80 ms. The second has no output layer of its
own: its odds are the shares of the adapter's memory, whose values are the core's frozen embeddings of the tokens
that are said, and zero for silence. So a soft token is what the alignment makes of it, and when the core listens
(train_speech.py), it hears its own embeddings.
"""
import argparse
import json
import random
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

import speech_text
from common import SEED, Optimiser, Run, autocast, lr_factor, workdir, write_bytes
from speech_data import PHONES, Corpus, phones
from speech_model import ENCODER, Speech
from train_text import tokenizer
from train_vision import Smoothed, frozen_core

PHONE_SHARE = 0.5    # weight of the phones beside the tokens
REFRESH = 200        # steps between two looks for more of the corpus


@cache
def codes():
    """Tokens that the memory holds, in its order: those of sentences of the known words. Others are not heard."""
    tok, rng, known = tokenizer(), random.Random(f"{SEED} codes"), set(speech_text.words())
    texts = speech_text.words() + [speech_text.training_sentence(rng) for _ in range(20000)]
    return sorted({i for t in texts if known.issuperset(speech_text.plain(t)) for i in tok.encode(" " + t)})


class Hearing(nn.Module):
    """What is exported, and the head of the phones' alignment."""

    def __init__(self, embeddings):
        super().__init__()
        self.speech = Speech()
        self.phones = nn.Linear(ENCODER["hidden_size"], len(PHONES) + 1)
        memory = self.speech.speech_adapter.memory
        if len(memory.values) != len(codes()) + 1:   # a row to spare would be a second silence
            raise SystemExit(f"speech_model.py: memory_size must be {len(codes()) + 1}: the known tokens and silence")
        with torch.no_grad():
            memory.values[:-1] = embeddings[codes()].bfloat16().float()


def ctc(scores, lengths, targets):
    """Mean loss per target; what cannot be aligned counts nothing."""
    sizes = torch.tensor([len(t) for t in targets])
    flat = torch.tensor([i for t in targets for i in t], dtype=torch.long)
    loss = F.ctc_loss(scores.transpose(0, 1), flat, lengths, sizes, scores.shape[-1] - 1, "none", zero_infinity=True)
    return (loss / sizes.clamp(min=1)).mean()


def alignment_losses(model, tok, heard, texts):
    """(phones, tokens); heard: what `listen` gives. Tokens that the memory lacks are passed over."""
    encoded, _, lengths, rows, shares = heard
    place = {token: i for i, token in enumerate(codes())}
    by_phone = model.phones(encoded).float().log_softmax(-1)
    return (ctc(by_phone, rows, [phones(t) for t in texts]),
            ctc(shares, lengths, [[place[i] for i in tok.encode(" " + t) if i in place] for t in texts]))


def listen(model, rows, lengths):
    with autocast():
        encoded, soft, n, shares = model.speech(rows, lengths)
    return encoded, soft, n, lengths, shares


class Feed:
    """Batches without end, and a look for more of the corpus now and then."""

    def __init__(self, rows, known=False):
        self.rows, self.corpus, self.queue, self.looked = rows, Corpus(known), [], 0

    def next(self, step):
        if not self.queue:
            if step - self.looked >= REFRESH:
                self.corpus.refresh()
                self.looked = step
            self.queue = self.corpus.batches(step, self.rows)
        return self.queue.pop()


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--steps", type=int, default=3700)
    args.add_argument("--stop", type=int, default=0, help="leave after this step, to go on later")
    args.add_argument("--rows", type=int, default=3600)
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tok = tokenizer()
    model = Hearing(frozen_core(tok).embed_tokens.weight)
    both = Smoothed(model)
    run = Run("ctc", both, Optimiser(model.named_parameters(), muon_lr=0.02, adam_lr=2e-3))
    feed, seen, last = Feed(args.rows), [], args.stop or args.steps
    while run.step < last:
        rows, lengths, texts = feed.next(run.step)
        losses = alignment_losses(model, tok, listen(model, rows, lengths), texts)
        (PHONE_SHARE * losses[0] + losses[1]).backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        both.follow(run.step)
        seen.append([x.item() for x in losses])
        run.advance()
        if run.step % 20 == 0:
            mean = [sum(c) / len(c) for c in zip(*seen)]
            run.log(phone_loss=mean[0], token_loss=mean[1], items=len(feed.corpus.items))
            seen = []
    run.save()
    if run.step >= args.steps:
        write_bytes(workdir() / "ctc.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
