# SPDX-License-Identifier: Apache-2.0
"""The conformer and its adapter, written for training in batches: plugins/speech/paper/conformer.c and adapter.c.

Parameter names are those of docs/SPEECH_LAYOUT.md, except that pointwise convolutions are linear layers here
(`tensors` gives them their third axis). Rows of a batch beyond an item's length are zero before every
convolution and masked as keys, so an item's result does not depend on its neighbours.
"""
import torch
import torch.nn.functional as F
from torch import nn

from models import TEXT

STACK, BINS = 4, 80    # frames in a row, mel bins of a frame
ENCODER = dict(model_type="conformer", feature_projection_input_dim=STACK * BINS, hidden_size=160, num_hidden_layers=6,
               num_attention_heads=4, intermediate_size=432, conv_depthwise_kernel_size=7, layer_norm_eps=1e-5,
               rotary_embedding_base=10000.0, hidden_act="silu", use_bias=True)
ADAPTER = dict(kernel_size=3, stride=2, hidden_size=192, num_hidden_layers=1, num_attention_heads=4,
               intermediate_size=384, layer_norm_eps=1e-5, rotary_embedding_base=10000.0, hidden_act="silu",
               use_bias=True, memory_size=367)
DROPOUT = 0.05


def rope_table(rows, head_dim, base):
    angle = torch.arange(rows).float()[:, None] * base ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    return torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)


def rotate(x, table):
    a, b = x.chunk(2, -1)
    return x * table[0].to(x.dtype) + torch.cat([-b, a], -1) * table[1].to(x.dtype)


class Attention(nn.Module):
    """Rotary attention; a padded key has a score of -inf."""

    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.heads, self.base = c["num_attention_heads"], c["rotary_embedding_base"]
        self.linear_q, self.linear_k, self.linear_v, self.linear_out = (nn.Linear(d, d) for _ in range(4))

    def forward(self, x, hidden_keys):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for f in (self.linear_q, self.linear_k, self.linear_v))
        table = rope_table(x.shape[1], q.shape[-1], self.base)
        scores = (rotate(q, table) @ rotate(k, table).mT).float() * q.shape[-1] ** -0.5 + hidden_keys
        return self.linear_out((scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.intermediate_dense = nn.Linear(c["hidden_size"], c["intermediate_size"])
        self.output_dense = nn.Linear(c["intermediate_size"], c["hidden_size"])

    def forward(self, x):
        return self.output_dense(F.silu(self.intermediate_dense(x)))


class ConvModule(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, kernel = c["hidden_size"], c["conv_depthwise_kernel_size"]
        self.layer_norm, self.depthwise_layer_norm = nn.LayerNorm(d), nn.LayerNorm(d)
        self.pointwise_conv1, self.pointwise_conv2 = nn.Linear(d, 2 * d, bias=False), nn.Linear(d, d, bias=False)
        self.depthwise_conv = nn.Conv1d(d, d, kernel, padding=kernel // 2, groups=d, bias=False)

    def forward(self, x, real):
        y = F.glu(self.pointwise_conv1(self.layer_norm(x)), -1) * real
        y = self.depthwise_conv(y.mT).mT
        return self.pointwise_conv2(F.silu(self.depthwise_layer_norm(y)))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        for name in ("ffn1", "self_attn", "ffn2", "final"):
            setattr(self, f"{name}_layer_norm", nn.LayerNorm(c["hidden_size"]))
        self.ffn1, self.ffn2 = FeedForward(c), FeedForward(c)
        self.self_attn, self.conv_module = Attention(c), ConvModule(c)

    def forward(self, x, real, hidden_keys):
        drop = lambda y: F.dropout(y, DROPOUT, self.training)  # noqa: E731
        x = x + 0.5 * drop(self.ffn1(self.ffn1_layer_norm(x)))
        x = x + drop(self.self_attn(self.self_attn_layer_norm(x), hidden_keys))
        x = x + drop(self.conv_module(x, real))
        x = x + 0.5 * drop(self.ffn2(self.ffn2_layer_norm(x)))
        return self.final_layer_norm(x)


def masks(lengths, most):
    """1 for real rows [b, most, 1], and what is added to the scores of keys [b, 1, 1, most]."""
    real = (torch.arange(most) < lengths[:, None]).float()
    return real[..., None], ((real - 1) * 1e30)[:, None, None]


class Conformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.feature_projection = nn.ModuleDict(
            {"projection": nn.Linear(c["feature_projection_input_dim"], c["hidden_size"])})
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(Block(c) for _ in range(c["num_hidden_layers"]))})

    def forward(self, rows, lengths):
        """[b, rows, 320] and how many rows are real to [b, rows, d]."""
        real, hidden_keys = masks(lengths, rows.shape[1])
        x = self.feature_projection["projection"](rows).float()   # what blocks add to stays f32 under autocast
        for block in self.encoder["layers"]:
            x = block(x, real, hidden_keys)
        return x


class AdapterLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn_layer_norm, self.ffn_layer_norm = (nn.LayerNorm(c["hidden_size"]) for _ in range(2))
        self.self_attn, self.ffn = Attention(c), FeedForward(c)

    def forward(self, x, hidden_keys):
        x = x + self.self_attn(self.self_attn_layer_norm(x), hidden_keys)
        return x + self.ffn(self.ffn_layer_norm(x))


class Memory(nn.Module):
    """What soft tokens are made of: embeddings of the core, which stay as they are, and silence, which is zero. Keys
    are learned."""

    def __init__(self, size, d):
        super().__init__()
        self.keys = nn.Parameter(torch.randn(size, d))
        self.values = nn.Parameter(torch.zeros(size, d), requires_grad=False)

    def forward(self, asked):
        """Rows made of values, and the logarithms of their shares [b, n, size]."""
        with torch.autocast("cpu", enabled=False):   # keys are large
            shares = (asked.float() @ self.keys.T * asked.shape[-1] ** -0.5).log_softmax(-1)
            return shares.exp() @ self.values, shares


class Adapter(nn.Module):
    def __init__(self, c, d_in, d_out):
        super().__init__()
        self.conv = nn.Conv1d(d_in, c["hidden_size"], c["kernel_size"], c["stride"], c["kernel_size"] // 2)
        self.layers = nn.ModuleList(AdapterLayer(c) for _ in range(c["num_hidden_layers"]))
        self.layer_norm, self.proj = nn.LayerNorm(c["hidden_size"]), nn.Linear(c["hidden_size"], d_out)
        self.memory = Memory(c["memory_size"], d_out)

    def forward(self, x, lengths):
        """Encoded rows and how many are real to soft tokens, half as many (rounded up), and their shares of the memory."""
        x = self.conv((x * masks(lengths, x.shape[1])[0]).mT).mT.float()
        hidden_keys = masks(tokens(lengths), x.shape[1])[1]
        for layer in self.layers:
            x = layer(x, hidden_keys)
        return self.memory(self.proj(self.layer_norm(x)))


def tokens(rows):
    """Soft tokens of so many rows."""
    return (rows + ADAPTER["stride"] - 1) // ADAPTER["stride"]


class Speech(nn.Module):
    """What is exported."""

    def __init__(self):
        super().__init__()
        self.speech_encoder = Conformer(ENCODER)
        self.speech_adapter = Adapter(ADAPTER, ENCODER["hidden_size"], TEXT["hidden_size"])

    def forward(self, rows, lengths):
        """(encoded rows, soft tokens, soft tokens that are real, logarithms of their shares of the memory)"""
        encoded = self.speech_encoder(rows, lengths)
        soft, shares = self.speech_adapter(encoded, lengths)
        return encoded, soft, tokens(lengths), shares


def tensors(model):
    """Name -> tensor as the files have them."""
    return {k: v[..., None] if "pointwise" in k else v for k, v in model.state_dict().items()}


def from_tensors(state):
    """A model from the files' tensors."""
    model = Speech()
    model.load_state_dict({k: v[..., 0] if "pointwise" in k else v for k, v in state.items()})
    return model.eval()


def stack(frames):
    """Normalised frames [n, 80] to rows [ceil(n / 4), 320]; missing frames are 0."""
    return F.pad(frames, (0, 0, 0, -len(frames) % STACK)).reshape(-1, STACK * BINS)
