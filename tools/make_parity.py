#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write parity.safetensors for a checkpoint directory, computed by transformers.

    make_parity.py DIR [--image-sizes 300x200 ...] [--tokens N] [--text-before N] [--out FILE]
    make_parity.py DIR --audio talk.wav [--out FILE]

Text: Llama, Granite, Mistral, Qwen2. Pictures: Llama 3.2 Vision; Idefics3, SmolVLM, LLaVA and LLaVA-NeXT, whose stages
parity_pictures.py tells. Recordings: Voxtral (transformers 4.54 or later, parity_voxtral.py), Granite Speech (4.57) and
Granite Speech Plus (5.24; torchaudio 2.6, make_granite_fixtures.py). Idefics, Ultravox and the layouts of the paper have
no script for directories at hand: make_idefics_fixtures.py and others make theirs.

`weft model verify DIR` reads the file, runs the same inputs and compares. Everything is computed in
float32 with eager attention, whatever type the weights are stored in.

Inputs:   input_ids [T] i64; for pictures also pixel_values [n_images, max_num_tiles, 3, t, t] f32,
          aspect_ratio_ids [n_images] i64, num_tiles [n_images] i64
Expected: logits [T, vocab] f32
          hidden.{k} [T, d] f32: the residual stream just before self-attention block k of the text
          core, after any cross-attention layer at that place. Only self-attention blocks count;
          k = their number is the stream before the final norm
          vision.output [n_images, max_num_tiles, n, d] f32, after the projector
          greedy [G] i64: the ids that greedy decoding appends (end-of-text does not stop it)

One thing is *not* as transformers computes it. A text row that can see no image (text before the
first picture) passes a cross-attention layer untouched, as in Meta's own code; transformers masks
only the MLP branch and adds the mean of all values through the attention branch. The attention
output is therefore multiplied by the row mask before o_proj, here and nowhere else. Rows that are
generated keep seeing what the last prompt row saw.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MllamaConfig,
    MllamaForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.models.mllama.image_processing_mllama import MllamaImageProcessor
from transformers.models.mllama.modeling_mllama import (
    MllamaSelfAttentionDecoderLayer,
    _prepare_cross_attention_mask,
)
from transformers.models.mllama.processing_mllama import (
    convert_sparse_cross_attention_mask_to_dense,
    get_cross_attention_token_mask,
)

MLLAMA = "MllamaForConditionalGeneration"
VOXTRAL = "VoxtralForConditionalGeneration"
GRANITE_SPEECH = ("GraniteSpeechForConditionalGeneration", "GraniteSpeechPlusForConditionalGeneration")
SOFT_PICTURES = ("Idefics3ForConditionalGeneration", "SmolVLMForConditionalGeneration", "LlavaForConditionalGeneration",
                 "LlavaNextForConditionalGeneration")
# what opens as a text core alone: the class and its configuration
TEXT = {
    "LlamaForCausalLM": (LlamaForCausalLM, LlamaConfig),
    "GraniteForCausalLM": (GraniteForCausalLM, GraniteConfig),
    "MistralForCausalLM": (MistralForCausalLM, MistralConfig),
    "Qwen2ForCausalLM": (Qwen2ForCausalLM, Qwen2Config),
}


def flatten_rope(config):
    """Rewrite the later `rope_parameters` object as the rope_theta and rope_scaling of 4.49."""
    rope = config.pop("rope_parameters", None)
    if rope is not None:
        rope = dict(rope)
        if "rope_theta" in rope:
            config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = rope if rope.get("rope_type", "default") != "default" else None
    return config


def read_config(directory):
    raw = flatten_rope(json.loads((directory / "config.json").read_text()))
    if raw["architectures"][0] == MLLAMA:
        flatten_rope(raw["text_config"])
        # 4.49 indexes rope_scaling["rope_type"] here without asking whether there is one
        raw["text_config"]["rope_scaling"] = raw["text_config"].get("rope_scaling") or {
            "rope_type": "default"
        }
        return MllamaConfig.from_dict(raw)
    return TEXT[raw["architectures"][0]][1].from_dict(raw)


def read_weights(directory):
    """All tensors of the directory in float32, sharded or not."""
    index = directory / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.exists():
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    weights = {}
    for name in names:
        weights.update(load_file(directory / name))
    return {k: v.float() for k, v in weights.items()}


def old_name(name):
    """The key of a released Mllama file for the key that later transformers versions write."""
    if name == "lm_head.weight":
        return "language_model.lm_head.weight"
    if name.startswith("model.language_model."):
        return "language_model.model." + name[len("model.language_model.") :]
    if name.startswith(("model.vision_model.", "model.multi_modal_projector.")):
        return name[len("model.") :]
    return name


def load_model(directory):
    """The model of a checkpoint directory in float32, without a second copy of its weights."""
    config = read_config(directory)
    weights = read_weights(directory)
    mllama = isinstance(config, MllamaConfig)
    cls = MllamaForConditionalGeneration if mllama else TEXT[config.architectures[0]][0]
    if mllama:
        weights = {old_name(k): v for k, v in weights.items()}
    prefix = "language_model." if mllama else ""
    text = config.text_config if mllama else config
    head = prefix + "lm_head.weight"
    if head not in weights and text.tie_word_embeddings:
        weights[head] = weights[prefix + "model.embed_tokens.weight"]
    with torch.device("meta"):
        model = cls._from_config(config, attn_implementation="eager", torch_dtype=torch.float32)
    model.load_state_dict(weights, strict=True, assign=True)
    core = text_model(model)
    core.rotary_emb = type(core.rotary_emb)(config=text)  # its table is computed, not stored
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_meta:
            raise RuntimeError(f"{name} has no value")
    return model.eval()


def text_model(model):
    return model.language_model.model if hasattr(model, "language_model") else model.model


def self_blocks(model):
    layers = text_model(model).layers
    if not hasattr(model, "language_model"):
        return list(layers)
    return [layer for layer in layers if isinstance(layer, MllamaSelfAttentionDecoderLayer)]


class Reference:
    """A model, the hooks that capture its stages, and the row mask patch (see the file's top)."""

    def __init__(self, model):
        self.model = model
        self.mllama = hasattr(model, "language_model")
        self.hidden = {}
        self.row_mask = None
        blocks = self_blocks(model)
        for k, module in enumerate([*blocks, text_model(model).norm]):
            module.register_forward_pre_hook(self._capture(k), with_kwargs=True)
        if self.mllama:
            for layer in text_model(model).layers:
                if layer not in blocks:
                    layer.cross_attn.o_proj.register_forward_pre_hook(self._mask_rows)

    def _capture(self, k):
        def hook(_module, args, kwargs):
            self.hidden[k] = (args[0] if args else kwargs["hidden_states"])[0].detach().clone()

        return hook

    def _mask_rows(self, _module, args):
        return (args[0] * self.row_mask,)

    def encode(self, pixels, ratio_ids, num_tiles):
        """pixel_values, aspect_ratio_ids, num_tiles -> [n_images, max_num_tiles, n, d]"""
        tiles = torch.arange(pixels.shape[1])[None, :] < num_tiles[:, None]
        out = self.model.vision_model(
            pixel_values=pixels[None],
            aspect_ratio_ids=ratio_ids[None],
            aspect_ratio_mask=tiles.long()[None],
        )
        return self.model.multi_modal_projector(out[0])[0]

    def forward(self, ids, vision=None, num_tiles=None):
        """ids [T] -> logits [T, vocab]; fills self.hidden"""
        if not self.mllama or vision is None:
            model = self.model.language_model if self.mllama else self.model
            return model(input_ids=ids[None], use_cache=False).logits[0]
        spans = get_cross_attention_token_mask(ids.tolist(), self.model.config.image_token_index)
        if len(spans) != vision.shape[0]:
            raise ValueError(f"{len(spans)} image tokens for {vision.shape[0]} images")
        dense = convert_sparse_cross_attention_mask_to_dense(
            [spans], [num_tiles.tolist()], vision.shape[1], len(ids)
        )
        mask, rows = _prepare_cross_attention_mask(
            torch.from_numpy(dense), num_vision_tokens=vision.shape[2], dtype=vision.dtype
        )
        self.row_mask = rows[:, 0]
        return self.model.language_model(
            input_ids=ids[None],
            cross_attention_states=vision.flatten(0, 1),
            cross_attention_mask=mask,
            full_text_row_masked_out_mask=rows,
            use_cache=False,
        ).logits[0]


@torch.no_grad()
def compute(model, inputs, n_greedy=12):
    """The whole content of a parity file, from a dict of its input tensors."""
    ref = Reference(model)
    ids = inputs["input_ids"]
    out = dict(inputs)
    vision, tiles = None, None
    if "pixel_values" in inputs:
        tiles = inputs["num_tiles"]
        vision = ref.encode(inputs["pixel_values"], inputs["aspect_ratio_ids"], tiles)
        out["vision.output"] = vision
    out["logits"] = ref.forward(ids, vision, tiles)
    out.update({f"hidden.{k}": v for k, v in ref.hidden.items()})
    greedy = []
    last = out["logits"][-1]
    for _ in range(n_greedy):
        greedy.append(int(last.argmax()))
        # the whole sequence again: slower than a cache, and with nothing in it to go wrong
        last = ref.forward(torch.cat([ids, torch.tensor(greedy)]), vision, tiles)[-1]
    if n_greedy:
        out["greedy"] = torch.tensor(greedy, dtype=torch.int64)
    return {k: v.detach().contiguous().clone() for k, v in out.items()}


def write(path, tensors):
    meta = {"format": "pt", "made_with": f"transformers {transformers.__version__}, float32, eager"}
    save_file(tensors, path, metadata=meta)


def pattern_image(width, height):
    """A picture that needs no file: value = ((7x + 13y + 29c) xor (x*y)) mod 256."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return Image.fromarray((((x * 7 + y * 13 + c * 29) ^ (x * y)) & 255).astype(np.uint8))


def image_inputs(directory, config, sizes):
    """The reference processor's tensors for pattern images of the given sizes."""
    vision = config.vision_config
    fields = {"size": {"height": vision.image_size, "width": vision.image_size},
              "max_image_tiles": vision.max_num_tiles}
    if (directory / "preprocessor_config.json").exists():  # for its mean and std
        processor = MllamaImageProcessor.from_pretrained(directory, **fields)
    else:
        processor = MllamaImageProcessor(**fields)
    batch = processor([[pattern_image(w, h) for w, h in sizes]], return_tensors="pt")
    return {
        "pixel_values": batch["pixel_values"][0],
        "aspect_ratio_ids": batch["aspect_ratio_ids"][0].long(),
        "num_tiles": torch.tensor(batch["num_tiles"][0], dtype=torch.int64),
    }


def prompt_ids(config, n_tokens, n_images, text_before, seed):
    """bos, `text_before` random ids, then each image's marker with its share of the rest."""
    text = config.text_config if hasattr(config, "text_config") else config
    rng = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, min(text.vocab_size, 128000), (n_tokens,), generator=rng)
    ids[0] = text.bos_token_id if text.bos_token_id is not None else 1
    first = 1 + text_before
    for i in range(n_images):
        ids[first + i * (n_tokens - first) // n_images] = config.image_token_index
    return ids


def size_pair(text):
    width, height = text.lower().split("x")
    return int(width), int(height)


def parse_args(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=pathlib.Path, help="checkpoint directory")
    parser.add_argument("--image-sizes", nargs="*", default=[], type=size_pair, metavar="WxH",
                        help="one generated picture per size")
    parser.add_argument("--tokens", type=int, default=32, help="prompt length (32)")
    parser.add_argument("--text-before", type=int, default=0,
                        help="text tokens between bos and the first image marker (0; Mllama only)")
    parser.add_argument("--audio", type=pathlib.Path, metavar="FILE", help="a recording, 16 kHz WAV")
    parser.add_argument("--greedy", type=int, default=12, help="ids to generate (12)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, help="file to write (DIR/parity.safetensors)")
    args = parser.parse_args(argv)
    if args.tokens < 1 + args.text_before + len(args.image_sizes):
        parser.error("--tokens leaves no room for the image markers")
    return args


def main(argv=None):
    args = parse_args(argv)
    out = args.out or args.dir / "parity.safetensors"
    architecture = json.loads((args.dir / "config.json").read_text())["architectures"][0]
    if architecture == VOXTRAL or architecture in GRANITE_SPEECH:
        finish(out, of_recording(architecture, args))
        return
    if architecture in SOFT_PICTURES:
        import parity_pictures

        pictures = [pattern_image(w, h) for w, h in args.image_sizes]
        finish(out, parity_pictures.for_directory(architecture, args.dir, pictures, args.tokens, args.greedy, args.seed))
        return
    model = load_model(args.dir)
    if args.image_sizes and not hasattr(model, "language_model"):
        sys.exit(f"{args.dir}: --image-sizes needs a {MLLAMA} checkpoint")
    inputs = {"input_ids": prompt_ids(model.config, args.tokens, len(args.image_sizes),
                                      args.text_before, args.seed)}
    if args.image_sizes:
        inputs.update(image_inputs(args.dir, model.config, args.image_sizes))
    finish(out, compute(model, inputs, args.greedy))


def of_recording(architecture, args):
    """The classes of these are not in the transformers that all else here wants."""
    if args.audio is None:
        sys.exit(f"{args.dir}: --audio FILE is the recording that is to be heard")
    if architecture == VOXTRAL:
        import parity_voxtral

        return parity_voxtral.for_directory(args.dir, args.audio, args.greedy)
    import make_granite_fixtures

    return make_granite_fixtures.for_directory(args.dir, args.audio)


def finish(out, tensors):
    write(out, tensors)
    for name, tensor in sorted(tensors.items()):
        print(f"{name:20} {str(list(tensor.shape)):24} {str(tensor.dtype)[6:]}")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
