#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/speech/silero.json: what PyTorch makes of Silero VAD's network.

    gen_silero.py [--out FILE] [--real DIR TALK.wav]

The weights are made by a formula (value()), which the test has too, since the real ones are larger than a repository wants; the network is
written here from silero-vad 6.2's tinygrad_model.py, the recording is sound() of make_ultravox_fixtures.py. With --real it prints instead how
far this network, with the weights that tools/fetch_silero.py wrote to DIR, is from the package itself (silero_vad must be installed).
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import make_ultravox_fixtures
import sounds

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = {"stft_conv.weight": [258, 1, 256], "conv1.weight": [128, 129, 3], "conv1.bias": [128], "conv2.weight": [64, 128, 3],
          "conv2.bias": [64], "conv3.weight": [64, 64, 3], "conv3.bias": [64], "conv4.weight": [128, 64, 3], "conv4.bias": [128],
          "lstm_cell.weight_ih": [512, 128], "lstm_cell.weight_hh": [512, 128], "lstm_cell.bias_ih": [512],
          "lstm_cell.bias_hh": [512], "final_conv.weight": [1, 128, 1], "final_conv.bias": [1]}
N, WINDOW, BEFORE = 16100, 512, 64


def value(tensor, n, inputs):
    """Element i of a tensor: noise of +-1 by its number, times 6 / sqrt(inputs) as f32."""
    u = (np.arange(n, dtype=np.uint64) * 2654435761 + (tensor + 1) * 40503) & 0xFFFFFFFF
    u ^= u >> 16
    u = (u * 2246822519) & 0xFFFFFFFF
    u ^= u >> 13
    noise = ((u >> 8).astype(np.float32) / np.float32(8388608.0)) - np.float32(1.0)
    return noise * (np.float32(6.0) / np.sqrt(np.float32(inputs)))


def made_weights():
    out = {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        inputs = int(np.prod(shape[1:])) if len(shape) > 1 else 16
        out[name] = torch.from_numpy(value(i, int(np.prod(shape)), inputs)).reshape(shape)
    return out


@torch.no_grad()
def probabilities(w, samples):
    samples = F.pad(samples, (BEFORE, -len(samples) % WINDOW))
    h = c = torch.zeros(1, 128)
    out = []
    for at in range(0, len(samples) - BEFORE, WINDOW):
        x = F.pad(samples[None, None, at:at + BEFORE + WINDOW], (0, BEFORE), mode="reflect")
        y = F.conv1d(x, w["stft_conv.weight"], stride=128)
        y = (y[:, :129] ** 2 + y[:, 129:] ** 2).sqrt()
        for n, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
            y = F.relu(F.conv1d(y, w[f"conv{n}.weight"], w[f"conv{n}.bias"], stride=stride, padding=1))
        gates = F.linear(y.squeeze(-1), w["lstm_cell.weight_ih"], w["lstm_cell.bias_ih"]) + F.linear(
            h, w["lstm_cell.weight_hh"], w["lstm_cell.bias_hh"])
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        out.append(float((F.relu(h) @ w["final_conv.weight"][0] + w["final_conv.bias"]).sigmoid()))
    return out


def compare(directory, path):
    from silero_vad import load_silero_vad

    model, samples = load_silero_vad(), sounds.read(path)
    ours = probabilities(load_file(directory / "model.safetensors"), samples)
    padded = F.pad(samples, (0, -len(samples) % WINDOW))
    theirs = [float(model(padded[i:i + WINDOW], 16000)) for i in range(0, len(padded), WINDOW)]
    print(f"{path}: {len(ours)} windows, greatest difference {max(abs(a - b) for a, b in zip(ours, theirs)):.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures" / "speech" / "silero.json")
    parser.add_argument("--real", type=pathlib.Path, nargs=2, metavar=("DIR", "WAV"))
    args = parser.parse_args()
    if args.real:
        compare(*args.real)
        return
    found = probabilities(made_weights(), make_ultravox_fixtures.sound(N))
    args.out.write_text(json.dumps({"samples": N, "probabilities": [round(p, 8) for p in found]}) + "\n")


if __name__ == "__main__":
    main()
