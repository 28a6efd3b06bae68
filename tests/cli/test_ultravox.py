# SPDX-License-Identifier: Apache-2.0
"""A released voice, as its user composes it: an adapter, a Whisper encoder and the demo's text core.

Weights are random: what is written down is nonsense, and the same nonsense every time."""
import array
import json
import math
import os
import random
import shutil
import sys

import harness
import speech
from speech import silence, voice, wav

CORE = 256  # width of the demo's text core
ENCODER = {"model_type": "whisper", "d_model": 32, "encoder_layers": 1,
           "encoder_attention_heads": 2, "encoder_ffn_dim": 32, "num_mel_bins": 80,
           "max_source_positions": 1500}
ADAPTER = {"architectures": ["UltravoxModel"], "text_model_id": "example/demo",
           "audio_model_id": "example/whisper-random", "hidden_size": 64,
           "projector_ln_mid": True, "audio_token_index": 32000}
TEXT = os.path.join(harness.DEMO, "text")


def encoder_shapes(prefix, bins):
    shapes = {"conv1.weight": [32, bins, 3], "conv1.bias": [32], "conv2.weight": [32, 32, 3],
              "conv2.bias": [32], "embed_positions.weight": [1500, 32]}
    layer = "layers.0."
    for name in ("self_attn_layer_norm", "final_layer_norm"):
        shapes.update({layer + name + ".weight": [32], layer + name + ".bias": [32]})
    for name in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj",
                 "fc1", "fc2"):
        shapes[layer + name + ".weight"] = [32, 32]
        if "k_proj" not in name:
            shapes[layer + name + ".bias"] = [32]
    shapes.update({"layer_norm.weight": [32], "layer_norm.bias": [32]})
    return {prefix + k: v for k, v in shapes.items()}


PROJECTOR = {"multi_modal_projector." + k: v for k, v in {
    "ln_pre.weight": [256], "linear_1.weight": [64, 256], "ln_mid.weight": [32],
    "linear_2.weight": [CORE, 32]}.items()}


def write(folder, config, shapes):
    rng = random.Random(5)
    tensors = {}
    for name, shape in sorted(shapes.items()):
        n = math.prod(shape)
        norm = ("norm" in name or ".ln_" in name) and name.endswith("weight")
        values = [1.0] * n if norm else [rng.gauss(0, 0.2) for _ in range(n)]
        tensors[name] = ("F32", shape, array.array("f", values).tobytes())
    os.makedirs(folder, exist_ok=True)
    harness.write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)


def write_all(at):
    write(os.path.join(at, "projector"), ADAPTER, PROJECTOR)
    whisper = {"architectures": ["WhisperForConditionalGeneration"], **ENCODER}
    write(os.path.join(at, "encoder"), whisper, encoder_shapes("model.encoder.", 80))
    inside = {**ADAPTER, "audio_model_id": None, "audio_config": {**ENCODER, "num_mel_bins": 128}}
    write(os.path.join(at, "both"), inside,
          {**PROJECTOR, **encoder_shapes("audio_tower.", 128)})
    with open(os.path.join(at, "both", "preprocessor_config.json"), "w") as f:
        json.dump({"feature_size": 80}, f)
    with open(os.path.join(at, "weft.ini"), "w") as f:
        f.write("[core]\nmodel = %s\n[plugin weft.ultravox]\nweights = projector\n"
                "audio = encoder\n" % TEXT)


class Case(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.models = os.path.join(os.environ.get("TMPDIR", "/tmp"),
                                  "weft-cli-ultravox-%d" % os.getpid())
        cls.addClassCleanup(shutil.rmtree, cls.models, True)
        write_all(cls.models)

    def setUp(self):
        super().setUp()
        self.talk = self.write("talk.wav", wav(silence(1), voice(1.5), silence(2.5), voice(2)))

    def model(self, name):
        return os.path.join(self.models, name)

    def ini(self):
        return ("--config", self.model("weft.ini"), "-n", "12")

    def set(self, weights, *audio):
        pairs = ["weights=" + self.model(weights)] + ["audio=" + self.model(a) for a in audio]
        return ("-m", TEXT, "-n", "12",
                *(x for p in pairs for x in ("--set", "weft.ultravox." + p)))


class Transcribe(Case):
    def test_from_a_file_and_from_the_command_line(self):
        by_file = self.ok("transcribe", *self.ini(), self.talk).out
        self.assertEqual(len(by_file.splitlines()), 2)
        self.assertEqual(self.ok("transcribe", *self.set("projector", "encoder"), self.talk).out,
                         by_file)

    def test_standard_input_and_documents(self):
        with open(self.talk, "rb") as f:
            live = self.ok("transcribe", *self.ini(), "--format", "json", "-", stdin=f.read())
        got = json.loads(live.out)
        self.assertEqual(len(got["segments"]), 2)
        self.assertTrue(all(s["tokens"] for s in got["segments"]))
        self.ok("transcribe", *self.ini(), "--format", "srt,vtt", "-o", ".", self.talk)
        for name in ("talk.srt", "talk.vtt"):
            self.assertTrue(os.path.getsize(self.path(name)) > 0)

    def test_languages_of_the_encoder(self):
        """Whisper's generation_config.json says what it hears; translating is the text model's work."""
        path = self.model("encoder/generation_config.json")
        self.addCleanup(os.remove, path)
        self.write(path, json.dumps({"lang_to_id": {"<|en|>": 50259, "<|de|>": 50261}}).encode())
        say = lambda *more: self.weft("transcribe", *self.ini(), *more, self.talk)
        self.assertEqual(say("--language", "deu").code, 0)
        self.assertEqual(say("--language", "fr", "--task", "translate").code, 0)
        r = say("--language", "fr")
        self.assertEqual(r.code, 2)
        self.assertIn("--language French: this model can transcribe en,de", r.err)

    def test_more_than_a_chunk(self):
        """36 s without a pause to cut at are one part of two chunks."""
        path = self.write("long.wav", wav(*[voice(2), silence(0.25)] * 16))
        got = json.loads(self.ok("transcribe", *self.ini(), "--format", "json", path).out)
        self.assertEqual(len(got["segments"]), 1)
        self.assertGreater(got["segments"][0]["end"], 30)

    def test_prompts_are_heard(self):
        """The marker's place and the words around it matter; a missing marker goes last."""
        def say(prompt):
            return self.ok("transcribe", *self.ini(), "-p", prompt, self.talk).out
        own = self.ok("transcribe", *self.ini(), self.talk).out
        self.assertEqual(
            say("Repeat the following text, without any explanation: <|audio|>"), own)
        self.assertEqual(say("Translate to French:"), say("Translate to French:<|audio|>"))

    def test_the_adapters_own_prompt(self):
        """Nobody is warned of words in it that look like markers: it is not the user's."""
        prompt = "<|start|>user\n<|audio|>.<|end|>\n"
        write(self.model("own"), {**ADAPTER, "weft_prompts": {"transcribe": prompt}}, PROJECTOR)
        mine = ("transcribe", *self.set("own", "encoder"))
        self.assertNotIn("marker", self.ok(*mine, self.talk).err)
        told = self.ok(*mine, "-p", prompt, self.talk).err
        self.assertIn("the prompt has <|start|>, which is no marker", told)


class Describe(Case):
    def test_sound_is_an_item(self):
        self.assertNotEqual(self.ok("describe", *self.ini(), "--audio", self.talk).out, b"")

    def test_bins_of_the_weights(self):
        """preprocessor_config.json says 80, conv1.weight has 128: a note for those who ask."""
        args = self.set("both")
        quiet = self.ok("transcribe", *args, self.talk)
        self.assertNotIn("feature_size", quiet.err)
        loud = self.ok("transcribe", "-v", *args, self.talk)
        self.assertRegex(loud.err, "feature_size 80.*128 mel bins")
        self.assertEqual(loud.out, quiet.out)

    def test_plan(self):
        """Two seconds: 200 frames, 13 tokens; the parameters of all three parts."""
        path = self.write("two.wav", wav(voice(2)))
        plan = self.ok("describe", "--plan", *self.ini(), "--audio", path).out.decode()
        self.assertRegex(plan, r"tokens +13 in the text")
        self.assertIn("weft.ultravox", plan)


class Refused(Case):
    def test_encoder_missing(self):
        line = self.fails(4, "transcribe", *self.set("projector"), self.talk)
        self.assertIn("example/whisper-random", line)
        self.assertIn("--set weft.ultravox.audio=DIR", line)

    def test_encoder_nowhere(self):
        self.assertIn("nowhere", self.fails(4, "transcribe", *self.set("projector", "nowhere"),
                                            self.talk))

    def test_adapter_as_the_model(self):
        line = self.fails(4, "transcribe", "-m", self.model("both"), self.talk)
        self.assertIn("example/demo", line)
        self.assertIn("--set weft.ultravox.weights=DIR", line)

    def test_attention_in_blocks(self):
        folder = os.path.dirname(self.write(
            "new/config.json", json.dumps({**ADAPTER, "audio_latency_block_size": 3}).encode()))
        line = self.fails(4, "transcribe", "-m", TEXT, "--set", "weft.ultravox.weights=" + folder,
                          self.talk)
        self.assertIn("audio_latency_block_size is 3", line)


if __name__ == "__main__":
    plugins = os.path.join(os.path.dirname(harness.WEFT), "plugins")
    if not speech.has_speech() or not os.path.exists(os.path.join(plugins, "weft-ultravox.so")):
        print("skipped: the demo's text core or a plugin is not here")
        sys.exit(77)
    harness.main(needs_demo=True)
