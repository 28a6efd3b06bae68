# SPDX-License-Identifier: Apache-2.0
"""Plugins that go wrong: who did it, in what and over which file, the exit code, and the bytes of
everything else. The plugins are tests/plugin/fixtures/bad.c and textmap.c."""
import json
import os
import shutil
import unittest

from harness import DEMO, FIXTURES, SANITIZED, WEFT, Case, has_demo, without_cuts

PLUGINS = os.path.join(os.path.dirname(WEFT), "tests", "plugins")
BAD = os.path.join(PLUGINS, "bad.so")
MAP = os.path.join(PLUGINS, "textmap.so")
ASK = ("--raw", "-p", "a red circle and", "-n", "6")
TOGETHER = "encode of ok.bad and 1 more"  # of both files in one call


@unittest.skipUnless(os.path.exists(BAD) and has_demo(), "needs the fixtures and the demo model")
class Faults(Case):
    def weft(self, *args, **more):
        r = super().weft(*args, **more)
        r.err = without_cuts(r.err)
        return r

    def setUp(self):
        super().setUp()
        self.write("ok.bad", b"BAD!ok")
        self.write("now.bad", b"BAD!now")

    def describe(self, fault, *more, files=("ok.bad", "now.bad")):
        option = ("--set", "org.bad.fault=" + fault) if fault else ()
        return self.weft("describe", "--plugin", BAD, "-m", os.path.join(DEMO, "text"), *ASK,
                         *option, *more, *files)

    def good(self):
        """The two lines of a run in which nothing goes wrong."""
        r = self.describe(None)
        self.assertEqual((r.code, r.err), (0, ""))
        lines = r.out.splitlines(keepends=True)
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(b"ok.bad\t") and len(lines[0]) > 12)
        return lines

    def ends(self, fault, n_lines, said):
        """The program ends in the plugin, after n_lines results; said is all of standard error. Of several files at
        work those whose results are not there yet are lost with it; their encode is one call, and names the first."""
        r = self.describe(fault, "--parallel", "1")
        many = self.describe(fault)
        together = said.replace("encode of now.bad", TOGETHER)
        self.assertEqual((many.code, many.err.splitlines()[-1]), (r.code, "weft: " + together))
        self.assertTrue(r.out.startswith(many.out))
        self.assertEqual(r.code, 5, r.err)
        self.assertEqual(r.out, b"".join(self.good()[:n_lines]))
        last = r.err.splitlines()[-1]
        self.assertEqual(last, "weft: " + said)
        if not SANITIZED:  # they say what they saw before it
            self.assertEqual(len(r.err.splitlines()), 1, r.err)

    def test_a_crash_is_told_and_earlier_results_stay(self):
        self.ends("crash:encode", 1, "org.bad crashed in encode of now.bad (a bad address)")
        self.ends("abort:plan", 1, "org.bad crashed in plan of now.bad (it called abort)")
        self.ends("crash:read_audio", 1,
                  "org.bad crashed in read_audio of now.bad (a bad address)")
        self.ends("crash:destroy", 2, "org.bad crashed in destroy (a bad address)")
        self.ends("crash:init", 0, "org.bad crashed in init of %s (a bad address)" % BAD)

    def test_a_kernel_that_crashes_on_several_threads_is_told_once(self):
        for _ in range(20):
            r = self.describe("crash:kernel", "--threads", "4", files=("ok.bad",))
            self.assertEqual(r.code, 5, r.err)
            if not SANITIZED:
                self.assertEqual(r.err, "weft: org.bad crashed in encode of ok.bad (a bad address)\n")

    @unittest.skipIf(SANITIZED, "AddressSanitizer has a handler of its own")
    def test_a_stack_that_overflows_on_another_thread_is_told(self):
        r = self.describe("overflow:kernel", "--threads", "2", files=("ok.bad",))
        self.assertEqual((r.code, r.err), (5, "weft: org.bad crashed in encode of ok.bad (a bad address)\n"))

    def test_an_exit_is_told_and_earlier_results_stay(self):
        self.ends("exit:encode", 1, "org.bad called exit() in encode of now.bad")
        self.ends("exit:open", 0, "org.bad called exit() in open of ok.bad")
        self.ends("exit:create", 0, "org.bad called exit() in create")
        self.ends("exit:deinit", 2, "org.bad called exit() in deinit")

    def fails_once(self, fault, code, pattern, n_lines=1):
        """The second file fails, or (n_lines 0) both do or nothing opens; the rest is as ever."""
        r = self.describe(fault)
        self.assertEqual(r.code, code, r.err)
        self.assertEqual(r.out, b"".join(self.good()[:n_lines]))
        self.assertRegex(r.err.splitlines()[-1], "^weft: " + pattern + "$")

    def test_what_a_plugin_answers_is_judged(self):
        by = r" \(org\.bad in %s\)"
        self.fails_once("status:encode", 5,
                        r"now\.bad: it returned 77, which is no status" + by % "encode")
        self.fails_once("status:plan", 5,
                        r"now\.bad: it returned 77, which is no status" + by % "plan")
        self.fails_once("cancelled:encode", 5,
                        r"now\.bad: it returned CANCELLED, and nobody had cancelled" + by % "encode")
        self.fails_once("cancelled:read_audio", 5,
                        r"now\.bad: it returned CANCELLED, and nobody had cancelled" + by % "read_audio")
        self.fails_once("silent:plan", 3,
                        r"now\.bad: it failed with CORRUPT and gave no reason" + by % "plan")
        self.fails_once("fail:encode", 3, r"now\.bad: it is as bad as it looks" + by % "encode")
        # The decoder's words come back through the modality's preprocess, named once.
        self.fails_once("fail:read_audio", 3,
                        r"now\.bad: it is as bad as it looks" + by % "read_audio")
        self.fails_once("fail:create", 4, "it is as bad as it looks" + by % "create", 0)
        self.fails_once("silent:load", 4, "it failed with CORRUPT and gave no reason"
                        + by % "load", 0)
        self.fails_once("null:open", 5, r"now\.bad: org\.bad gave OK and no decoder in open", 0)
        self.fails_once("null:tokenizer", 5,
                        r".*/demo/text: org\.bad gave OK and no tokenizer in create", 0)
        self.fails_once("status:tokenizer", 5, r".*/demo/text: it returned 77, which is no status"
                        + by % "create", 0)
        self.fails_once("null:create", 5, r"org\.bad gave OK and no self in create", 0)

    def test_who_claims_a_stage_that_is_none_has_none(self):
        by_status = self.describe("fail:plan")
        self.assertEqual(self.describe("stage:plan").code, by_status.code)

    def test_only_unsupported_is_an_answer_of_create(self):
        self.fails_once("gone:create", 4, r"it is not here \(org\.bad in create\)", 0)

    def test_what_does_not_fit_the_model_has_a_name(self):
        self.fails_once("stream:plan", 5, r"now\.bad: org\.bad gives rows to org\.nobody/rows, "
                        "for which this model has no marker", 0)
        self.fails_once("before:install", 4, r'the tokenizer has no token "<\|nowhere\|>", which '
                        r"org\.bad wants beside its <\|bad\|>", 0)

    @unittest.skipIf(SANITIZED, "AddressSanitizer ends the program at such a size")
    def test_an_encoder_that_asks_for_too_much_has_a_name(self):
        self.fails_once("much:plan", 6, r"now\.bad: out of memory: 35184372088832 bytes, which "
                        r"org\.bad asks for to encode it", 0)

    def test_misuse_of_the_ops_is_the_plugins_fault(self):
        self.fails_once("misuse:encode", 5, r"now\.bad: ops\.copy: dst: .* \(org\.bad in encode\)")

    def test_what_a_plugin_fills_is_looked_at(self):
        for fault, what in {
                "untouched:plan": r"a plan whose n_outputs is 0, and 1 to 8 are possible in plan",
                "name:plan": r"a plan with inputs\[0\]\.name NULL in plan",
                "shape:plan": r"a plan with inputs\[0\]\.spec\.shape\[1\] -3 \(at least 1\) in plan",
                "rows:plan": r"a plan with outputs\[0\]\.stream_rows 5 of 4 rows in plan",
                "scratch:plan": r"a plan with scratch_bytes 18446744073709551615, .* in plan",
                "lead:plan": r"a plan with lead_bytes 9 and trail_bytes 0 of a layout of 8 bytes in plan",
                "ends:plan": r"a plan with lead_bytes 5 and trail_bytes \d+ of a layout of 8 bytes in plan",
                "trail:plan": r"a plan with a layout whose lead_bytes or trail_bytes reach over a run, in plan",
                "bare:plan": r"a plan with lead_bytes 1 and trail_bytes 0 of a layout of 0 bytes in plan",
                "size:plan": r"a weft_plan of 8 bytes, and this host's has \d+ in plan",
                "negative:info": r"a size of -5x0, .* in info",
                "size:info": r"a weft_media_info of 9999 bytes where \d+ are possible in info",
                "kind:info": r"media of kind org\.bad\.other where .* was opened in info",
                "count:read_audio": r"1000 samples where 1 were asked for in read_audio .*",
        }.items():
            with self.subTest(fault):
                self.fails_once(fault, 5, r"now\.bad: org\.bad gave " + what, 0)

    def test_another_rounding_is_put_back_and_told(self):
        """Whoever leaves another rounding behind changes not one byte of any answer."""
        for where, said in {
                "init": "init of .*bad.so", "create": "create", "load": "load",
                "install": "install", "open": "open of ok.bad", "plan": "plan of now.bad",
                "preprocess": "preprocess of now.bad", "read_audio": "read_audio of now.bad",
                "encode": TOGETHER, "kernel": TOGETHER}.items():
            for threads in ("1", "3"):
                with self.subTest(where + " with " + threads + " threads"):
                    r = self.describe("round:" + where, "--threads", threads)
                    self.assertEqual(r.code, 0, r.err)
                    self.assertEqual(r.out, b"".join(self.good()))
                    self.assertRegex(r.err, r"^weft: warning: org\.bad changed the rounding mode in "
                                     + said + "; that was put back, but tell its author\n$")

    def test_other_state_is_put_back_and_told(self):
        """The paths are relative, so that another working directory would lose them."""
        for where in ("create", "load", "install", "destroy", "deinit"):
            with self.subTest(where):
                r = self.describe("state:" + where)
                self.assertEqual(r.code, 0, r.err)
                self.assertEqual(r.out, b"".join(self.good()))
                self.assertEqual(r.err, "weft: warning: org.bad changed the locale, the working "
                                 "directory, the umask, signal handlers, the environment in " + where
                                 + "; that was put back, but tell its author\n")

    def test_a_kernel_of_an_asynchronous_device_likewise(self):
        r = self.describe("round:kernel", "--device", "async-test")
        self.assertEqual(r.code, 0, r.err)
        self.assertEqual(r.out, self.describe(None, "--device", "async-test").out)
        self.assertIn("changed the rounding mode in " + TOGETHER, r.err)

    def test_vv_tells_scores_plans_and_calls(self):
        r = self.describe(None, "-vv", files=("ok.bad",))
        self.assertEqual(r.code, 0, r.err)
        for pattern in (r'org\.bad: probe of ok\.bad as "org\.bad\.thing": 80 of 100',
                        r"org\.bad: plan of ok\.bad: 4 tokens, 0 bytes of scratch, bad_rows \[4 \d+\]"
                        r" of 32 bits, bad\.output \[4 \d+\] of 32 bits",
                        r"org\.bad: open of ok\.bad took \d+\.\d+ ms",
                        r"org\.bad: encode of ok\.bad took \d+\.\d+ ms, \d+ bytes",
                        r"org\.bad: create took \d+\.\d+ ms"):
            self.assertRegex(r.err, pattern)
        self.assertNotIn("took", self.describe(None, "-v", files=("ok.bad",)).err)


@unittest.skipUnless(os.path.exists(MAP), "needs the fixtures")
class TextMaps(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(FIXTURES, "llama-tied"), self.path("m"))
        path = self.path("m/config.json")
        os.chmod(path, 0o644)
        with open(path) as f:
            config = json.load(f)
        config["architectures"] = ["BadForConditionalGeneration"]
        with open(path, "w") as f:
            json.dump(config, f)

    def inspect(self, fault):
        option = ("--set", "org.bad.map.fault=" + fault) if fault else ()
        return self.weft("model", "inspect", self.path("m"), "--plugin", MAP, *option)

    def test_a_good_map(self):
        r = self.inspect(None)
        self.assertEqual(r.code, 4, r.err) # it has no tokenizer
        self.assertIn(b"text core", r.out)

    def test_an_update_without_its_file_or_its_items(self):
        r = self.inspect("update_")
        self.assertIn("org.bad.map: the model's low-rank update is for items of org.bad.map/none, "
                      "which no plugin here declares", r.err)
        r = self.weft("generate", "-n", "1", "-m", self.path("m"), "--plugin", MAP,
                      "--set", "org.bad.map.fault=update_", "a")
        self.assertEqual(r.code, 4, r.err)
        self.assertRegex(r.err.splitlines()[-1], r"lora_A.* the file .?more\.safetensors.? is not there")

    def test_each_field(self):
        for fault, said in {
                "nothing": "config_path NULL", "config_path": "config_path NULL",
                "prefix": "prefix NULL", "long": "prefix without an end within 400 bytes",
                "head": "head NULL", "layers": "layers NULL",
                "negative": "n_layers -4 (1 to 1024 are possible)",
                "n_layers": "n_layers 1000, and num_hidden_layers is 2",
                "backwards": "layers[1] 0 (ascending, below num_hidden_layers 2)",
                "far": "layers[1] 9 (ascending, below num_hidden_layers 2)",
                "extra": "extra_embedding NULL",
                "embedding": "embedding_scale -2 (0, or 1e-6 to 1e6, are possible)",
                "attention": "attention_scale inf", "residual": "residual_scale nan",
                "logits": "logits_divisor 1e+09",
                "flags": "flags 0x100, of which this host knows 0x1",
                "update_file": "update_file NULL", "update_stream": "update_stream NULL",
                "update_prefix": "update_prefix without an end within 400 bytes",
                "update_rank": "update_rank -1 (0 to 4096 are possible)",
                "update_scale": "update_scale nan", "update_of": "update_of 0x8 (1 to 0x7",
                "update_path": 'update_file "../more.safetensors" (a plain file name)',
                "size": "hdr.size 8"}.items():
            with self.subTest(fault):
                r = self.inspect(fault)
                self.assertEqual(r.code, 5, r.err)
                last = r.err.splitlines()[-1]
                self.assertIn(said, last)
                self.assertRegex(last, r"org\.bad\.map (gave .* )?in text_map")
                self.assertNotIn("(null)", r.err)


@unittest.skipUnless(os.path.exists(MAP), "needs the fixtures")
class Inspected(Case):
    def facts(self, path, *more):
        r = self.ok("plugin", "inspect", path, "--json", *more)
        facts = json.loads(r.out)
        return dict(facts), [v for k, v in facts if k == "option"], r.err

    def test_options_and_whether_it_loads(self):
        facts, options, err = self.facts(BAD)
        self.assertEqual((facts["id"], facts["loads"], err), ("org.bad", "yes", ""))
        self.assertEqual(options, [
            "fault: a text, no default; what goes wrong, and where",
            "level: a number, 0..1, default 0.5; a number that nothing reads"])
        self.assertNotIn("", facts.values())

    def test_why_it_does_not_load(self):
        facts, options, _ = self.facts(BAD, "--set", "org.bad.fault=fail:init")
        self.assertRegex(facts["loads"],
                         r"^no: .*bad\.so: it is as bad as it looks \(org\.bad in init\)$")
        self.assertEqual(len(options), 2)
        facts, options, _ = self.facts(BAD, "--safe")
        self.assertIn("--safe", facts["loads"])
        self.assertEqual(options, [])

    def test_an_unknown_key_is_a_warning_that_names_it(self):
        facts, _, err = self.facts(MAP)
        self.assertEqual(facts["loads"], "yes")
        for text in (facts["warning"], err):
            self.assertIn("its manifest has the key colour, which this version does not know", text)

    def test_a_crash_of_what_is_inspected(self):
        r = self.weft("plugin", "inspect", BAD, "--set", "org.bad.fault=crash:init")
        self.assertEqual(r.code, 5)
        self.assertRegex(r.err.splitlines()[-1], r"^weft: org\.bad crashed in init of .*bad\.so")


if __name__ == "__main__":
    unittest.main()
