# SPDX-License-Identifier: Apache-2.0
"""A model that takes sound, and sounds: what the tests of transcribe share.

The model is the demo's text core with a random speech encoder and adapter in front, in the layout
of docs/SPEECH_LAYOUT.md. What it writes down is nonsense, and the same nonsense every time."""
import array
import io
import json
import math
import os
import random
import shutil
import wave

import harness

WIDTH, CORE = 32, 256 # of encoder and adapter; of the demo's text core
RATE = 8000
HARMONICS = 24

CONFIG = {
    "architectures": ["WeftSpeechModel"], "model_type": "weft_speech", "text_hidden_size": CORE,
    "begin_token": "<|reserved_special_token_2|>", "end_token": "<|reserved_special_token_3|>",
    "encoder_config": {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "intermediate_size": WIDTH, "conv_depthwise_kernel_size": 3},
    "adapter_config": {"hidden_size": WIDTH, "num_attention_heads": 2, "intermediate_size": WIDTH},
}


def shapes():
    """{name: shape} of one encoder layer and the adapter."""
    found = {}

    def linear(name, *shape, bias=True):
        found[name + ".weight"] = list(shape)
        if bias:
            found[name + ".bias"] = [shape[0]]

    def norms(prefix, *names):
        for name in names:
            linear(prefix + name, WIDTH)

    def attention(prefix):
        for name in ("q", "k", "v", "out"):
            linear(prefix + "self_attn.linear_" + name, WIDTH, WIDTH)

    def forward(prefix):
        linear(prefix + ".intermediate_dense", WIDTH, WIDTH)
        linear(prefix + ".output_dense", WIDTH, WIDTH)

    linear("speech_encoder.feature_projection.projection", WIDTH, 320)
    layer = "speech_encoder.encoder.layers.0."
    norms(layer, "ffn1_layer_norm", "ffn2_layer_norm", "self_attn_layer_norm", "final_layer_norm",
          "conv_module.layer_norm", "conv_module.depthwise_layer_norm")
    forward(layer + "ffn1")
    forward(layer + "ffn2")
    attention(layer)
    linear(layer + "conv_module.pointwise_conv1", 2 * WIDTH, WIDTH, 1, bias=False)
    linear(layer + "conv_module.pointwise_conv2", WIDTH, WIDTH, 1, bias=False)
    linear(layer + "conv_module.depthwise_conv", WIDTH, 1, 3, bias=False)
    linear("speech_adapter.conv", WIDTH, WIDTH, 3)
    layer = "speech_adapter.layers.0."
    norms(layer, "self_attn_layer_norm", "ffn_layer_norm")
    attention(layer)
    forward(layer + "ffn")
    norms("speech_adapter.", "layer_norm")
    linear("speech_adapter.proj", CORE, WIDTH)
    return found


def write_model(folder):
    """The INI file of the composed model, made in folder."""
    rng = random.Random(7)
    tensors = {}
    for name, shape in shapes().items():
        n = math.prod(shape)
        norm = "layer_norm.weight" in name
        values = [1.0] * n if norm else [rng.gauss(0, 0.15) for _ in range(n)]
        tensors[name] = ("F32", shape, array.array("f", values).tobytes())
    os.makedirs(folder, exist_ok=True)
    harness.write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
    for name, value in (("config.json", CONFIG), ("preprocessor_config.json", {})):
        with open(os.path.join(folder, name), "w") as f:
            json.dump(value, f)
    text = "[core]\nmodel = %s\n[plugin weft.speech]\nweights = .\n"
    if has_pictures():
        text += "[plugin weft.vision]\nweights = %s\n" % os.path.join(harness.DEMO, "vision")
    ini = os.path.join(folder, "weft.ini")
    with open(ini, "w") as f:
        f.write(text % os.path.join(harness.DEMO, "text"))
    return ini


def has_pictures():
    return os.path.exists(os.path.join(harness.DEMO, "vision", "model.safetensors"))


def has_speech():
    """Whether this build can hear at all."""
    plugins = os.path.join(os.path.dirname(harness.WEFT), "plugins")
    return harness.has_demo() and all(
        os.path.exists(os.path.join(plugins, "weft-%s.so" % name))
        for name in ("speech", "sndfile", "segmenter"))


def has_ffmpeg():
    """Whether this build decodes with FFmpeg, and the tool that makes files for it is there."""
    module = os.path.join(os.path.dirname(harness.WEFT), "plugins", "weft-ffmpeg.so")
    return os.path.exists(module) and shutil.which("ffmpeg") is not None


def syllable(pitch, first, second):
    """100 ms of a voiced sound with two formants."""
    def weight(f):
        return sum(1 / (1 + ((f - c) / 120) ** 2) for c in (first, second)) / (1 + f / 1000)
    parts = [(2 * math.pi * pitch * h / RATE, weight(pitch * h)) for h in range(1, HARMONICS + 1)
             if pitch * h < RATE / 2]
    n = RATE // 10
    return [2500 * math.sin(math.pi * (i + 0.5) / n) ** 0.5
            * sum(w * math.sin(p * i) for p, w in parts) for i in range(n)]


SYLLABLES = [syllable(*s) for s in
             ((120, 300, 2300), (130, 750, 1200), (140, 350, 800), (110, 500, 1900))]


def voice(seconds):
    """What the segmenter takes for speech: four vowels, 100 ms each, in turn."""
    out = []
    for i in range(round(seconds * 10)):
        out += SYLLABLES[i % len(SYLLABLES)]
    return out


def silence(seconds):
    return [0] * round(seconds * RATE)


def wav(*sounds):
    """A WAV file of them, one after the other."""
    samples = array.array("h", [max(-32767, min(32767, round(v))) for s in sounds for v in s])
    to = io.BytesIO()
    with wave.open(to, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes(samples.tobytes())
    return to.getvalue()


class Case(harness.Case):
    """With the model, made once for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.model = os.path.join(os.environ.get("TMPDIR", "/tmp"),
                                 "weft-cli-speech-%d" % os.getpid())
        cls.addClassCleanup(shutil.rmtree, cls.model, True)
        cls.ini = write_model(cls.model)

    def args(self, *args):
        """At most 16 tokens for each part: nonsense need not end."""
        return (args[0], "--config", self.ini, "-n", "16", *args[1:])

    def hear(self, *args, **more):
        return self.ok(*self.args("transcribe", *args), **more)
