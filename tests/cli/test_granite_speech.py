# SPDX-License-Identifier: Apache-2.0
"""Granite Speech as its user meets it: a directory that is transcribed with, and each rule of the loader broken once.

The demo's text core under another name, and random weights before it: what is written down is nonsense, and the same
nonsense every time."""
import array
import json
import os
import random
import shutil
import unittest

import harness
from harness import FIXTURES, WEFT
from speech import silence, voice, wav

PLUGIN = os.path.join(os.path.dirname(WEFT), "plugins", "weft-granite-speech.so")
PLAIN = os.path.join(FIXTURES, "granite-speech", "plain")


def read_json(path):
    with open(path) as f:
        return json.load(f)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


@unittest.skipUnless(os.path.exists(PLUGIN), "needs weft.granite_speech")
class Rules(harness.Case):
    """What the loader refuses: one line that names the file and what is wrong, exit 4."""

    def copy(self, name="plain"):
        directory = self.path("m")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(os.path.join(FIXTURES, "granite-speech", name), directory)
        for name in os.listdir(directory):
            os.chmod(os.path.join(directory, name), 0o644)
        return directory

    def refuses(self, said, where, **keys):
        """With other values in config.json, at the top or in one of its objects."""
        directory = self.copy()
        config = read_json(os.path.join(directory, "config.json"))
        (config[where] if where else config).update(keys)
        write_json(os.path.join(directory, "config.json"), config)
        self.fails_so(said, directory)

    def fails_so(self, said, directory):
        with self.subTest(said):
            r = self.weft("model", "verify", directory)
            self.assertEqual((r.code, r.out), (4, b""), r.err)
            self.assertEqual(len(r.err.splitlines()), 1, r.err)
            self.assertIn(said, r.err)

    def test_ranges(self):
        for key in ("input_dim", "hidden_dim", "num_layers", "feedforward_mult", "num_heads", "dim_head", "output_dim",
                    "context_size", "max_pos_emb", "conv_kernel_size", "conv_expansion_factor"):
            self.refuses(key, "encoder_config", **{key: 0})
            self.refuses(key, "encoder_config", **{key: 1 << 40})
        for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                    "cross_attention_frequency"):
            self.refuses("projector_config." + key, "projector_config", **{key: -1})
        for key in ("window_size", "downsample_rate"):
            self.refuses(key, None, **{key: 0})
        self.refuses("audio_token_index", None, audio_token_index=-1)

    def test_what_must_fit(self):
        self.refuses("context_size 12 is more than max_pos_emb 11", "encoder_config", context_size=12, max_pos_emb=11)
        self.refuses("input_dim 161 must be even", "encoder_config", input_dim=161)
        self.refuses("encoder_hidden_size is 48, and the encoder gives rows of 24", "projector_config",
                     encoder_hidden_size=48)
        self.refuses("hidden_size 20 must be a multiple of its 3 heads", "projector_config", num_attention_heads=3)
        self.refuses("window_size 15 must be a multiple of downsample_rate 4", None, downsample_rate=4)
        self.refuses("encoder.layers.2.", "encoder_config", num_layers=3)  # weights that are not there

    def test_rows_of_inner_blocks(self):
        """cat_hidden_layers of Granite Speech Plus."""
        key = "encoder_config.cat_hidden_layers"
        self.refuses("encoder_hidden_size is 24, and the encoder gives rows of 48", "encoder_config",
                     cat_hidden_layers=[1])
        for said, layers in ((key + "[0] is 2", [2]), (key + "[0]", [-1]), (key + "[1]", [0, None]),
                             (key + " must ascend, and 0 stands behind 1", [1, 0]),
                             (key + " must ascend, and 1 stands behind 1", [1, 1]),
                             (key + " has 17 entries", [0] * 17), (key, "1")):
            self.refuses(said, "encoder_config", cat_hidden_layers=layers)

    def test_other_architectures(self):
        """Names that look alike and are none of weft's, as the released directories have them."""
        for name in ("GraniteSpeechNarForConditionalGeneration", "GraniteSpeechForCTC"):
            self.refuses('no plugin here knows "%s"' % name, None, architectures=[name])

    def test_what_is_not_known(self):
        self.refuses("only absolute is known", "projector_config", position_embedding_type="relative_key")
        self.refuses("only blip_2_qformer is known", "projector_config", model_type="bert")
        self.refuses("only granite is known", "text_config", model_type="mamba")
        self.refuses("hidden_act", "projector_config", hidden_act="sine")
        self.refuses("adapter_config.json is missing", None, has_lora_adapter=True)
        self.refuses("embedding_multiplier", "text_config", embedding_multiplier=0)

    def test_lora(self):
        for said, keys in (("target_modules has \"mlp.up_proj\"", {"target_modules": ["q_proj", "mlp.up_proj"]}),
                           ("target_modules names no module", {"target_modules": []}),
                           ("target_modules", {"target_modules": "all-linear"}),
                           ("r is 0, and it must be 1 to 4096", {"r": 0}),
                           ("r is 100000", {"r": 100000}),
                           ("lora_alpha", {"lora_alpha": 1e30}),
                           ("use_dora asks for more than a plain LoRA", {"use_dora": True}),
                           ("rank_pattern asks for more", {"rank_pattern": {"q_proj": 3}}),
                           ("bias asks for more", {"bias": "all"}),
                           ("layers_to_transform asks for more", {"layers_to_transform": [1]}),
                           ("lora_A.weight is [6x32], not [5x32]", {"r": 5}),
                           ("k_proj.lora_A.weight is missing", {"target_modules": ["k_proj"]})):
            directory = self.copy("lora")
            path = os.path.join(directory, "adapter_config.json")
            write_json(path, {**read_json(path), **keys})
            self.fails_so(said, directory)
        directory = self.copy("lora")
        os.remove(os.path.join(directory, "adapter_model.safetensors"))
        self.fails_so("q_proj.lora_A.weight is missing", directory)
        with open(os.path.join(directory, "adapter_model.safetensors"), "wb") as f:
            f.write(b"\xff" * 64)
        self.fails_so("adapter_model.safetensors", directory)

    def test_front_end(self):
        for key, value in (("n_fft", 400), ("hop_length", 320), ("sample_rate", 8000), ("n_mels", 128)):
            directory = self.copy()
            write_json(os.path.join(directory, "preprocessor_config.json"), {"melspec_kwargs": {key: value}})
            self.fails_so("preprocessor_config.json: melspec_kwargs." + key, directory)

    def test_hostile_tensors(self):
        """Of a parity file: shapes, masks and sizes that cannot be."""
        good = harness.read_safetensors(os.path.join(PLAIN, "parity-two.safetensors"))
        ones = array.array("q", [1] * 18).tobytes()
        gap = array.array("q", [1, 0, 1] + [0] * 15).tobytes()
        for said, name, tensor in (
                ("input_features_mask must have 1 to 9 ones", "input_features_mask", ("I64", [2, 9], gap)),
                ("input_features_mask must be i64 [2, tokens]", "input_features_mask", ("I64", [1, 18], ones)),
                ("input_features must be f32 [clips, rows, 160]", "input_features", ("F32", [2, 1, 8], bytes(64))),
                ("input_features_mask must have 1 to 9", "input_features_mask", ("I64", [2, 9], bytes(144)))):
            with self.subTest(said):
                path = self.path("p.safetensors")
                harness.write_safetensors(path, {**good, name: tensor})
                r = self.weft("model", "verify", PLAIN, "--parity", path)
                self.assertEqual((r.code, r.out), (4, b""), r.err)
                self.assertIn(said, r.err)


ENCODER = dict(input_dim=160, hidden_dim=24, num_layers=2, feedforward_mult=2, num_heads=2, dim_head=12, output_dim=10,
               context_size=10, max_pos_emb=16, conv_kernel_size=5, conv_expansion_factor=2)
QFORMER = dict(hidden_size=20, num_hidden_layers=2, num_attention_heads=2, intermediate_size=36,
               cross_attention_frequency=1, encoder_hidden_size=24)


def write_model(directory):
    """The fixture's encoder before the demo's text core, which becomes a Granite with multipliers of its own."""
    demo = os.path.join(harness.DEMO, "text")
    shutil.copytree(demo, directory)
    for name in os.listdir(directory):
        os.chmod(os.path.join(directory, name), 0o644)
    text = read_json(os.path.join(demo, "config.json"))
    text.update(model_type="granite", embedding_multiplier=1.0, residual_multiplier=1.0, logits_scaling=1.0,
                attention_multiplier=(text["hidden_size"] // text["num_attention_heads"]) ** -0.5)
    width = text["hidden_size"]
    write_json(os.path.join(directory, "config.json"),
               {"architectures": ["GraniteSpeechForConditionalGeneration"], "text_config": text,
                "encoder_config": ENCODER, "projector_config": QFORMER, "has_lora_adapter": False,
                "audio_token_index": text["vocab_size"]})
    tensors = {"language_model." + k: v
               for k, v in harness.read_safetensors(os.path.join(demo, "model.safetensors")).items()}
    parts = harness.read_safetensors(os.path.join(PLAIN, "model.safetensors"))
    tensors.update({k: v for k, v in parts.items() if not k.startswith("language_model.")})
    rng = random.Random(3)
    for name, shape in (("projector.linear.weight", [width, 20]), ("projector.linear.bias", [width])):
        values = array.array("f", [rng.gauss(0, 0.2) for _ in range(shape[0] * (20 if len(shape) == 2 else 1))])
        tensors[name] = ("F32", shape, values.tobytes())
    harness.write_safetensors(os.path.join(directory, "model.safetensors"), tensors)


@unittest.skipUnless(os.path.exists(PLUGIN) and harness.has_demo(), "needs weft.granite_speech and the demo")
class Use(harness.Case):
    def setUp(self):
        super().setUp()
        self.model = self.path("m")
        write_model(self.model)
        self.talk = self.write("talk.wav", wav(silence(1), voice(1.5), silence(2.5), voice(2)))

    def test_text_is_the_demos(self):
        said = self.ok("generate", "-m", self.model, "-p", "a red circle", "-n", "8")
        demo = self.ok("generate", "-m", os.path.join(harness.DEMO, "text"), "-p", "a red circle", "-n", "8")
        self.assertEqual(said.out, demo.out)

    def test_transcribe_is_the_same_every_time(self):
        args = ("transcribe", "-q", "-m", self.model, "-n", "12", self.talk)
        first = self.ok(*args, "-t", "1")
        self.assertTrue(first.out.strip())
        self.assertEqual(self.ok(*args, "-t", "2").out, first.out)

    def test_preprocess_has_the_frames(self):
        out = self.path("f.safetensors")
        self.ok("preprocess", "-m", self.model, self.talk, "-o", out)
        frames = harness.read_safetensors(out)["input_features"]
        self.assertEqual(frames[:2], ("F32", [701, 80]))

    def test_ask_about_a_recording(self):
        """describe --audio, with the question in the prompt; a picture is none of this model's."""
        answers = [self.ok("describe", "-q", "-m", self.model, "-n", "8", *args, "--audio", self.talk).out
                   for args in ((), ("-p", "Who speaks?"), ("-p", "Who speaks?"))]
        self.assertTrue(all(a.strip() for a in answers))
        self.assertEqual(answers[1], answers[2])
        self.assertNotEqual(answers[0], answers[1])
        lines = self.ok("describe", "-q", "--json", "-m", self.model, "-n", "8", "-p", "Who speaks?", "--audio",
                        self.talk).json_lines()
        self.assertEqual([r["text"].strip() for r in lines], [answers[1].decode().strip()])
        png = self.write("a.png", harness.png(8, 8))
        self.assertIn("takes no media of kind \"image\"", self.fails(3, "describe", "-m", self.model, png))

    def test_in_a_conversation(self):
        """/audio: the recording is in the turn that follows, and what was said before stays said."""
        talk = lambda words: self.ok("chat", "-q", "-m", self.model, "-n", "6", stdin=words.encode()).out
        heard = talk("/audio %s\nWho speaks?\nAnd now?\n" % self.talk)
        self.assertEqual(talk("/audio %s\nWho speaks?\nAnd now?\n" % self.talk), heard)
        self.assertNotEqual(talk("Who speaks?\nAnd now?\n"), heard)
        self.assertNotEqual(talk("/audio %s\nWho speaks?\n" % self.talk), heard)

    def test_language_of_the_transcript(self):
        for args, said in (((), None), (("--task", "translate"), "english")):
            r = self.ok("transcribe", "-q", "-m", self.model, "-n", "4", "--format", "json", *args, self.talk)
            self.assertEqual(json.loads(r.out)["language"], said)

    def test_inspect_prices_the_encoder(self):
        self.assertIn(b"weft.granite_speech", self.ok("model", "inspect", self.model).out)


if __name__ == "__main__":
    unittest.main()
