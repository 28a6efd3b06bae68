# SPDX-License-Identifier: Apache-2.0
"""Stage 5: conformer and adapter learn through the frozen text core, which repeats what it hears.

The prompt is the paper's ("Repeat after me in English: ", then the speech between its tokens), teacher
forced. The losses of stage 4 go on beside it at a higher weight: the core's part of the gradient says much about
what it expects and little about sounds. Only sentences of the words that the demo is to hear are repeated: the person's
other words, never a number among them, had made her numbers into other words.
What is exported is a running mean of the weights (Smoothed).
"""
import argparse
import json

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

import sentences as S
from common import SEED, Optimiser, Run, autocast, load, lr_factor, workdir, write_bytes
from train_ctc import PHONE_SHARE, Feed, Hearing, alignment_losses, listen
from train_text import Rows, tokenizer
from train_vision import Smoothed, frozen_core
from vocab import AUDIO_BEGIN, AUDIO_END, BOS, EOT

REPEAT_SHARE = 0.5


def around(tok, prompt):
    """Ids before the speech and after it, up to where the answer begins."""
    before = Rows(tok).special(BOS).header("user").text(prompt).special(AUDIO_BEGIN)
    after = Rows(tok).special(AUDIO_END).special(EOT).header("assistant")
    return [torch.tensor([r[0] for r in part.rows]) for part in (before, after)]


def sequences(core, tok, soft, lengths, texts, prompt=S.REPEAT):
    """Rows for the core [b, n, d], and targets [b, n - 1] with -100 where nothing is asked."""
    before, after = around(tok, prompt)
    rows, targets = [], []
    for x, n, text in zip(soft, lengths, texts):
        answer = torch.tensor([*tok.encode(text), tok.special[EOT]])
        end = core.embed_tokens(torch.cat([after, answer]))
        rows.append(torch.cat([core.embed_tokens(before), x[:n].float(), end]))
        silent = len(before) + int(n) + len(after) - 1
        targets.append(torch.cat([torch.full((silent,), -100), answer]))
    return pad_sequence(rows, batch_first=True), pad_sequence(targets, batch_first=True, padding_value=-100)


def repeat_loss(core, tok, soft, lengths, texts):
    """Cross-entropy of the repeated sentences, and the share of their tokens that is right."""
    rows, targets = sequences(core, tok, soft, lengths, texts)
    with autocast():
        logits = core.logits(core(rows)[:, :-1][targets >= 0]).float()
    wanted = targets[targets >= 0]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean().item()


def start(model):
    """The mean of stage 4's weights."""
    state = load(workdir() / "ctc.pt")
    if state:
        both = Smoothed(model)
        both.load_state_dict(state["model"])
        model.load_state_dict(both.mean.state_dict())
    return model


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--steps", type=int, default=2450)
    args.add_argument("--stop", type=int, default=0, help="leave after this step, to go on later")
    args.add_argument("--rows", type=int, default=3000)
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    tok = tokenizer()
    core = frozen_core(tok)
    model = start(Hearing(core.embed_tokens.weight))
    both = Smoothed(model)
    run = Run("speech", both, Optimiser(model.named_parameters(), muon_lr=0.004, adam_lr=4e-4))
    feed, seen, last = Feed(args.rows, known=True), [], args.stop or args.steps
    while run.step < last:
        rows, lengths, texts = feed.next(run.step)
        heard = listen(model, rows, lengths)
        by_phone, by_token = alignment_losses(model, tok, heard, texts)
        loss, right = repeat_loss(core, tok, heard[1], heard[2], texts)
        (REPEAT_SHARE * loss + by_token + PHONE_SHARE * by_phone).backward()
        run.optimiser.step(lr_factor(run.step, args.steps, decay=0.9))
        both.follow(run.step)
        seen.append([loss.item(), right, by_token.item()])
        run.advance()
        if run.step % 20 == 0:
            mean = [sum(c) / len(c) for c in zip(*seen)]
            run.log(repeat_loss=mean[0], tokens_right=mean[1], token_loss=mean[2], items=len(feed.corpus.items))
            seen = []
    run.save()
    if run.step >= args.steps:
        write_bytes(workdir() / "speech.done", json.dumps({"steps": run.step, "seconds": run.seconds()}))


if __name__ == "__main__":
    main()
