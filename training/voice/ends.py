# SPDX-License-Identifier: Apache-2.0
"""The two frozen ends in PyTorch: Whisper tiny.en's encoder, SmolLM2-135M-Instruct and its tokenizer.

Both are read from the directories that weft reads, and nothing here changes them. The encoder runs a sound with two seconds of
silence behind it, whose rows are left out, and not padded to 30 s.
"""
import json
from functools import cache

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import places

RATE, HOP, BINS, WIDTH, D_TEXT = 16000, 160, 80, 384, 576
PER_ROW = 320           # samples an encoder row
SILENCE = 2 * RATE      # behind a sound, as far as it fits into 30 s. Whisper was trained with sounds padded to 30 s
MOST = 3000             # frames
END = 2                 # <|im_end|>
START = "<|im_start|>"


class Encoder:
    """f32 samples at 16 kHz, at most 30 s -> rows [ceil(n / 320), 384] f32."""

    def __init__(self):
        from transformers import WhisperConfig, WhisperFeatureExtractor
        from transformers.models.whisper.modeling_whisper import WhisperEncoder
        path = places.end("whisper-tiny.en")
        config = WhisperConfig(**json.loads((path / "config.json").read_text()), attn_implementation="sdpa")
        self.net = WhisperEncoder(config).eval().requires_grad_(False)
        tensors = load_file(path / "model.safetensors")
        self.net.load_state_dict({k.removeprefix("model.encoder."): v.float() for k, v in tensors.items()
                                  if k.startswith("model.encoder.")})
        self.bank = torch.from_numpy(WhisperFeatureExtractor(feature_size=BINS).mel_filters).float()
        self.window = torch.hann_window(400)

    def frames(self, samples):
        """Whisper's log-mel frames [80, n / 160] over the whole sound, filled up to whole frames."""
        x = torch.as_tensor(samples)
        x = F.pad(x, (0, -len(x) % HOP))
        power = torch.stft(x, 400, HOP, window=self.window, return_complex=True)[:, :-1].abs().square()
        y = (self.bank.T @ power).clamp(min=1e-10).log10()
        return (y.maximum(y.max() - 8) + 4) / 4

    def with_silence(self, samples):
        x = np.asarray(samples, np.float32)
        return np.pad(x, (0, max(0, PER_ROW - len(x)) + SILENCE))

    @torch.inference_mode()
    def __call__(self, samples):
        net, own = self.net, -(-max(1, len(samples)) // PER_ROW)
        frames = self.frames(self.with_silence(samples))[:, :MOST]
        x = F.gelu(net.conv2(F.gelu(net.conv1(frames[None])))).transpose(1, 2)
        x = x + net.embed_positions.weight[:x.shape[1]]
        for layer in net.layers:
            x = layer(x, None, layer_head_mask=None)[0]
        return net.layer_norm(x)[0, :own]


@cache
def tokenizer():
    from tokenizers import Tokenizer
    return Tokenizer.from_file(str(places.end("smollm2") / "tokenizer.json"))


def ids(text):
    return tokenizer().encode(text, add_special_tokens=False).ids


def core():
    """SmolLM2, frozen."""
    from transformers import LlamaForCausalLM
    return LlamaForCausalLM.from_pretrained(places.end("smollm2"), torch_dtype=torch.float32).eval().requires_grad_(False)
