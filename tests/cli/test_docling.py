# SPDX-License-Identifier: Apache-2.0
"""Granite Docling's form: pages come back in special tokens, which are shown; and what is said of a directory."""
import json
import os
import shutil

import harness

PAGES = os.path.join(harness.FIXTURES, "idefics3", "docling")
CONFIG = {"architectures": ["Idefics3ForConditionalGeneration"], "model_type": "idefics3", "scale_factor": 4,
          "image_token_id": 100270, "tie_word_embeddings": True, "dtype": "bfloat16",
          "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                            "num_attention_heads": 12, "image_size": 512, "patch_size": 16, "model_type": "idefics3_vision",
                            "size": {"longest_edge": 512}, "max_image_size": {"longest_edge": 512}},
          "text_config": {"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
                          "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 100352, "head_dim": 64,
                          "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000.0, "rope_scaling": None,
                          "tie_word_embeddings": True}}


class Docling(harness.Case):
    def setUp(self):
        super().setUp()
        with open(os.path.join(PAGES, "docling.json"), encoding="utf-8") as f:
            self.answer = json.load(f)["answer"]
        self.picture = os.path.join(harness.FIXTURES, "images", self.answer["picture"])

    def describe(self, *more):
        return self.ok("describe", "-q", "-m", PAGES, "--dtype", "f32", "-n", str(len(self.answer["ids"])), *more, self.picture)

    def test_the_answer_is_shown_with_its_marks(self):
        def text(*more):
            return self.describe(*more).out.decode()
        self.assertEqual(text(), self.answer["shown"] + "\n")
        self.assertEqual(text("--set", "weft.text.special=show"), self.answer["shown"] + "\n")
        self.assertEqual(text("--set", "weft.text.special=hide"), self.answer["hidden"] + "\n")
        self.assertEqual(text("-p", "Convert this page to docling."), self.answer["shown"] + "\n")
        self.assertEqual(json.loads(self.describe("--json").out)["text"], self.answer["shown"])
        line = self.fails(2, "describe", "-m", PAGES, "--set", "weft.text.special=some", self.picture)
        self.assertIn("auto|show|hide", line)

    def test_ids_become_text_without_them(self):
        ids = " ".join(map(str, self.answer["ids"])).encode() + b"\n"
        self.assertEqual(self.ok("tokenize", "-m", PAGES, "--decode", stdin=ids).out.decode(), self.answer["hidden"] + "\n")

    def test_a_mark_is_missing(self):
        """It would be read as words; text is not concerned."""
        model = self.path("m")
        shutil.copytree(PAGES, model)
        path = os.path.join(model, "tokenizer.json")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("<fake_token_around_image>", "<something_else>"))
        line = self.fails(4, "describe", "-m", model, self.picture)
        self.assertIn("<fake_token_around_image>", line)
        self.assertIn("weft.idefics3", line)
        self.ok("generate", "-q", "-m", model, "-n", "1", "-p", "a")

    def test_which_release_it_is(self):
        os.mkdir(self.path("m"))
        self.write("m/config.json", json.dumps(CONFIG).encode())
        self.write("m/preprocessor_config.json", b'{"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}}')
        text = self.weft("model", "inspect", self.path("m")).out.decode()
        self.assertIn("Granite Docling 258M (ibm-granite/granite-docling-258M)", text)
        self.assertIn("pictures      yes (weft.idefics3)\n", text)
        self.assertIn("licence       Apache-2.0\n", text)


if __name__ == "__main__":
    harness.main(needs_demo=False)
