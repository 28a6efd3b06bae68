# SPDX-License-Identifier: Apache-2.0
"""Adapters on a text core in a GGUF file: cross-attention and soft tokens give the bytes that they give on the directory."""
import json
import os

import gguf_file
import harness
from gguf_file import STRING, U32, model, value

DEMO = os.path.join(harness.SOURCE, "models", "demo")
SAMPLES = os.path.join(DEMO, "samples")


def fixture(*name):
    return os.path.join(harness.FIXTURES, *name)


class Verified(harness.Case):
    def dump(self, parity, *args):
        out = self.path("dump.safetensors")
        r = self.weft("model", "verify", "--dtype", "f32", "--parity", parity, "--dump", out, *args)
        self.assertEqual(r.code, 0, r.out.decode() + r.err)
        with open(out, "rb") as f:
            return f.read()

    def check(self, core, plugin, adapter, parities, same=True):
        """core as a GGUF file and as it is, under the adapter: the reference's numbers, and no byte of any stage differs."""
        file = self.write("core.gguf", model(core).build())
        weights = ("--set", f"{plugin}.weights={adapter}")
        for parity in parities:
            with self.subTest(parity):
                first = self.dump(parity, "-m", file, *weights)
                if same:
                    self.assertEqual(first, self.dump(parity, "-m", core, *weights))

    def test_cross_attention(self):
        """The last bit of the divisors of this core's rotation is not that of the directory's formula (test_gguf.py)."""
        here = fixture("composed")
        self.check(here, "weft.vision", fixture("mllama-1tile"),
                   [os.path.join(here, name) for name in ("parity.safetensors", "parity-text-only.safetensors")], same=False)

    def test_soft_tokens(self):
        here = fixture("ultravox", "v05")
        self.check(fixture("ultravox", "text"), "weft.ultravox", here,
                   [os.path.join(here, name) for name in ("parity.safetensors", "parity-319.safetensors")])

    def test_widths_that_differ(self):
        file = self.write("core.gguf", model(fixture("llama-tied")).build())
        parity = fixture("llama-tied", "parity.safetensors")
        for plugin, adapter in (("weft.vision", fixture("mllama-1tile")), ("weft.ultravox", fixture("ultravox", "v05"))):
            err = self.fails(4, "model", "verify", "-m", file, "--parity", parity, "--set", f"{plugin}.weights={adapter}")
            self.assertIn(plugin, err)


class Demo(harness.Case):
    """The demo's adapters on its own text core as a GGUF file, which has the tokenizer and the chat template within."""

    def setUp(self):
        super().setUp()
        text = os.path.join(DEMO, "text")
        file = model(text)
        file.values |= gguf_file.tokenizer(os.path.join(text, "tokenizer.json"), "llama-bpe")
        with open(os.path.join(text, "tokenizer_config.json"), encoding="utf-8") as f:
            file.values["tokenizer.chat_template"] = value(STRING, json.load(f)["chat_template"])
        file.values["tokenizer.ggml.bos_token_id"] = value(U32, 1744)
        file.values["tokenizer.ggml.eos_token_id"] = value(U32, 1753)
        self.write("core.gguf", file.build())
        with open(os.path.join(DEMO, "weft.ini"), encoding="utf-8") as f:
            ini = f.read()
        ini = ini.replace("model = ./text", "model = core.gguf")
        for part in ("vision", "video", "speech"):
            ini = ini.replace(f"weights = ./{part}", f"weights = {os.path.join(DEMO, part)}")
        self.ini = self.write("weft.ini", ini.encode())

    def test_the_same_answers(self):
        for args in (("describe", "2.jpg"), ("describe", "5.mp4"), ("describe", "2.jpg", "--audio", "6.wav"), ("transcribe", "6.wav")):
            args = [os.path.join(SAMPLES, a) if "." in a else a for a in args]
            with self.subTest(args):
                r = self.ok(*args, "--config", self.ini)
                self.assertEqual(r.out, self.ok(*args).out)
                self.assertGreater(len(r.out), 10)

    def test_what_it_can_do(self):
        can = json.loads(self.ok("model", "inspect", "--json", "--config", self.ini).out)["can"]
        self.assertEqual([k for k, v in can.items() if v["able"]], ["text", "chat", "pictures", "recordings", "clips"])


if __name__ == "__main__":
    harness.main(needs_demo=True)
