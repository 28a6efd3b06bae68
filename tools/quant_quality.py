#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rounding of weights and of their inputs costs a text model: KL divergence to f32, in PyTorch.

    tools/quant_quality.py DIR --text FILE [--tokens 512]

DIR is a Hugging Face directory of a Llama (tools/fetch_smollm2.py makes a small one). Each line is one arithmetic of q8: weights
in 8 bits with a scale a group of 32, x with so many bits and a scale a group, and with 16 bits in groups whose scale is more than
so many times the mean of their row's; the last line is fp8 (docs/decisions/0016). It simulates docs/decisions/0014: `weft model
verify --quantize q8` measures weft itself.
"""
import argparse

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

# The bits of weights, the group and bits of x, and from how many times the mean scale on a group of x is wide (0: never).
CASES = (
    (8, 0, 0, 0),
    (0, 32, 8, 0),
    (8, 32, 8, 0),
    (8, 16, 8, 0),
    (8, 32, 10, 0),
    (0, 32, 8, 1.5),
    (8, 32, 8, 1.25),
    (8, 32, 8, 1.5),
    (8, 32, 8, 2),
)
WIDE_STEPS = 127 * 254  # of a wide group's two planes together


class Share:
    """How many groups are wide, of all that rows of x have."""

    def __init__(self):
        self.wide = self.all = 0

    def count(self, wide):
        self.wide += int(wide.sum())
        self.all += wide.numel()


def steps_of(group, most):
    """Groups along the last axis in integers up to most, each with a scale of its own."""
    d = group.abs().amax(-1, keepdim=True) / most
    d = torch.where(d == 0, torch.ones_like(d), d)
    return torch.round(group / d) * d


def rounded(x, size, bits, above=0, share=None):
    """x in integers of so many bits, in groups of `size` along the last axis."""
    groups = x.reshape(*x.shape[:-1], -1, size)
    out = steps_of(groups, 2 ** (bits - 1) - 1)
    if above:
        most = groups.abs().amax(-1, keepdim=True)
        wide = most > above * most.mean(-2, keepdim=True)
        out = torch.where(wide, steps_of(groups, WIDE_STEPS), out)
        share.count(wide)
    return out.reshape(x.shape)


def as_fp8(x, bound=float("inf")):
    """x in E4M3, each row with a scale of its own (core/ops/op.h)."""
    most = x.abs().amax(-1, keepdim=True).clamp(max=bound)
    scale = (most / 448).clamp(min=1 / (448 * 512))
    return (x / scale).clamp(-448, 448).to(torch.float8_e4m3fn).to(torch.float32) * scale


def fp8_log_probabilities(directory, ids):
    """The feed-forward weights in fp8, but for those of the first and the last layer."""
    model = AutoModelForCausalLM.from_pretrained(directory, torch_dtype=torch.float32).eval()
    for layer in model.model.layers[1:-1]:
        for module in (layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj):
            module.weight = torch.nn.Parameter(as_fp8(module.weight.data))
            module.register_forward_pre_hook(lambda _m, args: (as_fp8(args[0], 1200),))
    with torch.no_grad():
        return torch.log_softmax(model(ids[None]).logits[0].float(), -1)


def log_probabilities(directory, ids, weight_bits=0, group=0, bits=0, above=0, share=None):
    model = AutoModelForCausalLM.from_pretrained(directory, torch_dtype=torch.float32).eval()
    for module in model.modules():
        if not isinstance(module, torch.nn.Linear):
            continue
        if weight_bits:
            module.weight = torch.nn.Parameter(rounded(module.weight.data, 32, weight_bits))
        if bits:
            module.register_forward_pre_hook(lambda _m, args: (rounded(args[0], group, bits, above, share),))
    with torch.no_grad():
        return torch.log_softmax(model(ids[None]).logits[0].float(), -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--text", required=True)
    parser.add_argument("--tokens", type=int, default=512)
    args = parser.parse_args()
    with open(args.text, encoding="utf-8") as f:
        ids = AutoTokenizer.from_pretrained(args.directory)(f.read(), return_tensors="pt")["input_ids"][0][: args.tokens]
    exact = log_probabilities(args.directory, ids)
    for weight_bits, group, bits, above in CASES:
        share = Share()
        got = log_probabilities(args.directory, ids, weight_bits, group, bits, above, share)
        kl = (exact.exp() * (exact - got)).sum(-1).mean().item()
        x = f"{bits} bits in groups of {group}" if bits else "f32"
        wide = f", wide above {above} times the mean: {share.wide / share.all:.1%}" if above else ""
        print(f"weights {weight_bits or 'f32'}, x {x}{wide}: KL {kl:.5f}", flush=True)
    kl = (exact.exp() * (exact - fp8_log_probabilities(args.directory, ids))).sum(-1).mean().item()
    print(f"fp8: KL {kl:.5f}")


if __name__ == "__main__":
    main()
