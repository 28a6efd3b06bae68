# SPDX-License-Identifier: Apache-2.0
"""weft describe and generate on files, folders, pipes and what is none, with the demo model."""
import csv
import io
import json
import os
import shutil

import harness
from harness import png


class Describe(harness.Case):
    def setUp(self):
        super().setUp()
        self.red = self.write("red.png", png(64, 64))
        self.blue = self.write("blue.png", png(48, 80, (20, 40, 220)))

    def text_of(self, path, *more):
        return self.ok("describe", path, *more).out.decode()

    def test_one_file_is_its_text(self):
        r = self.ok("describe", self.red)
        self.assertEqual(r.err, "") # no terminal: no progress, no summary
        self.assertRegex(r.out.decode(), r"^[^\t]+\n$")

    def test_the_space_before_a_word_is_not_the_answers(self):
        # These tokens are words with the space before them; text that a prompt's text goes on with keeps it.
        picture = os.path.join(harness.FIXTURES, "images", "rgb8.png")
        answer = self.ok("describe", "-m", os.path.join(harness.FIXTURES, "idefics", "float"),
                         "-q", "-n", "6", "-p", "", picture).out
        self.assertTrue(answer.startswith(b"sh"), answer)

    def test_several_files_are_lines_with_their_paths(self):
        both = self.ok("describe", self.red, self.blue).out.decode()
        self.assertEqual(both, "%s\t%s%s\t%s" % (self.red, self.text_of(self.red), self.blue,
                                                 self.text_of(self.blue)))

    def test_what_was_seen_before_changes_nothing(self):
        again = self.ok("describe", self.red, self.blue, self.red).out.decode().splitlines()
        self.assertEqual(again[0], again[2])

    def test_standard_input(self):
        self.assertEqual(self.ok("describe", "-", stdin=png(64, 64)).out.decode(),
                         self.text_of(self.red))
        self.fails(3, "describe", "-", stdin=b"")
        self.assertIn("standard input", self.fails(3, "describe", "-", stdin=b"no picture"))

    def test_the_file_is_named_once_and_the_reason_is_there(self):
        picture = png(64, 64)
        why = self.fails(7, "describe", "--max-tokens", "1", "-", stdin=picture)
        self.assertTrue(why.startswith("weft: standard input: the picture makes"), why)
        why = self.fails(2, "describe", b"bad\xff\nname")
        self.assertEqual(why, "weft: bad\ufffd\ufffdname: no such file")
        why = self.fails(2, "describe", "a/" * 1000 + "b")
        self.assertTrue(why.endswith("b: no such file"), why)

    def test_a_file_that_is_not_there(self):
        none = self.path("none.png")
        r = self.weft("describe", "--json", none, self.write("words.txt", b"just words"))
        errors = [one["error"] for one in r.json_lines()]
        self.assertEqual([(e["code"], e["status"]) for e in errors],
                         [(2, "NOTFOUND"), (3, "UNSUPPORTED")])
        for words in ("What is this", "is.it?"):
            self.assertIn("a question goes behind -p", self.fails(2, "describe", words))
        self.assertEqual(self.fails(2, "preprocess", none, "-o", "x"), "weft: %s: no such file" % none)
        long = "a" * 250 + "/" + "b" * 200
        self.assertTrue(self.fails(2, "describe", long).endswith("b: no such file"))

    def test_documents(self):
        self.write("d/notes.txt", b"just words")
        for name in ("d/b.png", "d/a.png", "d/sub/a.png"):
            self.write(name, png(64, 64))
        text = self.text_of(self.red).encode()
        r = self.ok("describe", "-q", "-r", "-o", "out", self.path("d"))
        self.assertEqual(r.out, b"")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["a-2.txt", "a.txt", "b.txt"])
        for name in os.listdir(self.path("out")):
            with open(self.path("out/" + name), "rb") as f:
                self.assertEqual(f.read(), text)
        self.write("out/b.txt", b"mine\n")
        self.ok("describe", "-q", "-o", "out", "--skip-existing", self.path("d"))
        self.ok("describe", "-q", "-o", "out", "--append", self.path("d/b.png"))
        with open(self.path("out/b.txt"), "rb") as f:
            self.assertEqual(f.read(), b"mine\n" + text)
        self.ok("describe", "-q", "-o", self.path("d"), self.path("d")) # beside the pictures
        self.assertEqual(sorted(os.listdir(self.path("d"))),
                         ["a.png", "a.txt", "b.png", "b.txt", "notes.txt", "sub"])
        self.assertEqual(self.ok("describe", "-o", "-", self.red).out, text)

    def test_documents_that_cannot_be(self):
        for more, word in ((("-o", "x.txt"), "folder"), (("-o", "x.csv"), ">FILE"), (("-o", "x.json", "--json"), ">FILE"),
                           (("-o", self.red), "no folder"),
                           (("--append",), "-o DIR"), (("--skip-existing",), "-o DIR"),
                           (("-o", "d", "--json"), "--json"), (("-o", "d", "--together"), "--together"),
                           (("-o", "d", "--append", "--skip-existing"), "--append"),
                           (("-o", "no/d"), "no folder no"), (("--csv", "--json"), "--csv"),
                           (("--csv", "--together"), "--csv")):
            self.assertIn(word, self.fails(2, "describe", *more, self.red))
        for name in ("d", "x.csv", "x.json"):
            self.assertFalse(os.path.exists(self.path(name)))

    def test_csv(self):
        odd = self.write('a,"b"\n.png', png(64, 64))
        bad = self.write("bad.png", png(64, 64)[:60])
        r = self.weft("describe", "--csv", odd, bad)
        self.assertEqual(r.code, 3)
        rows = list(csv.DictReader(io.StringIO(r.out.decode(), newline="")))
        self.assertEqual([row["path"] for row in rows], [odd, bad])
        self.assertEqual(rows[0]["text"] + "\n", self.text_of(self.red))
        self.assertEqual((rows[0]["finish_reason"], rows[0]["error"]), ("stop", ""))
        self.assertEqual(rows[1]["text"], "")
        self.assertIn("bad.png", rows[1]["error"])

    def test_folders(self):
        self.write("d/b.png", png(64, 64))
        self.write("d/a.png", png(48, 80, (20, 40, 220)))
        self.write("d/.hidden.png", png(8, 8))
        self.write("d/notes.txt", b"just words")
        self.write("d/empty.txt", b"")
        self.write("d/sub/c.png", png(64, 64))
        folder = self.path("d")
        r = self.ok("describe", folder)
        paths = [line.split("\t")[0] for line in r.out.decode().splitlines()]
        self.assertEqual(paths, [folder + "/a.png", folder + "/b.png"])
        self.assertEqual(r.err, "weft: 2 files skipped: 2 .txt (-v names them)\n")
        self.assertEqual(self.ok("describe", "-q", folder).err, "")
        r = self.ok("describe", "-r", "-v", folder + "/")
        paths = [line.split("\t")[0] for line in r.out.decode().splitlines()]
        self.assertEqual(paths, [folder + "/a.png", folder + "/b.png", folder + "/sub/c.png"])
        self.assertIn("skipped: " + folder + "/notes.txt", r.err)
        self.write("d/c.png", b"") # its name says that it should be a picture
        self.assertIn("c.png: it is empty", self.weft("describe", folder).err)
        self.assertIn("it is empty", self.fails(3, "describe", folder + "/empty.txt"))

    def test_a_folder_of_one_picture_is_still_a_list(self):
        self.write("d/a.png", png(64, 64))
        out = self.ok("describe", self.path("d")).out.decode()
        self.assertEqual(out, self.path("d/a.png") + "\t" + self.text_of(self.red))

    def test_a_folder_with_nothing_in_it_is_no_success(self):
        os.mkdir(self.path("d"))
        self.assertNotIn("skipped", self.fails(3, "describe", self.path("d")))
        self.write("d/notes.txt", b"just words")
        self.assertIn("-v says which files were skipped", self.fails(3, "describe", self.path("d")))
        why = self.fails(3, "describe", "--together", self.path("d"))
        self.assertIn("d: no file here that can be described", why)

    def test_a_link_to_a_folder_is_not_followed(self):
        self.write("d/a.png", png(64, 64))
        os.symlink("..", self.path("d/up"))
        self.assertEqual(len(self.ok("describe", "-r", self.path("d")).out.splitlines()), 1)

    def test_bad_files_named(self):
        whole = png(64, 64)
        for name, data in (("words.txt", b"just words"), ("empty.png", b""),
                           ("cut.png", whole[:60]), ("head.png", whole[:8])):
            self.assertIn(name, self.fails(3, "describe", self.write(name, data)))
        self.assertIn("none.png", self.fails(2, "describe", self.path("none.png")))

    def test_the_rest_is_done_after_a_failure(self):
        bad = self.write("bad.png", png(64, 64)[:60])
        r = self.weft("describe", self.red, bad, self.blue)
        self.assertEqual(r.code, 3)
        self.assertEqual([line.split("\t")[0] for line in r.out.decode().splitlines()],
                         [self.red, self.blue])
        self.assertEqual(len(r.err.splitlines()), 1)
        r = self.weft("describe", "--fail-fast", self.red, bad, self.blue)
        self.assertEqual((r.code, len(r.out.splitlines())), (3, 1))

    def test_the_worst_failure_is_the_exit_code(self):
        bad = self.write("bad.png", b"x")
        for order in ((bad, self.blue), (self.blue, bad)):
            r = self.weft("describe", "--max-pixels", "64", *order)
            self.assertEqual(r.code, 7) # a limit counts more than a damaged file
            self.assertEqual(len(r.err.splitlines()), 2)

    def test_limits_name_their_option(self):
        for option, value in (("--max-pixels", "100"), ("--max-side", "50"),
                              ("--max-decoded-bytes", "1000"), ("--max-file-bytes", "10")):
            self.assertIn(option, self.fails(7, "describe", option, value, self.red))

    def test_context_overflow_is_a_limit(self):
        self.fails(7, "describe", "-c", "4", self.red)

    def test_json_lines(self):
        bad = self.write("bad.png", b"x")
        odd = os.path.join(os.fsencode(self.dir), b"odd\xff\n.png")
        with open(odd, "wb") as f:
            f.write(png(64, 64))
        r = self.weft("describe", "--json", self.red, bad, odd)
        self.assertEqual(r.code, 3)
        one, two, three = r.json_lines()
        self.assertEqual(one["path"], self.red)
        self.assertEqual(one["text"] + "\n", self.text_of(self.red))
        self.assertIsNone(one["error"])
        self.assertIn("weft.vision", one["plugins"])
        self.assertGreater(one["tokens"]["prompt"], 0)
        self.assertGreater(one["tokens"]["generated"], 0)
        self.assertEqual(set(one["timings"]), {"decode_s", "encode_s", "prefill_s", "generate_s"})
        self.assertGreater(one["timings"]["encode_s"], 0)
        self.assertTrue(one["model"])
        self.assertIsNone(two["text"])
        self.assertEqual(two["error"]["code"], 3)
        self.assertIn("bad.png", two["error"]["message"])
        self.assertTrue(three["path"].endswith("odd\ufffd\n.png"))

    def test_together(self):
        r = self.ok("describe", "--together", "--json", self.red, self.blue)
        one, = r.json_lines()
        self.assertEqual(one["paths"], [self.red, self.blue])
        self.assertIsNone(one["error"])
        self.assertEqual(self.ok("describe", "--together", self.red, self.blue).out.decode(),
                         one["text"] + "\n")
        bad = self.write("bad.png", b"x")
        self.fails(3, "describe", "--together", self.red, bad)

    def test_prompts(self):
        asked = self.ok("describe", "-p", "Describe the picture.", self.red).out
        piped = self.ok("describe", "-p", "-", self.red, stdin=b"Describe the picture.")
        self.assertEqual(piped.out, asked)
        self.assertNotEqual(self.ok("describe", "--raw", "--json", "-p", "a", self.red).out, asked)
        one, = self.ok("describe", "--json", "-n", "3", self.red).json_lines()
        self.assertEqual(one["tokens"]["generated"], 3)

    def test_a_marker_in_the_prompt_is_the_picture(self):
        first, = self.ok("describe", "--json", "-p", "what?", self.red).json_lines()
        marked, = self.ok("describe", "--json", "-p", "<|image|>what?", self.red).json_lines()
        self.assertEqual(first["text"], marked["text"])
        self.assertEqual(first["tokens"], marked["tokens"])

    def test_an_option_that_a_needed_plugin_lacks_is_the_users_mistake(self):
        said = self.fails(2, "describe", "--set", "weft.vision.nokey=1", self.red)
        self.assertIn("weft.vision has no option nokey", said)
        self.assertNotIn("needs", said)


class Plan(harness.Case):
    def test_plan_needs_no_weights(self):
        model = self.path("m")
        shutil.copytree(harness.DEMO, model, ignore=shutil.ignore_patterns("*.safetensors"))
        red = self.write("red.png", png(64, 64))
        ini = os.path.join(model, "weft.ini")
        out = self.ok("describe", "--plan", "--config", ini, red).out.decode()
        self.assertIn("total", out)
        self.assertIn(red + ": image of 64 x 64", out)
        whole, item = self.ok("describe", "--plan", "--json", "--config", ini, red).json_lines()
        memory = whole["memory_bytes"]
        self.assertEqual(memory["total"], memory["weights"] + memory["kv"] + memory["step"])
        self.assertEqual((item["width"], item["height"]), (64, 64))
        self.assertGreater(item["rows"], 0)
        self.assertEqual(item["tiles"], 1)
        self.assertEqual(item["inputs"]["num_tiles"], [1])
        self.assertEqual(item["inputs"]["pixel_values"][1], 3)
        self.assertIn("input   pixel_values [", out)
        self.assertIn("tiles   1 of ", out)
        alone = self.ok("generate", "--plan", "--json", "--config", ini).json_lines()
        self.assertEqual(alone, [whole])
        self.fails(4, "describe", "--config", ini, red)

    def test_the_demo_never_goes_round_in_circles(self):
        # A picture of a kind that it was not trained on.
        picture = os.path.join(harness.FIXTURES, "images", "palette8.png")
        endless = self.ok("describe", "--json", "--repeat-stop", "0", "-n", "60", picture)
        ended = self.ok("describe", "--json", picture)
        (before,), (after,) = endless.json_lines(), ended.json_lines()
        self.assertEqual((before["finish_reason"], after["finish_reason"]), ("length", "stop"))
        self.assertTrue(before["text"].startswith(after["text"]))
        self.assertLess(after["tokens"]["generated"], 20)
        # It is the demo's own default: another model has none.
        config = self.ok("--print-config").out.decode()
        self.assertIn("repeat_stop = 8", config)
        text = os.path.join(harness.DEMO, "text")
        self.assertIn("repeat_stop = 0", self.ok("--print-config", "-m", text).out.decode())
        self.fails(2, "describe", "--repeat-stop", "-1", picture)

    def test_context_costs_memory(self):
        def kv(context):
            whole, = self.ok("generate", "--plan", "--json", "-c", context).json_lines()
            return whole["memory_bytes"]["kv"]
        self.assertEqual(kv("1024"), 2 * kv("512"))


class Generate(harness.Case):
    def test_text(self):
        out = self.ok("generate", "-p", "a large red", "-n", "8").out
        self.assertTrue(out.endswith(b"\n"))
        self.assertEqual(self.ok("generate", "-p", "-", "-n", "8", stdin=b"a large red").out, out)
        one, = self.ok("generate", "-p", "a large red", "-n", "8", "--json").json_lines()
        self.assertEqual(one["text"].encode().rstrip(b"\n") + b"\n", out)
        self.assertIsNone(one["error"])

    def test_chat_is_another_prompt(self):
        raw, = self.ok("generate", "-p", "hello", "-n", "1", "--json").json_lines()
        chat, = self.ok("generate", "-p", "hello", "-n", "1", "--json", "--chat").json_lines()
        self.assertGreater(chat["tokens"]["prompt"], raw["tokens"]["prompt"])

    def test_the_seed_is_the_answer(self):
        def text(seed):
            return self.ok("generate", "-p", "a", "-n", "24", "--temperature", "2",
                           "--seed", seed).out
        self.assertEqual(text("1"), text("1"))
        self.assertNotEqual(text("1"), text("2"))

    def test_prompts_have_a_limit(self):
        self.fails(7, "generate", "-p", "-", stdin=b"a" * ((16 << 20) + 1))
        self.assertRegex(self.fails(7, "generate", "-p", "-", stdin=b"dog " * 20000), r"\d+")

    def test_json_of_a_failure_is_json(self):
        r = self.weft("generate", "-p", "-", "--json", stdin=b"dog " * 20000)
        self.assertEqual(r.code, 7)
        self.assertEqual(json.loads(r.out)["error"]["code"], 7)


if __name__ == "__main__":
    harness.main(needs_demo=True)
