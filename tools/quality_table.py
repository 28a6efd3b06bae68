#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each format of weights and of keys and values costs a text model, measured on weft itself.

    tools/quality_table.py DIR --text FILE [--weft build/weft] [--tokens 50000] [--skip 0] [--piece 1000]
        [--rows f32,bf16,q8,q4,q8-pages] [--also NAME=DIR]

DIR is a Hugging Face directory (tools/fetch_smollm2.py makes a small one). The text is cut into pieces, each read from its
beginning, and `weft model verify --dump` writes the logits at every place. For every row: perplexity, KL divergence of its
distribution to that of f32, and how often both have the same likeliest token. --also is a row of another directory, such as weft model quantize wrote of
this one. --skip leaves out tokens at the beginning, which an earlier run has had; figures of several runs are joined by their
tokens, perplexities by their logarithms. Needs numpy and transformers, and room for
the logits of two pieces in a temporary folder.
"""
import argparse
import json
import math
import os
import struct
import subprocess
import tempfile

import numpy
from transformers import AutoTokenizer

PAGES = ["--kv-dtype", "f32"]
ROWS = {
    "f32": ["--dtype", "f32"] + PAGES,
    "bf16": ["--dtype", "bf16"],
    "q8": ["--quantize", "q8"],
    "q4": ["--quantize", "q4"],
    "q8-f32-pages": ["--quantize", "q8"] + PAGES,
    "q8-pages": ["--dtype", "bf16", "--kv-dtype", "q8"],
}


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, (dtype, array) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, array in tensors.values():
            f.write(array.tobytes())


def read_logits(path):
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        entry = json.loads(f.read(size))["logits"]
    count = math.prod(entry["shape"])
    return numpy.fromfile(path, numpy.float32, count, offset=8 + size + entry["data_offsets"][0]).reshape(entry["shape"])


def log_probabilities(logits):
    logits = logits.astype(numpy.float64) if logits.size < 1 << 16 else logits
    most = logits.max(-1, keepdims=True)
    return logits - (most + numpy.log(numpy.exp(logits - most).sum(-1, keepdims=True, dtype=numpy.float64))).astype(numpy.float32)


def measure(weft, directory, options, parity, dump):
    command = [weft, "model", "verify", directory, "-q", "--parity", parity, "--dump", dump, *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 9):  # 9: not the zeros that the file claims to expect
        raise SystemExit(f"{' '.join(command)}: exit {result.returncode}: {result.stderr.strip()}")
    return log_probabilities(read_logits(dump))


class Sums:
    def __init__(self):
        self.loss = self.kl = self.same = self.places = 0

    def add(self, got, exact, ids):
        self.loss -= float(numpy.take_along_axis(got[:-1], ids[1:, None], 1).sum(dtype=numpy.float64))
        self.kl += float((numpy.exp(exact) * (exact - got)).sum(dtype=numpy.float64))
        self.same += int((got.argmax(-1) == exact.argmax(-1)).sum())
        self.places += len(ids)

    def line(self, name, pieces):
        perplexity = math.exp(self.loss / (self.places - pieces))
        return f"| {name} | {perplexity:.3f} | {self.kl / self.places:.6f} | {100 * self.same / self.places:.2f} % |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("directory")
    parser.add_argument("--text", required=True)
    parser.add_argument("--weft", default="build/weft")
    parser.add_argument("--tokens", type=int, default=50000)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--piece", type=int, default=1000)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--also", action="append", default=[], metavar="NAME=DIR")
    args = parser.parse_args()
    rows = {name: (args.directory, ROWS[name]) for name in args.rows.split(",")}
    rows |= {name: (directory, []) for name, _, directory in (a.partition("=") for a in args.also)}
    with open(args.text, encoding="utf-8") as f:
        ids = numpy.array(AutoTokenizer.from_pretrained(args.directory)(f.read())["input_ids"][args.skip : args.tokens], numpy.int64)
    with open(os.path.join(args.directory, "config.json"), encoding="utf-8") as f:
        vocabulary = json.load(f)["vocab_size"]
    sums = {name: Sums() for name in rows}
    pieces = range(0, len(ids) - args.piece + 1, args.piece)
    with tempfile.TemporaryDirectory() as folder:
        parity, dump = os.path.join(folder, "parity.safetensors"), os.path.join(folder, "dump.safetensors")
        zeros = numpy.zeros((args.piece, vocabulary), numpy.float32)
        for count, at in enumerate(pieces, 1):
            piece = ids[at : at + args.piece]
            write_safetensors(parity, {"input_ids": ("I64", piece), "logits": ("F32", zeros)})
            exact = measure(args.weft, args.directory, ROWS["f32"], parity, dump)
            for name, (directory, options) in rows.items():
                got = exact if name == "f32" else measure(args.weft, directory, options, parity, dump)
                sums[name].add(got, exact, piece)
            print(f"{count * args.piece} tokens", *(sums[n].line(n, count) for n in rows), sep="\n", flush=True)


if __name__ == "__main__":
    main()
