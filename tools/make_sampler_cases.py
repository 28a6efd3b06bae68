#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/unit/sampler_cases.inc: logits, settings, and the probabilities that the logits
processors of transformers (4.49, with torch 2.6) give, in the order in which generate() calls them."""
import pathlib

import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCAB = 12
# temperature, top_k, top_p, min_p, repetition_penalty, history
SETTINGS = [
    (1.0, 0, 1.0, 0.0, 1.0, []),
    (0.6, 0, 1.0, 0.0, 1.0, []),
    (1.7, 0, 1.0, 0.0, 1.0, []),
    (1.0, 1, 1.0, 0.0, 1.0, []),
    (1.0, 3, 1.0, 0.0, 1.0, []),
    (1.0, 50, 1.0, 0.0, 1.0, []),
    (1.0, 0, 0.5, 0.0, 1.0, []),
    (1.0, 0, 0.9, 0.0, 1.0, []),
    (1.0, 0, 0.01, 0.0, 1.0, []),
    (1.0, 0, 1.0, 0.05, 1.0, []),
    (1.0, 0, 1.0, 0.3, 1.0, []),
    (1.0, 0, 1.0, 1.0, 1.0, []),
    (1.0, 0, 1.0, 0.0, 1.3, [0, 3, 3, 5, 11]),
    (1.0, 0, 1.0, 0.0, 0.7, [1, 2, 9]),
    (0.6, 0, 0.9, 0.0, 1.0, []),
    (0.8, 5, 0.8, 0.0, 1.0, []),
    (1.5, 8, 0.95, 0.1, 1.0, []),
    (0.7, 6, 0.9, 0.05, 1.2, [2, 4, 7, 7]),
    (2.0, 4, 0.6, 0.2, 1.5, list(range(12))),
]


def probabilities(logits, temperature, top_k, top_p, min_p, penalty, history):
    processors = LogitsProcessorList()
    if penalty != 1.0:
        processors.append(RepetitionPenaltyLogitsProcessor(penalty))
    if temperature != 1.0:
        processors.append(TemperatureLogitsWarper(temperature))
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p < 1.0:
        processors.append(TopPLogitsWarper(top_p))
    if min_p > 0.0:
        processors.append(MinPLogitsWarper(min_p))
    ids = torch.tensor([history], dtype=torch.long)
    return torch.softmax(processors(ids, logits[None].clone()).double(), -1)[0]


def main():
    generator = torch.Generator().manual_seed(5)
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "unit" / "sampler_cases.inc"
    with open(target, "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write("/* Written by tools/make_sampler_cases.py with transformers: settings, history, logits,\n")
        out.write(" * probabilities. Long rows are tables. */\n")
        for row in range(2 * len(SETTINGS)):
            temperature, top_k, top_p, min_p, penalty, history = SETTINGS[row % len(SETTINGS)]
            logits = (torch.randn(VOCAB, generator=generator) * 1.5).round(decimals=2)
            if row >= len(SETTINGS):  # ties, and a token that is impossible
                logits = logits.round()
                logits[row % VOCAB] = float("-inf")
                if top_p < 1.0:  # equal tokens at the edge of top-p have no order in torch
                    logits += torch.arange(VOCAB) * 0.0625
            p = probabilities(logits, temperature, top_k, top_p, min_p, penalty, history)
            out.write("{ { %rf, %d, %rf, %rf, %rf, %d }, %d, { %s },\n" % (
                temperature, top_k, top_p, min_p, penalty, row, len(history), ", ".join(map(str, history)) or "0"))
            out.write("  { %s },\n" % ", ".join(
                "-INFINITY" if x == float("-inf") else "%.9gf" % x if "." in "%.9g" % x else "%.9g.0f" % x
                for x in logits.tolist()))
            out.write("  { %s } },\n" % ", ".join("%.9g" % x for x in p.tolist()))


if __name__ == "__main__":
    main()
