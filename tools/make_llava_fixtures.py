#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/llava: tiny random LLaVA checkpoints and what transformers makes of them.

    make_llava_fixtures.py [--out tests/fixtures/llava]

clip/, siglip/, list/     checkpoint directories: CLIP, layer -2, "default"; SigLIP, "full", bf16, a
                          projector without biases; two layers side by side, names as they lie in
                          memory since transformers 4.52
tied/                     as clip/, in bf16, head and embedding one table
next/                     LLaVA-NeXT: CLIP, tiles, image_newline
*/parity*.safetensors     inputs and expected stages, for `weft model verify`
pictures.json             the processors on generated pictures, as hashes of their tiles

Inputs of a parity file:  input_ids [T] i64, <image> once for each soft token; pixel_values
                          [pictures, 3, t, t] f32; of LLaVA-NeXT [pictures, tiles, 3, t, t] and
                          image_sizes [pictures, 2] i64
Expected:                 vision.output [pictures, rows, d], what the projector is given;
                          projector.output [pictures, rows, d_text] (of LLaVA-NeXT, where a picture has
                          several tiles, these two for one picture alone: [tiles, rows, ...])
                          hidden.{k} [T, d_text]; logits [T, vocab]; greedy [G]
Everything is computed in float32 from the weights as stored.
"""

import argparse
import json
import math
import pathlib
import random

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (CLIPImageProcessor, LlavaConfig, LlavaForConditionalGeneration, LlavaNextConfig,
                          LlavaNextForConditionalGeneration, LlavaNextImageProcessor, SiglipImageProcessor)
from transformers.image_processing_utils import select_best_resolution
from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

HERE = pathlib.Path(__file__).resolve().parent
VOCAB, IMAGE, EOS = 256, 250, 2
SIZES = [(640, 480), (480, 640), (28, 28), (29, 57), (300, 30), (1000, 333), (13, 11), (56, 56), (113, 111)]


def pattern(width, height, channels):
    """A picture that needs no file: ((7x + 13y + 29c) xor (x y)) and 255."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return (((x * 7 + y * 13 + c * 29) ^ (x * y)) & 255).astype(np.uint8)


def fnv(data):
    h = 14695981039346656037
    for byte in data:
        h = ((h ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def text_config():
    return dict(model_type="llama", vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=3,
                num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, max_position_embeddings=2048,
                bos_token_id=1, eos_token_id=EOS, pad_token_id=0)


def vision_config(kind, image=28):
    return dict(model_type=kind, hidden_size=24, intermediate_size=40, num_hidden_layers=4, num_attention_heads=3,
                image_size=image, patch_size=7)


def randomise(model, seed):
    """Random weights of which every one matters: norms around 1, biases not 0."""
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.data = torch.randn_like(p) * 0.1
        elif "norm" in name:
            p.data = 1 + torch.randn_like(p) * 0.1
        elif ("embed" in name and "patch" not in name) or "newline" in name:
            p.data = torch.randn_like(p) * 0.5
        else:
            p.data = torch.randn_like(p) / p[0].numel() ** 0.5
    return model.float().eval()


@torch.no_grad()
def parity(model, ids, pixels, sizes, n_greedy=6, banned=(EOS, IMAGE)):
    """banned: tokens that greedy decoding must not meet."""
    stage = {}

    def stream(k):
        def hook(_module, args, kwargs):
            stage[f"hidden.{k}"] = (args[0] if args else kwargs["hidden_states"])[0].clone()
        return hook

    core = model.language_model.model
    for k, m in enumerate([*core.layers, core.norm]):
        m.register_forward_pre_hook(stream(k), with_kwargs=True)

    def projector(_module, args, out):
        stage["vision.output"], stage["projector.output"] = args[0].clone(), out.clone()

    model.multi_modal_projector.register_forward_hook(projector)

    def forward(tokens):
        more = {}
        if pixels is not None:
            more = dict(pixel_values=pixels, vision_feature_layer=model.config.vision_feature_layer,
                        vision_feature_select_strategy=model.config.vision_feature_select_strategy)
        if sizes is not None:
            more["image_sizes"] = sizes
        return model(input_ids=tokens[None], use_cache=False, **more).logits[0]

    out = {"input_ids": ids}
    if pixels is not None:
        out["pixel_values"] = pixels
    if sizes is not None:
        out["image_sizes"] = sizes
    out["logits"] = forward(ids)
    first = dict(stage)
    if sizes is not None:
        if len(sizes) > 1:
            first.pop("vision.output"), first.pop("projector.output")
        else:
            first["vision.output"], first["projector.output"] = (first[k][None] for k in
                                                                 ("vision.output", "projector.output"))
    out.update(first)
    greedy, last = [], out["logits"][-1]
    for _ in range(n_greedy):
        greedy.append(int(last.argmax()))
        if greedy[-1] in banned:
            raise RuntimeError("greedy decoding met a token that changes what is run: other seed")
        last = forward(torch.cat([ids, torch.tensor(greedy)]))[-1]
    out["greedy"] = torch.tensor(greedy, dtype=torch.int64)
    return {k: v.detach().contiguous().clone() for k, v in out.items()}


def prompt(plan, rows, seed):
    """plan: a string of t (a text's token) and i (a picture's soft tokens)."""
    rng, ids, rows = random.Random(seed), [1], iter(rows)
    for c in plan:
        ids += [IMAGE] * next(rows) if c == "i" else [rng.randrange(3, IMAGE)]
    return torch.tensor(ids, dtype=torch.int64)


def noise(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def save(out, name, tensors):
    save_file(tensors, out / f"parity{name}.safetensors", metadata={"format": "pt"})


def write_llava(out, config, seed, dtype, in_memory_names=False):
    out.mkdir(parents=True, exist_ok=True)
    randomise(LlavaForConditionalGeneration(config), seed).to(dtype).save_pretrained(out, safe_serialization=True)
    model = LlavaForConditionalGeneration.from_pretrained(out, torch_dtype=torch.float32).eval()
    t = config.vision_config.image_size
    rows = (t // config.vision_config.patch_size) ** 2
    if config.vision_feature_select_strategy == "default" and config.vision_config.model_type == "siglip_vision_model":
        rows -= 1
    if config.vision_feature_select_strategy == "full" and config.vision_config.model_type == "clip_vision_model":
        rows += 1
    for name, plan in {"": "it" + "t" * 8, "-text-first": "t" * 5 + "i" + "t" * 4, "-two": "titttittt",
                       "-adjacent": "tiittt", "-text-only": "t" * 10}.items():
        n = plan.count("i")
        save(out, name, parity(model, prompt(plan, [rows] * n, seed + n), noise(seed, n, 3, t, t) if n else None, None))
    if in_memory_names:
        tensors = load_file(out / "model.safetensors")
        renamed = {}
        for key, value in tensors.items():
            new = key.replace("language_model.model.", "model.language_model.").replace("language_model.lm_head", "lm_head")
            renamed[new if new != key else "model." + key] = value
        save_file(renamed, out / "model.safetensors", metadata={"format": "pt"})
    (out / "generation_config.json").unlink(missing_ok=True)


def write_next(out, seed):
    out.mkdir(parents=True, exist_ok=True)
    grid = [[28, 56], [56, 28], [56, 56], [84, 28], [28, 84]]
    config = LlavaNextConfig(vision_config=vision_config("clip_vision_model"), text_config=text_config(),
                             image_token_index=IMAGE, image_grid_pinpoints=grid, use_image_newline_parameter=True)
    randomise(LlavaNextForConditionalGeneration(config), seed).save_pretrained(out, safe_serialization=True)
    model = LlavaNextForConditionalGeneration.from_pretrained(out, torch_dtype=torch.float32).eval()
    for name, sizes in {"": [(480, 640)], "-tall": [(300, 100)], "-square": [(50, 50)], "-wide": [(30, 333)],
                        "-two": [(640, 480), (97, 301)]}.items():
        sizes = torch.tensor(sizes)
        tiles = [image_size_to_num_patches(s, grid, 28) for s in sizes]
        pixels = noise(seed, len(sizes), max(tiles), 3, 28, 28)
        for i, n in enumerate(tiles):
            pixels[i, n:] = 0
        with torch.no_grad():
            features = [torch.zeros(n, 16, 32) for n in tiles]
            _, lengths = model.pack_image_features(features, sizes, "default", image_newline=model.image_newline)
        plan = "t" * 3 + "itt" * len(sizes) + "t" * 4
        save(out, name, parity(model, prompt(plan, lengths.tolist(), seed), pixels, sizes))
    (out / "generation_config.json").unlink(missing_ok=True)
    return grid


def is_uneven(width, height, grid):
    """Is the padding an odd number of pixels? 4.49 then makes a last tile that is too small; later releases mended it."""
    h, w = select_best_resolution((height, width), grid)
    x, y = w / width, h / height
    fit = (w, min(math.ceil(height * x), h)) if x < y else (min(math.ceil(width * y), w), h)
    return (w - fit[0]) % 2 or (h - fit[1]) % 2


def picture_cases(grid):
    processors = {
        "clip": CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        "siglip": SiglipImageProcessor(size={"height": 28, "width": 28}),
        "next": LlavaNextImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28},
                                        image_grid_pinpoints=grid),
    }
    cases = []
    for width, height in SIZES:
        for channels in (3, 4):
            for kind, processor in processors.items():
                if kind == "next" and is_uneven(width, height, grid):
                    continue
                source = Image.fromarray(pattern(width, height, channels))
                if kind == "siglip":  # it cannot take opacity; the other two drop it
                    source = source.convert("RGB")
                tiles = np.ascontiguousarray(np.asarray(
                    processor.preprocess(source, return_tensors="np")["pixel_values"][0], dtype=np.float32))
                n = tiles.shape[0] if tiles.ndim == 4 else 1
                cases.append({"in": [width, height, channels], "kind": kind, "tiles": n, "fnv": fnv(tiles.tobytes())})
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures" / "llava")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    common = dict(text_config=text_config(), image_token_index=IMAGE)
    write_llava(out / "clip", LlavaConfig(vision_config=vision_config("clip_vision_model"), **common), 1, torch.float32)
    write_llava(out / "siglip", LlavaConfig(
        vision_config=vision_config("siglip_vision_model", 30), vision_feature_select_strategy="full",
        multimodal_projector_bias=False, **common), 2, torch.bfloat16)
    write_llava(out / "list", LlavaConfig(vision_config=vision_config("clip_vision_model"),
                                          vision_feature_layer=[1, -2], **common), 3, torch.float32, True)
    common["text_config"] = dict(text_config(), tie_word_embeddings=True)
    write_llava(out / "tied", LlavaConfig(vision_config=vision_config("clip_vision_model"), **common), 5, torch.bfloat16)
    grid = write_next(out / "next", 4)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in picture_cases(grid))
    (out / "pictures.json").write_text('{"cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
