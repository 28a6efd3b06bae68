#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rounding of weights and of their inputs costs a text model: KL divergence to f32, in PyTorch.

    tools/quant_quality.py DIR --text FILE [--tokens 512]

DIR is a Hugging Face directory of a Llama (tools/fetch_smollm2.py makes a small one). Each line is one arithmetic of q8: weights
in 8 bits with a scale a group of 32, x with so many bits and a scale a group. It simulates docs/decisions/0014: `weft model
verify --quantize q8` measures weft itself.
"""
import argparse

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

CASES = ((8, 0, 0), (0, 32, 8), (8, 32, 8), (8, 16, 8), (8, 32, 9), (8, 32, 10), (8, 32, 12))  # weights' bits, x's group, bits


def rounded(x, group, bits):
    """x in integers of so many bits, each group along the last axis with a scale of its own."""
    shape, most = x.shape, 2 ** (bits - 1) - 1
    x = x.reshape(-1, group)
    d = x.abs().amax(1, keepdim=True) / most
    d = torch.where(d == 0, torch.ones_like(d), d)
    return (torch.round(x / d) * d).reshape(shape)


def log_probabilities(directory, ids, weight_bits=0, group=0, bits=0):
    model = AutoModelForCausalLM.from_pretrained(directory, torch_dtype=torch.float32).eval()
    for module in model.modules():
        if not isinstance(module, torch.nn.Linear):
            continue
        if weight_bits:
            module.weight = torch.nn.Parameter(rounded(module.weight.data, 32, weight_bits))
        if bits:
            module.register_forward_pre_hook(lambda _m, args: (rounded(args[0], group, bits),))
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
    for weight_bits, group, bits in CASES:
        got = log_probabilities(args.directory, ids, weight_bits, group, bits)
        kl = (exact.exp() * (exact - got)).sum(-1).mean().item()
        print(f"weights {weight_bits or 'f32'}, x {f'{bits} bits in groups of {group}' if bits else 'f32'}: KL {kl:.5f}",
              flush=True)


if __name__ == "__main__":
    main()
