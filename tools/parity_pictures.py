# SPDX-License-Identifier: Apache-2.0
"""Parity files of Idefics3, SmolVLM, LLaVA and LLaVA-NeXT directories, by transformers' own forward in float32.

Pictures are those of make_parity.pattern_image, through the directory's own image processor; a directory that has none gets
random pixels of the shape that its model takes. The stages are those of make_idefics3_fixtures.py and make_llava_fixtures.py.
"""

import json

import torch
from transformers import (AutoImageProcessor, Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessor,
                          LlavaForConditionalGeneration, LlavaNextForConditionalGeneration)
from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

import make_idefics3_fixtures
import make_llava_fixtures

IDEFICS3 = ("Idefics3ForConditionalGeneration", "SmolVLMForConditionalGeneration")
LLAVA = ("LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration")


def has_processor(directory):
    return (directory / "preprocessor_config.json").exists()


def ids_of(text, image_id, runs, n_tokens, seed):
    """bos, then for each run of soft tokens some words, the run, and words up to n_tokens of them."""
    rng = torch.Generator().manual_seed(seed)
    words = torch.randint(3, min(text.vocab_size, image_id), (n_tokens,), generator=rng)
    words[0] = text.bos_token_id if text.bos_token_id is not None else 1
    parts, each = [words[:1]], max(1, (n_tokens - 1) // (len(runs) + 1))
    for i, n in enumerate(runs):
        parts += [words[1 + i * each:1 + (i + 1) * each], torch.full((n,), image_id)]
    return torch.cat([*parts, words[1 + len(runs) * each:]])


def load(cls, directory, **more):
    return cls.from_pretrained(directory, torch_dtype=torch.float32, attn_implementation="eager", **more).eval()


@torch.no_grad()
def idefics3(directory, pictures, n_tokens, n_greedy, seed):
    raw = json.loads((directory / "config.json").read_text())
    config = Idefics3Config.from_dict({**raw, "model_type": "idefics3"})  # SmolVLM's name is for the same graph
    model = load(Idefics3ForConditionalGeneration, directory, config=config)
    vision = config.vision_config
    t, pixels, mask = vision.image_size, None, None
    if pictures:
        processor = (Idefics3ImageProcessor.from_pretrained(directory) if has_processor(directory)
                     else Idefics3ImageProcessor(size={"longest_edge": 2 * t}, max_image_size={"longest_edge": t}))
        batch = processor([pictures], return_tensors="pt")
        pixels, mask = batch["pixel_values"][0], batch["pixel_attention_mask"][0].long()
        mask = None if bool((mask == 1).all()) else mask
    rows = (t // vision.patch_size // config.scale_factor) ** 2
    ids = ids_of(config.text_config, config.image_token_id, [rows] * (len(pixels) if pixels is not None else 0),
                 n_tokens, seed)
    return make_idefics3_fixtures.parity(model, ids, pixels, mask, n_greedy, (config.image_token_id,))


@torch.no_grad()
def llava(directory, pictures, n_tokens, n_greedy, seed):
    model = load(LlavaForConditionalGeneration, directory)
    config, pixels, runs = model.config, None, []
    if pictures:
        t = config.vision_config.image_size
        pixels = (AutoImageProcessor.from_pretrained(directory, use_fast=False)(pictures, return_tensors="pt")["pixel_values"]
                  if has_processor(directory) else make_llava_fixtures.noise(seed, len(pictures), 3, t, t))
        rows = model.get_image_features(pixels[:1], config.vision_feature_layer, config.vision_feature_select_strategy)
        runs = [rows.shape[1]] * len(pixels)
    ids = ids_of(config.text_config, config.image_token_index, runs, n_tokens, seed)
    return make_llava_fixtures.parity(model, ids, pixels, None, n_greedy, (config.image_token_index,))


def next_pixels(directory, config, pictures, seed):
    """[n, tiles, 3, t, t] and [n, 2]: heights and widths."""
    if has_processor(directory):
        batch = AutoImageProcessor.from_pretrained(directory, use_fast=False)(pictures, return_tensors="pt")
        return batch["pixel_values"], batch["image_sizes"]
    t, sizes = config.vision_config.image_size, torch.tensor([(p.height, p.width) for p in pictures])
    tiles = [image_size_to_num_patches(s, config.image_grid_pinpoints, t) for s in sizes]
    pixels = make_llava_fixtures.noise(seed, len(sizes), max(tiles), 3, t, t)
    for i, n in enumerate(tiles):
        pixels[i, n:] = 0
    return pixels, sizes


@torch.no_grad()
def llava_next(directory, pictures, n_tokens, n_greedy, seed):
    model = load(LlavaNextForConditionalGeneration, directory)
    config, pixels, sizes, runs = model.config, None, None, []
    if pictures:
        pixels, sizes = next_pixels(directory, config, pictures, seed)
        t, d = config.vision_config.image_size, config.text_config.hidden_size
        side = t // config.vision_config.patch_size
        tiles = [image_size_to_num_patches(s, config.image_grid_pinpoints, t) for s in sizes]
        _, lengths = model.pack_image_features([torch.zeros(n, side * side, d) for n in tiles], sizes,
                                               config.vision_feature_select_strategy, image_newline=model.image_newline)
        runs = lengths.tolist()
    ids = ids_of(config.text_config, config.image_token_index, runs, n_tokens, seed)
    return make_llava_fixtures.parity(model, ids, pixels, sizes, n_greedy, (config.image_token_index,))


def for_directory(architecture, directory, pictures, n_tokens, n_greedy, seed):
    """The content of a parity file; pictures: PIL images, or none."""
    of = idefics3 if architecture in IDEFICS3 else llava if architecture == LLAVA[0] else llava_next
    return of(directory, pictures, n_tokens, n_greedy, seed)
