# SPDX-License-Identifier: Apache-2.0
"""Options, help, settings and what is wrong with them. Opens no weights."""
import json
import os
import re

import harness

COMMANDS = ["describe", "transcribe", "generate", "chat", "tokenize", "chat-template", "preprocess", "model list",
            "model inspect",
            "model verify", "model quantize", "plugin list", "plugin inspect", "bench", "help", "version"]


class Help(harness.Case):
    def test_overview_names_every_command(self):
        text = self.ok("--help").out.decode()
        for name in COMMANDS:
            self.assertIn("\n  " + name + " ", text)
        self.assertEqual(text, self.ok("help").out.decode())

    def test_every_command_has_help_within_80_columns(self):
        for name in COMMANDS:
            r = self.ok(*name.split(), "--help")
            self.assertEqual(r.err, "")
            self.assertTrue(r.out.startswith(b"Usage: weft " + name.encode()))
            self.assertLessEqual(max(len(line) for line in r.out.decode().splitlines()), 80)
            self.assertEqual(r.out, self.ok("help", *name.split()).out)
            self.assertIn(b"--cpu-mask LEVEL", r.out)
            self.assertRegex(r.out.decode(), "\nExamples?:\n  .*weft " + name)
            self.assertEqual(r.out, self.ok("help", name).out)

    def test_the_page_of_docs_is_what_help_prints(self):
        with open(os.path.join(harness.SOURCE, "docs", "CLI.md"), "rb") as f:
            self.assertEqual(f.read(), self.ok("help", "--all").out,
                             "docs/CLI.md is stale: build/weft help --all >docs/CLI.md")

    def test_models(self):
        with open(os.path.join(harness.SOURCE, "docs", "MODELS.md"), "rb") as f:
            self.assertEqual(self.ok("model", "list", "--markdown").out, f.read(),
                             "docs/MODELS.md is stale: build/weft model list --markdown >docs/MODELS.md")
        text = self.ok("model", "list").out.decode()
        found = json.loads(self.ok("model", "list", "--json").out)
        self.assertGreater(len(found), 10)
        for m in found:
            self.assertIn(m["name"], text)
            for repository in filter(None, (m["core"], m["repository"])):
                line = "hf download %s --local-dir %s" % (repository, repository.split("/")[1])
                self.assertIn(line, text)
                self.assertIn(repository.split("/")[1], m["use"])
            both = m["text_parameters"] + m["encoder_parameters"]
            self.assertEqual(m["bytes"]["bf16"], 2 * both)
            self.assertLess(m["bytes"]["q4"], m["bytes"]["q8"])
            self.assertLess(m["bytes"]["q8"], m["bytes"]["bf16"])
            self.assertGreater(m["bytes"]["q4"], both * 20 // 32)

    def test_version(self):
        self.assertEqual(self.ok("version").out, self.ok("--version").out)
        self.assertRegex(self.ok("--version").out.decode(), r"^weft \d+\.\d+\.\d+\n$")

    def devices(self, *options):
        lines = self.ok("--list-devices", *options).out.decode().splitlines()
        return [line for line in lines if not line.startswith("   ")]

    def paths(self, *options):
        """{family: level} as --list-devices tells it, each with a reason."""
        lines = self.ok("--list-devices", *options).out.decode().splitlines()
        return {line[4:17].strip(): line[18:28].strip() for line in lines if line.startswith("    ")}

    def test_paths(self):
        for level in ("none", "avx2", "avx512", "avx512bf16", "amx", "neon"):
            r = self.weft("--list-devices", "--isa", level)
            if r.code != 0:
                self.assertRegex(r.err, "weft: --isa %s: this CPU has no more than" % level)
                continue
            self.assertIn("--isa names it", r.out.decode())
            self.assertEqual(self.paths("--isa", level)["linear bf16"], level)
        plain = self.paths("--isa", "none")
        self.assertEqual(set(plain), {"linear bf16", "linear f32", "linear q8, q4", "attention"})
        self.assertEqual(set(plain.values()), {"none"})
        self.assertEqual(self.paths("--cpu-mask", "none"), plain)
        best = "neon" if self.paths()["attention"] == "neon" else "avx2"
        self.assertIn("--cpu-mask none forbids it",
                      self.fails(1, "generate", "--cpu-mask", "none", "--isa", best, "-p", "x"))

    def test_paths_in_what_a_run_tells(self):
        r = self.ok("generate", "-n", "1", "--json", "-v", "--isa", "none", "-p", "a")
        self.assertEqual(json.loads(r.out)["levels"]["linear bf16"], "none")
        self.assertIn("weft: cpu: linear bf16 by none: --isa names it", r.err)
        self.assertIn('"levels": {"linear bf16": "none"',
                      self.ok("model", "inspect", "--json", "--isa", "none").out.decode())

    def test_devices(self):
        lines = self.devices()
        self.assertEqual([line[2:].split()[0] for line in lines], ["cpu", "cuda", "async-test"])
        self.assertRegex(lines[0], r"^[* ] cpu +[0-9.]+ GB free of [0-9.]+ GB$")
        self.assertRegex(lines[1], r"^  cuda +not usable: device cuda: .*(libweft-cuda.so is not installed|NVIDIA driver)"
                                   r"|^\* cuda +[0-9.]+ GB free of [0-9.]+ GB$")
        self.assertEqual([line[0] for line in lines].count("*"), 1)
        lines = self.devices("--device", "async-test")
        self.assertEqual([line[0] for line in lines], [" ", " ", "*"])


class Usage(harness.Case):
    def test_nothing(self):
        self.assertIn("no command", self.fails(2))

    def test_did_you_mean(self):
        self.assertIn("did you mean describe?", self.fails(2, "descirbe"))
        for wrong, right in (("--tempereture", "--temperature"), ("--jsno", "--json"),
                             ("--max_pixels=1", "--max-pixels"), ("--max", "--max-")):
            self.assertIn("did you mean " + right, self.fails(2, "generate", wrong))

    def test_what_is_near_to_nothing_gets_no_suggestion(self):
        self.assertNotIn("mean", self.fails(2, "zzzzqqqq"))
        self.assertNotIn("mean", self.fails(2, "describe", "--zzzzqqqq"))

    def test_two_words(self):
        self.assertIn("model inspect or model verify", self.fails(2, "model"))
        self.assertIn("there is no command plugin lost", self.fails(2, "plugin", "lost"))
        for words, says in ((["inspect"], "did you mean model inspect or plugin inspect?"),
                            (["pull", "a/b"], "hf download"), (["run"], "weft chat"), (["serve"], "no server"),
                            (["What is this?"], "-p"), ([self.write("a.png", b"x")], "weft describe FILE"),
                            ([], "weft describe FILE"), (["chat", "-m", "meta-llama/Llama-3.2-1B-Instruct"],
                                                         "hf download meta-llama/Llama-3.2-1B-Instruct --local-dir")):
            code = 4 if "-m" in words else 2
            self.assertIn(says, self.fails(code, *words))
        for path, says in (("https://example.org/a.jpg", "download it"), ("*.jpg", "no file fits the pattern")):
            self.assertIn(says, self.fails(2, "describe", path))

    def test_letters(self):
        # Bundled letters: the option before them must not be blamed.
        self.assertIn("no option -x", self.fails(2, "describe", "--json", "-qx"))
        self.assertIn("-n needs a value", self.fails(2, "generate", "-n"))

    def test_values(self):
        self.assertIn("--config needs a value", self.fails(2, "describe", "--config"))
        self.assertIn("--json takes no value", self.fails(2, "describe", "--json=1"))
        self.assertIn("0..256", self.fails(2, "describe", "--threads", "257", "x.png"))
        self.assertIn("pin: 256 threads", self.fails(2, "generate", "--pin", "--threads", "256", "-p", "x"))
        self.assertIn("none|avx2", self.fails(2, "describe", "--cpu-mask", "mmx", "x.png"))
        self.assertIn("--kv-bytes", self.fails(2, "describe", "--kv-bytes", "5X", "x.png"))

    def test_options_of_other_commands(self):
        line = self.fails(2, "describe", "--chat", "x")
        self.assertIn("--chat is an option of another command", line)

    def test_words_of_other_programs(self):
        for args, word in ((("describe", "-f", "x.png"), "weft describe FILE"),
                           (("describe", "--image", "x.png"), "weft describe FILE"),
                           (("describe", "--lang", "de", "x.png"), "weft transcribe --language NAME"),
                           (("transcribe", "-f", "x.wav"), "weft transcribe FILE"),
                           (("transcribe", "-l", "de"), "--language"),
                           (("generate", "-f", "x.txt"), "-p -"),
                           (("generate", "--n-predict", "5"), "--max-new-tokens"),
                           (("model", "inspect", "-l"), "--list-devices")):
            line = self.fails(2, *args)
            self.assertIn("there is no option", line)
            self.assertIn(word, line)

    def test_operands(self):
        self.assertIn("one operand too many", self.fails(2, "model", "inspect", "a", "b"))
        self.fails(2, "describe")
        self.fails(2, "generate")
        self.fails(2, "preprocess", "-o", "x")
        self.fails(2, "preprocess", "x.png")
        self.fails(2, "plugin", "inspect")
        self.assertIn("once", self.fails(2, "describe", "-", "-"))
        self.assertIn("once", self.fails(2, "describe", "-p", "-", "-"))

    def test_the_command_comes_first(self):
        self.assertIn("weft describe", self.fails(2, "-q", "describe", "x.png"))

    def test_a_hostile_name_stays_one_line(self):
        line = self.fails(2, "a\nb\x1b[31mc")
        self.assertNotIn("\x1b", line)


class Settings(harness.Case):
    def config(self, *args):
        """{(section, key): (value, origin)} as printed."""
        found, section, origin = {}, None, None
        for line in self.ok(*args, "--print-config").out.decode().splitlines():
            if re.fullmatch(r"\[.*\]", line):
                section = line[1:-1]
            elif line.startswith("# "):
                origin = line[2:]
            elif line:
                key, value = line.split(" = ", 1)
                found[section, key] = (value, origin)
        return found

    def test_default(self):
        self.assertEqual(self.config()["core", "top_k"], ("0", "default"))

    def test_each_layer_wins_over_the_next(self):
        os.makedirs(self.path(".config/weft"))
        self.write(".config/weft/weft.ini",
                   b"[core]\nseed = 1\ntop_k = 1\nmax_side = 1\nthreads = 1\n")
        ini = self.write("c.ini", b"[core]\nseed = 2\ntop_k = 2\nmax_side = 2\n")
        self.env.update(WEFT_SEED="3", WEFT_TOP_K="3")
        found = self.config("describe", "--config", ini, "--seed", "4")
        self.assertEqual(found["core", "seed"], ("4", "--seed"))
        self.assertEqual(found["core", "top_k"], ("3", "WEFT_TOP_K"))
        self.assertEqual(found["core", "max_side"], ("2", ini + ":4"))
        self.assertEqual(found["core", "threads"][0], "1")

    def test_what_is_printed_can_be_read(self):
        ini = self.write("c.ini", b"[core]\nplugin = a.so:b/c.so\n"
                                  b"[plugin org.example.x]\nk = v w\n")
        first = self.config("--config", ini, "--set", "org.example.x.n=5")
        printed = self.ok("--config", ini, "--set", "org.example.x.n=5", "--print-config").out
        second = self.config("--config", self.write("d.ini", printed))
        third = self.config("--config", self.write("e.ini", self.ok(
            "--config", self.path("d.ini"), "--print-config").out))
        # Sizes are written out once read ("4G"), so the first printing alone may differ there.
        self.assertEqual({k: v[0] for k, v in second.items()}, {k: v[0] for k, v in third.items()})
        self.assertEqual(first.keys(), second.keys())
        self.assertEqual(second["plugin org.example.x", "k"][0], "v w")
        self.assertEqual(second["plugin org.example.x", "n"][0], "5")
        self.assertEqual(second["core", "plugin"][0],
                         self.path("a.so") + ":" + self.path("b/c.so"))

    def test_set(self):
        found = self.config("--set", "weft.vision.weights=/x=y")
        self.assertEqual(found["plugin weft.vision", "weights"], ("/x=y", "--set"))
        self.fails(2, "describe", "--set", "nodot", "x")

    def test_bad_files(self):
        self.fails(2, "describe", "--config", self.path("none.ini"), "x")
        for text in (b"[core]\nnot a line\n", b"[core]\nseed = 1\nseed = 2\n",
                     b"[core]\nsede = 1\n", b"seed = 1\n", b"[core]\nseed = x\n",
                     b"[other]\na = 1\n", b"[core\n"):
            line = self.fails(2, "describe", "--config", self.write("bad.ini", text), "x")
            self.assertIn("bad.ini", line)

    def test_a_wrong_key_of_a_file_gets_a_suggestion(self):
        ini = self.write("bad.ini", b"[core]\ntempereture = 1\n")
        self.assertIn("did you mean temperature?", self.fails(2, "describe", "--config", ini, "x"))

    def test_a_path_in_the_home_folder(self):
        ini = self.write("c.ini", b"[core]\nmodel = ~/models/a\nplugin = ~/a.so:b.so\n")
        found = self.config("--config", ini)
        self.assertEqual(found["core", "model"][0], self.path("models/a"))
        self.assertEqual(found["core", "plugin"][0], self.path("a.so") + ":" + self.path("b.so"))

    def test_seeds_have_64_bits(self):
        most = str(2 ** 64 - 1)
        self.assertEqual(self.config("--seed", most)["core", "seed"], (most, "--seed"))
        for wrong in (str(2 ** 64), "-1", "1K", "", "x"):
            self.assertIn(most, self.fails(2, "generate", "--seed", wrong, "-p", "a"))

    def test_quotes_and_comments_are_told(self):
        for line, word in ((b'model = "a b"', "the quotes are part"),
                           (b"system = be brief # always", "a comment has a line of its own")):
            r = self.ok("--print-config", "--config", self.write("c.ini", b"[core]\n" + line + b"\n"))
            self.assertRegex(r.err, r"warning: .*c\.ini:2: .*" + word)

    def test_environment_is_checked(self):
        self.env["WEFT_THREADS"] = "many"
        self.assertIn("WEFT_THREADS", self.fails(2, "describe", "x"))


if __name__ == "__main__":
    harness.main(needs_demo=False)
