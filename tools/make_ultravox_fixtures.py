#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random Ultravox checkpoints of tests/fixtures/ultravox and what is expected of them.

    make_ultravox_fixtures.py [--out tests/fixtures/ultravox] [--only NAME ...]

text            a Llama core of width 32 and 64 tokens, which no adapter touches
v05             ln_mid, swiglu, 128 bins, the encoder inside; its preprocessor_config.json says 80
v041            ln_post, swiglu, 80 bins; the projector alone, beside `whisper`
shuka           ShukaModel: ln_post, silu, 80 bins, the encoder inside; of 20 positions: chunks of 40 frames
mid-silu        ln_mid, silu, 128 bins; the projector alone, beside `encoder`
layers          two encoder layers in the projector, 80 bins, of 24 positions: chunks of 48 frames
units           the same with ctc_units, weft's own extension: rows are the core's embeddings; stacks of 2
whisper         WhisperForConditionalGeneration as transformers writes it, in float16
encoder         WhisperModel as transformers writes it

The encoder is transformers' own, called layer by layer, since its forward refuses clips that are not
30 s long; the log-mel frames are WhisperFeatureExtractor's; the projector is written here from the
published checkpoints' shapes. A recording longer than a chunk is done the way the reference does it:
the last chunk padded to a whole one with zeros after normalisation, keys past its end masked, its
rows cut to the tokens that it has.

parity*.safetensors hold `samples` [n] at 16 kHz, `input_ids` [T] with the core's vocabulary size in
the recording's place, and `features`, `encoder.output` (one chunk), `adapter.output`, `logits`,
`greedy`. long-N.safetensors are the same for N samples without `samples`, `features` and
`encoder.output`, which are larger than a repository wants: tests make the samples (sound(), integers only, so that every
language gets the same bits), and long-features.safetensors has some rows of the features.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import (LlamaConfig, LlamaForCausalLM, WhisperConfig, WhisperFeatureExtractor,
                          WhisperForConditionalGeneration, WhisperModel)
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

import gen_speech_models
import make_parity
import prompts

HERE = pathlib.Path(__file__).resolve().parent
VOCAB, WIDTH, STACK, UNITS, FILL = 64, 32, 8, 20, 3
STACKS = {"units": 2}
SIZES = dict(d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=72)
DECODER = dict(vocab_size=16, decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=8,
               max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
               decoder_start_token_id=1)
# name -> (bins, positions, ln_mid, act, hidden_size, where the encoder is); act "layers": hidden_size layers
KINDS = {"v05": (128, 1500, True, "swiglu", 64, None),
         "v041": (80, 60, False, "swiglu", 48, "whisper"),
         "shuka": (80, 20, False, "silu", 40, None),
         "mid-silu": (128, 44, True, "silu", 24, "encoder"),
         "layers": (80, 24, False, "layers", 2, None),
         "units": (80, 24, False, "units", 2, None)}
SHORT = {"v05": {"parity": 16000, "parity-319": 319, "parity-320": 320, "parity-321": 321},
         "v041": {"parity": 9000, "parity-321": 321},
         # three chunks, the last of 7 frames; 40 frames exactly; two chunks, the last of 1 frame
         "shuka": {"parity": 13900, "parity-one": 6400, "parity-last1": 6401},
         "mid-silu": {"parity": 8000, "parity-319": 319},
         # three chunks, the last of 5 frames; a chunk and no more; one token
         "layers": {"parity": 16100, "parity-one": 7680, "parity-321": 321},
         "units": {"parity": 16100, "parity-one": 7680, "parity-321": 321}}
LONG = (479999, 480000, 480001, 1000000)
# Tensors so small that an epsilon shows: 1e-6 of the projector's norms, 1e-5 of the encoder's.
SMALL = {"v041": ("linear_2.weight",), "shuka": ("conv2.weight", "conv2.bias", "positions.weight"),
         "mid-silu": ("linear_1.weight",)}
PROBES = (0, 1, 2, 1249, 1250, 1251, 1999, 2500, 2999, 3000, 3001, 4499, 5999, 6000, 6248, 6249)


def sound(n):
    """A wandering triangle and noise, louder and softer, with stretches of silence."""
    i = np.arange(n, dtype=np.uint64)
    u = (i * 2654435761 + 12345) & 0xFFFFFFFF
    u ^= u >> 16
    u = (u * 2246822519) & 0xFFFFFFFF
    u ^= u >> 13
    noise = (u >> 8).astype(np.float64) / 16777216.0 - 0.5
    step = 0x01000000 + (i % 40000) * 900
    phase = np.cumsum(step) & 0xFFFFFFFF
    triangle = np.abs(2.0 * ((phase >> 8).astype(np.float64) / 16777216.0) - 1.0) * 2.0 - 1.0
    loud = (1.0 + ((i // 160000) % 3).astype(np.float64)) / 4.0
    loud[(i % 300000 >= 200000) & (i % 300000 < 205000)] = 0.0
    return torch.from_numpy(((0.5 * triangle + 0.2 * noise) * loud).astype(np.float32))


class Rms(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Projector(nn.Module):
    def __init__(self, d, hidden, d_text, act, mid):
        super().__init__()
        self.gated, self.mid = act == "swiglu", mid
        half = hidden // 2 if self.gated else hidden
        self.ln_pre = Rms(d * STACK)
        self.linear_1 = nn.Linear(d * STACK, hidden, bias=False)
        self.linear_2 = nn.Linear(half, d_text, bias=False)
        if mid:
            self.ln_mid = Rms(half)
        else:
            self.ln_post = Rms(d_text)

    def forward(self, rows, n_tokens):
        rows = F.pad(rows, (0, 0, 0, -len(rows) % STACK))
        x = self.linear_1(self.ln_pre(rows.reshape(-1, rows.shape[1] * STACK)))
        if self.gated:
            x, gate = x.chunk(2, dim=-1)
            x = x * F.silu(gate)
        else:
            x = F.silu(x)
        x = self.linear_2(self.ln_mid(x) if self.mid else x)
        return (x if self.mid else self.ln_post(x))[:n_tokens]


class TransformerProjector(nn.Module):
    """num_projector_layers: transformers' own encoder layers between two linears."""

    def __init__(self, config, layers, d_text, stack, places):
        super().__init__()
        d = config.d_model
        self.stack = stack
        self.ln_pre = Rms(d * stack)
        self.linear_in = nn.Linear(d * stack, d)
        self.embed_positions = nn.Embedding(places, d)
        self.layers = nn.ModuleList(WhisperEncoderLayer(config) for _ in range(layers))
        self.ln_post = Rms(d)
        self.linear_out = nn.Linear(d, d_text)

    def forward(self, rows, n_tokens):
        rows = F.pad(rows, (0, 0, 0, -len(rows) % self.stack))
        x = self.linear_in(self.ln_pre(rows.reshape(-1, rows.shape[1] * self.stack)))[:n_tokens]
        x = (x + self.embed_positions.weight[: len(x)])[None]
        for layer in self.layers:
            x = layer(x, None, layer_head_mask=None)[0]
        return self.linear_out(self.ln_post(x[0]))


def spelled(scores, units, fill):
    """Tokens along the best units of all rows, repeats and unit 0 left out, behind those of fill."""
    path = scores.argmax(1).tolist()
    kept = [k for k, before in zip(path, [0, *path[:-1]]) if k and k != before]
    left = torch.arange(len(path) - len(kept) - 1, -1, -1)
    return torch.cat([fill[left.clamp(max=FILL - 1)], units[torch.tensor(kept, dtype=torch.long)]])


def encode(encoder, frames, n_keys):
    """WhisperEncoder.forward for any number of frames [n, bins]; rows from n_keys on are no keys."""
    x = F.gelu(encoder.conv1(frames.T[None]))
    x = F.gelu(encoder.conv2(x)).transpose(1, 2)
    rows = x.shape[1]
    x = x + encoder.embed_positions.weight[:rows]
    mask = torch.zeros(1, 1, rows, rows)
    mask[..., n_keys:] = torch.finfo(torch.float32).min
    for layer in encoder.layers:
        x = layer(x, mask, layer_head_mask=None)[0]
    return encoder.layer_norm(x)[0]


def features(samples, bins):
    n = max(320, len(samples))
    n += -n % 160
    padded = F.pad(samples, (0, n - len(samples)))
    extractor = WhisperFeatureExtractor(feature_size=bins)
    batch = extractor(padded.numpy(), sampling_rate=16000, padding=False, truncation=False,
                      return_tensors="pt")
    return batch["input_features"][0].T.contiguous()


def stages(encoder, projector, samples, stack):
    bins, chunk = encoder.conv1.in_channels, 2 * encoder.embed_positions.weight.shape[0]
    frames = features(samples, bins)
    out = {"features": frames}
    tokens = []
    for first in range(0, len(frames), chunk):
        part = frames[first : first + chunk]
        n = len(part)
        if first > 0:
            part = F.pad(part, (0, 0, 0, chunk - n))
        rows = encode(encoder, part, (n - 1) // 2 + 1)
        if len(frames) <= chunk:
            out["encoder.output"] = rows
        tokens.append(projector(rows, -(-n // (2 * stack))))
    out["adapter.output"] = torch.cat(tokens)
    return out


class Prompt:
    """Ids with VOCAB in the recording's place, run with its tokens there."""

    def __init__(self, core, tokens):
        self.core, self.tokens = core, tokens

    def logits(self, ids):
        at = int((ids == VOCAB).nonzero()[0])
        embed = self.core.model.embed_tokens
        rows = torch.cat([embed(ids[:at]), self.tokens, embed(ids[at + 1 :])])
        return self.core(inputs_embeds=rows[None]).logits[0]


def settle(prompt, before, after):
    def make_ids(seed):
        rng = torch.Generator().manual_seed(seed)
        words = torch.randint(3, VOCAB - 1, (before + after,), generator=rng)
        return torch.cat([torch.tensor([1]), words[:before], torch.tensor([VOCAB]), words[before:]])

    return prompts.settle(prompt, make_ids, 6, hidden=False)


def as_stored(model, dtype, small=()):
    """Rounded to what the file will hold; computing stays in float32."""
    for name, p in model.named_parameters():
        if name.endswith(small):
            p.data *= 0.005
        p.data = p.data.to(dtype).float()
    return model


def tensors_of(prefix, module, dtype):
    return {prefix + k: v.to(dtype).contiguous() for k, v in module.state_dict().items()}


def fresh(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def text_core(directory):
    fresh(directory)
    config = LlamaConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, intermediate_size=48,
                         max_position_embeddings=1024, rope_theta=500000.0, rms_norm_eps=1e-5,
                         pad_token_id=0, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False)
    core = gen_speech_models.randomise(LlamaForCausalLM._from_config(
        config, attn_implementation="eager"), 11)
    as_stored(core, torch.bfloat16)
    core.config.architectures = ["LlamaForCausalLM"]
    core.config.torch_dtype = "bfloat16"
    core.config.save_pretrained(directory)
    save_file(tensors_of("", core, torch.bfloat16), directory / "model.safetensors",
              metadata={"format": "pt"})
    return core


def encoder_of(name, seed):
    bins, positions, *_, where = KINDS[name]
    config = WhisperConfig(**SIZES, **DECODER, num_mel_bins=bins, max_source_positions=positions,
                           attn_implementation="eager")
    cls = WhisperForConditionalGeneration if where == "whisper" else WhisperModel
    model = gen_speech_models.randomise(cls._from_config(config, attn_implementation="eager"), seed)
    table = model.get_encoder().embed_positions.weight
    table.data.copy_(0.5 * torch.randn(table.shape, generator=torch.Generator().manual_seed(seed)))
    return as_stored(model, torch.float16 if where == "whisper" else torch.bfloat16,
                     SMALL.get(name, ()))


def save_encoder(model, directory, dtype):
    fresh(directory)
    model.config.architectures = [type(model).__name__]
    model.config.torch_dtype = dtype
    model.config.save_pretrained(directory)
    tensors = tensors_of("", model, getattr(torch, dtype))
    tensors.pop("proj_out.weight", None)  # tied, and not stored
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def adapter_config(name, model):
    _, _, mid, act, hidden, where = KINDS[name]
    config = {"architectures": ["UltravoxModel"], "model_type": "ultravox",
              "text_model_id": "example/text-core", "audio_model_id": None, "hidden_size": hidden,
              "stack_factor": STACKS.get(name, STACK), "projector_act": act, "norm_init": 0.4,
              "audio_token_index": 32000, "torch_dtype": "bfloat16"}
    if name == "shuka":  # a sibling with defaults of its own, of which silu is one
        config.update(architectures=["ShukaModel"], model_type="shuka")
        config.pop("projector_act")
    if act == "units":
        config["ctc_units"], config["ctc_fill"] = UNITS, FILL
    if act in ("layers", "units"):
        del config["projector_act"], config["hidden_size"]
        config["num_projector_layers"] = hidden
    if mid:
        config["projector_ln_mid"] = True
    if where is not None:
        config["audio_model_id"] = f"example/{where}"
    else:
        config["audio_config"] = {"model_type": "whisper", **SIZES,
                                  "num_mel_bins": model.config.num_mel_bins,
                                  "max_source_positions": model.config.max_source_positions}
    return config


def save_adapter(name, directory, model, projector, more):
    where = KINDS[name][-1]
    fresh(directory)
    write_json(directory / "config.json", adapter_config(name, model))
    tensors = tensors_of("multi_modal_projector.", projector, torch.bfloat16)
    tensors.update({f"multi_modal_projector.{k}": v for k, v in more.items()})
    ini = f"; {name} on the text core beside it\n[core]\nmodel = ../text\n"
    ini += "\n[plugin weft.ultravox]\nweights = .\n"
    if where is None:
        tensors.update(tensors_of("audio_tower.", model.get_encoder(), torch.bfloat16))
    else:
        ini += f"audio = ../{where}\n"
    if name == "v05":
        write_json(directory / "preprocessor_config.json",
                   {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80})
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "weft.ini").write_text(ini)


@torch.no_grad()
def kind(out, name, seed, core):
    _, positions, mid, act, hidden, where = KINDS[name]
    model = encoder_of(name, seed)
    stack, units, more = STACKS.get(name, STACK), None, {}
    if act == "layers":
        projector = TransformerProjector(model.get_encoder().config, hidden, WIDTH, stack, positions)
    elif act == "units":
        units, fill = torch.randperm(VOCAB, generator=torch.Generator().manual_seed(seed))[:UNITS + FILL].split([UNITS, FILL])
        more = {"units": units.float(), "fill": fill.float()}
        projector = TransformerProjector(model.get_encoder().config, hidden, UNITS, stack, -(-positions // stack))
    else:
        projector = Projector(SIZES["d_model"], hidden, WIDTH, act, mid)
    projector = gen_speech_models.randomise(projector, seed + 1)
    if units is not None:       # so that rows, and not what they have in common, say which unit is the best
        common = stages(model.get_encoder(), projector, sound(16100), stack)["adapter.output"].mean(0)
        projector.linear_out.bias.data -= common
    projector = as_stored(projector, torch.bfloat16, SMALL.get(name, ()))
    save_adapter(name, out / name, model, projector, more)
    if where is not None:
        save_encoder(model, out / where, "float16" if where == "whisper" else "bfloat16")
    for i, (file, n) in enumerate(SHORT[name].items()):
        given = {"samples": sound(n)}
        found = stages(model.get_encoder(), projector, given["samples"], stack)
        if units is not None:
            found["adapter.output"] = core.model.embed_tokens(spelled(found["adapter.output"], units, fill))
        asked = settle(Prompt(core, found["adapter.output"]), 2 + i, 3)
        gen_speech_models.write(out / name / f"{file}.safetensors", {**given, **found, **asked})
    return model.get_encoder(), projector


@torch.no_grad()
def long_ones(directory, encoder, projector, core):
    for n in LONG:
        found = stages(encoder, projector, sound(n), STACK)
        asked = settle(Prompt(core, found["adapter.output"]), 3, 4)
        frames = found.pop("features")
        found.pop("encoder.output", None)
        gen_speech_models.write(directory / f"long-{n}.safetensors", {**found, **asked})
    gen_speech_models.write(directory / "long-features.safetensors",
                            {"rows": torch.tensor(PROBES), "features": frames[list(PROBES)]})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "ultravox")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    core = text_core(args.out / "text")
    for i, name in enumerate(KINDS):
        if name not in args.only:
            continue
        encoder, projector = kind(args.out, name, 100 + 10 * i, core)
        if name == "v05":
            long_ones(args.out / name, encoder, projector, core)
    for path in args.out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
