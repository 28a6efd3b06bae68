# SPDX-License-Identifier: Apache-2.0
"""Prompts of parity files whose greedy choices are clear; for the scripts that write fixtures.

A prompt here is anything with logits(ids) [T, vocab]; one with hidden states has reference.hidden.
"""

import torch

import export_golden


def words(n, seed):
    return torch.randint(3, 120, (n,), generator=torch.Generator().manual_seed(seed))


def expected(prompt, ids, count=10, hidden=True):
    """What a parity file says of the text, and the least margin of a greedy choice."""
    out = {"input_ids": ids, "logits": prompt.logits(ids)}
    if hidden:
        out.update({f"hidden.{k}": v for k, v in prompt.reference.hidden.items()})
    out = {k: v.detach().clone() for k, v in out.items()}
    scale = max(1.0, float(out["logits"].abs().max()))
    greedy, margin, last = [], 1.0, out["logits"][-1]
    for _ in range(count):
        top = last.topk(2).values
        margin = min(margin, float(top[0] - top[1]) / scale)
        greedy.append(int(last.argmax()))
        last = prompt.logits(torch.cat([ids, torch.tensor(greedy)]))[-1]
    return {**out, "greedy": torch.tensor(greedy)}, margin


def settle(prompt, make_ids, count=10, hidden=True):
    """The first seed whose greedy choices rounding cannot decide (export_golden.MARGIN)."""
    for seed in range(1000):
        tensors, margin = expected(prompt, make_ids(seed), count, hidden)
        if margin >= export_golden.MARGIN:
            return tensors
    raise RuntimeError("no clear prompt")
