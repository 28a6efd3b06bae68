# SPDX-License-Identifier: Apache-2.0
"""Each rule of the loaders of LLaVA and Idefics3 broken once: one line that names the file and what is wrong, exit 4."""
import json
import os
import shutil
import unittest

import harness

PLUGINS = os.path.join(os.path.dirname(harness.WEFT), "plugins")


class Rules:
    """plugin: what reads it; fixture: the directory that is copied and broken."""

    def setUp(self):
        super().setUp()
        if not os.path.exists(os.path.join(PLUGINS, self.plugin + ".so")):
            self.skipTest(f"needs {self.plugin}")

    def copy(self, fixture=None):
        shutil.rmtree(self.path("m"), ignore_errors=True)
        shutil.copytree(os.path.join(harness.FIXTURES, fixture or self.fixture), self.path("m"))
        return self.path("m")

    def json_of(self, name):
        path = os.path.join(self.path("m"), name)
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def said(self, words, path):
        r = self.weft("model", "verify", path)
        self.assertEqual((r.code, r.out), (4, b""), r.err)
        self.assertEqual(len(r.err.splitlines()), 1, r.err)
        self.assertIn(words, r.err)

    def refuses(self, words, where="", file="config.json", fixture=None, **keys):
        with self.subTest(words, where=where, **keys):
            path = self.copy(fixture)
            config = self.json_of(file)
            (config.setdefault(where, {}) if where else config).update(keys)
            self.write("m/" + file, json.dumps(config).encode())
            self.said(words, path)

    def numbers(self, where, keys, fixture=None):
        for key, most in keys.items():
            for value in (0, most + 1, 1.5, "24"):
                self.refuses(key, where, fixture=fixture, **{key: value})

    def tensors(self, change, words):
        with self.subTest(words):
            path = self.copy()
            file = os.path.join(path, "model.safetensors")
            tensors = harness.read_safetensors(file)
            change(tensors)
            os.remove(file)
            harness.write_safetensors(file, tensors)
            self.said(words, path)

    def tower_tensors(self, prefix, projector):
        """One that is missing, one of another shape, and one of another rank."""
        patch, first = prefix + "embeddings.patch_embedding.weight", prefix + "encoder.layers.0.mlp.fc1.weight"
        self.tensors(lambda t: t.pop(first), first + " is missing")
        self.tensors(lambda t: t.pop(projector), projector + " is missing")
        self.tensors(lambda t: t.update({first: (t[first][0], [t[first][1][0] * 2, t[first][1][1] // 2], t[first][2])}),
                     "mlp.fc1.weight is [")
        self.tensors(lambda t: t.update({patch: (t[patch][0], [t[patch][1][0], len(t[patch][2]) // 4 // t[patch][1][0]],
                                                 t[patch][2])}), "patch_embedding.weight is [")


class Llava(Rules, harness.Case):
    plugin, fixture = "weft-llava", "llava/clip"

    def test_numbers(self):
        self.numbers("vision_config", {"image_size": 65536, "patch_size": 1024, "hidden_size": 65536, "intermediate_size": 1 << 20,
                                       "num_hidden_layers": 512, "num_attention_heads": 4096})
        self.numbers("text_config", {"hidden_size": 65536})
        for value in (-1, (1 << 24) + 1, "250"):
            self.refuses("image_token_index", image_token_index=value)

    def test_what_must_fit(self):
        self.refuses("no multiple of its 5 attention heads", "vision_config", num_attention_heads=5)
        self.refuses("rows", "vision_config", image_size=7, patch_size=8)
        self.refuses("rows", "vision_config", image_size=65536, patch_size=1)
        for layer in (5, -6):
            self.refuses("vision_feature_layer", vision_feature_layer=layer)
        self.refuses("vision_feature_layer", vision_feature_layer=[1, 9])
        self.refuses("empty list", vision_feature_layer=[])
        self.refuses("vision_feature_layer", vision_feature_layer=[1, "2"])
        self.refuses("vision_feature_layer", vision_feature_layer=[1] * 100)

    def test_what_is_not_known(self):
        self.refuses("model_type", "vision_config", model_type="pixtral")
        self.refuses("hidden_act", "vision_config", hidden_act="swish9")
        self.refuses("layer_norm_eps", "vision_config", layer_norm_eps=-1)
        self.refuses("projector_hidden_act", projector_hidden_act="swish9")
        self.refuses("multimodal_projector_bias", multimodal_projector_bias="yes")
        self.refuses("vision_feature_select_strategy", vision_feature_select_strategy="some")

    def test_front_end(self):
        file = "preprocessor_config.json"
        self.refuses("makes pictures of 30 pixels", file=file, crop_size={"height": 30, "width": 30})
        self.refuses("resample is 2", file=file, resample=2)
        self.refuses("image_std", file=file, image_std=[0.5, 0, 0.5])
        self.refuses("image_mean", file=file, image_mean=[0.5, 0.5])

    def test_resolutions(self):
        next = "llava/next"
        self.refuses("not made of", fixture=next, image_grid_pinpoints=[[28, 30]])
        self.refuses("image_grid_pinpoints", fixture=next, image_grid_pinpoints=[[28, 0]])
        self.refuses("image_grid_pinpoints", fixture=next, image_grid_pinpoints=[[28]])
        self.refuses("image_grid_pinpoints", fixture=next, image_grid_pinpoints=["28x56"])
        self.refuses("image_grid_pinpoints", fixture=next, image_grid_pinpoints=[[28, 56]] * 1000)
        self.refuses("not made of", fixture=next, image_grid_pinpoints=[[28 * 200, 28 * 200]])

    def test_tensors(self):
        self.tower_tensors("vision_tower.vision_model.", "multi_modal_projector.linear_2.weight")
        self.tensors(lambda t: t.pop("multi_modal_projector.linear_1.bias"), "linear_1.bias is missing")


class Idefics3(Rules, harness.Case):
    plugin, fixture = "weft-idefics3", "idefics3/untied"

    def test_numbers(self):
        self.numbers("vision_config", {"image_size": 65536, "patch_size": 1024, "hidden_size": 65536, "intermediate_size": 1 << 20,
                                       "num_hidden_layers": 512, "num_attention_heads": 4096})
        self.numbers("text_config", {"hidden_size": 65536, "num_hidden_layers": 512})
        self.numbers("", {"scale_factor": 64})
        for value in (-1, (1 << 24) + 1, "250"):
            self.refuses("image_token_id", image_token_id=value)

    def test_what_must_fit(self):
        self.refuses("no multiple of its 5 attention heads", "vision_config", num_attention_heads=5)
        self.refuses("no whole tokens", scale_factor=3)
        self.refuses("no whole tokens", "vision_config", patch_size=512)
        self.refuses("no whole tokens", "vision_config", image_size=65536, patch_size=1)

    def test_what_is_not_known(self):
        self.refuses("hidden_act", "vision_config", hidden_act="swish9")
        self.refuses("layer_norm_eps", "vision_config", layer_norm_eps=-1)
        self.refuses("tie_word_embeddings", "text_config", tie_word_embeddings="yes")

    def test_front_end(self):
        file = "preprocessor_config.json"
        self.refuses("max_image_size.longest_edge", file=file, max_image_size={"longest_edge": 30})
        self.refuses("resample is 3", file=file, resample=3)
        self.refuses("size.longest_edge", file=file, size={"longest_edge": 0})
        self.refuses("tiles", file=file, size={"longest_edge": 4096})
        self.refuses("do_image_splitting", file=file, do_image_splitting="no")
        self.refuses("image_std", file=file, image_std=[0.5, 0, 0.5])
        self.refuses("image_mean", file=file, image_mean=[0.5, 0.5])
        self.refuses("max_frames", file=file, video_sampling={"max_frames": 0})
        self.refuses("fps", file=file, video_sampling={"max_frames": 4, "fps": -1})
        self.refuses("video_size.longest_edge", file=file, video_sampling={"max_frames": 4, "video_size": {"longest_edge": 4096}})

    def test_tensors(self):
        self.tower_tensors("model.vision_model.", "model.connector.modality_projection.proj.weight")
        self.tensors(lambda t: t.pop("lm_head.weight") and t.pop("model.text_model.norm.weight"), "norm.weight is missing")


if __name__ == "__main__":
    unittest.main(verbosity=2)
