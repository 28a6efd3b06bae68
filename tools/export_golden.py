#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random checkpoints of tests/fixtures, each with its parity file(s).

    export_golden.py [--out tests/fixtures] [--only NAME ...]

Every checkpoint is written by transformers' save_pretrained, so config.json is what a user's own
directory holds (keys equal to their defaults are omitted there). All weights are random: gates and
tables that start at zero too, since a zero gate hides every fault behind it, and norm weights lie
around 1. Scales are chosen so that activations stay near 1 and greedy choices are clear.
make_parity.py computes what is expected; this script reads each directory back and compares it, and
computes it once more in float64 to see how far float32 itself is from the truth.
"""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, MllamaConfig, MllamaForConditionalGeneration

import make_parity

HERE = pathlib.Path(__file__).resolve().parent
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}

# name -> (LlamaConfig fields, prompt length, stored type). T = 200 crosses three 64-key blocks;
# llama-untied and llama-mha-v5 then lose the config keys whose absence has a meaning (see below).
LLAMA = {
    "llama-tied": (dict(vocab_size=128, hidden_size=48, tie_word_embeddings=True,
                        rope_theta=500000.0),
                   33, "float32"),
    "llama-untied": (dict(vocab_size=96, hidden_size=48, rms_norm_eps=1e-6,
                          max_position_embeddings=512, intermediate_size=104), 200, "float32"),
    "llama-headdim": (dict(vocab_size=96, hidden_size=48, num_attention_heads=6,
                           num_key_value_heads=3, head_dim=20, intermediate_size=56),
                      17, "float32"),
    # wavelengths 6.3 (unchanged) 32 (blended) 167 ... (divided); 110 positions pass the original 96
    "llama-scaled": (dict(vocab_size=96, hidden_size=48, num_attention_heads=3,
                          num_key_value_heads=1, rope_theta=500000.0,
                          max_position_embeddings=768, intermediate_size=96,
                          rope_scaling=dict(LLAMA3, original_max_position_embeddings=96)),
                     110, "float32"),
    "llama-sharded": (dict(vocab_size=128, hidden_size=48, num_hidden_layers=3,
                           intermediate_size=72), 9, "float32"),
    "llama-f16": (dict(vocab_size=192), 40, "float16"),
    "llama-bf16": (dict(vocab_size=200, hidden_size=80, num_attention_heads=5,
                        num_key_value_heads=1, intermediate_size=112), 64, "bfloat16"),
    "llama-mha-v5": (dict(vocab_size=128, hidden_size=48, num_key_value_heads=4,
                          intermediate_size=80, rope_theta=500000.0, max_position_embeddings=256,
                          rope_scaling=dict(LLAMA3, original_max_position_embeddings=96)),
                     16, "float32"),
}

# The same for architectures that are a Llama by their numbers (plugins/checkpoints).
RELATIVES = {
    "granite": ("GraniteForCausalLM",
                dict(vocab_size=128, hidden_size=48, embedding_multiplier=0.7,
                     attention_multiplier=0.21, residual_multiplier=0.22, logits_scaling=3.0),
                70, "float32"),
    "granite-tied": ("GraniteForCausalLM",
                     dict(vocab_size=96, hidden_size=64, num_key_value_heads=4,
                          tie_word_embeddings=True, embedding_multiplier=2.5,
                          attention_multiplier=0.0625, residual_multiplier=0.4,
                          logits_scaling=8.0),
                     33, "bfloat16"),
    "mistral": ("MistralForCausalLM",
                dict(vocab_size=96, hidden_size=48, head_dim=20, sliding_window=None,
                     rope_theta=1e6),
                40, "float32"),
    "qwen2": ("Qwen2ForCausalLM", dict(vocab_size=112, hidden_size=48, rope_theta=1e6), 70,
              "float32"),
    "qwen2-f16": ("Qwen2ForCausalLM",
                  dict(vocab_size=112, hidden_size=64, num_key_value_heads=1,
                       tie_word_embeddings=True), 20, "float16"),
}

INPUTS = ("input_ids", "pixel_values", "aspect_ratio_ids", "num_tiles")

LLAMA_BASE = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                  intermediate_size=112, max_position_embeddings=256, rms_norm_eps=1e-5,
                  pad_token_id=0, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False)

TEXT_BASE = dict(vocab_size=128, hidden_size=48, num_hidden_layers=5, cross_attention_layers=[1, 3],
                 num_attention_heads=4, num_key_value_heads=2, intermediate_size=64,
                 max_position_embeddings=512, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                 rope_scaling=dict(LLAMA3, original_max_position_embeddings=96))
VISION_BASE = dict(hidden_size=32, attention_heads=4, intermediate_size=64, num_hidden_layers=4,
                   num_global_layers=2, image_size=28, intermediate_layers_indices=[1, 2, 3],
                   vision_output_dim=128)
GRIDS_OF_2 = [[1, 1], [1, 2], [2, 1]]

# name -> (text fields, vision fields, image_token_index, stored type)
MLLAMA = {
    "mllama-1tile": ({}, {}, 128, "float32"),
    # max_num_tiles 2 (three grids), state 0 captured; names as later transformers write them
    "mllama-new-prefix": (dict(vocab_size=96, hidden_size=40, num_hidden_layers=3,
                               cross_attention_layers=[1]),
                          dict(max_num_tiles=2, supported_aspect_ratios=GRIDS_OF_2,
                               num_hidden_layers=2, num_global_layers=1, hidden_size=24,
                               intermediate_layers_indices=[0, 1], vision_output_dim=72),
                          96, "float32"),
    # Cross layers before block 0 and after the last block. The config holds no num_key_value_heads
    # (8, not the 16 heads), rope_theta (500000), rms_norm_eps and rope_scaling: save_pretrained
    # omits what equals the class's default. The marker is not the first of the eight extra rows.
    # 50 tokens per tile: a row that sees four tiles crosses three 64-key blocks.
    "mllama-edge": (dict(vocab_size=96, hidden_size=64, num_hidden_layers=4, intermediate_size=48,
                         cross_attention_layers=[0, 3], num_attention_heads=16,
                         num_key_value_heads=8, rope_scaling={"rope_type": "default"}),
                    dict(image_size=42, patch_size=6, hidden_size=24, attention_heads=3,
                         num_hidden_layers=3, num_global_layers=1,
                         intermediate_layers_indices=[0, 2], vision_output_dim=72),
                    99, "float16"),
    "mllama-bf16": ({}, dict(image_size=42), 128, "bfloat16"),
}

# directory -> {file: (T, text before, [(aspect_ratio_id, num_tiles) per image], markers adjacent)}
PARITY = "parity.safetensors"
FOUR = "parity-4tiles.safetensors"
PROMPTS = {
    "mllama-1tile": {
        PARITY: (24, 0, [(1, 1)], False),
        FOUR: (24, 0, [(6, 4)], False),
        "parity-2images.safetensors": (40, 0, [(3, 3), (5, 2)], False),
        "parity-adjacent.safetensors": (24, 3, [(2, 2), (1, 1)], True),
        "parity-text-first.safetensors": (70, 45, [(4, 4)], False),
        "parity-text-only.safetensors": (20, 0, [], False),
    },
    "mllama-new-prefix": {PARITY: (20, 2, [(2, 2)], False)},
    "mllama-edge": {PARITY: (30, 4, [(8, 4)], False)},
    "mllama-bf16": {PARITY: (28, 5, [(8, 4)], False)},
}


# seeds of prompts whose greedy choices would otherwise be decided by rounding are passed over
MARGIN = 2e-3


def randomise(model, seed):
    """Give every parameter a value that shows: see the file's top."""
    rng = torch.Generator().manual_seed(seed)
    text = ("llama", "granite", "mistral", "qwen2")
    tied = model.config.model_type in text and model.config.tie_word_embeddings
    for name, p in sorted(model.named_parameters()):
        value = torch.randn(p.shape, generator=rng)
        if tied and "embed_tokens" in name:  # or every token would predict itself
            value = value * 0.2
        if "gate" in name and p.numel() == 1:  # tanh of it between 0.38 and 0.83, either sign
            value = (0.4 + 0.8 * torch.rand(1, generator=rng)) * value.sign()
        elif "norm" in name:
            value = 1 + 0.2 * value if name.endswith("weight") else 0.1 * value
        elif name.endswith("bias"):
            value = 0.1 * value
        elif "patch_embedding" in name:
            value = value / p[0].numel() ** 0.5
        elif p.ndim == 2 and "embed" not in name:
            value = value / p.shape[1] ** 0.5
        if "lm_head" in name:  # spread the logits so that the greedy choice is clear
            value = value * 3
        p.data.copy_(value)


def save(model, directory, dtype, **kwargs):
    if directory.exists():
        shutil.rmtree(directory)
    model.to(getattr(torch, dtype))
    model.config.torch_dtype = dtype
    model.save_pretrained(directory, safe_serialization=True, **kwargs)
    # a directory of config.json and weights alone has to open
    (directory / "generation_config.json").unlink(missing_ok=True)
    for path in directory.iterdir():
        path.chmod(0o644)


def edit_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2) + "\n")


def to_v5(config):
    """The spelling of transformers 5, and no num_key_value_heads: absent means all heads."""
    rope = dict(config.pop("rope_scaling"), rope_theta=config.pop("rope_theta"))
    config["rope_parameters"] = rope
    config["dtype"] = config.pop("torch_dtype")
    del config["num_key_value_heads"]
    del config["head_dim"]


def to_sparse(config):
    """Absent keys: head_dim is hidden / heads, rope_theta 10000, rms_norm_eps 1e-6."""
    for key in ("head_dim", "rope_theta", "rope_scaling", "rms_norm_eps"):
        del config[key]


def later_name(name):
    """make_parity.old_name the other way round."""
    if name == "language_model.lm_head.weight":
        return "lm_head.weight"
    if name.startswith("language_model.model."):
        return "model.language_model." + name[len("language_model.model.") :]
    return "model." + name


def greedy_margin(model, tensors):
    """Smallest distance of the two best logits over the greedy ids, as a share of the scale."""
    ids = torch.cat([tensors["input_ids"], tensors["greedy"]])
    inputs = {**{k: tensors[k] for k in INPUTS if k in tensors}, "input_ids": ids}
    count = len(tensors["greedy"])
    top = make_parity.compute(model, inputs, 0)["logits"][-count - 1 : -1].topk(2).values
    scale = max(1.0, float(tensors["logits"].abs().max()))
    return float((top[:, 0] - top[:, 1]).min()) / scale


def settle(directory, file, seed, make_inputs):
    """Write a parity file from the first prompt seed whose greedy choices are all clear."""
    while True:
        model = make_parity.load_model(directory)
        tensors = make_parity.compute(model, make_inputs(model.config, seed))
        if greedy_margin(model, tensors) >= MARGIN:
            make_parity.write(directory / file, tensors)
            (directory / file).chmod(0o644)
            return
        seed += 1000


def llama(out, name, seed):
    fields, length, dtype = LLAMA[name]
    model = LlamaForCausalLM(LlamaConfig(**{**LLAMA_BASE, **fields}))
    randomise(model, seed)
    directory = out / name
    shard = {"max_shard_size": "90KB"} if name == "llama-sharded" else {}
    save(model, directory, dtype, **shard)
    if name == "llama-mha-v5":
        edit_json(directory / "config.json", to_v5)
    if name == "llama-untied":
        edit_json(directory / "config.json", to_sparse)
    if shard:
        files = list(directory.glob("model-*-of-*.safetensors"))
        assert len(files) >= 3, files
    settle(directory, PARITY, seed, lambda config, prompt_seed: {
        "input_ids": make_parity.prompt_ids(config, length, 0, 0, prompt_seed)})


def relative(out, name, seed):
    architecture, fields, length, dtype = RELATIVES[name]
    cls, config = make_parity.TEXT[architecture]
    model = cls(config(**{**LLAMA_BASE, **fields}))
    randomise(model, seed)
    save(model, out / name, dtype)
    settle(out / name, PARITY, seed, lambda config, prompt_seed: {
        "input_ids": make_parity.prompt_ids(config, length, 0, 0, prompt_seed)})


def image_tensors(config, images, seed):
    """Random pixels, fed directly; tiles an image does not use are exact zeros."""
    vision = config.vision_config
    rng = torch.Generator().manual_seed(seed)
    shape = (len(images), vision.max_num_tiles, 3, vision.image_size, vision.image_size)
    pixels = torch.randn(shape, generator=rng)
    for i, (_, n_tiles) in enumerate(images):
        pixels[i, n_tiles:] = 0
    return {
        "pixel_values": pixels,
        "aspect_ratio_ids": torch.tensor([r for r, _ in images], dtype=torch.int64),
        "num_tiles": torch.tensor([n for _, n in images], dtype=torch.int64),
    }


def mllama_inputs(config, case, seed):
    length, before, images, adjacent = case
    ids = make_parity.prompt_ids(config, length, len(images), before, seed)
    if adjacent:
        ids[ids == config.image_token_index] = 5
        ids[1 + before : 1 + before + len(images)] = config.image_token_index
    return {"input_ids": ids, **(image_tensors(config, images, seed) if images else {})}


def mllama_parity(directory, seed):
    for file, case in PROMPTS[directory.name].items():
        settle(directory, file, seed, lambda config, s, case=case: mllama_inputs(config, case, s))


def mllama(out, name, seed):
    text, vision, marker, dtype = MLLAMA[name]
    config = MllamaConfig(text_config={**TEXT_BASE, **text},
                          vision_config={**VISION_BASE, **vision}, image_token_index=marker)
    model = MllamaForConditionalGeneration(config)
    randomise(model, seed)
    directory = out / name
    save(model, directory, dtype)
    if name == "mllama-edge":
        edit_json(directory / "config.json", drop_rope_scaling)
    if name == "mllama-new-prefix":
        path = directory / "model.safetensors"
        tensors = {later_name(k): v for k, v in load_file(path).items()}
        save_file(tensors, path, metadata={"format": "pt"})
        path.chmod(0o644)
    mllama_parity(directory, seed)


def drop_rope_scaling(config):
    """4.49 cannot be built without the key, yet a config without it is a valid one."""
    config["text_config"].pop("rope_scaling", None)


def composed(out, _name, _seed):
    """mllama-1tile's self-attention layers as a plain Llama directory, and the INI joining both."""
    source, directory = out / "mllama-1tile", out / "composed"
    text = make_parity.read_config(source).text_config
    weights = load_file(source / "model.safetensors")
    keep = [i for i in range(text.num_hidden_layers) if i not in text.cross_attention_layers]
    fields = {k: getattr(text, k) for k in LLAMA_BASE}
    fields.update(vocab_size=text.vocab_size, rope_theta=text.rope_theta,
                  rope_scaling=text.rope_scaling, num_hidden_layers=len(keep))
    model = LlamaForCausalLM(LlamaConfig(**fields))
    tensors = {}
    for name in model.state_dict():
        old = name
        if name.startswith("model.layers."):
            number, rest = name[len("model.layers.") :].split(".", 1)
            old = f"model.layers.{keep[int(number)]}.{rest}"
        tensors[name] = weights["language_model." + old]
    # the eight rows past the vocabulary, the marker's among them, stay with the vision weights
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][: text.vocab_size]
    model.load_state_dict(tensors)
    save(model, directory, "float32")
    (directory / "weft.ini").write_text(
        "; a text core from this directory, an image adapter from the one beside it\n"
        "[core]\nmodel = .\n\n[plugin weft.vision]\nweights = ../mllama-1tile\n")
    for file in (PARITY, "parity-text-only.safetensors"):
        shutil.copyfile(source / file, directory / file)


def compare(directory, file):
    """Reload a directory and its parity file; print the figures that show it can be trusted."""
    expected = load_file(directory / file)
    inputs = {k: expected[k] for k in INPUTS if k in expected}
    if directory.name == "composed" and "pixel_values" in inputs:
        return  # what mllama-1tile computes; a Llama directory alone has no way to
    count = len(expected["greedy"])
    model = make_parity.load_model(directory)
    again = make_parity.compute(model, inputs, count)
    assert again.keys() == expected.keys()
    for name in again:
        # matrix products may add in another order from run to run (memory alignment decides)
        torch.testing.assert_close(again[name], expected[name], rtol=0, atol=3e-5)
    double = {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}
    exact = make_parity.compute(make_parity.load_model(directory).double(), double, count)
    worst = 0.0
    for name, tensor in exact.items():
        scale = max(1.0, float(expected[name].abs().max()))
        worst = max(worst, float((tensor - expected[name]).abs().max()) / scale)
    print(f"{directory.name}/{file}: T={len(inputs['input_ids'])}, float32 is {worst:.1e} of scale "
          f"from float64, smallest greedy margin {greedy_margin(model, expected):.1e}, "
          f"greedy {expected['greedy'].tolist()}")


def check_capture():
    """In this transformers version the states captured at index i are block i's *input*."""
    vision = {**VISION_BASE, "intermediate_layers_indices": [0], "vision_output_dim": 64}
    model = MllamaForConditionalGeneration(
        MllamaConfig(text_config=TEXT_BASE, vision_config=vision, image_token_index=128)).eval()
    randomise(model, 1)
    seen = []
    model.vision_model.layernorm_pre.register_forward_hook(lambda _m, _a, out: seen.append(out))
    inputs = image_tensors(model.config, [(6, 4)], 1)
    with torch.no_grad():
        out = model.vision_model(inputs["pixel_values"][None], inputs["aspect_ratio_ids"][None],
                                 torch.ones(1, 1, 4, dtype=torch.int64))[0]
    hidden = vision["hidden_size"]
    assert torch.equal(out[0, 0, :, :, hidden:], seen[0].reshape(4, 5, hidden))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures")
    parser.add_argument("--only", nargs="*", help="fixture names (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    check_capture()
    jobs = [(llama, n) for n in LLAMA] + [(mllama, n) for n in MLLAMA] + [(composed, "composed")]
    jobs += [(relative, n) for n in RELATIVES]
    for seed, (job, name) in enumerate(jobs, start=100):
        if args.only and name not in args.only:
            continue
        job(args.out, name, seed)
        for file in sorted((args.out / name).glob("parity*.safetensors")):
            compare(args.out / name, file.name)


if __name__ == "__main__":
    main()
