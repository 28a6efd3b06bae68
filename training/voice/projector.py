# SPDX-License-Identifier: Apache-2.0
"""What is learned: the projector between the two frozen ends, as Ultravox has it with `num_projector_layers`.

It stacks `stack` encoder rows side by side and gives one row of `width` numbers for each stack, so that the number of rows
follows from the sound's length alone: a linear layer, fixed positions, so many of Whisper's encoder layers, a norm and a linear
layer. Names are those of the released checkpoints behind "multi_modal_projector.".
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

from ends import WIDTH

HEADS, FFN = 6, 1536


class Rms(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6))


class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q_proj, self.v_proj, self.out_proj = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.k_proj = nn.Linear(d, d, bias=False)

    def forward(self, x, keys):
        q, k, v = (p(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        y = F.scaled_dot_product_attention(q, k, v, keys[:, None, None])
        return self.out_proj(y.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """WhisperEncoderLayer."""

    def __init__(self, d, drop):
        super().__init__()
        self.self_attn, self.drop = Attention(d), drop
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.fc1, self.fc2 = nn.Linear(d, FFN), nn.Linear(FFN, d)

    def forward(self, x, keys):
        x = x + F.dropout(self.self_attn(self.self_attn_layer_norm(x), keys), self.drop, self.training)
        return x + F.dropout(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))), self.drop, self.training)


def sinusoids(n, d):
    """Whisper's positions."""
    step = math.log(10000) / (d // 2 - 1)
    at = torch.arange(n)[:, None] * torch.exp(-step * torch.arange(d // 2))
    return torch.cat([at.sin(), at.cos()], 1)


class Projector(nn.Module):
    def __init__(self, stack, layers, width, drop=0.05):
        super().__init__()
        self.stack, self.n_layers = stack, layers
        self.ln_pre, self.linear_in = Rms(WIDTH * stack), nn.Linear(WIDTH * stack, WIDTH)
        self.register_buffer("positions", sinusoids(1500 // stack, WIDTH), persistent=False)
        self.layers = nn.ModuleList(Layer(WIDTH, drop) for _ in range(layers))
        self.ln_post, self.linear_out = Rms(WIDTH), nn.Linear(WIDTH, width)

    def forward(self, rows, lengths):
        """rows [b, n * stack, 384], zeros past their ends; lengths [b] in stacks -> [b, n, width]."""
        x = self.linear_in(self.ln_pre(rows.view(len(rows), -1, rows.shape[-1] * self.stack)))
        x = x + self.positions[:x.shape[1]]
        keys = torch.arange(x.shape[1]) < lengths[:, None]
        for layer in self.layers:
            x = layer(x, keys)
        return self.linear_out(self.ln_post(x))
