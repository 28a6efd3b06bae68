# SPDX-License-Identifier: Apache-2.0
"""A model that takes clips, and clips: what the tests of describe on clips share.

The model is the demo's text core and pictures with a random video adapter, in the layout of
docs/VIDEO_LAYOUT.md. What it says of a clip is nonsense, and the same nonsense every time."""
import array
import json
import math
import os
import random
import shutil
import subprocess

import harness

CORE, LAYERS, ENCODER = 256, 6, 576  # of the demo's text core; width of its picture encoder's rows
WIDTH, HEADS, HEAD, LATENTS, FFN = 24, 2, 8, 4, 32
SITES = (1, 5)

CONFIG = {
    "architectures": ["WeftVideoModel"], "model_type": "weft_video", "text_hidden_size": CORE,
    "text_num_hidden_layers": LAYERS, "cross_attention_layers": list(SITES),
    "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": FFN,
    "video_token_index": 1757, "encoder_output_dim": ENCODER, "max_frames": 64, "num_frames": 8,
    "frames_per_group": 8,
    "resampler_config": {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_latents": LATENTS,
                         "num_attention_heads": HEADS, "head_dim": HEAD, "intermediate_size": FFN},
}


def shapes():
    """{name: shape}, as docs/VIDEO_LAYOUT.md lists them."""
    inner, found = HEADS * HEAD, {}

    def norm(name, n):
        found[name + ".weight"] = found[name + ".bias"] = [n]

    found["video_projector.weight"], found["video_projector.bias"] = [WIDTH, ENCODER], [WIDTH]
    found["time_embedding.weight"] = [CONFIG["max_frames"], WIDTH]
    found["video_resampler.latents"] = [LATENTS, WIDTH]
    block = "video_resampler.blocks.0."
    for name, n in (("0.context_layer_norm", WIDTH), ("0.latents_layer_norm", WIDTH),
                    ("0.q_layer_norm", HEAD), ("0.k_layer_norm", HEAD), ("1.ln", WIDTH)):
        norm(block + name, n)
    for name in ("q", "k", "v"):
        found[block + "0.%s_proj.weight" % name] = [inner, WIDTH]
    found[block + "0.output_proj.weight"] = [WIDTH, inner]
    found[block + "1.fc.weight"], found[block + "1.c_proj.weight"] = [FFN, WIDTH], [WIDTH, FFN]
    norm("video_resampler.layer_norm", WIDTH)
    for i in range(len(SITES)):
        layer = "video_layers.%d." % i
        for name, shape in (("q_proj", [CORE, CORE]), ("k_proj", [CORE // 2, WIDTH]),
                            ("v_proj", [CORE // 2, WIDTH]), ("o_proj", [CORE, CORE]),
                            ("q_norm", [CORE // 4]), ("k_norm", [CORE // 4])):
            found[layer + "cross_attn.%s.weight" % name] = shape
        for name, shape in (("gate", [FFN, CORE]), ("up", [FFN, CORE]), ("down", [CORE, FFN])):
            found[layer + "mlp.%s_proj.weight" % name] = shape
        for name in ("input_layernorm.weight", "post_attention_layernorm.weight"):
            found[layer + name] = [CORE]
        found[layer + "cross_attn_attn_gate"] = found[layer + "cross_attn_mlp_gate"] = [1]
    return found


def write_model(folder, **changes):
    """The INI file of the composed model, made in folder; changes: keys of its config.json."""
    rng = random.Random(11)
    tensors = {}
    for name, shape in shapes().items():
        n = math.prod(shape)
        norm = "norm" in name and name.endswith("weight")
        spread = 0.05 if name.endswith("latents") else 0.5  # what is seen decides what is said
        values = [1.0] * n if norm else [rng.gauss(0, spread) for _ in range(n)]
        if name.endswith("gate"):
            values = [1.5]
        tensors[name] = ("F32", shape, array.array("f", values).tobytes())
    os.makedirs(folder, exist_ok=True)
    harness.write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({**CONFIG, **changes}, f)
    ini = os.path.join(folder, "weft.ini")
    with open(ini, "w") as f:
        f.write("[core]\nmodel = %s\n[plugin weft.vision]\nweights = %s\n"
                "[plugin weft.video]\nweights = .\n"
                % (os.path.join(harness.DEMO, "text"), os.path.join(harness.DEMO, "vision")))
    return ini


def can_see():
    """Whether this build reads clips, and the tools that make them are there."""
    plugins = os.path.join(os.path.dirname(harness.WEFT), "plugins")
    return (harness.has_demo() and all(shutil.which(tool) for tool in ("ffmpeg", "ffprobe"))
            and all(os.path.exists(os.path.join(plugins, "weft-%s.so" % name))
                    for name in ("video", "vision", "ffmpeg")))


def clip(path, *arguments, source="testsrc=s=96x64:r=10:d=2"):
    """A clip by ffmpeg; H.264 in MP4 unless path says otherwise."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *arguments, path],
                   check=True, stdin=subprocess.DEVNULL)
    return path


def frame_times(path):
    """Of every frame in microseconds from the file's start, by ffprobe."""
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                          "frame=best_effort_timestamp_time:format=start_time", "-of", "json", path],
                         check=True, stdout=subprocess.PIPE).stdout
    found = json.loads(out)
    start = float(found["format"].get("start_time", 0))
    return [round((float(f["best_effort_timestamp_time"]) - start) * 1e6) for f in found["frames"]]


def duration(path):
    """Of the clip in microseconds, by ffprobe."""
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of",
                          "json", path], check=True, stdout=subprocess.PIPE).stdout
    return round(float(json.loads(out)["format"]["duration"]) * 1e6)


def shown_at(times, t):
    """The time of the frame that is shown at t."""
    return max([at for at in times if at <= t], default=times[0])


class Case(harness.Case):
    """With the model, made once for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.model = os.path.join(os.environ.get("TMPDIR", "/tmp"), "weft-cli-video-%d" % os.getpid())
        cls.addClassCleanup(shutil.rmtree, cls.model, True)
        cls.ini = write_model(cls.model)

    def args(self, command, *args):
        more = ("-n", "8") if command == "describe" else ()  # nonsense need not end
        return (command, "--config", self.ini, *more, *args)
