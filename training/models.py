# SPDX-License-Identifier: Apache-2.0
"""The networks, written for training: Llama's decoder, Mllama's cross layers, Mllama's picture encoder.

Parameter names are those of the exported files after their prefix, so export.py copies them as they are.
Equations: Llama blocks (pre-norm, RoPE half split, grouped queries, SwiGLU); Mllama cross layers (RMS on
queries and keys per head, tanh gates on attention and feed-forward; rows before the picture skip the layer);
Mllama encoder (patch embedding, gated positions, LayerNorm, zero vectors up to a multiple of eight that
real rows do attend to, local blocks whose inputs at chosen places are kept, gated global blocks).
One tile a picture: aspect-ratio id 1 is the only one besides 0.
"""
import torch
import torch.nn.functional as F
from torch import nn

TEXT = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=6, num_attention_heads=4,
            num_key_value_heads=2, head_dim=64, rms_norm_eps=1e-5, rope_theta=10000.0,
            max_position_embeddings=2048)
CROSS_BEFORE = [1, 3, 5]           # a cross layer stands before these self layers
VISION = dict(hidden_size=192, intermediate_size=768, num_hidden_layers=6, num_global_layers=2, attention_heads=3,
              image_size=128, patch_size=16, num_channels=3, norm_eps=1e-5, max_num_tiles=1,
              intermediate_layers_indices=[2, 4], supported_aspect_ratios=[[1, 1]], vision_output_dim=576)
EXTRA_ROWS = 8
N_BASE = 1744


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


def attend(q, k, v, mask=None):
    """Plain softmax attention, [batch, heads, rows, width]; faster than the fused one at these lengths in bf16."""
    scores = (q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask
    return scores.softmax(-1).to(v.dtype) @ v


def linear(n_in, n_out, bias=False):
    return nn.Linear(n_in, n_out, bias=bias)


def rope_table(length):
    hd = TEXT["head_dim"]
    inv = TEXT["rope_theta"] ** (-torch.arange(0, hd, 2).float() / hd)
    angle = torch.arange(length).float()[:, None] * inv
    return torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)


def rotate(x, table):
    a, b = x.chunk(2, -1)
    return x * table[0].to(x.dtype) + torch.cat([-b, a], -1) * table[1].to(x.dtype)


class MLP(nn.Module):
    def __init__(self, width=TEXT["intermediate_size"]):
        super().__init__()
        d, f = TEXT["hidden_size"], width
        self.gate_proj, self.up_proj, self.down_proj = linear(d, f), linear(d, f), linear(f, d)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Attention(nn.Module):
    """Grouped-query attention; the sources of keys and values are the rows themselves or an encoder's of another width."""

    def __init__(self, norms=False, source=TEXT["hidden_size"]):
        super().__init__()
        d, hd, h, k = (TEXT[n] for n in ("hidden_size", "head_dim", "num_attention_heads", "num_key_value_heads"))
        self.q_proj, self.k_proj, self.v_proj = linear(d, h * hd), linear(source, k * hd), linear(source, k * hd)
        self.o_proj = linear(h * hd, d)
        if norms:
            self.q_norm, self.k_norm = RMSNorm(hd), RMSNorm(hd)

    def heads(self, x):
        return x.unflatten(-1, (-1, TEXT["head_dim"])).transpose(1, 2)

    def keys(self, source):
        groups = TEXT["num_attention_heads"] // TEXT["num_key_value_heads"]
        return (self.heads(p(source)) for p in (self.k_proj, self.v_proj)), groups

    def forward(self, x, table, mask):
        (k, v), groups = self.keys(x)
        q, k = rotate(self.heads(self.q_proj(x)), table), rotate(k, table)
        o = attend(q, k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1), mask)
        return self.o_proj(o.transpose(1, 2).flatten(2))

    def cross(self, x, source):
        (k, v), groups = self.keys(source)
        q, k = self.q_norm(self.heads(self.q_proj(x))).to(v.dtype), self.k_norm(k).to(v.dtype)
        o = attend(q, k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1))
        return self.o_proj(o.transpose(1, 2).flatten(2))


class SelfLayer(nn.Module):
    def __init__(self):
        super().__init__()
        d = TEXT["hidden_size"]
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(d), RMSNorm(d)
        self.self_attn, self.mlp = Attention(), MLP()

    def forward(self, x, table, mask):
        x = x + self.self_attn(self.input_layernorm(x), table, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class CrossLayer(nn.Module):
    def __init__(self, source=TEXT["hidden_size"], intermediate=TEXT["intermediate_size"]):
        super().__init__()
        d = TEXT["hidden_size"]
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(d), RMSNorm(d)
        self.cross_attn, self.mlp = Attention(norms=True, source=source), MLP(intermediate)
        self.cross_attn_attn_gate = nn.Parameter(torch.full((1,), 0.5))
        self.cross_attn_mlp_gate = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, x, source, seen):
        """seen: [batch, rows, 1], 1 for rows at or after the picture's marker."""
        attended = self.cross_attn.cross(self.input_layernorm(x), source)
        x = x + seen * self.cross_attn_attn_gate.tanh() * attended
        return x + seen * self.cross_attn_mlp_gate.tanh() * self.mlp(self.post_attention_layernorm(x))


class TextCore(nn.Module):
    """LlamaForCausalLM with tied embeddings and eight extra embedding rows that are never predicted."""

    def __init__(self, vocab_size):
        super().__init__()
        self.vocab_size = vocab_size
        self.embed_tokens = nn.Embedding(vocab_size + EXTRA_ROWS, TEXT["hidden_size"])
        nn.init.normal_(self.embed_tokens.weight, std=0.05)
        self.layers = nn.ModuleList(SelfLayer() for _ in range(TEXT["num_hidden_layers"]))
        self.norm = RMSNorm(TEXT["hidden_size"])
        self.register_buffer("rope", torch.stack(rope_table(512)), persistent=False)

    def forward(self, x, cross=None, source=None, seen=None):
        """Embedded rows [batch, rows, d] to final normalised rows; cross: layers of a picture adapter."""
        n = x.shape[1]
        table, mask = self.rope[:, :n], torch.full((n, n), float("-inf")).triu(1)
        for i, layer in enumerate(self.layers):
            if cross is not None and i in CROSS_BEFORE:
                x = cross[CROSS_BEFORE.index(i)](x, source, seen)
            x = layer(x, table, mask)
        return self.norm(x)

    def logits(self, rows):
        return rows @ self.embed_tokens.weight[:self.vocab_size].T.to(rows.dtype)


class VisionAttention(nn.Module):
    def __init__(self):
        super().__init__()
        d = VISION["hidden_size"]
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (linear(d, d) for _ in range(4))

    def forward(self, x, mask):
        q, k, v = (p(x).unflatten(-1, (VISION["attention_heads"], -1)).transpose(1, 2)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.o_proj(attend(q, k, v, mask).transpose(1, 2).flatten(2))


class VisionMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = linear(VISION["hidden_size"], VISION["intermediate_size"], True)
        self.fc2 = linear(VISION["intermediate_size"], VISION["hidden_size"], True)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class VisionLayer(nn.Module):
    def __init__(self, gated):
        super().__init__()
        d = VISION["hidden_size"]
        self.input_layernorm, self.post_attention_layernorm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.self_attn, self.mlp = VisionAttention(), VisionMLP()
        self.gated = gated
        if gated:
            self.gate_attn, self.gate_ffn = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))

    def forward(self, x, mask):
        a = self.self_attn(self.input_layernorm(x), mask)
        x = x + (self.gate_attn.tanh() * a if self.gated else a)
        f = self.mlp(self.post_attention_layernorm(x))
        return x + (self.gate_ffn.tanh() * f if self.gated else f)


class Layers(nn.Module):
    def __init__(self, count, gated):
        super().__init__()
        self.layers = nn.ModuleList(VisionLayer(gated) for _ in range(count))


class TileEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(2, VISION["hidden_size"])
        nn.init.zeros_(self.embedding.weight)
        self.gate = nn.Parameter(torch.full((1,), 0.5))

    def forward(self):
        return self.gate.tanh() * self.embedding.weight[1]


class PositionEmbedding(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(n, VISION["hidden_size"]) * 0.05)
        self.gate = nn.Parameter(torch.full((1,), 0.25))
        self.tile_embedding = nn.Embedding(2, n * VISION["hidden_size"])
        nn.init.zeros_(self.tile_embedding.weight)

    def forward(self):
        g = self.gate.tanh()
        return (1 - g) * self.embedding + g * self.tile_embedding.weight[1].view_as(self.embedding)


class Encoder(nn.Module):
    """MllamaVisionModel for one tile: [batch, 3, t, t] normalised pixels to [batch, n, vision_output_dim]."""

    def __init__(self):
        super().__init__()
        d, p = VISION["hidden_size"], VISION["patch_size"]
        self.n = (VISION["image_size"] // p) ** 2 + 1
        self.patch_embedding = nn.Conv2d(3, d, p, p, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(d) * 0.05)
        self.pre_tile_positional_embedding, self.post_tile_positional_embedding = TileEmbedding(), TileEmbedding()
        self.gated_positional_embedding = PositionEmbedding(self.n)
        self.layernorm_pre, self.layernorm_post = nn.LayerNorm(d), nn.LayerNorm(d)
        self.transformer = Layers(VISION["num_hidden_layers"], False)
        self.global_transformer = Layers(VISION["num_global_layers"], True)
        pad = (torch.arange((self.n + 7) // 8 * 8) >= self.n).float()
        self.register_buffer("mask", pad[:, None] * pad[None] * -1e30, persistent=False)

    def forward(self, pixels):
        x = self.patch_embedding(pixels).flatten(2).transpose(1, 2).float() + self.pre_tile_positional_embedding()
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.gated_positional_embedding()
        x = F.pad(self.layernorm_pre(x), (0, 0, 0, len(self.mask) - self.n))
        kept = []
        for i, layer in enumerate(self.transformer.layers):
            if i in VISION["intermediate_layers_indices"]:
                kept.append(x)
            x = layer(x, self.mask)
        x = self.layernorm_post(x) + self.post_tile_positional_embedding()
        for layer in self.global_transformer.layers:
            x = layer(x, self.mask)
        return torch.cat([x, torch.stack(kept, -1).flatten(2)], -1)[:, :self.n]


class Adapter(nn.Module):
    """Projector, cross layers and the extra embedding rows (the first is the picture's marker)."""

    def __init__(self):
        super().__init__()
        d = TEXT["hidden_size"]
        self.multi_modal_projector = linear(VISION["vision_output_dim"], d, True)
        self.layers = nn.ModuleList(CrossLayer() for _ in CROSS_BEFORE)
        self.extra = nn.Parameter(torch.randn(EXTRA_ROWS, d) * 0.05)
