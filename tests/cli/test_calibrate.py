# SPDX-License-Identifier: Apache-2.0
"""weft model quantize --calibrate: the same bytes on every CPU, errors where they matter least, and what is refused."""
import json
import os
import random
import shutil
import struct

import harness
from harness import read_safetensors, write_safetensors

TIED = os.path.join(harness.FIXTURES, "llama-tied")
VOCAB = 856  # of the small tokenizer, with its special tokens
WIDER = {48: 256, 24: 128, 112: 528}  # lengths of the fixture's tensors: with two groups a row, luck would decide
TEXT = "the quick brown fox and the lazy dog. One two three; 4 5 6! Straße, naïve, 日本\n" * 10


class Calibrate(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.random = random.Random(7)

    def setUp(self):
        super().setUp()
        self.random.seed(7)
        self.model = self.path("model")
        self.make_model()
        self.text = self.write("text.txt", TEXT.encode())

    def floats(self, n, deviation):
        return struct.pack(f"<{n}f", *(self.random.gauss(0, deviation) for _ in range(n)))

    def tensor(self, name, shape):
        """Random weights; norms whose columns differ a hundredfold, so that columns of x do, too, but for the last one, or
        logits were those of a few columns. Attention is mild: where it chose single keys, a small error would sometimes be a
        large one."""
        if name == "model.norm.weight":
            return "F32", shape, struct.pack(f"<{shape[0]}f", *[1.0] * shape[0])
        if len(shape) == 1:
            return "F32", shape, struct.pack(f"<{shape[0]}f", *(10 ** self.random.uniform(-1.5, 0.5) for _ in range(shape[0])))
        deviation = shape[1] ** -0.5 * (0.2 if "q_proj" in name or "k_proj" in name else 1)
        return "F32", shape, self.floats(shape[0] * shape[1], deviation)

    def make_model(self):
        os.mkdir(self.model)
        with open(os.path.join(TIED, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        shapes = {name: [WIDER.get(n, n) for n in shape]
                  for name, (_, shape, _) in read_safetensors(os.path.join(TIED, "model.safetensors")).items()}
        shapes["model.embed_tokens.weight"][0] = VOCAB
        config |= {"vocab_size": VOCAB, "hidden_size": 256, "intermediate_size": 528, "head_dim": 64}
        with open(os.path.join(self.model, "config.json"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        write_safetensors(os.path.join(self.model, "model.safetensors"), {n: self.tensor(n, s) for n, s in shapes.items()})
        shutil.copy(harness.TINY, os.path.join(self.model, "tokenizer.json"))

    def quantized(self, *options, model=None):
        out = self.path("small")
        self.ok("model", "quantize", "-q", model or self.model, "-o", out, "--quantize", "q4", *options)
        with open(os.path.join(out, "model.safetensors"), "rb") as f:
            data = f.read()
        self.assertFalse(os.path.exists(out + ".part"))
        shutil.rmtree(out)
        return data

    def test_same_bytes_everywhere(self):
        calibrate = ("--calibrate", self.text)
        expected = self.quantized(*calibrate)
        for options in (("--cpu-mask", "none", "-t", "1"), ("--cpu-mask", "avx2", "-t", "2"), ("--prefill-chunk", "7"),
                        ("--device", "async-test"), ("--dtype", "bf16"), ("--kv-dtype", "f32"), ("--context", "64"),
                        ("--kv-bytes", "64K"), ("--device", "async-test", "--set", "weft.text.device=async-test")):
            self.assertEqual(self.quantized(*calibrate, *options), expected, options)
        plain = self.quantized()
        self.assertEqual(len(plain), len(expected))
        self.assertNotEqual(plain, expected)

    def test_only_the_beginning_is_read(self):
        lines = b"".join(b"line %d of a long text\n" % i for i in range(20000))
        self.assertGreater(len(lines), 256 << 10)
        whole = self.write("long.txt", lines)
        with open(self.write("huge.txt", lines), "r+b") as f:
            f.truncate(1 << 40)
        begin = self.write("begin.txt", lines[:256 << 10])
        expected = self.quantized("--calibrate", begin)
        self.assertEqual(self.quantized("--calibrate", whole), expected)
        self.assertEqual(self.quantized("--calibrate", self.path("huge.txt")), expected)
        # A character that is cut where reading ends is no fault.
        cut = self.write("cut.txt", b"x" * ((256 << 10) - 1) + "ß".encode() + b"more")
        self.quantized("--calibrate", cut)

    def logits(self, model, *options):
        parity, dump = self.path("parity.safetensors"), self.path("dump.safetensors")
        ids = [self.random.randrange(600) for _ in range(64)]
        write_safetensors(parity, {"input_ids": ("I64", [64], struct.pack("<64q", *ids)),
                                   "logits": ("F32", [64, VOCAB], bytes(4 * 64 * VOCAB))})
        r = self.weft("model", "verify", model, "-q", "--parity", parity, "--dump", dump, *options)
        self.assertEqual(r.code, 9, r.err)
        return struct.unpack(f"<{64 * VOCAB}f", read_safetensors(dump)["logits"][2])

    def test_errors_are_smaller(self):
        """Random tokens, as those of a text are for random weights. The error of the logits by its mean square."""
        out, errors = self.path("small"), {}
        for name, options in (("plain", ()), ("calibrated", ("--calibrate", self.text))):
            self.ok("model", "quantize", "-q", self.model, "-o", out, "--quantize", "q4", *options)
            self.random.seed(1)
            exact = self.logits(self.model, "--dtype", "f32", "--kv-dtype", "f32")
            self.random.seed(1)
            got = self.logits(out)
            errors[name] = sum((a - b) ** 2 for a, b in zip(got, exact, strict=True))
            shutil.rmtree(out)
        self.assertLess(errors["calibrated"], 0.9 * errors["plain"])

    def refused(self, code, text, *options, model=None):
        said = self.fails(code, "model", "quantize", model or self.model, "-o", self.path("small"), "--quantize", "q4", "--calibrate", text, *options)
        self.assertFalse([n for n in os.listdir(self.dir) if n.startswith("small")])
        return said

    def test_refusals(self):
        self.assertIn("missing.txt", self.refused(2, self.path("missing.txt")))
        self.assertIn("empty.txt", self.refused(2, self.write("empty.txt", b"")))
        self.assertIn("bytes.txt:2:3: no UTF-8", self.refused(2, self.write("bytes.txt", b"good\nba\xffd")))
        self.assertIn("end.txt:1:4: no UTF-8", self.refused(2, self.write("end.txt", "endß".encode()[:-1])))
        self.assertIn("model", self.refused(2, self.model))
        self.assertIn("--quantize q4", self.fails(2, "model", "quantize", self.model, "-o", self.path("small"),
                                                  "--quantize", "q8", "--calibrate", self.text))
        os.remove(os.path.join(self.model, "tokenizer.json"))
        self.assertIn("tokenizer", self.refused(4, self.text))

    def test_no_numbers(self):
        path = os.path.join(self.model, "model.safetensors")
        tensors = read_safetensors(path)
        name = "model.layers.1.mlp.up_proj.weight"
        dtype, shape, data = tensors[name]
        tensors[name] = (dtype, shape, struct.pack("<f", float("nan")) + data[4:])
        write_safetensors(path, tensors)
        self.assertIn("NaN", self.refused(8, self.text))

    def test_another_text_takes_nothing_up(self):
        """A directory that an interrupted run has left is of one text."""
        other = self.write("other.txt", TEXT[20:].encode())
        part = self.path("small.part")
        os.mkdir(part)
        with open(os.path.join(part, "weft-quantize.txt"), "w", encoding="utf-8") as f:
            f.write(f"{os.path.realpath(self.model)}\n{os.path.getsize(os.path.join(self.model, 'model.safetensors'))} "
                    f"model.safetensors\nq4, encoders none, calibration {'0' * 16}\n")
        shutil.copy(self.text, part)
        quantize = ("model", "quantize", self.model, "-o", self.path("small"), "--quantize", "q4", "--calibrate", other)
        self.assertIn("was begun from other files or with other options", self.fails(2, *quantize))
        self.assertEqual(len(os.listdir(part)), 2)

    def test_told_before_the_calibration(self):
        """What keeps the directory from being written is told before anything has run: with a text that is refused once it is
        read."""
        empty = self.write("empty.txt", b"")
        def quantize(out, *options):
            return "model", "quantize", self.model, "-o", self.path(out), "--quantize", "q4", "--calibrate", empty, *options
        self.assertIn("small.part", self.fails(1, *quantize("no/small")))
        self.write("small.part/model.safetensors", b"whole")
        self.write("small.part/weft-quantize.txt", b"of other options\n")
        self.assertIn("with other options", self.fails(2, *quantize("small")))
        self.write("file.part", b"")
        self.assertIn("no directory", self.fails(2, *quantize("file")))
        self.assertIn("empty.txt", self.fails(2, *quantize("new")))
        self.assertFalse(os.path.exists(self.path("new.part")))


if __name__ == "__main__":
    harness.main(needs_demo=False)
