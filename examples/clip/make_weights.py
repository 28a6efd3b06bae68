#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a directory of random weights for org.example.clip that fits a text model.

    make_weights.py TEXT_MODEL_DIR OUT_DIR

A small CLIP: 32 x 32 pixels in patches of 8, two layers. The names are those of transformers' CLIPVisionModel, so
that a released CLIP can take its place: its vision tensors as they are, the keys of its vision_config in config.json,
and beside them a projector and text_width. Standard library only; the same seed gives the same bytes.
"""

import array
import json
import math
import pathlib
import random
import struct
import sys

WIDTH, FFN, PATCH, IMAGE, LAYERS, HEADS = 32, 64, 8, 32, 2, 4


def shapes(text_width):
    pre, d = "vision_model.", WIDTH
    of = {
        pre + "embeddings.class_embedding": (d,),
        pre + "embeddings.patch_embedding.weight": (d, 3, PATCH, PATCH),
        pre + "embeddings.position_embedding.weight": ((IMAGE // PATCH) ** 2 + 1, d),
        "projector.weight": (text_width, d),
        "projector.bias": (text_width,),
    }
    for name in ("pre_layrnorm", "post_layernorm"):
        of |= {f"{pre}{name}.weight": (d,), f"{pre}{name}.bias": (d,)}
    for i in range(LAYERS):
        for name, out, inner in (("layer_norm1", d, 0), ("layer_norm2", d, 0), ("self_attn.q_proj", d, d),
                                 ("self_attn.k_proj", d, d), ("self_attn.v_proj", d, d),
                                 ("self_attn.out_proj", d, d), ("mlp.fc1", FFN, d), ("mlp.fc2", d, FFN)):
            layer = f"{pre}encoder.layers.{i}.{name}"
            of |= {layer + ".weight": (out, inner) if inner else (out,), layer + ".bias": (out,)}
    return of


def values(name, shape, rng):
    n = math.prod(shape)
    if "norm" in name and name.endswith(".weight"):
        return [1.0 + rng.gauss(0.0, 0.1) for _ in range(n)]
    spread = (n // shape[0]) ** -0.5 if len(shape) > 1 else 0.1
    return [rng.gauss(0.0, spread) for _ in range(n)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    width = json.loads((pathlib.Path(sys.argv[1]) / "config.json").read_text())["hidden_size"]
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    header, data = {}, array.array("f")
    for name, shape in shapes(width).items():
        begin = 4 * len(data)
        data.extend(values(name, shape, rng))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, 4 * len(data)]}
    if sys.byteorder == "big":
        data.byteswap()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (out / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data.tobytes())
    config = {"hidden_size": WIDTH, "intermediate_size": FFN, "patch_size": PATCH, "image_size": IMAGE,
              "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "text_width": width}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
