#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/idefics3: tiny random Idefics3 checkpoints and what transformers makes of them.

    make_idefics3_fixtures.py [--out tests/fixtures/idefics3]

untied/, tied/, half/, four/  checkpoint directories: scale_factor 2, head and embedding apart, with a
                          tokenizer; scale_factor 3, one table (the top level's tie_word_embeddings
                          says the opposite, which the reference does not look at); stored in bf16 and under SmolVLM's name, patches that leave pixels over;
                          scale_factor 4, which the small SmolVLMs have
*/parity*.safetensors     inputs and expected stages, for `weft model verify`
pictures.json             Idefics3ImageProcessor on generated pictures, RGB and RGBA, as hashes of the
                          tiles, and Idefics3Processor's ids of a prompt with each of them

Inputs of a parity file:  input_ids [T] i64, <image> once for each soft token; for pictures
                          pixel_values [tiles, 3, t, t] f32 and, where patches are hidden,
                          pixel_attention_mask [tiles, t, t] i64
Expected:                 vision.output [tiles, rows, d], after post_layernorm
                          connector.output [tiles, seq, d_text]
                          hidden.{k} [T, d_text]; logits [T, vocab]; greedy [G]
Everything is computed in float32 from the weights as stored. transformers must be 4.54 or earlier:
later releases compute other positions.
"""

import argparse
import json
import pathlib
import random

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessor,
                          Idefics3Processor, PreTrainedTokenizerFast)

import tokenizer_texts as texts

HERE = pathlib.Path(__file__).resolve().parent
FAKE, IMAGE, GLOBAL, END = ("<fake_token_around_image>", "<image>", "<global-img>",
                            "<end_of_utterance>")
VOCAB, EOS = 512, 2
SIZES = [(640, 480), (480, 640), (56, 56), (57, 112), (3000, 100), (100, 3000), (1000, 333), (2, 2),
         (30, 2000), (13, 11), (112, 112), (113, 111)]  # no height of 1 or 3: taken for the channels


def pattern(width, height, channels):
    """A picture that needs no file: ((7x + 13y + 29c) xor (x y)) and 255."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return (((x * 7 + y * 13 + c * 29) ^ (x * y)) & 255).astype(np.uint8)


def fnv(data):
    h = 14695981039346656037
    for byte in data:
        h = ((h ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def make_config(tied, scale, image, patch, image_id):
    return Idefics3Config(
        image_token_id=image_id, tie_word_embeddings=not tied, scale_factor=scale, pad_token_id=0,
        vision_config=dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                           image_size=image, patch_size=patch),
        text_config=dict(model_type="llama", vocab_size=VOCAB, hidden_size=32, intermediate_size=48,
                         num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
                         rope_theta=100000.0, max_position_embeddings=2048, tie_word_embeddings=tied,
                         bos_token_id=1, eos_token_id=EOS, pad_token_id=0))


def make_model(config, seed):
    """Random weights of which every one matters: norms around 1, biases not 0."""
    torch.manual_seed(seed)
    model = Idefics3ForConditionalGeneration(config).float().eval()
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            p.data = torch.randn_like(p) * 0.1
        elif "norm" in name:
            p.data = 1 + torch.randn_like(p) * 0.1
        elif "embed" in name and "patch" not in name:
            p.data = torch.randn_like(p) * 0.5
        else:
            p.data = torch.randn_like(p) / p[0].numel() ** 0.5
    model.tie_weights()
    return model


@torch.no_grad()
def parity(model, ids, pixels, mask, n_greedy=6, banned=None):
    """banned: tokens that greedy decoding must not meet (the end of text and the placeholder)."""
    stage = {}

    def stream(k):
        def hook(_module, args, kwargs):
            stage[f"hidden.{k}"] = (args[0] if args else kwargs["hidden_states"])[0].clone()
        return hook

    core = model.model
    handles = [m.register_forward_pre_hook(stream(k), with_kwargs=True)
               for k, m in enumerate([*core.text_model.layers, core.text_model.norm])]
    handles.append(core.vision_model.register_forward_hook(
        lambda _m, _a, out: stage.__setitem__("vision.output", out.last_hidden_state)))
    handles.append(core.connector.register_forward_hook(
        lambda _m, _a, out: stage.__setitem__("connector.output", out)))

    def forward(tokens):
        more = {} if pixels is None else {"pixel_values": pixels[None]}
        if mask is not None:
            more["pixel_attention_mask"] = mask[None]
        return model(input_ids=tokens[None], use_cache=False, **more).logits[0]

    out = {"input_ids": ids}
    if pixels is not None:
        out["pixel_values"] = pixels
    if mask is not None:
        out["pixel_attention_mask"] = mask
    out["logits"] = forward(ids)
    out.update(stage)
    greedy, last = [], out["logits"][-1]
    for _ in range(n_greedy):
        greedy.append(int(last.argmax()))
        if greedy[-1] in (banned or (EOS, model.config.image_token_id)):
            raise RuntimeError("greedy decoding met a token that changes what is run: other seed")
        last = forward(torch.cat([ids, torch.tensor(greedy)]))[-1]
    out["greedy"] = torch.tensor(greedy, dtype=torch.int64)
    for handle in handles:
        handle.remove()
    return {k: v.detach().contiguous().clone() for k, v in out.items()}


CASES = {  # name: the prompt (a string of t, a text's token, and i, a tile's soft tokens), hidden patches
    "": ("tit" + "t" * 8, False),
    "-tiles": ("t" * 3 + "titittitit" + "t" * 6, False),
    "-two-pictures": ("titt" + "t" * 5 + "titittitt" + "t" * 3, False),
    "-adjacent": ("tiitttt", False),
    "-masked": ("ttittit" + "t" * 5, True),
    "-text-only": ("t" * 12, False),
}


def prompt(config, plan, seed):
    rng = random.Random(seed)
    seq = (config.vision_config.image_size // config.vision_config.patch_size // config.scale_factor) ** 2
    ids = [1]
    for c in plan:
        ids += [config.image_token_id] * seq if c == "i" else [rng.randrange(3, config.image_token_id)]
    return torch.tensor(ids, dtype=torch.int64)


def mask_of(config, n):
    """Of each tile the upper left part counts, another one each time."""
    t, p = config.vision_config.image_size, config.vision_config.patch_size
    mask = torch.zeros(n, t, t, dtype=torch.int64)
    for i in range(n):
        mask[i, : t - p * (i + 1) + 1, : t - p - 3 * i] = 1
    return mask


def write_checkpoint(out, config, seed, dtype, architecture):
    out.mkdir(parents=True, exist_ok=True)
    make_model(config, seed).to(dtype).save_pretrained(out, safe_serialization=True)
    model = Idefics3ForConditionalGeneration.from_pretrained(out, torch_dtype=torch.float32).eval()
    for name, (plan, hides) in CASES.items():
        n, t = plan.count("i"), config.vision_config.image_size
        pixels = torch.randn(n, 3, t, t, generator=torch.Generator().manual_seed(seed)) if n else None
        tensors = parity(model, prompt(config, plan, seed + n), pixels, mask_of(config, n) if hides else None)
        save_file(tensors, out / f"parity{name}.safetensors", metadata={"format": "pt"})
    (out / "generation_config.json").unlink(missing_ok=True)
    written = json.loads((out / "config.json").read_text())
    written["architectures"] = [architecture]
    (out / "config.json").write_text(json.dumps(written, indent=2) + "\n")


def train_tokenizer():
    corpus = [*texts.SCRIPTS.values(), "User: Can you describe this image?\nAssistant: a loom\n\n"] * 3
    marks = [f"<row_{r + 1}_col_{c + 1}>" for r in range(4) for c in range(4)]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", FAKE, IMAGE, GLOBAL, END, *marks]
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=VOCAB - len(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    if tok.get_vocab_size() != VOCAB:
        raise RuntimeError(f"{tok.get_vocab_size()} tokens: give more text")
    return tok


def picture_cases(tok, config):
    t = config.vision_config.image_size
    processor = Idefics3ImageProcessor(size={"longest_edge": 4 * t}, max_image_size={"longest_edge": t})
    fast = PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<|im_start|>", eos_token=END, pad_token="<|im_end|>")
    seq = (t // config.vision_config.patch_size // config.scale_factor) ** 2
    both = Idefics3Processor(processor, fast, image_seq_len=seq)
    cases = []
    for width, height in SIZES:
        for channels in (3, 4):
            source = Image.fromarray(pattern(width, height, channels))
            for splits in (True, False):
                made = both(images=source, text=f"User:{IMAGE}Can you describe this image?", return_tensors="np",
                            images_kwargs={"do_image_splitting": splits}, add_special_tokens=False)
                tiles = made["pixel_values"][0].astype(np.float32)
                cases.append({"in": [width, height, channels], "splits": splits, "tiles": len(tiles),
                              "fnv": fnv(np.ascontiguousarray(tiles).tobytes()),
                              "ids": made["input_ids"][0].tolist()})
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures" / "idefics3")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    tok = train_tokenizer()
    smol = "SmolVLMForConditionalGeneration"
    untied = make_config(False, 2, 28, 7, tok.token_to_id(IMAGE))
    write_checkpoint(out / "untied", untied, 1, torch.float32, "Idefics3ForConditionalGeneration")
    write_checkpoint(out / "tied", make_config(True, 3, 42, 7, 500), 2, torch.float32,
                     "Idefics3ForConditionalGeneration")
    write_checkpoint(out / "half", make_config(False, 2, 30, 7, 500), 3, torch.bfloat16, smol)
    write_checkpoint(out / "four", make_config(False, 4, 32, 4, 500), 4, torch.float32, smol)
    for name in ("-adjacent", "-text-only"):  # shown by the others
        (out / "four" / f"parity{name}.safetensors").unlink()
    (out / "untied" / "tokenizer.json").write_text(tok.to_str(pretty=False))
    (out / "untied" / "preprocessor_config.json").write_text(json.dumps(
        {"size": {"longest_edge": 112}, "max_image_size": {"longest_edge": 28}, "resample": 1}) + "\n")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in picture_cases(tok, untied))
    (out / "pictures.json").write_text('{"cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
