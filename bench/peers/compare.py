#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weft, PyTorch and llama.cpp on the same shapes: bench/peers/run calls it."""
import argparse
import json
import os
import subprocess
import sys

import torch

import torch_peer as peer
from formats import fair_format

ROWS = {"generation.bf16": "tokens/s", "prefill512.bf16": "tokens/s", "vit.tile": "s", "conformer.10s": "s"}
LAYERS = {"generation.bf16": 16, "prefill512.bf16": 16, "vit.tile": 32, "conformer.10s": 24}
HEAD_SHARE = {"generation.bf16": 262.7e6 / 60.8e6, "prefill512.bf16": 262.7e6 / 60.8e6 / 512}  # in layers of the 1B shape


def of_weft(weft, rows, quick, threads):
    command = [weft, "bench", "--json", "--device", "cpu", "--rows", rows] + (["--quick"] if quick else [])
    out = subprocess.run(command + (["-t", str(threads)] if threads else []), stdout=subprocess.PIPE, check=True).stdout
    return {row["name"]: row for row in map(json.loads, out.decode().splitlines())}


def of_torch(name, layers, repeat, dtype):
    """The value of a row for the whole shape, reckoned from so many layers and the head."""
    head = HEAD_SHARE.get(name, 0)
    whole = (LAYERS[name] + head) / (layers + head)
    with torch.inference_mode():
        if name == "generation.bf16":
            return 1 / (whole * peer.generation(layers, repeat, dtype))
        if name == "prefill512.bf16":
            return 512 / (whole * peer.prefill(layers, 512, repeat, dtype))
        block, rows = (peer.ViTBlock, 1601) if name == "vit.tile" else (peer.ConformerBlock, 250)
        return whole * peer.stack(block, layers, rows, repeat, dtype)


def of_llama_cpp(folder, threads):
    """Rows of a 1B model in bf16 that lies beside the build as bench-1b-bf16.gguf."""
    model = os.path.join(folder, "bench-1b-bf16.gguf")
    tool = next((t for t in (os.path.join(folder, "build", "bin", "llama-bench"), os.path.join(folder, "llama-bench"))
                 if os.path.exists(t)), None)
    if tool is None or not os.path.exists(model):
        sys.exit(f"peers: {folder} needs a built llama-bench and bench-1b-bf16.gguf, a Llama 3.2 1B in bf16")
    command = [tool, "-m", model, "-p", "512", "-n", "64", "-r", "3", "-o", "json", "-t", str(threads)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return {"prefill512.bf16" if row["n_prompt"] else "generation.bf16": row["avg_ts"] for row in found}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weft", required=True)
    parser.add_argument("--quick", action="store_true", help="a few layers of each shape")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--llama-cpp", metavar="DIR")
    parser.add_argument("--torch-format", choices=["auto", "bf16", "f32"], default="auto",
                        help="of PyTorch's weights (auto: f32 on a CPU that has no instruction for bf16)")
    parser.add_argument("--rows", default=",".join(ROWS), help="of these, with commas between: %(default)s")
    args = parser.parse_args()
    if not set(args.rows.split(",")) <= set(ROWS):
        parser.error(f"--rows {args.rows}: there are {', '.join(ROWS)}")
    form = fair_format(args.torch_format)
    torch.set_num_threads(args.threads)
    rows = of_weft(args.weft, args.rows, args.quick, args.threads)
    llama = of_llama_cpp(args.llama_cpp, args.threads) if args.llama_cpp else {}
    title = f"PyTorch {torch.__version__.split('+')[0]} {form}"
    if form == "f32":
        print("PyTorch runs in f32, weft with weights in bf16" + ("" if args.torch_format == "f32" else
              ": this CPU has no instruction that multiplies bf16, without which PyTorch's bf16 is no fair peer"))
    print(f"{'row':18} {'weft':>10} {title:>20} {'ratio':>6} {'llama.cpp':>10} {'ratio':>6}")
    for name, row in rows.items():
        theirs = of_torch(name, row["layers"], 3 if args.quick else 5, peer.FORMATS[form])
        rate = ROWS[name] == "tokens/s"
        ratio = row["value"] / theirs if rate else theirs / row["value"]
        other = llama.get(name)
        end = f"{other:10.4g} {row['value'] / other:6.2f}" if other else ""
        print(f"{name:18} {row['value']:10.4g} {theirs:20.4g} {ratio:6.2f} {end}", flush=True)


if __name__ == "__main__":
    main()
