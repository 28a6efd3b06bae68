# SPDX-License-Identifier: Apache-2.0
"""Granite Docling's form: pages come back in special tokens, which are shown; and what is said of a directory."""
import json
import os
import shutil

import harness

PAGES = os.path.join(harness.FIXTURES, "idefics3", "docling")


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


if __name__ == "__main__":
    harness.main(needs_demo=False)
