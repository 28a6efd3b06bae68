# SPDX-License-Identifier: Apache-2.0
"""weft model quantize: what it writes is what --quantize makes while loading; what it refuses, and what an interrupted run
leaves for the next one."""
import fcntl
import os
import resource
import shutil
import signal

import harness
from harness import read_safetensors

TIED = os.path.join(harness.FIXTURES, "llama-tied")
SHARDED = os.path.join(harness.FIXTURES, "llama-sharded")
MLLAMA = os.path.join(harness.FIXTURES, "mllama-1tile")


class Quantize(harness.Case):
    def dump(self, model, *options):
        """The bytes of everything that verify computes; the comparison itself may fail."""
        out = self.path("dump.safetensors")
        parity = os.path.join(self.original, "parity.safetensors")
        r = self.weft("model", "verify", model, "--parity", parity, "--dump", out, *options)
        self.assertIn(r.code, (0, 9), r.err)
        with open(out, "rb") as f:
            return f.read()

    def check(self, original, *options):
        self.original = original
        out = self.path("small")
        self.ok("model", "quantize", original, "-o", out, *options)
        self.assertFalse(os.path.exists(out + ".part"))
        expected = self.dump(original, *options)
        self.assertEqual(self.dump(out), expected)
        self.assertEqual(self.dump(out, "--cpu-mask", "none", "-t", "1"), expected)
        self.assertEqual(self.dump(out, "--device", "async-test", "--prefill-chunk", "3"), expected)
        self.assertNotEqual(self.dump(original), expected)
        shutil.rmtree(out)

    def test_same_bytes_as_while_loading(self):
        for model in (TIED, SHARDED, os.path.join(harness.FIXTURES, "llama-untied")):
            for name in ("q8", "q4"):
                self.check(model, "--quantize", name)

    def test_fp8_of_two_layers_is_none(self):
        parity = os.path.join(TIED, "parity.safetensors")
        r = self.weft("model", "verify", TIED, "--parity", parity, "--quantize", "fp8")
        self.assertIn("nothing of it is in fp8", r.err)
        self.assertEqual(r.err.count("fp8"), 2) # once, in one line
        self.assertNotIn("fp8", self.weft("model", "verify", TIED, "--parity", parity, "--quantize", "q8").err)

    def test_encoders_and_cross_attention(self):
        self.check(MLLAMA, "--quantize", "q4")
        self.check(MLLAMA, "--quantize-encoders", "q8")
        self.check(MLLAMA, "--quantize", "q8", "--quantize-encoders", "q4")

    def dump_composed(self, config, folder, *options):
        """The bytes that verify computes with the directories that a configuration file names, the dumped ones of a folder."""
        out = self.path("dump.safetensors")
        r = self.weft("model", "verify", "--config", config, os.path.join(folder, "text"), "--parity",
                      os.path.join(harness.FIXTURES, "video", "parity-picture.safetensors"), "--dump", out, *options)
        self.assertIn(r.code, (0, 9), r.err)
        with open(out, "rb") as f:
            return f.read()

    def compose(self, folder):
        """A configuration file of a text core, a picture adapter and a clip adapter in folders below this one."""
        config = self.path(os.path.basename(folder) + ".ini")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[plugin weft.vision]\nweights = {folder}/vision\n[plugin weft.video]\nweights = {folder}/video\n")
        return config

    def test_adapter_directories(self):
        """Directories of adapters alone: their cross-attention layers become what --quantize makes of them while loading."""
        plain, small = self.path("plain"), self.path("small")
        for name, fixture in (("text", "composed"), ("vision", "mllama-1tile"), ("video", "video")):
            shutil.copytree(os.path.join(harness.FIXTURES, fixture), os.path.join(plain, name))
        os.mkdir(small)
        config = self.compose(plain)
        for name in ("q8", "q4"):
            for part in ("text", "vision", "video"):
                self.ok("model", "quantize", os.path.join(plain, part), "-o", os.path.join(small, part), "--quantize", name,
                        "--set", f"weft.vision.weights={plain}/vision")
            before = read_safetensors(os.path.join(plain, "video", "model.safetensors"))
            after = read_safetensors(os.path.join(small, "video", "model.safetensors"))
            self.assertEqual({n for n in before if before[n] != after[n]},
                             {n for n in before if "video_layers" in n and "proj" in n or n == "video_token_embedding.weight"})
            expected = self.dump_composed(config, plain, "--quantize", name)
            self.assertEqual(self.dump_composed(self.compose(small), small), expected)
            self.assertNotEqual(self.dump_composed(config, plain), expected)
            shutil.rmtree(small)
            os.mkdir(small)
        self.assertIn("weft.vision", self.fails(4, "model", "quantize", os.path.join(plain, "video"), "-o", self.path("new"),
                                                "--quantize", "q8"))

    def inspected(self, *args):
        r = self.weft("model", "inspect", *args)
        self.assertEqual(r.code, 4, r.err) # the fixtures have no tokenizer
        return r.out

    def test_what_is_written(self):
        out = self.path("small")
        self.ok("model", "quantize", SHARDED, "-o", out, "--quantize", "q4")
        before, after = set(os.listdir(SHARDED)), set(os.listdir(out))
        self.assertEqual({n for n in before if not n.startswith("parity")}, after)
        with open(os.path.join(out, "config.json"), "rb") as a, open(os.path.join(SHARDED, "config.json"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        self.assertIn(b"weights q4", self.inspected(out))
        self.assertIn(b"weights q8", self.inspected(SHARDED, "--quantize", "q8"))
        # What was quantised once is not quantised again, nor loaded as something else.
        self.assertIn("stored in q4", self.fails(4, "model", "quantize", out, "-o", self.path("other"), "--quantize", "q8"))
        self.assertFalse(os.path.exists(self.path("other.part")))
        self.assertIn(b"async", self.inspected(out, "--device", "async-test"))

    def test_refusals(self):
        os.mkdir(self.path("there"))
        self.assertIn("exists already",
                      self.fails(2, "model", "quantize", TIED, "-o", self.path("there"), "--quantize", "q8"))
        self.assertIn("--quantize", self.fails(2, "model", "quantize", TIED, "-o", self.path("new")))
        self.assertIn("-o OUT", self.fails(2, "model", "quantize", TIED, "--quantize", "q8"))
        self.assertIn("q5", self.fails(2, "model", "quantize", TIED, "-o", self.path("new"), "--quantize", "q5"))
        self.assertIn("nothing that these options make smaller",
                      self.fails(2, "model", "quantize", TIED, "-o", self.path("new"), "--quantize-encoders", "q8"))
        r = self.weft("model", "quantize", TIED, "-o", self.path("no/new"), "--quantize", "q8")
        self.assertNotEqual(r.code, 0)
        self.assertIn("no/new.part", r.err)
        self.assertEqual(os.listdir(self.dir), ["there"])

    def interrupted(self, limit, model=SHARDED):
        """A run that stops where a file would be longer than `limit`: as on a disk that is full."""
        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        r = self.weft("model", "quantize", model, "-o", self.path("small"), "--quantize", "q4",
                      preexec_fn=small_disk)
        self.assertNotEqual(r.code, 0)
        self.assertIn("File too large", r.err)
        self.assertEqual(len(r.err.splitlines()), 1, r.err)

    def test_nothing_is_left_of_no_work(self):
        for limit in (1, 4096): # the note itself does not fit; the first file does not
            self.interrupted(limit, TIED)
            self.assertEqual(os.listdir(self.dir), [])
        os.mkdir(self.path("small.part")) # of a run that was killed as it began
        self.ok("model", "quantize", TIED, "-o", self.path("small"), "--quantize", "q4")
        self.assertEqual(os.listdir(self.dir), ["small"])

    def refused(self, code, *options):
        return self.fails(code, "model", "quantize", TIED, "-o", self.path("small"), "--quantize", "q4", *options)

    def test_killed_in_its_first_file(self):
        """No file is whole: a run with other options takes the directory over, and nothing of the first is left."""
        for name in ("weft-quantize.txt", ".weft-model.safetensors", ".weft-weft-quantize.txt", ".weft-other.safetensors"):
            self.write(os.path.join("small.part", name), b"of a run with other options\n")
        self.ok("model", "quantize", TIED, "-o", self.path("small"), "--quantize", "q4")
        self.assertEqual(sorted(os.listdir(self.path("small"))), ["config.json", "model.safetensors"])
        self.assertEqual(os.listdir(self.dir), ["small"])

    def test_what_stands_in_the_way(self):
        part = self.write("small.part", b"")
        self.assertIn("small.part: is no directory", self.refused(2))
        os.remove(part)
        self.write("small.part/photo.jpg", b"")
        self.assertIn("not of weft model quantize", self.refused(2))
        os.mkdir(os.path.join(part, "weft-quantize.txt"))
        self.assertIn("is a directory", self.refused(1))
        self.assertEqual(sorted(os.listdir(part)), ["photo.jpg", "weft-quantize.txt"])

    def test_two_at_once(self):
        """While a run has the directory, another one does not touch it, whatever its options."""
        part = self.path("small.part")
        os.mkdir(part)
        held = os.open(part, os.O_RDONLY)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        self.assertIn("another process", self.refused(1))
        self.assertEqual(os.listdir(part), [])
        fcntl.flock(held, fcntl.LOCK_UN)
        self.ok("model", "quantize", TIED, "-o", self.path("small"), "--quantize", "q4")

    def test_checksums_are_left_out(self):
        """Those of the weights that were would be wrong beside the new ones."""
        model = self.path("model")
        shutil.copytree(TIED, model)
        for name in ("SHA256SUMS", "SHA256SUMS.asc", "md5sums.txt", "model.sha256", "LICENSE"):
            self.write(os.path.join("model", name), b"0  model.safetensors\n")
        self.ok("model", "quantize", model, "-o", self.path("small"), "--quantize", "q4")
        self.assertEqual(sorted(os.listdir(self.path("small"))), ["LICENSE", "config.json", "model.safetensors"])

    def test_resumes(self):
        whole, out = self.path("whole"), self.path("small")
        self.ok("model", "quantize", SHARDED, "-o", whole, "--quantize", "q4")
        shards = sorted((os.path.getsize(os.path.join(whole, n)), n) for n in os.listdir(whole)
                        if n.endswith(".safetensors"))
        self.assertGreater(len(shards), 1)
        # The largest shard does not fit; those written before it are kept, whole.
        self.interrupted(shards[-1][0] - 1)
        self.assertFalse(os.path.exists(out))
        left = [n for n in os.listdir(out + ".part") if n.endswith(".safetensors")]
        for name in os.listdir(out + ".part"):
            self.assertNotIn(".weft-", name)
        for name in left:
            self.assertEqual(read_safetensors(os.path.join(out + ".part", name)).keys(),
                             read_safetensors(os.path.join(whole, name)).keys())
        # Another format is not mixed into it.
        self.assertIn("was begun from other files or with other options",
                      self.fails(2, "model", "quantize", SHARDED, "-o", out, "--quantize", "q8"))
        times = {n: os.stat(os.path.join(out + ".part", n)).st_mtime_ns for n in left}
        self.ok("model", "quantize", SHARDED, "-o", out, "--quantize", "q4")
        for name, time in times.items():
            self.assertEqual(os.stat(os.path.join(out, name)).st_mtime_ns, time)
        for name in os.listdir(whole):
            with open(os.path.join(whole, name), "rb") as a, open(os.path.join(out, name), "rb") as b:
                self.assertEqual(a.read(), b.read())
        self.assertEqual(sorted(os.listdir(whole)), sorted(os.listdir(out)))


if __name__ == "__main__":
    harness.main(needs_demo=False)
