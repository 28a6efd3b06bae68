#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the tiny random video adapter of tests/fixtures/video with its parity files.

    make_video_fixtures.py [--out tests/fixtures]

The directory has this project's own layout (docs/VIDEO_LAYOUT.md); it stands on the text core of
tests/fixtures/composed and sees through the picture encoder of tests/fixtures/mllama-1tile, which
transformers runs. There is no released code for the adapter itself: Resampler and VideoLayer below
are the oracle, written from the paper's section 7.2, Idefics's resampler and Mllama's
cross-attention layer in plain PyTorch:

    context   features of a frame through a linear, plus the time embedding of the frame's number
    output    the resampler over the context of `frames_per_group` frames, the last group shorter
    layers    at their coordinates, before a picture's layer at the same one (hook_order -1); a row
              sees the clips of the latest group of markers at or before it; a row that sees none is
              not touched

Files: inputs `pixel_values_videos` [clips, frames, max_num_tiles, 3, t, t], `video_aspect_ratio_ids`
and `video_num_tiles` [clips], `video_times_us` [clips, frames], `input_ids` [T] with a placeholder
for each clip, a picture's tensors; expected `video.features`, `video.context`, `resampler.output`,
`vision.output`, `logits`, `hidden.k`, `greedy`. Computed in float32; weights are stored as bfloat16,
and the oracle computes with the rounded ones.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import export_golden
import make_parity
import prompts

HERE = pathlib.Path(__file__).resolve().parent

CONFIG = {
    "architectures": ["WeftVideoModel"],
    "model_type": "weft_video",
    "text_hidden_size": 48,
    "text_num_hidden_layers": 3,
    "cross_attention_layers": [1, 3],
    "num_attention_heads": 6,
    "num_key_value_heads": 3,
    "head_dim": 10,
    "intermediate_size": 40,
    "rms_norm_eps": 1e-5,
    "video_token": "<|video|>",
    "video_token_index": 130,
    "encoder_output_dim": 128,
    "max_frames": 6,
    "num_frames": 4,
    "frames_per_group": 2,
    "resampler_config": {
        "hidden_size": 32, "num_hidden_layers": 2, "num_latents": 5, "num_attention_heads": 3,
        "head_dim": 12, "intermediate_size": 48, "qk_layer_norms": True, "layer_norm_eps": 1e-5},
}
IMAGE, VIDEO = 128, 130


class RMS(nn.Module):
    def __init__(self, d, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class ResamplerAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, eps = c["hidden_size"], c["layer_norm_eps"]
        self.heads, self.head_dim = c["num_attention_heads"], c["head_dim"]
        inner = self.heads * self.head_dim
        self.context_layer_norm = nn.LayerNorm(d, eps=eps)
        self.latents_layer_norm = nn.LayerNorm(d, eps=eps)
        self.q_layer_norm = nn.LayerNorm(self.head_dim, eps=eps)
        self.k_layer_norm = nn.LayerNorm(self.head_dim, eps=eps)
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d, inner, bias=False) for _ in range(3))
        self.output_proj = nn.Linear(inner, d, bias=False)

    def forward(self, context, latents):
        latents = self.latents_layer_norm(latents)
        keys = torch.cat([self.context_layer_norm(context), latents])
        split = lambda x: x.view(len(x), self.heads, self.head_dim)
        q = self.q_layer_norm(split(self.q_proj(latents)))
        k = self.k_layer_norm(split(self.k_proj(keys)))
        scores = torch.einsum("lhd,rhd->hlr", q, k) / self.head_dim**0.5
        out = torch.einsum("hlr,rhd->lhd", scores.softmax(-1), split(self.v_proj(keys)))
        return self.output_proj(out.flatten(1))


class ResamplerMLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.ln = nn.LayerNorm(d, eps=c["layer_norm_eps"])
        self.fc = nn.Linear(d, c["intermediate_size"], bias=False)
        self.c_proj = nn.Linear(c["intermediate_size"], d, bias=False)

    def forward(self, x):
        return self.c_proj(F.relu(self.fc(self.ln(x))))


class Resampler(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.latents = nn.Parameter(torch.zeros(c["num_latents"], c["hidden_size"]))
        self.blocks = nn.ModuleList(nn.ModuleList([ResamplerAttention(c), ResamplerMLP(c)])
                                    for _ in range(c["num_hidden_layers"]))
        self.layer_norm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])

    def forward(self, context):
        z = self.latents
        for attention, mlp in self.blocks:
            z = z + attention(context, z)
            z = z + mlp(z)
        return self.layer_norm(z)


class CrossAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, d_src, hd = c["text_hidden_size"], c["resampler_config"]["hidden_size"], c["head_dim"]
        self.heads, self.kv_heads, self.head_dim = (c["num_attention_heads"],
                                                    c["num_key_value_heads"], hd)
        self.q_proj = nn.Linear(d, self.heads * hd, bias=False)
        self.k_proj = nn.Linear(d_src, self.kv_heads * hd, bias=False)
        self.v_proj = nn.Linear(d_src, self.kv_heads * hd, bias=False)
        self.o_proj = nn.Linear(self.heads * hd, d, bias=False)
        self.q_norm, self.k_norm = RMS(hd, c["rms_norm_eps"]), RMS(hd, c["rms_norm_eps"])

    def forward(self, x, rows):
        q = self.q_norm(self.q_proj(x).view(len(x), self.heads, self.head_dim))
        k = self.k_norm(self.k_proj(rows).view(len(rows), self.kv_heads, self.head_dim))
        v = self.v_proj(rows).view(len(rows), self.kv_heads, self.head_dim)
        share = self.heads // self.kv_heads
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
        scores = torch.einsum("lhd,rhd->hlr", q, k) / self.head_dim**0.5
        return self.o_proj(torch.einsum("hlr,rhd->lhd", scores.softmax(-1), v).flatten(1))


class SwiGLU(nn.Module):
    def __init__(self, d, d_ffn):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(d, d_ffn, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(d_ffn, d, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class VideoLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["text_hidden_size"]
        self.input_layernorm = RMS(d, c["rms_norm_eps"])
        self.post_attention_layernorm = RMS(d, c["rms_norm_eps"])
        self.cross_attn, self.mlp = CrossAttention(c), SwiGLU(d, c["intermediate_size"])
        self.cross_attn_attn_gate = nn.Parameter(torch.zeros(1))
        self.cross_attn_mlp_gate = nn.Parameter(torch.zeros(1))

    def forward(self, h, rows):
        """h [n, d], all of which see rows [r, d_src]"""
        h = h + self.cross_attn_attn_gate.tanh() * self.cross_attn(self.input_layernorm(h), rows)
        return h + self.cross_attn_mlp_gate.tanh() * self.mlp(self.post_attention_layernorm(h))


class Video(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, d = c, c["resampler_config"]["hidden_size"]
        self.video_projector = nn.Linear(c["encoder_output_dim"], d)
        self.time_embedding = nn.Embedding(c["max_frames"], d)
        self.video_resampler = Resampler(c["resampler_config"])
        self.video_layers = nn.ModuleList(VideoLayer(c) for _ in c["cross_attention_layers"])
        self.video_token_embedding = nn.Embedding(1, c["text_hidden_size"])

    def stages(self, features):
        """features [frames, rows, d_encoder] of one clip -> context, output [groups, latents, d]"""
        time = self.time_embedding.weight[: len(features), None]
        context = self.video_projector(features) + time
        groups = context.split(self.c["frames_per_group"])
        return context, torch.stack([self.video_resampler(g.flatten(0, 1)) for g in groups])


def randomise(model, seed):
    """Values that show (export_golden.py), as bfloat16 holds them."""
    rng = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        value = torch.randn(p.shape, generator=rng)
        if "gate" in name and p.numel() == 1:  # tanh of it between 0.38 and 0.83, either sign
            value = (0.4 + 0.8 * torch.rand(1, generator=rng)) * value.sign()
        elif "norm" in name or ".ln." in name:
            value = 1 + 0.2 * value if name.endswith("weight") else 0.1 * value
        elif name.endswith("bias"):
            value = 0.1 * value
        elif p.ndim == 2 and "embedding" not in name and "latents" not in name:
            value = value / p.shape[1] ** 0.5
        p.data.copy_(value.bfloat16().float())
    return model.eval()


def seen(ids):
    """For every position the clips that it sees: those of the latest markers in a row."""
    out, group, count = [], [], 0
    for at, token in enumerate(ids):
        if token == VIDEO:
            group = (group if at > 0 and ids[at - 1] == VIDEO else []) + [count]
            count += 1
        out.append(tuple(group))
    return out


class Prompt:
    """The text core with the video layers in their places, and a picture's where there is one."""

    def __init__(self, reference, model, clips, vision=None, num_tiles=None):
        self.reference, self.model, self.clips = reference, model, clips
        self.vision, self.num_tiles = vision, num_tiles

    def _layer(self, layer, ids):
        groups = seen(ids.tolist())

        def hook(_module, args, kwargs):
            h = (args[0] if args else kwargs["hidden_states"])[0].clone()
            for group in set(groups) - {()}:
                at = torch.tensor([i for i, g in enumerate(groups) if g == group])
                h[at] = layer(h[at], torch.cat([self.clips[i].flatten(0, 1) for i in group]))
            if args:
                return (h[None], *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": h[None]}

        return hook

    def _hooks(self, ids):
        core = make_parity.text_model(self.reference.model)
        blocks = make_parity.self_blocks(self.reference.model)
        for at, layer in zip(CONFIG["cross_attention_layers"], self.model.video_layers):
            module = blocks[at] if at < len(blocks) else core.norm
            if self.vision is not None and at < len(blocks):
                # hook_order -1: before the picture's layer at the same coordinate
                index = list(core.layers).index(module)
                while index > 0 and core.layers[index - 1] not in blocks:
                    index -= 1
                module = core.layers[index]
            yield module.register_forward_pre_hook(self._layer(layer, ids), prepend=True,
                                                   with_kwargs=True)

        def embed(_module, args, out):
            out = out.clone()
            out[args[0] == VIDEO] = self.model.video_token_embedding.weight[0]
            return out

        yield core.embed_tokens.register_forward_hook(embed)

    def logits(self, ids):
        handles = list(self._hooks(ids))
        try:
            return self.reference.forward(ids, self.vision, self.num_tiles)
        finally:
            for handle in handles:
                handle.remove()


def prompt_ids(seed, parts):
    """bos, then runs of words (a number) and markers (a name)."""
    marks = {"image": IMAGE, "video": VIDEO}
    ids = [torch.tensor([1])]
    for i, part in enumerate(parts):
        ids.append(torch.tensor([marks[part]]) if part in marks
                   else prompts.words(part, 100 * seed + i))
    return torch.cat(ids)


def clip_tensors(vision, clips, frames, ratio_id, num_tiles, seed):
    """Random pixels; tiles that are not used are zero."""
    side = vision.image_size
    rng = torch.Generator().manual_seed(seed)
    pixels = torch.randn(clips, frames, vision.max_num_tiles, 3, side, side, generator=rng)
    pixels = pixels.bfloat16().float()  # the files compress better, and nothing else changes
    pixels[:, :, num_tiles:] = 0
    times = (torch.arange(frames) * 40000 + 20000).repeat(clips, 1)
    return {"pixel_values_videos": pixels,
            "video_aspect_ratio_ids": torch.full((clips,), ratio_id),
            "video_num_tiles": torch.full((clips,), num_tiles), "video_times_us": times}


def features_of(reference, given, clip):
    """[frames, num_tiles * n, d_encoder]: the encoder's rows before the projector."""
    pixels, tiles = given["pixel_values_videos"][clip], int(given["video_num_tiles"][clip])
    ratio = given["video_aspect_ratio_ids"][clip]
    used = torch.arange(pixels.shape[1])[None, :] < tiles
    out = reference.model.vision_model(
        pixel_values=pixels[None], aspect_ratio_ids=ratio.repeat(len(pixels))[None],
        aspect_ratio_mask=used.repeat(len(pixels), 1).long()[None])[0][0]
    return out[:, :tiles].flatten(1, 2)


# file -> (clips, frames, aspect ratio id, tiles, prompt, picture (ratio id, tiles) or None)
CASES = {
    # 2 frames and 1; text before, beside and behind
    "parity": (1, 3, 1, 1, [7, "video", 12], None),
    # two clips one after the other, each one frame of two tiles
    "parity-2clips": (2, 1, 2, 2, [3, "video", 9, "video", 6], None),
    # a clip and a picture, the clip first; both are seen at coordinate 1
    "parity-picture": (1, 1, 5, 2, [4, "video", 5, "image", 8], (1, 1)),
}


@torch.no_grad()
def write_case(directory, file, reference, model, case, seed):
    clips, frames, ratio_id, tiles, parts, picture = case
    given = clip_tensors(reference.model.config.vision_config, clips, frames, ratio_id, tiles, seed)
    features = [features_of(reference, given, i) for i in range(clips)]
    staged = [model.stages(f) for f in features]
    stages = {"video.features": torch.stack(features),
              "video.context": torch.stack([s[0] for s in staged]),
              "resampler.output": torch.stack([s[1] for s in staged])}
    vision, num_tiles = None, None
    if picture is not None:
        images = export_golden.image_tensors(reference.model.config, [picture], seed)
        vision, num_tiles = reference.encode(*images.values()), images["num_tiles"]
        given.update(images)
        stages["vision.output"] = vision
    prompt = Prompt(reference, model, [s[1] for s in staged], vision, num_tiles)
    tensors = prompts.settle(prompt, lambda s: prompt_ids(s, parts))
    path = directory / f"{file}.safetensors"
    make_parity.write(path, {k: v.detach().contiguous().clone()
                             for k, v in {**given, **stages, **tensors}.items()})


def write_directory(directory, model):
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    save_file({k: v.bfloat16().contiguous() for k, v in model.state_dict().items()},
              directory / "model.safetensors", metadata={"format": "pt"})
    head = "[core]\nmodel = ../composed\n\n[plugin weft.video]\nweights = .\n"
    (directory / "weft.ini").write_text(
        "; clips, seen through the picture encoder of another directory that nothing else reads\n"
        + head + "encoder = ../mllama-1tile\n")
    (directory / "picture.ini").write_text(
        "; clips and pictures, both through the image adapter's encoder\n"
        + head + "\n[plugin weft.vision]\nweights = ../mllama-1tile\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "tests" / "fixtures")
    out = parser.parse_args().out
    model = randomise(Video(CONFIG), 77)
    directory = out / "video"
    write_directory(directory, model)
    reference = make_parity.Reference(make_parity.load_model(out / "mllama-1tile"))
    for i, (file, case) in enumerate(CASES.items()):
        write_case(directory, file, reference, model, case, 500 + i)
    for path in directory.iterdir():
        path.chmod(0o644)


if __name__ == "__main__":
    main()
