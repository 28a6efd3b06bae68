#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/plugin/examples/clip.safetensors: what transformers makes of the weights of examples/clip/make_weights.py.

    make_clip_fixture.py [--out FILE]

The weights are those for the demo model's text core (256 wide); they are the same in every run and are not kept.
The file: input `pixel_values` [2, 3, 32, 32]; expected `clip.last_hidden_state`, `clip.pooler_output` by
CLIPVisionModel in float32, and `clip.tokens`, which is the plugin's own: the mean of each 2 x 2 patches, projected.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel

ROOT = pathlib.Path(__file__).resolve().parent.parent


def expected(folder, pixels):
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    side = config["image_size"] // config["patch_size"] // 2
    del config["text_width"]
    model = CLIPVisionModel(CLIPVisionConfig(hidden_act="quick_gelu", layer_norm_eps=1e-5, **config)).eval()
    missing = model.load_state_dict({k: v for k, v in weights.items() if not k.startswith("projector")}, strict=False)
    assert not missing.unexpected_keys and not [k for k in missing.missing_keys if "position_ids" not in k], missing
    with torch.no_grad():
        out = model(pixels)
    rows = out.last_hidden_state
    means = rows[:, 1:].reshape(len(rows), side, 2, side, 2, -1).mean((2, 4)).reshape(len(rows), side * side, -1)
    return {
        "clip.last_hidden_state": rows.contiguous(),
        "clip.pooler_output": out.pooler_output[:, None].contiguous(),
        "clip.tokens": (means @ weights["projector.weight"].T + weights["projector.bias"]).contiguous(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "tests/plugin/examples/clip.safetensors")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run([sys.executable, ROOT / "examples/clip/make_weights.py", ROOT / "models/demo/text", tmp], check=True)
        torch.manual_seed(0)
        pixels = torch.randn(2, 3, 32, 32)
        save_file({"pixel_values": pixels, **expected(pathlib.Path(tmp), pixels)}, out)


if __name__ == "__main__":
    main()
