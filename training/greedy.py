# SPDX-License-Identifier: Apache-2.0
"""Greedy answers of the last vision checkpoint, in PyTorch: to watch a run before the program is asked."""
import numpy as np
import torch
from PIL import Image

from export import trained_vision
from train_text import tokenizer
from train_vision import embed, frozen_core, prompt_rows
from train_vit import normalise
from vocab import EOT

MOST = 48   # tokens of an answer; the longest caption has about 40


@torch.no_grad()
def answer_batch(core, model, tok, pixels, prompt):
    """Texts for uint8 pictures [b, T, T, 3], all rows recomputed at every token: short and simple."""
    source = model.adapter.multi_modal_projector(model.vision.encoder(normalise(pixels)))
    ids = torch.tensor([prompt_rows(tok, prompt)] * len(pixels))
    start = ids.shape[1]
    for _ in range(MOST):
        x, seen = embed(core, model.adapter, tok, ids)
        last = core.logits(core(x, model.adapter.layers, source, seen)[:, -1]).argmax(-1)
        ids = torch.cat([ids, last[:, None]], 1)
        if ((ids[:, start:] == tok.special[EOT]).any(1)).all():
            break
    stop = tok.special[EOT]
    rows = [r[:r.index(stop)] if stop in r else r for r in ids[:, start:].tolist()]
    return [tok.decode(r) for r in rows]


def answer_files(paths, prompt="Describe this picture.", size=50):
    """path -> answer."""
    torch.set_num_threads(1)
    tok = tokenizer()
    core = frozen_core(tok)
    model = trained_vision(core, tok)
    out = {}
    for i in range(0, len(paths), size):
        part = paths[i:i + size]
        pixels = np.stack([np.array(Image.open(p).convert("RGB")) for p in part])
        out |= dict(zip(part, answer_batch(core, model, tok, pixels, prompt)))
    return out
