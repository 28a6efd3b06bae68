# SPDX-License-Identifier: Apache-2.0
"""What the last speech checkpoint hears, in PyTorch: to watch a run before the program is asked."""
import torch

from common import load, workdir
from mel import log_mel, resample
from speech_data import pad
from speech_voices import read_wav
from train_ctc import Hearing, codes
from train_speech import sequences
from train_text import tokenizer
from train_vision import Smoothed, frozen_core
from vocab import EOT

MOST = 48   # tokens of an answer


def trained_hearing(stage="speech"):
    """The running mean of a stage's last weights."""
    both = Smoothed(Hearing(frozen_core(tokenizer()).embed_tokens.weight))
    state = load(workdir() / f"{stage}.pt")
    if not state:
        raise SystemExit(f"{workdir()} has no {stage}.pt: train_{stage}.py makes it")
    both.load_state_dict(state["model"])
    return both.mean.eval()


def best_path(tok, scores, n):
    """The text of a row of the memory's shares: repeats once, silence dropped."""
    best = torch.unique_consecutive(scores[:n].argmax(-1)).tolist()
    return tok.decode([codes()[i] for i in best if i < len(codes())]).strip()


def repeat(core, tok, soft, lengths):
    """Greedy answers, all rows recomputed at every token: short and simple."""
    answers, stop = [[] for _ in lengths], tok.special[EOT]
    for _ in range(MOST):
        rows, targets = sequences(core, tok, soft, lengths, [""] * len(lengths))
        ends = (targets >= 0).int().argmax(1).tolist()     # the last row before the answer
        most = max(map(len, answers))
        said = core.embed_tokens(torch.tensor([a + [0] * (most - len(a)) for a in answers], dtype=torch.long))
        rows = torch.cat([rows, rows.new_zeros(len(rows), most, rows.shape[-1])], 1)
        for row, at, s in zip(rows, ends, said):
            row[at + 1:at + 1 + most] = s
        out = core(rows)
        last = core.logits(torch.stack([o[at + most] for o, at in zip(out, ends)])).argmax(-1).tolist()
        answers = [a + [i] for a, i in zip(answers, last)]
        if all(stop in a for a in answers):
            break
    return [tok.decode(a[:a.index(stop)] if stop in a else a) for a in answers]


@torch.no_grad()
def hear_files(paths, engine, size=40):
    """path -> text; engine "torch" or "ctc"."""
    torch.set_num_threads(1)
    tok = tokenizer()
    core, model = frozen_core(tok), trained_hearing("speech" if engine == "torch" else "ctc")
    out = {}
    made = sorted(((log_mel(resample(*read_wav(p))), p) for p in paths), key=lambda m: len(m[0]))
    for i in range(0, len(made), size):
        part = made[i:i + size]
        _, soft, lengths, shares = model.speech(*pad([f for f, _ in part]))
        if engine == "torch":
            texts = repeat(core, tok, soft, lengths)
        else:
            texts = [best_path(tok, s, n) for s, n in zip(shares, lengths)]
        out |= dict(zip((p for _, p in part), texts))
    return out
