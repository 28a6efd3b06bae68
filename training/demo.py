# SPDX-License-Identifier: Apache-2.0
"""The demo's networks as they were exported: what later stages are trained on top of."""
from safetensors.torch import load_file

from common import DEMO
from export import cross_layers
from models import Adapter, Encoder, TextCore


def demo_modules(tok):
    """Core, encoder and adapter from the exported files alone, in f32, and the files' tensors."""
    text, vision = (load_file(DEMO / d / "model.safetensors") for d in ("text", "vision"))
    text, vision = ({k: v.float() for k, v in t.items()} for t in (text, vision))
    core, encoder, adapter = TextCore(tok.vocab_size), Encoder(), Adapter()
    state = {k.removeprefix("model."): v for k, v in text.items()}
    table = vision["language_model.model.embed_tokens.weight"]
    state["embed_tokens.weight"] = table
    core.load_state_dict(state)
    encoder.load_state_dict({k.removeprefix("vision_model."): v for k, v in vision.items() if k.startswith("vision_")})
    mine = {k: v for k, v in vision.items() if k.startswith("multi_modal")} | {"extra": table[tok.vocab_size:]}
    for i, place in enumerate(cross_layers()):
        prefix = f"language_model.model.layers.{place}."
        mine |= {f"layers.{i}." + k.removeprefix(prefix): v for k, v in vision.items() if k.startswith(prefix)}
    adapter.load_state_dict(mine)
    return core.eval(), encoder.eval(), adapter.eval(), text, vision
