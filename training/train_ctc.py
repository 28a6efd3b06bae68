# SPDX-License-Identifier: Apache-2.0
"""Stage 4: the conformer and its adapter learn where which words are, before the text core listens.

Two alignment losses (connectionist temporal classification, Graves et al., ICML 2006): phones at the encoder's
rows, 40 ms, and the text core's own tokens at the soft tokens, 80 ms. The second has no output layer of its
own: a soft token x scores token v with k (2 x.e_v - e_v.e_v), e_v its frozen embedding, and silence with 0, as if
x were e_v or nothing, plus noise: just what the text core has been taught to repeat. Those scores say nothing of
x's length, so a third loss keeps x near what they make of it: the mean of the embeddings, weighted by their
probabilities, silence being 0. So when the core listens (train_speech.py), it hears its own embeddings.
"""
import argparse
import json

import torch
import torch.nn.functional as F
from torch import nn

from common import SEED, Optimiser, Run, lr_factor, workdir, write_bytes
from models import N_BASE
from speech_data import PHONES, Corpus, phones
from speech_model import ENCODER, Speech
from train_text import tokenizer
from train_vision import Smoothed, frozen_core

PHONE_SHARE = 0.5    # weight of the phones beside the tokens
NEAR_SHARE = 3.0     # and of the distance to the embeddings
SILENT_SHARE = 0.2   # of a silent row in it, a spoken one having 1
REFRESH = 200        # steps between two looks for more of the corpus


class Hearing(nn.Module):
    """What is exported, and the heads of the alignment losses."""

    def __init__(self):
        super().__init__()
        self.speech = Speech()
        self.phones = nn.Linear(ENCODER["hidden_size"], len(PHONES) + 1)
        self.sharpness, self.silence = nn.Parameter(torch.tensor(1.5)), nn.Parameter(torch.zeros(1))

    def token_scores(self, soft, table):
        """Log-probabilities [b, n, N_BASE + 1] of soft tokens; table: embeddings of the base tokens."""
        soft = soft.float()
        scores = self.sharpness.exp() * (2 * soft @ table.T - table.square().sum(-1))
        return torch.cat([scores, self.silence.expand(*soft.shape[:2], 1)], -1).log_softmax(-1)


def ctc(scores, lengths, targets):
    """Mean loss per target; what cannot be aligned counts nothing."""
    sizes = torch.tensor([len(t) for t in targets])
    flat = torch.tensor([i for t in targets for i in t])
    loss = F.ctc_loss(scores.transpose(0, 1), flat, lengths, sizes, scores.shape[-1] - 1, "none", zero_infinity=True)
    return (loss / sizes.clamp(min=1)).mean()


def distance(soft, scores, table, lengths):
    """How far soft tokens are from the embeddings that their scores expect: mean square, an embedding's being 1."""
    odds = scores.detach().exp()
    square = (soft.float() - odds[..., :-1] @ table).square().sum(-1) / table.square().sum(-1).mean()
    share = (SILENT_SHARE + (1 - SILENT_SHARE) * (1 - odds[..., -1])) * (torch.arange(soft.shape[1]) < lengths[:, None])
    return (share * square).sum() / share.sum()


def alignment_losses(model, table, tok, heard, texts):
    """(phones, tokens, distance); heard: what Speech gives."""
    encoded, soft, lengths, rows = heard
    by_phone, by_token = model.phones(encoded).float().log_softmax(-1), model.token_scores(soft, table)
    return (ctc(by_phone, rows, [phones(t) for t in texts]),
            ctc(by_token, lengths, [tok.encode(" " + t) for t in texts]), distance(soft, by_token, table, lengths))


def listen(model, rows, lengths):
    with torch.autocast("cpu", torch.bfloat16):
        encoded, soft, n = model.speech(rows, lengths)
    return encoded, soft, n, lengths


class Feed:
    """Batches without end, and a look for more of the corpus now and then."""

    def __init__(self, rows):
        self.rows, self.corpus, self.queue, self.looked = rows, Corpus(), [], 0

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
    table = frozen_core(tok).embed_tokens.weight[:N_BASE]
    model = Hearing()
    both = Smoothed(model)
    run = Run("ctc", both, Optimiser(model.named_parameters(), muon_lr=0.02, adam_lr=2e-3))
    feed, seen, last = Feed(args.rows), [], args.stop or args.steps
    while run.step < last:
        rows, lengths, texts = feed.next(run.step)
        losses = alignment_losses(model, table, tok, listen(model, rows, lengths), texts)
        (PHONE_SHARE * losses[0] + losses[1] + NEAR_SHARE * losses[2]).backward()
        run.optimiser.step(lr_factor(run.step, args.steps))
        both.follow(run.step)
        seen.append([x.item() for x in losses])
        run.advance()
        if run.step % 20 == 0:
            mean = [sum(c) / len(c) for c in zip(*seen)]
            run.log(phone_loss=mean[0], token_loss=mean[1], distance=mean[2], items=len(feed.corpus.items))
            seen = []
    run.save()
    if run.step >= args.steps:
        write_bytes(workdir() / "ctc.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
