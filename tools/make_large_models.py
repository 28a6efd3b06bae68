#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Directories of the shapes of real models with weights that mean nothing, to measure memory and speed with.

    make_large_models.py OUT [NAME ...]

    text       Llama 3.2 1B (2.5 GB in bf16), with the tokenizer of the demo model
    speech     the paper's conformer of 1B parameters with its adapter (2.1 GB), and speech.ini: it on text
    ultravox   the projector of Ultravox v0.5 for that text core, and ultravox.ini: it and whisper on text
    whisper    the encoder of Whisper large v3 (1.3 GB in f16)

Standard library only; the values are small, and the same in every run.
"""
import json
import os
import random
import shutil
import struct
import sys

DEMO = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "models", "demo")
BLOCK = 1 << 19  # values of the block that every tensor is filled from


def linear(name, rows, cols, bias=True):
    yield name + ".weight", (rows, cols)
    if bias:
        yield name + ".bias", (rows,)


def norm(name, width):
    yield name + ".weight", (width,)
    yield name + ".bias", (width,)


def text():
    d, kv, ffn, vocab = 2048, 512, 8192, 128256
    yield "model.embed_tokens.weight", (vocab, d)
    yield "model.norm.weight", (d,)
    for i in range(16):
        p = "model.layers.%d." % i
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield p + name + ".weight", (d,)
        for name, rows, cols in (("self_attn.q_proj", d, d), ("self_attn.k_proj", kv, d), ("self_attn.v_proj", kv, d),
                                 ("self_attn.o_proj", d, d), ("mlp.gate_proj", ffn, d), ("mlp.up_proj", ffn, d),
                                 ("mlp.down_proj", d, ffn)):
            yield from linear(p + name, rows, cols, False)


def feed_forward(p, d, ffn):
    yield from linear(p + ".intermediate_dense", ffn, d)
    yield from linear(p + ".output_dense", d, ffn)


def attention(p, d):
    for name in ("linear_q", "linear_k", "linear_v", "linear_out"):
        yield from linear(p + name, d, d)


def conformer_layer(p, d, ffn, kernel):
    for name in ("ffn1_layer_norm", "ffn2_layer_norm", "self_attn_layer_norm", "final_layer_norm",
                 "conv_module.layer_norm", "conv_module.depthwise_layer_norm"):
        yield from norm(p + name, d)
    yield from feed_forward(p + "ffn1", d, ffn)
    yield from feed_forward(p + "ffn2", d, ffn)
    yield from attention(p + "self_attn.", d)
    yield p + "conv_module.pointwise_conv1.weight", (2 * d, d, 1)
    yield p + "conv_module.pointwise_conv2.weight", (d, d, 1)
    yield p + "conv_module.depthwise_conv.weight", (d, 1, kernel)


def speech():
    d, ffn, wide = 1536, 4096, 3072
    yield from linear("speech_encoder.feature_projection.projection", d, 320)
    for i in range(24):
        yield from conformer_layer("speech_encoder.encoder.layers.%d." % i, d, ffn, 7)
    yield "speech_adapter.conv.weight", (wide, d, 3)
    yield "speech_adapter.conv.bias", (wide,)
    p = "speech_adapter.layers.0."
    yield from norm(p + "self_attn_layer_norm", wide)
    yield from norm(p + "ffn_layer_norm", wide)
    yield from attention(p + "self_attn.", wide)
    yield from feed_forward(p + "ffn", wide, 4096)
    yield from norm("speech_adapter.layer_norm", wide)
    yield from linear("speech_adapter.proj", 2048, wide)


def whisper():
    d, ffn, p = 1280, 5120, "model.encoder."
    yield p + "conv1.weight", (d, 128, 3)
    yield p + "conv1.bias", (d,)
    yield p + "conv2.weight", (d, d, 3)
    yield p + "conv2.bias", (d,)
    yield p + "embed_positions.weight", (1500, d)
    yield from norm(p + "layer_norm", d)
    for i in range(32):
        q = p + "layers.%d." % i
        yield from norm(q + "self_attn_layer_norm", d)
        yield from norm(q + "final_layer_norm", d)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from linear(q + "self_attn." + name, d, d, name != "k_proj")
        yield from linear(q + "fc1", ffn, d)
        yield from linear(q + "fc2", d, ffn)


def ultravox():
    inner, p = 2048, "multi_modal_projector."
    yield p + "ln_pre.weight", (8 * 1280,)
    yield p + "linear_1.weight", (inner, 8 * 1280)
    yield p + "ln_mid.weight", (inner // 2,)
    yield p + "linear_2.weight", (2048, inner // 2)


LLAMA = {"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "hidden_size": 2048, "intermediate_size": 8192,
         "num_attention_heads": 32, "num_key_value_heads": 8, "num_hidden_layers": 16, "vocab_size": 128256, "head_dim": 64,
         "tie_word_embeddings": True, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "max_position_embeddings": 131072}
MODELS = {
    "text": (text, "BF16", LLAMA),
    "speech": (speech, "BF16", {"architectures": ["WeftSpeechModel"], "model_type": "weft_speech",
                                "text_hidden_size": 2048, "torch_dtype": "bfloat16"}),
    "whisper": (whisper, "F16", {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper",
                                 "d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20,
                                 "encoder_ffn_dim": 5120, "num_mel_bins": 128, "max_source_positions": 1500,
                                 "activation_function": "gelu", "torch_dtype": "float16"}),
    "ultravox": (ultravox, "BF16", {"architectures": ["UltravoxModel"], "model_type": "ultravox", "hidden_size": 2048,
                                    "text_model_id": "text", "audio_model_id": "whisper", "stack_factor": 8,
                                    "projector_act": "swiglu", "projector_ln_mid": True, "audio_token_index": 128255,
                                    "torch_dtype": "bfloat16"}),
}
COMPOSED = {
    "speech.ini": "[core]\nmodel = text\n\n[plugin weft.speech]\nweights = speech\n",
    "ultravox.ini": "[core]\nmodel = text\n\n[plugin weft.ultravox]\nweights = ultravox\naudio = whisper\n",
}


def block(dtype):
    """Values of about 0.02 and both signs, as bytes of that type."""
    rng = random.Random(11)
    values = [rng.uniform(-0.02, 0.02) for _ in range(BLOCK)]
    if dtype == "F16":
        return struct.pack("<%de" % BLOCK, *values)
    wide = struct.pack("<%df" % BLOCK, *values)
    return b"".join(wide[i + 2:i + 4] for i in range(0, len(wide), 4))  # bf16: the upper half of f32


def write_weights(path, tensors, dtype):
    header, at = {}, 0
    for name, shape in tensors:
        size = 2
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    data = block(dtype)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for left in range(at, 0, -len(data)):
            file.write(data[:left])


def make(out, name):
    tensors, dtype, config = MODELS[name]
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    write_weights(os.path.join(folder, "model.safetensors"), tensors(), dtype)
    if name == "text":
        for other in os.listdir(os.path.join(DEMO, "text")):
            if "token" in other or other.startswith("generation"):
                shutil.copy(os.path.join(DEMO, "text", other), folder)


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-") or not set(sys.argv[2:]) <= set(MODELS):
        sys.exit(__doc__)
    out = sys.argv[1]
    for name in sys.argv[2:] or MODELS:
        make(out, name)
    for name, ini in COMPOSED.items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(ini)


if __name__ == "__main__":
    main()
