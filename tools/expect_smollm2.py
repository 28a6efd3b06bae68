#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fixtures/gguf/smollm2.json: what transformers makes of SmolLM2-135M-Instruct's 4-bit weights.

    expect_smollm2.py DIR [--out FILE]

DIR is what tools/fetch_smollm2.py writes with --dtype f32 and --keep-gguf: the numbers that the GGUF file's blocks stand for.
The file has texts with their ids; and prompts with the ids that greedy decoding appends, as far as each is clearly ahead of
the next (by more than 1.5 % of the largest logit, so that 8-bit activations choose the same), and of the prompt's last token the
largest logits. It needs torch, tokenizers and transformers (tools/requirements.txt).
"""
import argparse
import json
import pathlib

import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

import tokenizer_texts

HERE = pathlib.Path(__file__).resolve().parent
PROMPTS = [
    "The capital of France is",
    "1, 2, 3, 4, 5, 6,",
    "Monday, Tuesday, Wednesday,",
    "<|im_start|>user\nWhat is the capital of Italy?<|im_end|>\n<|im_start|>assistant\n",
    "def add(a, b):\n    return",
    "Roses are red, violets are",
]
STEPS, MARGIN, LARGEST = 24, 0.015, 12


@torch.no_grad()
def run(model, tokenizer, prompt):
    ids = tokenizer.encode(prompt, add_special_tokens=False).ids
    first = model(torch.tensor([ids])).logits[0, -1]
    top = torch.topk(first, LARGEST)
    greedy, logits = [], first
    while len(greedy) < STEPS:
        best = torch.topk(logits, 2)
        if best.values[0] - best.values[1] <= MARGIN * logits.abs().max():
            break
        greedy.append(int(best.indices[0]))
        logits = model(torch.tensor([ids + greedy])).logits[0, -1]
    return {"prompt": prompt, "ids": ids, "greedy": greedy, "text": tokenizer.decode(greedy), "scale": float(first.abs().max()),
            "top": [[int(i), round(float(v), 5)] for i, v in zip(top.indices, top.values)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests/fixtures/gguf/smollm2.json")
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.directory / "tokenizer.json"))
    model = LlamaForCausalLM.from_pretrained(args.directory, torch_dtype=torch.float32, attn_implementation="eager").eval()
    lines = [t for t in [*tokenizer_texts.SCRIPTS.values(), *tokenizer_texts.PLAIN] if "\n" not in t]
    result = {"texts": [[t, tokenizer.encode(t, add_special_tokens=False).ids] for t in lines],
              "prompts": [run(model, tokenizer, p) for p in PROMPTS]}
    args.out.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    for p in result["prompts"]:
        print(len(p["greedy"]), repr(p["text"]))


if __name__ == "__main__":
    main()
