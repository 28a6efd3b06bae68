# SPDX-License-Identifier: Apache-2.0
"""The video adapter, written for training: docs/VIDEO_LAYOUT.md, with its names.

Frames of a clip through the picture encoder, a linear layer to the resampler's width, an embedding for the
frame's number; Idefics's perceiver resampler to a few latents; Mllama's cross layers, which read them.
"""
import torch
import torch.nn.functional as F
from torch import nn

from clips import FRAMES
from models import CROSS_BEFORE, TEXT, VISION, CrossLayer, attend, linear

VIDEO = dict(hidden_size=192, num_hidden_layers=2, num_latents=32, num_attention_heads=4, head_dim=48,
             intermediate_size=512, layer_norm_eps=1e-5, qk_layer_norms=True)
CROSS_FFN = 256


class Perceive(nn.Module):
    """Latents look at the context and at themselves."""

    def __init__(self):
        super().__init__()
        d, inner, hd = VIDEO["hidden_size"], VIDEO["num_attention_heads"] * VIDEO["head_dim"], VIDEO["head_dim"]
        self.context_layer_norm, self.latents_layer_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.q_layer_norm, self.k_layer_norm = nn.LayerNorm(hd), nn.LayerNorm(hd)
        self.q_proj, self.k_proj, self.v_proj = linear(d, inner), linear(d, inner), linear(d, inner)
        self.output_proj = linear(inner, d)

    def heads(self, x):
        return x.unflatten(-1, (-1, VIDEO["head_dim"])).transpose(1, 2)

    def forward(self, z, context):
        y = self.latents_layer_norm(z)
        rows = torch.cat([self.context_layer_norm(context), y], 1)
        q, k = self.q_layer_norm(self.heads(self.q_proj(y))), self.k_layer_norm(self.heads(self.k_proj(rows)))
        v = self.heads(self.v_proj(rows))
        return self.output_proj(attend(q.to(v.dtype), k.to(v.dtype), v).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        d, f = VIDEO["hidden_size"], VIDEO["intermediate_size"]
        self.ln, self.fc, self.c_proj = nn.LayerNorm(d), linear(d, f), linear(f, d)

    def forward(self, z):
        return self.c_proj(F.relu(self.fc(self.ln(z))))


class Resampler(nn.Module):
    def __init__(self):
        super().__init__()
        d = VIDEO["hidden_size"]
        self.latents = nn.Parameter(torch.randn(VIDEO["num_latents"], d) * 0.5)
        self.blocks = nn.ModuleList(nn.ModuleList([Perceive(), FeedForward()])
                                    for _ in range(VIDEO["num_hidden_layers"]))
        self.layer_norm = nn.LayerNorm(d)

    def forward(self, context):
        z = self.latents.expand(len(context), -1, -1)
        for perceive, forward in self.blocks:
            z = z + perceive(z, context)
            z = z + forward(z)
        return self.layer_norm(z)


class VideoAdapter(nn.Module):
    """Encoder rows of a clip's frames [b, frames, rows, width] to what the cross layers read [b, latents, d]."""

    def __init__(self):
        super().__init__()
        d = VIDEO["hidden_size"]
        self.video_projector = linear(VISION["vision_output_dim"], d, True)
        self.time_embedding = nn.Embedding(FRAMES, d)
        nn.init.normal_(self.time_embedding.weight, std=0.5)
        self.video_resampler = Resampler()
        self.video_layers = nn.ModuleList(CrossLayer(d, CROSS_FFN) for _ in CROSS_BEFORE)

    def forward(self, features):
        x = self.video_projector(features) + self.time_embedding.weight[:features.shape[1], None]
        return self.video_resampler(x.flatten(1, 2))


def config(marker, token):
    """config.json of the adapter."""
    resampler = dict(VIDEO)
    return {"architectures": ["WeftVideoModel"], "model_type": "weft_video", "text_hidden_size": TEXT["hidden_size"],
            "text_num_hidden_layers": TEXT["num_hidden_layers"], "num_attention_heads": TEXT["num_attention_heads"],
            "num_key_value_heads": TEXT["num_key_value_heads"], "head_dim": TEXT["head_dim"],
            "intermediate_size": CROSS_FFN, "rms_norm_eps": TEXT["rms_norm_eps"],
            "cross_attention_layers": CROSS_BEFORE, "hook_order": -1, "video_token": token,
            "video_token_index": marker, "encoder_output_dim": VISION["vision_output_dim"],
            "max_frames": FRAMES, "num_frames": FRAMES, "frames_per_group": FRAMES,
            "weft_prompts": {"describe": "Describe this clip."}, "resampler_config": resampler,
            "torch_dtype": "bfloat16"}
