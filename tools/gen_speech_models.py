#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random speech models of tests/fixtures, each with its parity file(s).

    gen_speech_models.py [--out tests/fixtures] [--only NAME ...]

w2v-bert, w2v-bert-adapter: Wav2Vec2BertModel directories as transformers writes them; what is
expected is computed by transformers. Recordings of every kind of length: one frame, one row, odd
(the last frame is padding and masked), even, more rows than a distance table has entries and than
an attention block has keys.

speech-paper: the paper's stack as a directory of this project's own layout (docs/SPEECH_LAYOUT.md)
on the text core of tests/fixtures/composed, and beside it the image adapter of mllama-1tile. There
is no released code for it: Conformer and Adapter below are the oracle, written from the paper's
section 8.2.1 in plain PyTorch. What the paper leaves open, they decide:

    rows      4 frames side by side; frames that are missing in the last row hold padding_value (0)
    block     x += ffn1(LN x) / 2;  x += attn(LN x);  x += conv(LN x);  x += ffn2(LN x) / 2;  x = LN x
    ffn       down(silu(up(x)))
    attn      q and k rotated after projection, half-split, base 10000; every row sees every row
    conv      pointwise, GLU, depthwise of kernel 7 with 3 zeros on both sides, LayerNorm, SiLU,
              pointwise; LayerNorm where the original conformer has BatchNorm
    adapter   convolution of kernel 3, stride 2, 1 zero on both sides; a pre-norm transformer layer
              with the same rotary attention and a plain ffn; LayerNorm; linear to the text width

Files: inputs `input_features` [frames, bins] or `samples` [n] at 16 kHz, `input_ids` [T] with one
placeholder for the whole recording, the picture's tensors; expected `features`, `encoder.output`,
`adapter.output`, `vision.output`, `logits`, `hidden.k`, `greedy`. Everything is in float32.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

import export_golden
import make_parity
import prompts

HERE = pathlib.Path(__file__).resolve().parent

W2V_BASE = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
                left_max_position_embeddings=8, right_max_position_embeddings=4,
                conv_depthwise_kernel_size=7, apply_spec_augment=False, mask_time_prob=0.0,
                vocab_size=None)
W2V = {  # name -> (fields, mel bins)
    "w2v-bert": (dict(feature_projection_input_dim=160), 80),
    "w2v-bert-adapter": (dict(feature_projection_input_dim=16, add_adapter=True,
                              output_hidden_size=24, num_adapter_layers=2, adapter_act="relu",
                              use_intermediate_ffn_before_adapter=True), 8),
}
FRAMES = {  # file -> frames
    "w2v-bert": {"parity-1frame": 1, "parity-1row": 2, "parity-odd": 61, "parity-even": 40,
                 "parity-long": 301},
    "w2v-bert-adapter": {"parity": 45, "parity-even": 44, "parity-1row": 2, "parity-1frame": 1,
                         "parity-long": 290},
}

PAPER = {
    "architectures": ["WeftSpeechModel"],
    "model_type": "weft_speech",
    "text_hidden_size": 48,
    "audio_token": "<|audio|>",
    "audio_token_index": 137,
    "begin_token": "<|reserved_special_token_2|>",
    "end_token": "<|reserved_special_token_3|>",
    "encoder_config": {
        "model_type": "conformer", "feature_projection_input_dim": 320, "hidden_size": 32,
        "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 56,
        "conv_depthwise_kernel_size": 7, "layer_norm_eps": 1e-5, "rotary_embedding_base": 10000.0,
        "hidden_act": "silu", "use_bias": True},
    "adapter_config": {
        "kernel_size": 3, "stride": 2, "hidden_size": 40, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 72, "layer_norm_eps": 1e-5,
        "rotary_embedding_base": 10000.0, "hidden_act": "silu", "use_bias": True},
}
# 70 rows of memory: more than an attention block has keys.
PAPERS = {"speech-paper": PAPER,
          "speech-memory": {**PAPER, "adapter_config": {**PAPER["adapter_config"], "memory_size": 70}}}
BEGIN, END, IMAGE, AUDIO = 126, 127, 128, 137


def rotate(x, heads, base):
    """x [T, d] as heads, each rotated by its row's place: half-split."""
    rows, d = x.shape
    x = x.view(rows, heads, d // heads)
    half = d // heads // 2
    inverse = 1.0 / base ** (torch.arange(0, 2 * half, 2).float() / (2 * half))
    angle = torch.arange(rows).float()[:, None] * inverse[None, :]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    def __init__(self, d, heads, base, bias):
        super().__init__()
        self.heads, self.base = heads, base
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (
            nn.Linear(d, d, bias=bias) for _ in range(4))

    def forward(self, x):
        rows, d = x.shape
        q = rotate(self.linear_q(x), self.heads, self.base)
        k = rotate(self.linear_k(x), self.heads, self.base)
        v = self.linear_v(x).view(rows, self.heads, d // self.heads)
        scores = torch.einsum("lhd,rhd->hlr", q, k) / (d // self.heads) ** 0.5
        out = torch.einsum("hlr,rhd->lhd", scores.softmax(-1), v)
        return self.linear_out(out.reshape(rows, d))


class FeedForward(nn.Module):
    def __init__(self, d, d_ffn, bias):
        super().__init__()
        self.intermediate_dense = nn.Linear(d, d_ffn, bias=bias)
        self.output_dense = nn.Linear(d_ffn, d, bias=bias)

    def forward(self, x):
        return self.output_dense(F.silu(self.intermediate_dense(x)))


class ConvModule(nn.Module):
    def __init__(self, d, kernel, eps):
        super().__init__()
        self.layer_norm = nn.LayerNorm(d, eps=eps)
        self.pointwise_conv1 = nn.Conv1d(d, 2 * d, 1, bias=False)
        self.depthwise_conv = nn.Conv1d(d, d, kernel, padding=(kernel - 1) // 2, groups=d,
                                        bias=False)
        self.depthwise_layer_norm = nn.LayerNorm(d, eps=eps)
        self.pointwise_conv2 = nn.Conv1d(d, d, 1, bias=False)

    def forward(self, x):
        y = F.glu(self.pointwise_conv1(self.layer_norm(x).T), dim=0)
        y = F.silu(self.depthwise_layer_norm(self.depthwise_conv(y).T))
        return self.pointwise_conv2(y.T).T


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, eps, bias = c["hidden_size"], c["layer_norm_eps"], c["use_bias"]
        self.ffn1_layer_norm = nn.LayerNorm(d, eps=eps)
        self.ffn1 = FeedForward(d, c["intermediate_size"], bias)
        self.self_attn_layer_norm = nn.LayerNorm(d, eps=eps)
        self.self_attn = Attention(d, c["num_attention_heads"], c["rotary_embedding_base"], bias)
        self.conv_module = ConvModule(d, c["conv_depthwise_kernel_size"], eps)
        self.ffn2_layer_norm = nn.LayerNorm(d, eps=eps)
        self.ffn2 = FeedForward(d, c["intermediate_size"], bias)
        self.final_layer_norm = nn.LayerNorm(d, eps=eps)

    def forward(self, x):
        x = x + 0.5 * self.ffn1(self.ffn1_layer_norm(x))
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        x = x + self.conv_module(x)
        x = x + 0.5 * self.ffn2(self.ffn2_layer_norm(x))
        return self.final_layer_norm(x)


class Conformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.feature_projection = nn.ModuleDict(
            {"projection": nn.Linear(c["feature_projection_input_dim"], c["hidden_size"])})
        self.encoder = nn.ModuleDict(
            {"layers": nn.ModuleList(Block(c) for _ in range(c["num_hidden_layers"]))})

    def forward(self, rows):
        x = self.feature_projection["projection"](rows)
        for block in self.encoder["layers"]:
            x = block(x)
        return x


class AdapterLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, eps, bias = c["hidden_size"], c["layer_norm_eps"], c["use_bias"]
        self.self_attn_layer_norm = nn.LayerNorm(d, eps=eps)
        self.self_attn = Attention(d, c["num_attention_heads"], c["rotary_embedding_base"], bias)
        self.ffn_layer_norm = nn.LayerNorm(d, eps=eps)
        self.ffn = FeedForward(d, c["intermediate_size"], bias)

    def forward(self, x):
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.ffn(self.ffn_layer_norm(x))


class Memory(nn.Module):
    def __init__(self, size, d):
        super().__init__()
        self.keys, self.values = (nn.Parameter(torch.empty(size, d)) for _ in range(2))

    def forward(self, x):
        return (x @ self.keys.T * x.shape[-1] ** -0.5).softmax(-1) @ self.values


class Adapter(nn.Module):
    def __init__(self, c, d_in, d_out):
        super().__init__()
        d, kernel = c["hidden_size"], c["kernel_size"]
        self.conv = nn.Conv1d(d_in, d, kernel, stride=c["stride"], padding=(kernel - 1) // 2)
        self.layers = nn.ModuleList(AdapterLayer(c) for _ in range(c["num_hidden_layers"]))
        self.layer_norm = nn.LayerNorm(d, eps=c["layer_norm_eps"])
        self.proj = nn.Linear(d, d_out)
        self.memory = Memory(c["memory_size"], d_out) if c.get("memory_size") else nn.Identity()

    def forward(self, x):
        x = self.conv(x.T).T
        for layer in self.layers:
            x = layer(x)
        return self.memory(self.proj(self.layer_norm(x)))


class Speech(nn.Module):
    def __init__(self, config):
        super().__init__()
        encoder = config["encoder_config"]
        self.speech_encoder = Conformer(encoder)
        self.speech_adapter = Adapter(config["adapter_config"], encoder["hidden_size"],
                                      config["text_hidden_size"])


def randomise(model, seed):
    """Values that show: norms around 1, biases that matter, rows that stay near 1."""
    rng = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        value = torch.randn(p.shape, generator=rng)
        if "norm" in name:
            value = 1 + 0.2 * value if name.endswith("weight") else 0.1 * value
        elif name.endswith("bias"):
            value = 0.1 * value
        elif "memory" in name:
            value = 3 * value if name.endswith("keys") else value  # shares neither alike nor one
        elif p.ndim > 1 and "embedding" not in name:
            value = value / (p[0].numel() ** 0.5)
        p.data.copy_(value)
    return model.eval()


def sound(n, seed):
    """A sweep over noise, fading in: no file needed."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 16000
    wave = 0.3 * np.sin(2 * np.pi * (200 + 2500 * t) * t) * np.minimum(1, t * 8)
    return torch.from_numpy((wave + 0.05 * rng.standard_normal(n)).astype(np.float32))


def random_frames(frames, bins, seed):
    return torch.randn(frames, bins, generator=torch.Generator().manual_seed(seed))


def w2v_expected(model, stacked, mask):
    """Every stage of Wav2Vec2BertModel; transformers gives the encoder's states only on request."""
    out = model(stacked[None], attention_mask=mask[None], output_hidden_states=True)
    expected = {"features": stacked, "encoder.output": out.hidden_states[-1][0]}
    if model.config.add_adapter:
        expected["adapter.output"] = out.last_hidden_state[0]
    return expected


def w2v_stack(frames, pad):
    """[n, bins] -> [ceil(n / 2), 2 bins] and the mask, as SeamlessM4TFeatureExtractor does it."""
    n, bins = frames.shape
    mask = torch.ones(n + n % 2, dtype=torch.int64)
    mask[n:] = 0
    frames = torch.cat([frames, torch.full((n % 2, bins), pad)])
    return frames.reshape(-1, 2 * bins), mask[1::2]


def write(path, tensors):
    make_parity.write(path, {k: v.detach().contiguous().clone() for k, v in tensors.items()})
    path.chmod(0o644)


@torch.no_grad()
def w2v(out, name, seed):
    fields, bins = W2V[name]
    model = randomise(Wav2Vec2BertModel(Wav2Vec2BertConfig(**{**W2V_BASE, **fields})), seed)
    model.config._attn_implementation = "eager"
    directory = out / name
    export_golden.save(model, directory, "float32")
    extractor = SeamlessM4TFeatureExtractor(feature_size=bins, num_mel_bins=bins, padding_value=1.0)
    extractor.save_pretrained(directory)
    (directory / "preprocessor_config.json").chmod(0o644)
    for i, (file, count) in enumerate(FRAMES[name].items()):
        frames = random_frames(count, bins, seed + i)
        stacked, mask = w2v_stack(frames, 1.0)
        write(directory / f"{file}.safetensors",
              {"input_features": frames, **w2v_expected(model, stacked, mask)})
        if name == "w2v-bert" and file == "parity-even":  # as the model itself is given them
            write(directory / "parity-stacked.safetensors",
                  {"input_features": stacked[None], **w2v_expected(model, stacked, mask)})
    if name == "w2v-bert":
        samples = sound(9840, seed)  # 60 frames and a part
        batch = extractor(samples.numpy(), sampling_rate=16000, return_tensors="pt")
        write(directory / "parity.safetensors",
              {"samples": samples, **w2v_expected(model, batch["input_features"][0],
                                                  batch["attention_mask"][0])})


def own_mel(samples):
    """This project's own front end in float64: 80 htk bins of 20 to 8000 Hz, hann frames of 400
    samples every 160, mean removed, 512 points, ln(max(., 1e-6)), every bin normalised over time."""
    x = samples.numpy().astype(np.float64)
    frames = np.stack([x[i : i + 400] for i in range(0, len(x) - 399, 160)])
    frames = frames - frames.mean(1, keepdims=True)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(frames * window, 512)) ** 2
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    corners = 700 * (10 ** (np.linspace(mel(20), mel(8000), 82) / 2595) - 1)
    f = np.arange(257) * 16000 / 512
    up = (f[None] - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    down = (corners[2:, None] - f[None]) / (corners[2:] - corners[1:-1])[:, None]
    y = np.log(np.maximum(power @ np.maximum(0, np.minimum(up, down)).T, 1e-6))
    y = (y - y.mean(0)) / np.sqrt(y.var(0, ddof=1) + 1e-7)
    return torch.from_numpy(y.astype(np.float32))


def speech_rows(model, frames):
    n, bins = frames.shape
    rows = torch.cat([frames, torch.zeros(-n % 4, bins)]).reshape(-1, 4 * bins)
    encoded = model.speech_encoder(rows)
    return {"features": frames, "encoder.output": encoded,
            "adapter.output": model.speech_adapter(encoded)}


class Prompt:
    """Ids with one placeholder per recording, run with its tokens in place."""

    def __init__(self, reference, tokens, vision=None, num_tiles=None):
        self.reference, self.tokens = reference, tokens
        self.vision, self.num_tiles = vision, num_tiles

    def logits(self, ids):
        core = make_parity.text_model(self.reference.model)
        at = int((ids == AUDIO).nonzero()[0])
        spread = torch.cat([ids[:at], torch.full((len(self.tokens),), 5), ids[at + 1 :]])
        rows = core.embed_tokens(spread)
        rows[at : at + len(self.tokens)] = self.tokens
        handle = core.embed_tokens.register_forward_hook(lambda _m, _a, _o: rows[None])
        try:
            return self.reference.forward(spread, self.vision, self.num_tiles)
        finally:
            handle.remove()


def speech_ids(seed, before, after, picture=False):
    ids = [torch.tensor([1]), prompts.words(before, seed)]
    ids += [torch.tensor([IMAGE]), prompts.words(4, seed + 7)] if picture else []
    return torch.cat(ids + [torch.tensor([BEGIN, AUDIO, END]), prompts.words(after, seed + 13)])


def paper_directory(directory, config, model):
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file({k: v.contiguous() for k, v in model.state_dict().items()},
              directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "weft.ini").write_text(
        "; speech from this directory on the text core of another\n"
        "[core]\nmodel = ../composed\n\n[plugin weft.speech]\nweights = .\n")


@torch.no_grad()
def paper(out, name, seed):
    config = PAPERS[name]
    model = randomise(Speech(config), seed)
    directory = out / name
    paper_directory(directory, config, model)
    core = make_parity.Reference(make_parity.load_model(out / "composed"))
    cases = {"parity": {"samples": sound(16000, seed)},
             # 203 frames: a part of a row is missing; 51 rows, 26 tokens; text before and behind
             "parity-odd": {"input_features": random_frames(203, 80, seed)},
             "parity-short": {"input_features": random_frames(1, 80, seed + 1)}}
    if config is PAPER:  # 75 rows and 150 tokens cross key blocks of 64
        cases["parity-long"] = {"input_features": random_frames(1197, 80, seed + 2)}
    for i, (file, given) in enumerate(cases.items()):
        frames = given.get("input_features")
        stages = speech_rows(model, own_mel(given["samples"]) if frames is None else frames)
        prompt = Prompt(core, stages["adapter.output"])
        expected = prompts.settle(
            prompt, lambda s, i=i: speech_ids(1000 * i + s, 3 + 2 * i, 2 + i))
        write(directory / f"{file}.safetensors", {**given, **stages, **expected})
    if config is PAPER:
        with_picture(out, directory, model, seed)
    for path in directory.iterdir():
        path.chmod(0o644)


def with_picture(out, directory, model, seed):
    """A picture and then speech: mllama-1tile runs the text core with its cross layers."""
    (directory / "picture.ini").write_text(
        "; speech and pictures on one text core\n"
        "[core]\nmodel = ../composed\n\n[plugin weft.speech]\nweights = .\n\n"
        "[plugin weft.vision]\nweights = ../mllama-1tile\n")
    mllama = make_parity.load_model(out / "mllama-1tile")
    pictures = export_golden.image_tensors(mllama.config, [(3, 3)], seed)
    reference = make_parity.Reference(mllama)
    vision = reference.encode(*pictures.values())
    frames = random_frames(90, 80, seed + 5)
    stages = speech_rows(model, frames)
    prompt = Prompt(reference, stages["adapter.output"], vision, pictures["num_tiles"])
    expected = prompts.settle(prompt, lambda s: speech_ids(s, 4, 3, picture=True))
    write(directory / "parity-picture.safetensors",
          {"input_features": frames, **pictures, "vision.output": vision, **stages, **expected})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures")
    parser.add_argument("--only", nargs="*", help="fixture names (default: all)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    jobs = [(w2v, n) for n in W2V] + [(paper, n) for n in PAPERS]
    for seed, (job, name) in enumerate(jobs, start=300):
        if not args.only or name in args.only:
            job(args.out, name, seed)
            print(f"{name}: {sorted(p.name for p in (args.out / name).iterdir())}")


if __name__ == "__main__":
    main()
