# SPDX-License-Identifier: Apache-2.0
"""Writes GGUF files, whole ones and broken ones, with Python's standard library: a model directory of tests/fixtures as the
file that llama.cpp's convert_hf_to_gguf.py makes of it, and a tokenizer.json as its tokenizer."""
import json
import math
import os
import struct

from harness import read_safetensors

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
FORMATS = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "?", U64: "Q", I64: "q", F64: "d"}
TYPES = {"F32": 0, "F16": 1, "BF16": 30}  # of tensors, by safetensors' dtype
LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def scalar(kind, value):
    return string(value) if kind == STRING else struct.pack("<" + FORMATS[kind], value)


def value(kind, v, item=None):
    """A value behind its key: its kind and its bytes."""
    if kind != ARRAY:
        return struct.pack("<I", kind) + scalar(kind, v)
    return struct.pack("<IIQ", ARRAY, item, len(v)) + b"".join(scalar(item, x) for x in v)


def pad(data, alignment):
    return data + b"\0" * (-len(data) % alignment)


class File:
    """values: {key: bytes of value()}; tensors: [(name, axes as GGUF lists them, type, bytes)]. What is set in `lies` is
    written instead of the truth."""

    def __init__(self, values=None, tensors=(), alignment=32, **lies):
        self.values = dict(values or {})
        self.tensors = list(tensors)
        self.alignment = alignment
        self.lies = lies

    def entry(self, name, axes, kind, offset):
        return (string(name) + struct.pack("<I", len(axes)) + b"".join(struct.pack("<Q", n) for n in axes) +
                struct.pack("<IQ", kind, offset))

    def head(self):
        lie = self.lies.get
        return (lie("magic", b"GGUF") + struct.pack("<I", lie("version", 3)) + struct.pack("<Q", lie("n_tensors", len(self.tensors))) +
                struct.pack("<Q", lie("n_values", len(self.values))))

    def values_bytes(self):
        return b"".join(string(key) + v for key, v in self.values.items())

    def entries(self):
        out, at = b"", 0
        for name, axes, kind, data in self.tensors:
            out += self.entry(name, axes, kind, at)
            at += len(pad(data, self.alignment))
        return out

    def build(self):
        front = pad(self.head() + self.values_bytes() + self.entries(), self.alignment)
        return front + b"".join(pad(data, self.alignment) for *_, data in self.tensors)


def name_of(name):
    if name in TOP:
        return TOP[name]
    _, _, layer, *kind, _ = name.split(".")
    return f"blk.{layer}.{LAYER['.'.join(kind)]}.weight"


def paired(data, rows, heads):
    """The rows of q and k as GGUF keeps them: row i of a head becomes 2 i, row i + half becomes 2 i + 1."""
    each, head = len(data) // rows, rows // heads
    row = [data[i * each:(i + 1) * each] for i in range(rows)]
    order = [h * head + (i // 2 if i % 2 == 0 else head // 2 + i // 2) for h in range(heads) for i in range(head)]
    return b"".join(row[i] for i in order)


def rope_divisors(rope, theta, head_dim):
    """By how much llama3 scaling divides each frequency. Source: transformers modeling_rope_utils.py."""
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    out = []
    for i in range(head_dim // 2):
        length = 2 * math.pi * theta ** (2 * i / head_dim)
        if length < high:
            out.append(1.0)
        elif length > low:
            out.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"])
            out.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return out


def settings(config):
    """config.json as GGUF's values."""
    heads = config["num_attention_heads"]
    theta = config.get("rope_parameters", config).get("rope_theta", 10000.0)
    out = {
        "general.architecture": value(STRING, "llama"),
        "llama.embedding_length": value(U32, config["hidden_size"]),
        "llama.feed_forward_length": value(U32, config["intermediate_size"]),
        "llama.block_count": value(U32, config["num_hidden_layers"]),
        "llama.attention.head_count": value(U32, heads),
        "llama.attention.head_count_kv": value(U32, config.get("num_key_value_heads", heads)),
        "llama.attention.layer_norm_rms_epsilon": value(F32, config.get("rms_norm_eps", 1e-6)),
        "llama.rope.freq_base": value(F32, theta),
        "llama.context_length": value(U32, config["max_position_embeddings"]),
    }
    if "head_dim" in config:
        out["llama.attention.key_length"] = value(U32, config["head_dim"])
        out["llama.rope.dimension_count"] = value(U32, config["head_dim"])
    return out


def model(directory, **lies):
    """The File of a model directory that is not sharded."""
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    heads = config["num_attention_heads"]
    kv = config.get("num_key_value_heads", heads)
    tensors = []
    for name, (dtype, shape, data) in read_safetensors(os.path.join(directory, "model.safetensors")).items():
        if ".q_proj." in name or ".k_proj." in name:
            data = paired(data, shape[0], heads if ".q_proj." in name else kv)
        tensors.append((name_of(name), shape[::-1], TYPES[dtype], data))
    rope = config.get("rope_parameters") or config.get("rope_scaling")
    if rope:
        theta = rope.get("rope_theta", config.get("rope_theta"))
        divisors = rope_divisors(rope, theta, config.get("head_dim", config["hidden_size"] // heads))
        tensors.append(("rope_freqs.weight", [len(divisors)], 0, struct.pack(f"<{len(divisors)}f", *divisors)))
    return File(settings(config), tensors, **lies)


def split(file, cuts):
    """The parts of a file, each a File with the tensors of one cut."""
    parts = []
    for i, tensors in enumerate(cuts):
        values = dict(file.values) if i == 0 else {}
        values |= {"split.no": value(U16, i), "split.count": value(U16, len(cuts)),
                   "split.tensors.count": value(I32, len(file.tensors))}
        parts.append(File(values, tensors))
    return parts


def tokenizer(path, pre):
    """The values of a byte-level tokenizer.json."""
    with open(path, encoding="utf-8") as f:
        source = json.load(f)
    added = {t["id"]: t for t in source["added_tokens"]}
    vocab = {i: text for text, i in source["model"]["vocab"].items()} | {i: t["content"] for i, t in added.items()}
    tokens = [vocab.get(i, f"[PAD{i}]") for i in range(max(vocab) + 1)]
    kinds = [1 if i in vocab and i not in added else 5 if i not in vocab else 3 if added[i]["special"] else 4
             for i in range(len(tokens))]
    merges = [m if isinstance(m, str) else " ".join(m) for m in source["model"]["merges"]]
    return {
        "tokenizer.ggml.model": value(STRING, "gpt2"),
        "tokenizer.ggml.pre": value(STRING, pre),
        "tokenizer.ggml.merges": value(ARRAY, merges, STRING),
        "tokenizer.ggml.tokens": value(ARRAY, tokens, STRING),
        "tokenizer.ggml.token_type": value(ARRAY, kinds, I32),
    }
