# SPDX-License-Identifier: Apache-2.0
"""Text models that are a Llama by their numbers (weft.checkpoints): what of them is refused, with the key at fault."""
import json
import os
import shutil
import unittest

from harness import FIXTURES, WEFT, Case

PLUGIN = os.path.join(os.path.dirname(WEFT), "plugins", "weft-checkpoints.so")


@unittest.skipUnless(os.path.exists(PLUGIN), "needs weft.checkpoints")
class Checkpoints(Case):
    def changed(self, fixture, **keys):
        """A fixture's directory with other values in its config.json; None takes a key away."""
        directory = self.path("m")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(os.path.join(FIXTURES, fixture), directory)
        path = os.path.join(directory, "config.json")
        os.chmod(path, 0o644)
        with open(path) as f:
            config = json.load(f)
        config.update({k: v for k, v in keys.items() if v is not None})
        for key in (k for k, v in keys.items() if v is None):
            del config[key]
        with open(path, "w") as f:
            json.dump(config, f)
        return directory

    def refuses(self, said, fixture, **keys):
        with self.subTest(fixture, **keys):
            r = self.weft("model", "verify", self.changed(fixture, **keys))
            self.assertEqual((r.code, r.out), (4, b""), r.err)
            self.assertEqual(len(r.err.splitlines()), 1, r.err)
            self.assertIn(said, r.err)

    def runs(self, fixture, **keys):
        with self.subTest(fixture, **keys):
            self.ok("model", "verify", self.changed(fixture, **keys))

    def test_what_is_run(self):
        self.runs("granite")
        self.runs("mistral", sliding_window=512)  # as long as all positions
        self.runs("mistral", sliding_window=None)  # 4096, which is more than all positions
        self.runs("mistral", max_position_embeddings=8192)  # the fixture says null
        self.runs("qwen2", use_sliding_window=None)

    def test_windows(self):
        self.refuses("sliding_window is 64, and weft has no sliding window", "mistral",
                     sliding_window=64)
        self.refuses("sliding_window is 4096, and weft has no sliding window", "mistral",
                     sliding_window=None, max_position_embeddings=8192)
        self.refuses("use_sliding_window is true", "qwen2", use_sliding_window=True)

    def test_numbers(self):
        for key in ("embedding_multiplier", "attention_multiplier", "residual_multiplier",
                    "logits_scaling"):
            for value in (0, -1, 1e30):
                self.refuses(key, "granite", **{key: value})
            self.refuses(key, "granite", **{key: "12"})
        self.refuses("num_hidden_layers", "granite", num_hidden_layers=100000)

    def test_tensors(self):
        # biases that a Qwen2 must have
        self.refuses("model.layers.0.self_attn.q_proj.bias is missing", "mistral",
                     architectures=["Qwen2ForCausalLM"])
        self.refuses("attention_bias true", "granite", attention_bias=True)


if __name__ == "__main__":
    unittest.main()
