#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a directory of random weights for org.example.sensors that fits a text model.

    make_weights.py TEXT_MODEL_DIR OUT_DIR

They have learned nothing: they show the shapes, the names and the file, and that readings reach the
text model. A real adapter is trained with the text model frozen and written to the same names.
Standard library only; the same seed gives the same bytes.
"""

import array
import json
import pathlib
import random
import struct
import sys

CHANNELS, WIDTH, HEADS = 3, 32, 4
SITE_HEADS, SITE_KV_HEADS, SITE_HEAD_DIM = 4, 2, 16  # as modality.c declares its site


def shapes(text_width):
    d = WIDTH
    return {
        "encoder.in.weight": (d, CHANNELS),
        "encoder.in.bias": (d,),
        "encoder.norm_1.weight": (d,),
        "encoder.norm_1.bias": (d,),
        "encoder.q.weight": (d, d),
        "encoder.k.weight": (d, d),
        "encoder.v.weight": (d, d),
        "encoder.o.weight": (d, d),
        "encoder.norm_2.weight": (d,),
        "encoder.norm_2.bias": (d,),
        "site.norm.weight": (text_width,),
        "site.q.weight": (SITE_HEADS * SITE_HEAD_DIM, text_width),
        "site.k.weight": (SITE_KV_HEADS * SITE_HEAD_DIM, d),
        "site.v.weight": (SITE_KV_HEADS * SITE_HEAD_DIM, d),
        "site.o.weight": (text_width, SITE_HEADS * SITE_HEAD_DIM),
        "site.gate": (1,),
        "marker.weight": (1, text_width),
    }


def values(name, shape, rng):
    n = 1
    for size in shape:
        n *= size
    if name == "site.gate":
        return [0.5]
    if "norm" in name:
        return [1.0 if name.endswith("weight") else 0.0] * n
    spread = shape[-1] ** -0.5
    return [rng.gauss(0.0, spread) for _ in range(n)]


def write_safetensors(path, tensors):
    """tensors: name to (shape, floats). Header, padded to 8 bytes, then the data in the header's order."""
    header, offset = {}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [offset, offset + 4 * len(data)]}
        offset += 4 * len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            floats = array.array("f", data)
            if sys.byteorder == "big":
                floats.byteswap()
            f.write(floats.tobytes())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    text = json.loads((pathlib.Path(sys.argv[1]) / "config.json").read_text())
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    width = text["hidden_size"]
    write_safetensors(out / "model.safetensors",
                      {name: (shape, values(name, shape, rng)) for name, shape in shapes(width).items()})
    config = {
        "channels": CHANNELS, "width": WIDTH, "heads": HEADS, "text_width": width,
        "layer": text["num_hidden_layers"] // 2,
        "mean": [20.0, 50.0, 1000.0], "scale": [10.0, 25.0, 20.0],
    }
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
