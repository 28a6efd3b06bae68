# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the shapes of `weft bench`: plain modules with random weights, as a user would write them.

Each function takes a number of layers and gives seconds of one unit of work: a token, a prefill, a picture, a recording.
An encoder is its stack of blocks alone, which favours the peer a little."""
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

FORMATS = {"bf16": torch.bfloat16, "f32": torch.float32}


def seconds(work, repeat):
    """The median, after a run that is not counted."""
    work()
    taken = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def heads(x, n, dim):
    return x.view(x.shape[0], n, dim).transpose(0, 1)


def attend(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q[None], k[None], v[None])[0]
    return torch.softmax(q @ k.transpose(1, 2) * q.shape[-1] ** -0.5, -1) @ v


class LlamaLayer(nn.Module):
    D, FFN, HEADS, KV, DIM = 2048, 8192, 32, 8, 64

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(self.D, (self.HEADS + 2 * self.KV) * self.DIM, bias=False)
        self.o = nn.Linear(self.HEADS * self.DIM, self.D, bias=False)
        self.gate_up = nn.Linear(self.D, 2 * self.FFN, bias=False)
        self.down = nn.Linear(self.FFN, self.D, bias=False)
        self.norms = nn.ModuleList(nn.LayerNorm(self.D) for _ in range(2))

    def forward(self, x, past):
        q, k, v = self.qkv(self.norms[0](x)).split(
            [self.HEADS * self.DIM, self.KV * self.DIM, self.KV * self.DIM], -1)
        k, v = heads(k, self.KV, self.DIM), heads(v, self.KV, self.DIM)
        if past is not None:
            k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
        each = self.HEADS // self.KV
        y = attend(heads(q, self.HEADS, self.DIM), k.repeat_interleave(each, 0), v.repeat_interleave(each, 0))
        x = x + self.o(y.transpose(0, 1).reshape(x.shape[0], -1))
        gate, up = self.gate_up(self.norms[1](x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    VOCAB = 128256

    def __init__(self, n_layers):
        super().__init__()
        self.layers = nn.ModuleList(LlamaLayer() for _ in range(n_layers))
        self.head = nn.Linear(LlamaLayer.D, self.VOCAB, bias=False)

    def forward(self, x, past=None):
        for layer in self.layers:
            x = layer(x, past)
        return self.head(x[-1:])


class ViTBlock(nn.Module):
    D, FFN, HEADS = 1280, 5120, 16

    def __init__(self):
        super().__init__()
        self.qkv, self.o = nn.Linear(self.D, 3 * self.D, bias=False), nn.Linear(self.D, self.D, bias=False)
        self.fc1, self.fc2 = nn.Linear(self.D, self.FFN), nn.Linear(self.FFN, self.D)
        self.norms = nn.ModuleList(nn.LayerNorm(self.D) for _ in range(2))

    def forward(self, x):
        q, k, v = (heads(t, self.HEADS, self.D // self.HEADS) for t in self.qkv(self.norms[0](x)).chunk(3, -1))
        x = x + self.o(attend(q, k, v).transpose(0, 1).reshape(x.shape))
        return x + self.fc2(F.gelu(self.fc1(self.norms[1](x))))


class ConformerBlock(nn.Module):
    D, FFN, HEADS, KERNEL = 1536, 4096, 24, 7

    def __init__(self):
        super().__init__()
        self.up = nn.ModuleList(nn.Linear(self.D, self.FFN) for _ in range(2))
        self.down = nn.ModuleList(nn.Linear(self.FFN, self.D) for _ in range(2))
        self.qkv, self.o = nn.Linear(self.D, 3 * self.D), nn.Linear(self.D, self.D)
        self.point1, self.point2 = nn.Linear(self.D, 2 * self.D, bias=False), nn.Linear(self.D, self.D, bias=False)
        self.depth = nn.Conv1d(self.D, self.D, self.KERNEL, padding=self.KERNEL // 2, groups=self.D, bias=False)
        self.norms = nn.ModuleList(nn.LayerNorm(self.D) for _ in range(6))

    def feed(self, x, i):
        return x + 0.5 * self.down[i](F.silu(self.up[i](self.norms[i](x))))

    def forward(self, x):
        x = self.feed(x, 0)
        q, k, v = (heads(t, self.HEADS, self.D // self.HEADS) for t in self.qkv(self.norms[2](x)).chunk(3, -1))
        x = x + self.o(attend(q, k, v).transpose(0, 1).reshape(x.shape))
        y = F.glu(self.point1(self.norms[3](x)), -1)
        y = self.depth(y.t()[None])[0].t()
        x = x + self.point2(F.silu(self.norms[4](y)))
        return self.norms[5](self.feed(x, 1))


def prefill(n_layers, rows, repeat, dtype):
    model, x = Llama(n_layers).to(dtype), torch.randn(rows, LlamaLayer.D, dtype=dtype)
    return seconds(lambda: model(x), repeat)


def generation(n_layers, repeat, dtype, depth=32):
    model, x = Llama(n_layers).to(dtype), torch.randn(1, LlamaLayer.D, dtype=dtype)
    past = [torch.randn(LlamaLayer.KV, depth, LlamaLayer.DIM, dtype=dtype) for _ in range(2)]
    return seconds(lambda: model(x, past), repeat)


def stack(block, n_layers, rows, repeat, dtype):
    model = nn.Sequential(*(block() for _ in range(n_layers))).to(dtype)
    x = torch.randn(rows, block.D, dtype=dtype)
    return seconds(lambda: model(x), repeat)
