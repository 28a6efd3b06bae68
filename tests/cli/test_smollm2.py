# SPDX-License-Identifier: Apache-2.0
"""A real GGUF file, SmolLM2-135M-Instruct in Q4_1, against what transformers makes of the same weights
(tests/fixtures/gguf/smollm2.json, by tools/expect_smollm2.py). WEFT_SMOLLM2 names the folder that tools/fetch_smollm2.py made
with --keep-gguf; without it the test is skipped."""
import glob
import json
import os
import struct
import sys

import harness

FOLDER = os.environ.get("WEFT_SMOLLM2", "")
VOCAB = 49152
F32_TOLERANCE = 1e-5  # of the largest logit: the sums of both are f32, in another order
TOLERANCE = 0.03  # of the largest logit. The weights are the same bits; what they are multiplied with is rounded to 8


class Smollm2(harness.Case):
    def setUp(self):
        super().setUp()
        self.model = glob.glob(os.path.join(FOLDER, "*.gguf"))[0]
        with open(os.path.join(harness.FIXTURES, "gguf", "smollm2.json"), encoding="utf-8") as f:
            self.expected = json.load(f)

    def test_ids(self):
        texts = self.expected["texts"]
        out = self.ok("tokenize", "-m", self.model, stdin="".join(t + "\n" for t, _ in texts).encode()).out.decode()
        self.assertGreater(len(texts), 100)
        for (text, ids), line in zip(texts, out.splitlines(), strict=True):
            self.assertEqual([int(x) for x in line.split()], ids, text)

    def parity(self, prompt):
        """A reference that expects the greedy ids. It must have logits too: zeros, which nobody looks at."""
        def ids(values):
            return "I64", [len(values)], struct.pack(f"<{len(values)}q", *values)
        path, n = self.path("parity.safetensors"), len(prompt["ids"])
        harness.write_safetensors(path, {"input_ids": ids(prompt["ids"]), "greedy": ids(prompt["greedy"]),
                                         "logits": ("F32", [n, VOCAB], bytes(4 * n * VOCAB))})
        return path

    def last_logits(self, path, row):
        dtype, shape, data = harness.read_safetensors(path)["logits"]
        self.assertEqual((dtype, len(shape)), ("F32", 2))
        return struct.unpack_from(f"<{shape[1]}f", data, row * shape[1] * 4)

    def test_logits_and_greedy_ids(self):
        for prompt in self.expected["prompts"]:
            with self.subTest(prompt["prompt"]):
                out = self.path("dump.safetensors")
                r = self.weft("model", "verify", "--json", self.model, "--parity", self.parity(prompt), "--dump", out)
                self.assertEqual(r.code, 9, r.err)
                greedy = [row for row in json.loads(r.out)["rows"] if row["name"] == "greedy"][0]
                self.assertTrue(greedy["passed"])  # compared as far as weft finds them clear; the texts below go on
                self.assertGreater(greedy["n_equal"], 0)
                logits = self.last_logits(out, len(prompt["ids"]) - 1)
                for token, value in prompt["top"]:
                    self.assertAlmostEqual(logits[token], value, delta=TOLERANCE * prompt["scale"])
                self.assertEqual(max(range(len(logits)), key=logits.__getitem__), prompt["top"][0][0])

    def test_f32_logits(self):
        """The directory beside the file, which holds the same weights exactly, in f32."""
        for prompt in self.expected["prompts"]:
            with self.subTest(prompt["prompt"]):
                out, n = self.path("dump.safetensors"), len(prompt["ids"])
                r = self.weft("model", "verify", "-q", FOLDER, "--dtype", "f32", "--kv-dtype", "f32", "--parity", self.parity(prompt),
                              "--dump", out)
                self.assertEqual(r.code, 9, r.err)  # not the zeros that the file claims to expect
                logits = self.last_logits(out, n - 1)
                for token, value in prompt["top"]:
                    self.assertAlmostEqual(logits[token], value, delta=F32_TOLERANCE * prompt["scale"])

    def test_greedy_text(self):
        for prompt in self.expected["prompts"]:
            if "<|im_start|>" in prompt["prompt"]:  # generate takes text, in which nothing is special
                continue
            with self.subTest(prompt["prompt"]):
                out = self.ok("generate", "-q", "-m", self.model, "-n", str(len(prompt["greedy"])), "--temperature", "0", prompt["prompt"]).out
                self.assertEqual(out.decode().removesuffix("\n"), prompt["text"].removesuffix("\n"))


if __name__ == "__main__":
    if not glob.glob(os.path.join(FOLDER, "*.gguf")):
        print("skipped: WEFT_SMOLLM2 names no folder with a GGUF file (tools/fetch_smollm2.py --keep-gguf makes one)")
        sys.exit(77)
    harness.main(needs_demo=False)
