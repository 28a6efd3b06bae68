# SPDX-License-Identifier: Apache-2.0
"""weft model, weft plugin and weft preprocess: what they print and write, and each exit code."""
import json
import os
import resource
import shutil
import signal
import struct
import unittest

import harness
from harness import png, read_safetensors, write_safetensors

LLAMA = os.path.join(harness.FIXTURES, "llama-tied")
MLLAMA = os.path.join(harness.FIXTURES, "mllama-1tile")


# Published totals: the shapes of architectures as released, from config.json alone.
SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
           "original_max_position_embeddings": 8192}
PUBLISHED = {
    "1B": (dict(hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, head_dim=64,
                tie_word_embeddings=True), None, 1235814400),
    "8B": (dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32), None,
           8030261248),
    "70B": (dict(hidden_size=8192, intermediate_size=28672, num_hidden_layers=80, num_attention_heads=64), None,
            70553706496),
    "405B": (dict(hidden_size=16384, intermediate_size=53248, num_hidden_layers=126, num_attention_heads=128), None,
             405853388800),
    "11B": (dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=40, num_attention_heads=32,
                 cross_attention_layers=list(range(3, 40, 5))), 560, 10670220835),
    "11B at 448": (dict(hidden_size=4096, intermediate_size=14336, num_hidden_layers=40, num_attention_heads=32,
                        cross_attention_layers=list(range(3, 40, 5))), 448, 10642941475),
    "90B": (dict(hidden_size=8192, intermediate_size=28672, num_hidden_layers=100, num_attention_heads=64,
                 cross_attention_layers=list(range(3, 100, 5))), 560, 88593355323)}


def released_config(text, tile):
    """config.json of a text model, or of a vision model of that tile, with defaults left out as released."""
    text = dict(text, num_key_value_heads=8, vocab_size=128256, max_position_embeddings=131072, rope_theta=500000.0,
                rms_norm_eps=1e-5, rope_scaling=SCALING)
    if tile is None:
        return dict(text, architectures=["LlamaForCausalLM"], torch_dtype="bfloat16")
    ratios = [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]]
    vision = dict(hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_global_layers=8,
                  attention_heads=16, image_size=tile, patch_size=14, max_num_tiles=4, vision_output_dim=7680,
                  intermediate_layers_indices=[3, 7, 15, 23, 30], supported_aspect_ratios=ratios)
    return dict(architectures=["MllamaForConditionalGeneration"], image_token_index=128256, torch_dtype="bfloat16",
                text_config=text, vision_config=vision)


def inspect(case, *args, code=4):
    """Model inspect of a directory that has no tokenizer: it says all that there is to say."""
    r = case.weft("model", "inspect", *args)
    case.assertEqual(r.code, code, r.err)
    return r


class Published(harness.Case):
    def test_parameters(self):
        os.mkdir(self.path("m"))
        for name, (text, tile, total) in PUBLISHED.items():
            with open(self.path("m/config.json"), "w", encoding="ascii") as f:
                json.dump(released_config(text, tile), f)
            found = json.loads(inspect(self, self.path("m"), "--json").out)
            self.assertEqual(sum(v for k, v in found["parameters"].items() if k != "total"), total, name)


class Markers(harness.Case):
    def test_markers(self):
        found = json.loads(inspect(self, MLLAMA, "--json").out)
        self.assertEqual(found["markers"], [
            {"token": "<|image|>", "id": 128, "plugin": "weft.vision", "stream": "weft.vision/image",
             "before": None, "after": None, "seen": "until the next group", "end_id": None}])
        self.assertEqual([s["layer"] for s in found["sites"]], [1, 2])
        lines = inspect(self, MLLAMA).out.decode().splitlines()
        self.assertEqual(lines[-1].split()[:4], ["128", "<|image|>", "weft.vision/image", "weft.vision"])
        self.assertEqual(json.loads(inspect(self, LLAMA, "--json").out)["markers"], [])

    def test_what_encloses_and_ends(self):
        idefics = os.path.join(harness.FIXTURES, "idefics", "plain")
        line = inspect(self, idefics).out.decode().splitlines()[-1]
        around = "<fake_token_around_image>"
        self.assertTrue(line.endswith(" %s...%s" % (around, around)), line)
        self.assertIn(" until the next or token 2 ", line)


class Verify(harness.Case):
    def test_passes(self):
        for model in (LLAMA, MLLAMA):
            r = self.ok("model", "verify", model)
            lines = r.out.decode().splitlines()
            self.assertEqual(lines[-1], "passed")
            self.assertTrue(any(line.startswith("logits ") for line in lines))
            found = json.loads(self.ok("model", "verify", model, "--json").out)
            self.assertTrue(found["passed"])
            rows = {row["name"]: row for row in found["rows"]}
            self.assertLessEqual(rows["logits"]["relative"], 1e-4) # the documented tolerance of f32
            self.assertTrue(all(row["passed"] for row in rows.values()))

    def only(self, *names):
        """Of the reference of a picture those tensors alone."""
        tensors = read_safetensors(os.path.join(MLLAMA, "parity.safetensors"))
        path = self.path("only.safetensors")
        write_safetensors(path, {n: t for n, t in tensors.items() if n in names})
        return path

    PICTURE = ("pixel_values", "aspect_ratio_ids", "num_tiles")

    def test_an_encoder_without_a_text(self):
        """A reference of an encoder alone, also where the text core is open."""
        path, dump = self.only(*self.PICTURE, "vision.output"), self.path("dump.safetensors")
        found = json.loads(self.ok("model", "verify", MLLAMA, "--parity", path, "--dump", dump, "--json").out)
        self.assertTrue(found["passed"])
        self.assertEqual([row["name"] for row in found["rows"]], ["vision.output"])
        self.assertEqual(list(read_safetensors(dump)), ["vision.output"])
        self.ok("model", "verify", MLLAMA, "--dump", self.path("whole.safetensors"))
        self.assertEqual(read_safetensors(self.path("whole.safetensors"))["vision.output"],
                         read_safetensors(dump)["vision.output"])

    def test_inputs_of_16_bits(self):
        """Stored as BF16 or F16 they are the numbers that they are as F32."""
        tensors = read_safetensors(os.path.join(MLLAMA, "parity.safetensors"))
        _, shape, data = tensors["pixel_values"]
        bits = {"F16": b"".join(struct.pack("<e", v) for v, in struct.iter_unpack("<f", data)),
                "BF16": b"".join(data[i + 2:i + 4] for i in range(0, len(data), 4))}
        wide = {"F16": b"".join(struct.pack("<f", v) for v, in struct.iter_unpack("<e", bits["F16"])),
                "BF16": b"".join(b"\0\0" + bits["BF16"][i:i + 2] for i in range(0, len(bits["BF16"]), 2))}
        for dtype in bits:
            dumps = []
            for stored, values in ((dtype, bits[dtype]), ("F32", wide[dtype])):
                path, dump = self.path("in.safetensors"), self.path("out.safetensors")
                kept = {n: tensors[n] for n in (*self.PICTURE, "vision.output")}
                write_safetensors(path, {**kept, "pixel_values": (stored, shape, values)})
                r = self.weft("model", "verify", MLLAMA, "--parity", path, "--dump", dump)
                self.assertIn(r.code, (0, 9), r.err) # pixels that were rounded need not be the reference's
                with open(dump, "rb") as f:
                    dumps.append(f.read())
            self.assertEqual(dumps[0], dumps[1], dtype)
            self.assertNotEqual(dumps[0], b"")

    def test_inputs_of_other_types_are_named(self):
        path = self.only(*self.PICTURE, "vision.output")
        tensors = read_safetensors(path)
        write_safetensors(path, {**tensors, "pixel_mask": ("F64", [1], bytes(8))})
        self.assertIn("pixel_mask is left out", self.ok("model", "verify", MLLAMA, "--parity", path).err)

    def test_a_part_of_a_text_is_none(self):
        for tensor, word in (("logits", "input_ids"), ("greedy", "input_ids"), ("input_ids", "logits")):
            path = self.only(*self.PICTURE, "vision.output", tensor)
            r = self.weft("model", "verify", MLLAMA, "--parity", path)
            self.assertEqual(r.code, 4, r.err)
            self.assertIn(word, r.err)
            self.assertIn("is missing", r.err)
        self.assertIn("no plugin recognises", self.fails(4, "model", "verify", MLLAMA, "--parity", self.only()))
        self.assertIn("nothing in it", self.fails(4, "model", "verify", MLLAMA, "--parity",
                                                  self.only(*self.PICTURE)))

    def changed(self):
        """The reference with one logit moved by ten times the tolerance of its scale."""
        tensors = read_safetensors(os.path.join(LLAMA, "parity.safetensors"))
        dtype, shape, data = tensors["logits"]
        values = list(struct.unpack("<%df" % (len(data) // 4), data))
        values[5] += 1e-3 * max(1.0, max(map(abs, values)))
        tensors["logits"] = (dtype, shape, struct.pack("<%df" % len(values), *values))
        path = self.path("changed.safetensors")
        write_safetensors(path, tensors)
        return path

    def test_fails_beyond_the_tolerance(self):
        path = self.changed()
        r = self.weft("model", "verify", LLAMA, "--parity", path)
        self.assertEqual(r.code, 9, r.err)
        lines = r.out.decode().splitlines()
        self.assertEqual(lines[-1], "failed")
        self.assertIn("FAILED", next(line for line in lines if line.startswith("logits ")))
        r = self.weft("model", "verify", LLAMA, "--parity", path, "--json")
        self.assertEqual(r.code, 9)
        self.assertFalse(json.loads(r.out)["passed"])

    def test_guarantees_from_outside(self):
        """The same bytes for every chunking, thread count and without plugins."""
        dumps = []
        for more in ((), ("--prefill-chunk", "1"), ("--prefill-chunk", "7"), ("-t", "1"),
                     ("-t", "3"), ("--safe",), ("--prefill-chunk", "65536", "-t", "2")):
            out = self.path("dump.safetensors")
            self.ok("model", "verify", LLAMA, "--dump", out, *more)
            dumps.append(read_safetensors(out))
        self.assertIn("logits", dumps[0])
        for other in dumps[1:]:
            self.assertEqual(other, dumps[0])

    def test_every_instruction_set(self):
        for level in ("none", "avx2", "avx512", "max"):
            self.ok("model", "verify", MLLAMA, "--cpu-mask", level)

    def test_what_is_missing(self):
        shutil.copytree(LLAMA, self.path("m"), ignore=shutil.ignore_patterns("parity*"))
        self.assertIn("parity.safetensors", self.fails(4, "model", "verify", self.path("m")))
        # Without plugins nobody knows the architecture.
        self.assertIn("Mllama", self.fails(4, "model", "verify", MLLAMA, "--safe"))

    def test_not_a_number(self):
        model = self.path("m")
        shutil.copytree(LLAMA, model)
        path = os.path.join(model, "model.safetensors")
        tensors = read_safetensors(path)
        name = next(k for k in tensors if k.endswith("norm.weight"))
        dtype, shape, data = tensors[name]
        tensors[name] = (dtype, shape, b"\xff" * len(data)) # NaN in f32, f16 and bf16
        write_safetensors(path, tensors)
        self.assertIn("NaN", self.fails(8, "model", "verify", model))


class Inspect(harness.Case):
    def test_text_and_json(self):
        with open(os.path.join(MLLAMA, "config.json")) as f:
            config = json.load(f)["text_config"]
        found = json.loads(inspect(self, MLLAMA, "--json").out)
        self.assertEqual(found["architecture"], "MllamaForConditionalGeneration")
        crossing = config["cross_attention_layers"]
        self.assertEqual(found["shape"]["n_layers"], config["num_hidden_layers"] - len(crossing))
        self.assertEqual(found["shape"]["d_model"], config["hidden_size"])
        self.assertEqual(len(found["sites"]), len(crossing))
        self.assertEqual({s["kind"] for s in found["sites"]}, {"cross-attention"})
        text = inspect(self, MLLAMA).out.decode()
        self.assertIn("MllamaForConditionalGeneration", text)
        self.assertEqual(inspect(self, "-m", MLLAMA).out.decode(), text)

    def test_llava_next_wants_a_row_of_each_patch(self):
        shutil.copytree(os.path.join(harness.FIXTURES, "llava", "next"), self.path("m"))
        with open(self.path("m/config.json"), encoding="utf-8") as f:
            config = json.load(f)
        config["vision_feature_select_strategy"] = "full"
        self.write("m/config.json", json.dumps(config).encode())
        line = self.fails(4, "model", "inspect", self.path("m"))
        self.assertIn("vision_feature_select_strategy", line)
        self.assertIn("17 rows of 16 patches", line)

    def test_type_of_keys_and_values(self):
        """What is told is what pages of the type take: a page holds 64 tokens, K and V, in q8 with a scale a head."""
        for option, name, each in (("auto", "f32", 4), ("f32", "f32", 4), ("bf16", "bf16", 2), ("f16", "f16", 2), ("q8", "q8", 1)):
            d = json.loads(inspect(self, LLAMA, "--json", "--kv-dtype", option).out)
            shape = d["shape"]
            row = shape["head_dim"] * each + (4 if option == "q8" else 0)
            page = (2 * 64 * shape["n_kv_heads"] * row + 63) // 64 * 64
            self.assertEqual(d["kv_dtype"], name)
            self.assertEqual(d["memory_bytes"]["kv"], (d["context"] + 63) // 64 * shape["n_layers"] * page)
        self.assertIn("--kv-dtype", self.fails(2, "model", "inspect", LLAMA, "--kv-dtype", "q4"))

    def test_text_says_what_json_says(self):
        """Every line of the text, put together from the JSON."""
        def size(n):
            for unit in ("B", "KiB", "MiB"):
                if n < 1024 or unit == "MiB":
                    return ("%.0f %s" if unit == "B" else "%.1f %s") % (n, unit)
                n /= 1024

        d = json.loads(inspect(self, MLLAMA, "--json").out)
        shape, memory, parameters = d["shape"], d["memory_bytes"], d["parameters"]
        self.assertEqual(memory["total"], memory["weights"] + memory["kv"] + memory["step"])
        lines = ["model         " + d["model"], "architecture  " + d["architecture"],
                 "runs as       weights %(dtype)s, keys and values %(kv_dtype)s, on %(device)s (%(isa)s), "
                 "%(threads)d threads" % d,
                 "text core     %(n_layers)d layers of %(d_model)d, feed-forward %(d_ffn)d, %(n_heads)d heads on "
                 "%(n_kv_heads)d of %(head_dim)d" % shape,
                 "vocabulary    %d%s" % (shape["vocab"], ", head tied to the embedding" if shape["tied"] else ""),
                 "context       %d of %d tokens" % (d["context"], shape["max_positions"]),
                 "parameters    text core %(core)d, cross-attention %(sites)d, encoders %(encoders)d" % parameters]
        for i, (name, key) in enumerate((("weights", "weights"), ("keys and values", "kv"), ("one step", "step"),
                                         ("total", "total"))):
            lines.append("%-13s %-16s %12s %20d bytes" % ("" if i else "memory", name, size(memory[key]), memory[key]))
        for i, (name, m) in enumerate(d["memory_by_format"].items()):
            lines.append("%-13s --quantize %-5s %12s weights, %s in all" % (
                "" if i else "formats", name, size(m["weights"]), size(m["total"])))
        for name, can in d["can"].items():
            plugin = " (%s)" % can["plugin"] if can["plugin"] else ""
            lines.append("%-13s %s" % (name, "yes" + plugin if can["able"] else "no: " + can["why"]))
        lines.append("runs here     no: " + d["runs_here"]["why"])
        lines += ["", "%5s %5s  %-16s %-16s %-20s %12s  %s" % ("layer", "order", "kind", "stream", "plugin", "parameters",
                                                              "name")]
        lines += ["%(layer)5d %(order)5d  %(kind)-16s %(stream)-16s %(plugin)-20s %(parameters)12d  %(name)s" % s
                  for s in d["sites"]]
        lines += ["", "%7s  %-32s %-20s %-16s %-34s %s" % ("id", "marker", "stream", "plugin", "seen", "enclosed in")]
        lines += ["%(id)7d  %(token)-32s %(stream)-20s %(plugin)-16s %(seen)-34s -" % m for m in d["markers"]]
        self.assertEqual(inspect(self, MLLAMA).out.decode().splitlines(), lines)

    def test_reads_config_alone(self):
        shutil.copytree(LLAMA, self.path("m"), ignore=shutil.ignore_patterns("*.safetensors"))
        inspect(self, self.path("m"))

    def llama_of(self, **config):
        """A folder whose config.json is a Llama of these numbers."""
        os.makedirs(self.path("some"), exist_ok=True)
        with open(self.path("some/config.json"), "w", encoding="utf-8") as f:
            json.dump({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "rms_norm_eps": 1e-5, **config}, f)
        return self.path("some")

    def releases(self, folder, code=4):
        return json.loads(inspect(self, "--json", folder, code=code).out)["releases"]

    def test_which_release_it_is(self):
        smol = self.llama_of(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                             num_key_value_heads=3, vocab_size=49152, max_position_embeddings=8192, rope_theta=100000,
                             tie_word_embeddings=True)
        text = inspect(self, smol).out
        self.assertIn(b"SmolLM2 135M Instruct (HuggingFaceTB/SmolLM2-135M-Instruct)", text)
        self.assertIn(b"\nlicence       Apache-2.0\n", text)
        self.assertEqual(self.releases(smol), ["HuggingFaceTB/SmolLM2-135M-Instruct"])
        self.assertEqual(self.releases(os.path.join(harness.DEMO, "text"), code=0), [])

    def test_releases_of_the_same_numbers(self):
        """Llama 3 and 3.1 differ in how far they look, Llama 3.1 70B and 3.3 70B in nothing that is counted."""
        llama = {"vocab_size": 128256, "num_key_value_heads": 8, "rope_theta": 500000}
        small = {**llama, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32}
        large = {**llama, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64}
        three, later = "meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"
        self.assertEqual(self.releases(self.llama_of(max_position_embeddings=8192, **small)), [three])
        self.assertEqual(self.releases(self.llama_of(max_position_embeddings=131072, **small)), [later])
        changed = self.llama_of(max_position_embeddings=16384, **small)
        self.assertEqual(self.releases(changed), [three, later])
        text = inspect(self, changed).out.decode()
        self.assertIn("released as   Llama 3 8B Instruct (%s)\nor as         Llama 3.1 8B Instruct (%s)," % (three, later), text)
        self.assertNotIn("licence", text)
        self.assertEqual(self.releases(self.llama_of(max_position_embeddings=131072, **large)),
                         ["meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"])

    def test_clips_tell_releases_apart(self):
        """SmolVLM2 256M has the numbers of SmolVLM 256M, and takes clips."""
        folder = self.path("smolvlm")
        os.mkdir(folder)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            json.dump({"architectures": ["Idefics3ForConditionalGeneration"], "model_type": "idefics3", "scale_factor": 4,
                       "image_token_id": 49190, "tie_word_embeddings": False,
                       "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                                         "num_attention_heads": 12, "image_size": 512, "patch_size": 16},
                       "text_config": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
                                       "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49280, "head_dim": 64,
                                       "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000}}, f)
        plain = {"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}}
        for sampling, name in ({}, "SmolVLM-256M-Instruct"), (
                {"video_sampling": {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 512}}}, "SmolVLM2-256M-Video-Instruct"):
            with open(os.path.join(folder, "preprocessor_config.json"), "w", encoding="utf-8") as f:
                json.dump({**plain, **sampling}, f)
            self.assertEqual(self.releases(folder), ["HuggingFaceTB/" + name], sampling)

    def test_what_a_model_can_do(self):
        demo = json.loads(inspect(self, "--json", code=0).out)
        can = demo["can"]
        self.assertEqual([k for k, v in can.items() if v["able"]],
                         ["text", "chat", "pictures", "recordings", "clips"])
        self.assertEqual(can["pictures"]["plugin"], "weft.vision")
        here = demo["runs_here"]
        self.assertTrue(here["able"])
        self.assertEqual(here["needs_bytes"], demo["memory_bytes"]["total"])
        formats = demo["memory_by_format"]
        self.assertEqual(list(formats)[0], "none")
        self.assertEqual(formats["none"], {k: demo["memory_bytes"][k] for k in ("weights", "total")})
        for name in formats: # as that format says of itself
            one = json.loads(inspect(self, "--json", "--quantize", name, code=0).out)
            self.assertEqual(one["memory_bytes"]["total"], formats[name]["total"])
            self.assertEqual(one["memory_by_format"], formats)
        text = inspect(self, code=0).out.decode()
        self.assertIn("pictures      yes (weft.vision)\n", text)
        self.assertIn("runs here     yes", text)

    def test_what_keeps_a_model_from_running(self):
        demo = os.path.join(harness.DEMO, "text")
        def why(code=4, *args):
            d = json.loads(inspect(self, "--json", self.path("m"), *args, code=code).out)
            return d["can"]["chat"]["why"], d["runs_here"]["why"]
        shutil.copytree(demo, self.path("m"))
        self.assertEqual(why(code=0), (None, None))
        os.rename(self.path("m/model.safetensors"), self.path("m/elsewhere"))
        self.assertIn("weights", why()[1])
        tensors = read_safetensors(self.path("m/elsewhere"))
        name = "model.layers.3.mlp.up_proj.weight"
        dtype, shape, data = tensors.pop(name)
        write_safetensors(self.path("m/model.safetensors"), tensors)
        self.assertIn(name, why()[1])
        write_safetensors(self.path("m/model.safetensors"), {**tensors, name: (dtype, shape[::-1], data)})
        self.assertIn(name, why()[1])
        os.rename(self.path("m/elsewhere"), self.path("m/model.safetensors"))
        # Neither a template nor the special tokens of the format that is built in.
        os.remove(self.path("m/tokenizer.model"))
        os.remove(self.path("m/tokenizer_config.json"))
        with open(self.path("m/tokenizer.json"), encoding="utf-8") as f:
            tokenizer = json.load(f)
        tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if "header" not in t["content"]]
        self.write("m/tokenizer.json", json.dumps(tokenizer).encode())
        chat, runs = why(code=0)
        self.assertIn("no chat format", chat)
        self.assertIsNone(runs)
        # More memory than any machine has.
        shutil.rmtree(self.path("m"))
        shutil.copytree(demo, self.path("m"))
        with open(self.path("m/config.json"), encoding="utf-8") as f:
            config = json.load(f)
        with open(self.path("m/config.json"), "w", encoding="utf-8") as f:
            json.dump({**config, "max_position_embeddings": 16777216}, f)
        self.assertIn("this machine has", why(4, "-c", "16777216")[1])

    def test_directories_that_are_none(self):
        self.fails(4, "model", "inspect", self.path("none"))
        self.fails(4, "model", "inspect", self.dir)
        for text in (b"{", b"[]", b"{}", b'{"architectures": ["Unheard"]}',
                     b'{"architectures": ["LlamaForCausalLM"], "hidden_size": -1}'):
            self.write("m/config.json", text)
            self.fails(4, "model", "inspect", self.path("m"))

    def test_a_rope_scaling_of_another_type_is_not_left_out(self):
        with open(os.path.join(harness.FIXTURES, "llama-scaled", "config.json"), "rb") as f:
            config = json.load(f)
        for scaling in ("llama3", [], 8, {**config["rope_scaling"], "rope_type": 3}):
            text = json.dumps({**config, "rope_scaling": scaling}).encode()
            self.write("m/config.json", text)
            self.assertIn("rope", self.fails(4, "model", "inspect", self.path("m")))

    def test_weights_that_are_none(self):
        shutil.copytree(LLAMA, self.path("m"))
        path = self.path("m/model.safetensors")
        whole = os.path.getsize(path)
        for size in (0, 7, 100, whole - 1):
            os.truncate(path, size)
            self.fails(4, "model", "verify", self.path("m"))
            shutil.copy(os.path.join(LLAMA, "model.safetensors"), path)
        os.remove(path)
        self.fails(4, "model", "verify", self.path("m"))


class Plugins(harness.Case):
    def test_list(self):
        found = {p["id"]: p for p in json.loads(self.ok("plugin", "list", "--json").out)}
        for name in ("weft.text", "weft.vision", "weft.png", "weft.jpeg"):
            self.assertEqual(found[name]["state"], "available")
            self.assertIn(name, self.ok("plugin", "list").out.decode())
        self.assertEqual(json.loads(self.ok("plugin", "list", "--json", "--safe").out), [])

    def test_services_are_listed(self):
        """Also those of a plugin that has nothing else."""
        whole = os.path.join(os.path.dirname(harness.WEFT), "tests", "plugin", "services", "service_whole.so")
        found = {p["id"]: p for p in json.loads(self.ok("plugin", "list", "--json", "--plugin", whole).out)}
        self.assertEqual(found["org.example.whole"]["gives"], "org.example.whole/1")
        self.assertEqual(found["org.example.whole"]["components"], "")
        self.assertEqual(found["weft.png"]["gives"], "")
        lines = self.ok("plugin", "list", "--plugin", whole).out.decode().splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("org.example.whole"))
        self.assertEqual(lines[at + 1].split(), ["gives", "org.example.whole/1"])
        self.assertEqual(found["weft.video"]["needs"], "weft.vision_encoder/1")
        at = next(i for i, line in enumerate(lines) if line.startswith("weft.video"))
        self.assertIn(["needs", "weft.vision_encoder/1"], [line.split() for line in lines[at:at + 5]])

    def test_what_is_no_plugin_is_listed_with_the_reason(self):
        bad = self.write("bad.so", b"no library")
        found = json.loads(self.ok("plugin", "list", "--json", "--plugin", bad).out)
        one = next(p for p in found if p["path"].endswith("bad.so"))
        self.assertEqual(one["state"], "rejected")
        self.assertTrue(one["reason"])

    def test_inspect(self):
        listed = json.loads(self.ok("plugin", "list", "--json").out)
        path = next(p["path"] for p in listed if p["id"] == "weft.vision")
        facts = json.loads(self.ok("plugin", "inspect", path, "--json").out)
        self.assertIn(["id", "weft.vision"], facts)
        self.assertIn("weft.vision", self.ok("plugin", "inspect", path).out.decode())

    def test_inspect_tells_the_whole_manifest(self):
        """The lists that a manifest has, those that are empty left out; text and JSON say the same."""
        listed = {p["id"]: p for p in json.loads(self.ok("plugin", "list", "--json").out)}
        wanted = {
            "weft.png": {"components": "decoder:png", "kinds": "image", "magic": "0:89504e470d0a1a0a"},
            "weft.vision": {"architectures": "MllamaForConditionalGeneration", "gives": "weft.vision_encoder/1",
                            "components": "modality:image, checkpoint:MllamaForConditionalGeneration"},
            "weft.video": {"components": "modality:video", "needs": "weft.vision_encoder/1",
                           "architectures": "WeftVideoModel"},
        }
        lists = {"components", "architectures", "needs", "gives", "kinds", "magic"}
        for name, want in wanted.items():
            path = listed[name]["path"]
            facts = json.loads(self.ok("plugin", "inspect", path, "--json").out)
            self.assertEqual({k: v for k, v in facts if k in lists}, want, name)
            self.assertEqual([v for k, v in facts if k in ("id", "loads")], [name, "yes"])
            links = [v for k, v in facts if k == "links"]
            self.assertEqual(links, [listed[name]["links"]] if listed[name]["links"] else [])
            text = self.ok("plugin", "inspect", path).out.decode()
            self.assertEqual(text, "".join("%-16s %s\n" % (k, v) for k, v in facts))

    def test_files_that_are_none(self):
        for path in (self.path("none.so"), self.write("bad.so", b"no library"),
                     self.write("cut.so", b"\x7fELF\x02\x01\x01"),
                     self.write("empty.so", b""), self.dir):
            self.fails(5, "plugin", "inspect", path)
            self.fails(5, "model", "verify", LLAMA, "--plugin", path)


class Preprocess(harness.Case):
    def setUp(self):
        super().setUp()
        self.red = self.write("red.png", png(64, 64))
        self.out = self.path("o.safetensors")

    @unittest.skipUnless(harness.has_demo(), "the demo model is not in models/demo")
    def test_shapes(self):
        ini = self.path("m/weft.ini")
        shutil.copytree(harness.DEMO, self.path("m"),
                        ignore=shutil.ignore_patterns("*.safetensors"))
        r = self.ok("preprocess", self.red, "--config", ini, "-o", self.out)
        self.assertEqual((r.out, r.err), (b"", ""))
        found = read_safetensors(self.out)
        dtype, shape, data = found["pixel_values"]
        self.assertEqual((dtype, len(shape), shape[0], shape[2]), ("F32", 5, 1, 3))
        for name in ("aspect_ratio_ids", "num_tiles"):
            self.assertEqual(found[name][:2], ("I64", [1]))
        with open(self.red, "rb") as f:
            self.ok("preprocess", "-", "--config", ini, "-o", self.path("p"), stdin=f.read())
        self.assertEqual(read_safetensors(self.path("p")), found)

    @unittest.skipUnless(harness.has_demo(), "the demo model is not in models/demo")
    def test_whole_or_not_at_all(self):
        self.write("o.safetensors", b"before")
        before = sorted(os.listdir(self.dir))
        self.fails(3, "preprocess", self.write("bad.png", b"x"), "-o", self.out)
        os.remove(self.path("bad.png"))

        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        r = self.weft("preprocess", self.red, "-o", self.out, preexec_fn=small_disk)
        self.assertNotEqual(r.code, 0)
        self.assertIn("o.safetensors", r.err)
        self.assertEqual(sorted(os.listdir(self.dir)), before)
        with open(self.out, "rb") as f:
            self.assertEqual(f.read(), b"before")
        r = self.weft("preprocess", self.red, "-o", self.path("none/o"))
        self.assertNotEqual(r.code, 0)
        self.assertIn("none/o", r.err)

    @unittest.skipUnless(harness.has_demo(), "the demo model is not in models/demo")
    def test_an_old_file_is_replaced(self):
        self.ok("preprocess", self.red, "-o", self.out)
        first = read_safetensors(self.out)
        self.ok("preprocess", self.write("blue.png", png(64, 64, (0, 0, 255))), "-o", self.out)
        self.assertNotEqual(read_safetensors(self.out), first)


class Memory(harness.Case):
    @unittest.skipIf(harness.SANITIZED, "sanitizers need address space without a limit")
    def test_none_left(self):
        """Between too little to start and enough there are limits where memory runs out."""
        codes = []
        for mib in range(16, 400, 16):
            def limit(bytes_max=mib << 20):
                resource.setrlimit(resource.RLIMIT_AS, (bytes_max, bytes_max))
            r = self.weft("model", "verify", MLLAMA, "-t", "1", preexec_fn=limit)
            codes.append(r.code)
            # A plugin that the dynamic loader cannot map is a plugin that failed (5) or an
            # architecture that nobody knows (4); 127 is the loader's own, before main.
            self.assertIn(r.code, (0, 4, 5, 6, 127), r.err)
            if r.code == 0:
                break
            self.assertNotEqual(r.err, "")
        self.assertIn(6, codes)
        self.assertEqual(codes[-1], 0)


if __name__ == "__main__":
    harness.main(needs_demo=False)
