# SPDX-License-Identifier: Apache-2.0
"""GGUF files: the same numbers as the directory that they were made of, the same ids, and what is done with broken ones."""
import base64
import json
import os
import random
import struct

import gguf_file
import harness
from gguf_file import ARRAY, BOOL, F32, F64, I32, STRING, U16, U32, U64, U8, File, model, string, value

TOKENIZERS = os.path.join(harness.FIXTURES, "tokenizers")
GGUF = os.path.join(harness.FIXTURES, "gguf")


def fixture(name):
    return os.path.join(harness.FIXTURES, name)


class Gguf(harness.Case):
    def put(self, name, file):
        return self.write(name, file if isinstance(file, bytes) else file.build())

    def dump(self, path, parity):
        """The bytes of everything that verify computes, within the tolerance of its kind of weights."""
        out = self.path("dump.safetensors")
        r = self.weft("model", "verify", path, "--parity", parity, "--dump", out)
        self.assertEqual(r.code, 0, r.out.decode() + r.err)
        with open(out, "rb") as f:
            return f.read()

    # What transformers computed of the directory holds of the file too (parity.safetensors), and more: no byte differs.

    def check_same(self, name):
        directory = fixture(name)
        path = self.put("m.gguf", model(directory))
        parity = os.path.join(directory, "parity.safetensors")
        self.assertEqual(self.dump(path, parity), self.dump(directory, parity))

    def test_same_bytes_as_the_directory(self):
        for name in ("llama-tied", "llama-untied", "llama-headdim", "llama-f16", "llama-bf16"):
            with self.subTest(name):
                self.check_same(name)

    def test_rope_divisors(self):
        """Their last bit is not that of the formula which the directory gives, so the bytes are not the same."""
        v5 = fixture("llama-mha-v5")
        self.dump(self.put("m.gguf", model(v5)), os.path.join(v5, "parity.safetensors"))
        directory = fixture("llama-scaled")
        path = self.put("m.gguf", model(directory))
        self.dump(path, os.path.join(directory, "parity.safetensors"))
        plain = model(directory)
        plain.tensors = [t for t in plain.tensors if t[0] != "rope_freqs.weight"]
        path = self.put("plain.gguf", plain)
        r = self.weft("model", "verify", path, "--parity", os.path.join(directory, "parity.safetensors"))
        self.assertEqual(r.code, 9, "the divisors make no difference")

    def test_divisors_that_divide_nothing(self):
        for number in (0.0, -1.0, float("nan"), float("inf")):
            broken = model(fixture("llama-scaled"))
            name, axes, kind, data = broken.tensors[-1]
            self.assertEqual(name, "rope_freqs.weight")
            broken.tensors[-1] = (name, axes, kind, struct.pack("<f", number) + data[4:])
            err = self.fails(4, "model", "verify", self.put("m.gguf", broken), "--parity",
                             os.path.join(fixture("llama-scaled"), "parity.safetensors"))
            self.assertIn("rope_freqs.weight has the value", err)

    def test_versions_and_alignments(self):
        directory = fixture("llama-tied")
        parity = os.path.join(directory, "parity.safetensors")
        expected = self.dump(directory, parity)
        for version, alignment in ((2, 32), (3, 8), (3, 4096)):
            file = model(directory, version=version)
            file.alignment = alignment
            file.values["general.alignment"] = value(U32, alignment)
            self.assertEqual(self.dump(self.put("m.gguf", file), parity), expected)

    def test_split_files(self):
        directory = fixture("llama-tied")
        parity = os.path.join(directory, "parity.safetensors")
        whole = model(directory)
        cuts = (whole.tensors[:5], whole.tensors[5:6], whole.tensors[6:])
        names = [f"m-{i + 1:05}-of-00003.gguf" for i in range(3)]
        for name, part in zip(names, gguf_file.split(whole, cuts)):
            self.put(name, part)
        self.assertEqual(self.dump(self.path(names[0]), parity), self.dump(directory, parity))
        self.assertIn("give the first part", self.fails(4, "model", "inspect", self.path(names[1])))
        os.rename(self.path(names[1]), self.path("away"))
        self.assertIn("no such file", self.fails(4, "model", "inspect", self.path(names[0])))
        self.put(names[1], gguf_file.split(whole, cuts)[2])
        self.assertIn("that it is part 2 of 3", self.fails(4, "model", "inspect", self.path(names[0])))
        twice = gguf_file.split(whole, (cuts[0], cuts[0][:1], cuts[2]))
        self.put(names[1], twice[1])
        self.assertIn("in another part too", self.fails(4, "model", "inspect", self.path(names[0])))
        fewer = gguf_file.split(whole, (cuts[0], (), cuts[2]))
        self.put(names[1], fewer[1])
        self.assertIn("split.tensors.count is", self.fails(4, "model", "inspect", self.path(names[0])))
        os.rename(self.path(names[0]), self.path("m.gguf"))
        self.assertIn("named like one", self.fails(4, "model", "inspect", self.path("m.gguf")))

    def test_every_type(self):
        """One tensor of each type; what transformers makes of their numbers was written by tools/gen_gguf.py."""
        path, parity = os.path.join(GGUF, "types.gguf"), os.path.join(GGUF, "types.safetensors")
        r = self.weft("model", "verify", path, "--parity", parity)
        self.assertEqual(r.code, 0, r.out.decode() + r.err)
        first = self.dump(path, parity)
        out = self.path("other.safetensors")
        for options in (("-t", "1"), ("--prefill-chunk", "3"), ("--device", "async-test")):
            self.ok("model", "verify", path, "--parity", parity, "--dump", out, *options)
            with open(out, "rb") as f:
                self.assertEqual(f.read(), first, options)
        self.ok("model", "verify", path, "--parity", parity, "--cpu-mask", "none")
        text = self.weft("model", "inspect", path).out.decode()  # exit 4: it has no tokenizer, so it cannot run
        for kind, held in (("Q4_0", "q4"), ("Q4_1", "q4"), ("Q5_0", "q8"), ("Q5_1", "q8"), ("Q8_0", "q8"), ("Q4_K", "q4"),
                           ("Q5_K", "q8"), ("Q6_K", "q8"), ("F32", "f32"), ("F16", "f16"), ("BF16", "bf16")):
            self.assertRegex(text, rf"(?m)\b{kind}\b.*\b{held}\b")

    # Tokenizers.

    def check_ids(self, a, b, text):
        first = self.ok("tokenize", "-m", a, stdin=text).out
        self.assertEqual(self.ok("tokenize", "-m", b, stdin=text).out, first)
        self.assertGreater(len(first), len(text) // 4)

    def texts(self):
        with open(os.path.join(TOKENIZERS, "texts.txt"), encoding="ascii") as f:
            lines = [base64.b64decode(line) for line in f]
        return b"\n".join(line for line in lines if b"\n" not in line) + b"\n"

    def test_ids_of_byte_level_tokenizers(self):
        """The ids of each tokenizer.json are those of the reference (tests/text); those of the GGUF file are the same."""
        text = self.texts()
        for name, pre in (("smollm", "smollm"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"), ("gpt2", "gpt-2"),
                          ("gpt4o", "gpt-4o"), ("tekken-hf", "tekken")):
            with self.subTest(name):
                with open(os.path.join(TOKENIZERS, name + ".json"), encoding="utf-8") as f:
                    source = json.load(f)
                for token in source["added_tokens"]:  # what GGUF has no place for
                    token.update(lstrip=False, rstrip=False, single_word=False, normalized=False)
                plain = self.write(name + ".json", json.dumps(source).encode())
                self.check_ids(plain, self.put(name + ".gguf", File(gguf_file.tokenizer(plain, pre))), text)

    def test_ids_of_sentencepiece(self):
        """llama.json is what transformers makes of the scores in llama.gguf (tools/gen_gguf.py)."""
        self.check_ids(os.path.join(GGUF, "llama.json"), os.path.join(GGUF, "llama.gguf"), self.texts())

    def broken_tokenizer(self, change, drop=()):
        values = gguf_file.tokenizer(os.path.join(TOKENIZERS, "gpt4o.json"), "gpt-4o")
        for key in drop:
            del values["tokenizer.ggml." + key]
        values |= {"tokenizer.ggml." + k: v for k, v in change.items()}
        return self.fails(4, "tokenize", "-m", self.put("t.gguf", File(values)), stdin=b"a\n")

    def test_tokenizers_that_cannot_be(self):
        many = value(ARRAY, [1] * 7, I32)
        cases = [
            ("has no tokenizer", {}, ["tokens"]),
            ("merges is missing", {}, ["merges"]),
            ('model is "bert"', {"model": value(STRING, "bert")}, ()),
            ('pre is "other"', {"pre": value(STRING, "other")}, ()),
            ("no name", {"model": value(U32, 3)}, ()),
            ("no name", {"pre": value(STRING, "x" * 100)}, ()),
            ("token_type has 7 elements", {"token_type": many}, ()),
            ("scores has 7 elements", {"scores": value(ARRAY, [0.5] * 7, F32)}, ()),
            ("no finite number", {"scores": value(ARRAY, [float("nan")] * 7, F32)}, ()),
            ("scores is missing", {"model": value(STRING, "llama")}, ()),
            ("no array", {"tokens": value(STRING, "a")}, ()),
            ("a token is no string", {"tokens": many}, ()),
            ("a token is no string", {"tokens": value(ARRAY, ["x" * 5000], STRING)}, ()),
            ("are the same token", {"tokens": value(ARRAY, ["a", "b", "a"], STRING), "token_type": value(ARRAY, [1] * 3, I32)}, ()),
            ("not in the vocabulary", {"merges": value(ARRAY, ["a nothing"], STRING)}, ()),
            ("no space", {"merges": value(ARRAY, ["ab"], STRING)}, ()),
            ("no array", {"merges": value(U32, 3)}, ()),
            ("unknown_token_id is 100000", {"unknown_token_id": value(U32, 100000)}, ()),
            ("a whole number", {"unknown_token_id": value(I32, -2)}, ()),
        ]
        for words, change, drop in cases:
            with self.subTest(words):
                self.assertIn(words, self.broken_tokenizer(change, drop))

    # Values that a plain Llama cannot have, and tensors that it does not have.

    def refused(self, words, code=4, **changes):
        file = model(fixture("llama-tied"))
        for key, v in changes.items():
            key = key.replace("__", ".")
            file.values.pop(key, None)
            if v is not None:
                file.values[key] = v
        self.assertIn(words, self.fails(code, "model", "inspect", self.put("m.gguf", file)))

    def test_other_models(self):
        self.refused('architecture "qwen2"', general__architecture=value(STRING, "qwen2"))
        self.refused("general.architecture is missing", general__architecture=None)
        self.refused("general.architecture is no string", general__architecture=value(U32, 1))
        self.refused("mixture of experts", llama__expert_count=value(U32, 8))
        self.refused("a part of a head", **{"llama.rope.dimension_count": value(U32, 4)})
        self.refused("other width than keys", **{"llama.attention.value_length": value(U32, 4)})
        self.refused("attention to a window", **{"llama.attention.sliding_window": value(U32, 4096)})
        self.refused('rope.scaling.type "yarn"', **{"llama.rope.scaling.type": value(STRING, "yarn")})
        self.refused("rope.scale_linear is 2", **{"llama.rope.scale_linear": value(F32, 2.0)})
        self.refused("llama.block_count is missing", llama__block_count=None)
        self.refused("llama.block_count is no integer", llama__block_count=value(F32, 2.0))
        self.refused("num_hidden_layers is 0", llama__block_count=value(U32, 0))
        self.refused("num_hidden_layers is 9223372036854775807", llama__block_count=value(U64, 2**64 - 1))
        self.refused("head_count is no integer", **{"llama.attention.head_count": value(ARRAY, [4, 4], U32)})
        self.refused("is no floating-point number", **{"llama.rope.freq_base": value(U32, 10000)})
        self.refused("is no finite number", **{"llama.rope.freq_base": value(F64, float("inf"))})

    def test_other_tensors(self):
        for change, words in (
                (lambda t: t + [("blk.0.attn_q.bias", [48], 0, b"\0" * 192)], '"blk.0.attn_q.bias" is none of a plain Llama'),
                (lambda t: t + [("blk.00.attn_q.weight", [8], 0, b"\0" * 32)], "is none of a plain Llama"),
                (lambda t: t + [("blk.9999.attn_q.weight", [8], 0, b"\0" * 32)], "is none of a plain Llama"),
                (lambda t: t + [("output.weight", [256], 10, b"\0" * 84)], "type Q2_K"),
                (lambda t: t + [("output.weight", [32], 20, b"\0" * 18)], "type IQ4_NL"),
                (lambda t: [x for x in t if x[0] != "blk.0.ffn_up.weight"], "mlp.up_proj.weight is missing"),
                (lambda t: [(n, [a[0] * 2, a[1] // 2] if n.endswith("0.ffn_up.weight") else a, k, d) for n, a, k, d in t],
                 "mlp.up_proj.weight is [")):
            file = model(fixture("llama-tied"))
            file.tensors = change(file.tensors)
            err = self.fails(4, "model", "verify", self.put("m.gguf", file), "--parity",
                             os.path.join(fixture("llama-tied"), "parity.safetensors"))
            self.assertIn(words, err)

    def test_not_for_every_command(self):
        path = self.put("m.gguf", model(fixture("llama-tied")))
        err = self.fails(4, "model", "quantize", path, "--quantize", "q8", "-o", self.path("out"))
        self.assertIn("a GGUF file", err)
        self.assertFalse(os.path.exists(self.path("out.part")))
        self.assertIn("or as a GGUF file", self.fails(4, "model", "inspect", self.write("m.bin", b"no model")))

    # Broken files: each is refused in one line that names it, with nothing on standard output.

    def small(self, **lies):
        return File({"general.architecture": value(STRING, "llama"), "a.b": value(U32, 7)},
                    [("token_embd.weight", [32, 4], 8, b"\1" * 136), ("output_norm.weight", [32], 0, b"\0" * 128)], **lies)

    def with_value(self, raw):
        file = self.small()
        file.values["x"] = raw
        return file.build()

    def with_tensor(self, name=b"output.weight", n_axes=None, axes=(32, 4), kind=8, offset=288, data=b"\1" * 136):
        """The small file with one more entry, written as given; its place is behind the other two."""
        file = self.small(n_tensors=3)
        entry = (string(name) + struct.pack("<I", len(axes) if n_axes is None else n_axes) +
                 b"".join(struct.pack("<Q", a) for a in axes) + struct.pack("<IQ", kind, offset))
        front = gguf_file.pad(file.head() + file.values_bytes() + file.entries() + entry, 32)
        return front + b"\1" * 160 + b"\0" * 128 + data

    def broken_headers(self):
        yield "no GGUF", self.small(magic=b"GGUX").build(), "config.json|a GGUF file"
        for version in (0, 1, 4, 0x03000000, 2**32 - 1):
            yield f"version {version}", self.small(version=version).build(), "version|byte order"
        for count in (1, 3, 2**31, 2**32, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 1):
            yield f"{count} tensors", self.small(n_tensors=count).build(), None
            yield f"{count} values", self.small(n_values=count).build(), None

    def broken_values(self):
        for kind in (13, 99, 2**31, 2**32 - 1):
            yield f"a value of kind {kind}", self.with_value(struct.pack("<I", kind) + b"\0" * 8), "type"
            yield f"an array of kind {kind}", self.with_value(struct.pack("<IIQ", ARRAY, kind, 1) + b"\0" * 8), "type"
        for n in (2, 255):
            yield f"a bool of {n}", self.with_value(struct.pack("<IB", BOOL, n)), "bool"
        yield "an array of arrays", self.with_value(struct.pack("<IIQIQ", ARRAY, ARRAY, 1, U8, 0)), "array of arrays"
        for kind in (U8, U32, F64, STRING, BOOL):
            for n in (10**6, 2**40, 2**61, 2**62, 2**64 - 1):
                yield f"{n} elements of kind {kind}", self.with_value(struct.pack("<IIQ", ARRAY, kind, n)), None
        for n in (10**6, 2**32, 2**63, 2**64 - 1):
            yield f"a string of {n}", self.with_value(struct.pack("<IQ", STRING, n)), "string"
            yield f"a string of {n} in an array", self.with_value(struct.pack("<IIQQ", ARRAY, STRING, 1, n)), "string"
        for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"a\xe2\x82"):
            yield f"the text {text}", self.with_value(value(STRING, text)), "UTF-8"
            yield f"the texts {text}", self.with_value(value(ARRAY, [b"good", text], STRING)), "UTF-8"
        for name, words in ((b"", "empty"), (b"a\0b", "NUL"), (b"\xff", "UTF-8"), (b"k" * 1025, "limit"), (b"a.b", "second time")):
            file = self.small(n_values=3)
            raw = file.head() + file.values_bytes() + string(name) + value(U8, 1) + file.entries()
            yield f"the key {name[:9]}", gguf_file.pad(raw, 32) + b"\0" * 512, words
        for kind, n in ((U32, 0), (U32, 3), (U32, 48), (U32, 2**31), (U64, 32), (STRING, "32"), (I32, 32)):
            file = self.small()
            file.values["general.alignment"] = value(kind, n)
            yield f"the alignment {n}", file.build(), "general.alignment"

    def broken_tensors(self):
        for name, words in ((b"", "empty"), (b"n" * 65, "limit"), (b"\xff.weight", "UTF-8"), (b"a\0b", "NUL"),
                            (b"token_embd.weight", "second time")):
            yield f"the name {name[:9]}", self.with_tensor(name=name), words
        for n in (5, 2**31, 2**32 - 1):
            yield f"{n} axes", self.with_tensor(n_axes=n), "axes"
        for axes in ((0, 4), (32, 0), (2**63, 1), (2**64 - 1, 1), (2**32, 2**32), (2**62, 2), (32, 2**60), (32, 2**31, 2**31, 4)):
            yield f"the shape {axes}", self.with_tensor(axes=axes), None
        for axes in ((31, 4), (33, 4), (1, 1)):
            yield f"rows of {axes[0]}", self.with_tensor(axes=axes), "whole blocks"
        for kind in (4, 5, 31, 36, 40, 1000, 2**31, 2**32 - 1):
            yield f"the type {kind}", self.with_tensor(kind=kind), "type"
        for offset in (0, 32, 256, 287, 289, 320, 2**40, 2**63, 2**64 - 32, 2**64 - 1):
            yield f"the offset {offset}", self.with_tensor(offset=offset), "begins at data byte"
        yield "too little data", self.with_tensor(data=b"\1" * 135), "cut short"

    def broken_lengths(self):
        whole = self.with_tensor()
        ends = {0, 1, 3, 4, 5, 7, 8, 15, 16, 23, 24, 31, len(whole) - 1, len(whole) - 135, len(whole) - 136}
        rng = random.Random(14)
        for n in sorted(ends | {rng.randrange(len(whole)) for _ in range(25)}):
            yield f"{n} bytes", whole[:n], None

    def test_broken_files(self):
        cases = [c for kind in (self.broken_headers, self.broken_values, self.broken_tensors, self.broken_lengths) for c in kind()]
        self.assertGreater(len(cases), 100)
        for name, data, words in cases:
            with self.subTest(name):
                r = self.weft("model", "inspect", "--safe", self.write("m.gguf", data))
                self.assertIn(r.code, (4, 7), r.err)
                self.assertEqual(r.out, b"")
                self.assertEqual(r.err.count("\n"), 1, r.err)
                self.assertIn("m.gguf", r.err)
                if words is not None:
                    self.assertRegex(r.err, words)

    def test_flipped_bits(self):
        """A bit anywhere in the headers may make another model of the file, but no crash and no half answer."""
        whole = bytearray(model(fixture("llama-tied")).build())
        rng = random.Random(15)
        for _ in range(60):
            at, bit = rng.randrange(2400), 1 << rng.randrange(8)
            whole[at] ^= bit
            r = self.weft("model", "inspect", "--safe", self.write("m.gguf", bytes(whole)))
            whole[at] ^= bit
            self.assertIn(r.code, (0, 4, 6, 7), f"byte {at}: {r.err}")
            self.assertEqual(r.out == b"", "m.gguf" in r.err, r.err)  # either what it is, or what is wrong with it


if __name__ == "__main__":
    harness.main(needs_demo=False)
