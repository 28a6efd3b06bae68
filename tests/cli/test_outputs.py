# SPDX-License-Identifier: Apache-2.0
"""Where results go: links, modes, descriptors, leftovers, several runs; and how an answer ended."""
import fcntl
import json
import os
import stat
import subprocess
import sys

import harness
import speech
from speech import silence, voice, wav

SHORT = wav(voice(1.2), silence(0.5))


class Case(speech.Case):
    def setUp(self):
        super().setUp()
        self.talk = self.write("talk.wav", SHORT)
        self.text = self.hear(self.talk).out

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()


class Files(Case):
    def test_a_link_is_followed_and_the_mode_is_kept(self):
        self.write("real.txt", b"old")
        os.chmod(self.path("real.txt"), 0o600)
        os.symlink("real.txt", self.path("link.txt"))
        self.hear("-o", "link.txt", self.talk)
        self.assertTrue(os.path.islink(self.path("link.txt")))
        self.assertEqual(self.read("real.txt"), self.text)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("real.txt")).st_mode), 0o600)

    def test_standard_output_by_any_name(self):
        for name in ("-", "/dev/stdout", "/dev/fd/1"):
            self.assertEqual(self.hear("-o", name, self.talk).out, self.text)
        with open(self.path("all"), "wb") as f: # a regular file: what stands there stays
            f.write(b"before\n")
            f.flush()
            p = subprocess.run([harness.WEFT, *self.args("transcribe", "-o", "/dev/stdout", self.talk)],
                               stdout=f, env=self.env, cwd=self.dir)
        self.assertEqual((p.returncode, self.read("all")), (0, b"before\n" + self.text))

    def test_a_descriptor(self):
        with open(self.path("log"), "wb") as f:
            f.write(b"before\n")
            f.flush()
            p = subprocess.run([harness.WEFT, *self.args("transcribe", "-o", "/dev/fd/%d" % f.fileno(),
                                                         self.talk)],
                               pass_fds=[f.fileno()], env=self.env, cwd=self.dir)
        self.assertEqual((p.returncode, self.read("log")), (0, b"before\n" + self.text))

    def test_tensors_go_the_same_ways(self):
        args = self.args("preprocess", self.talk, "-o")
        self.ok(*args, "plain")
        self.assertEqual(self.ok(*args, "-").out, self.read("plain"))
        os.symlink("plain", self.path("soft"))
        self.ok(*args, "soft")
        self.assertTrue(os.path.islink(self.path("soft")))

    def test_a_leftover_is_replaced(self):
        self.write("out/.weft-talk.txt", b"half")
        self.hear("-o", "out", self.talk)
        self.assertEqual(os.listdir(self.path("out")), ["talk.txt"])
        self.assertEqual(self.read("out/talk.txt"), self.text)

    def test_another_run_at_work_keeps_its_name(self):
        part = self.write("out/.weft-talk.txt", b"theirs")
        with open(part, "r+b") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.hear("-o", "out", self.talk)
            self.assertIn("another process", self.fails(1, *self.args("transcribe", "-o", "out/talk.txt",
                                                                      self.talk)))
        self.assertEqual(sorted(os.listdir(self.path("out"))), [".weft-talk.txt", "talk-2.txt"])
        self.assertEqual((self.read("out/.weft-talk.txt"), self.read("out/talk-2.txt")),
                         (b"theirs", self.text))

    def test_two_runs_into_one_folder(self):
        other = self.write("b/talk.wav", SHORT)
        runs = [subprocess.Popen([harness.WEFT, *self.args("transcribe", "-o", "out/", source)],
                                 stderr=subprocess.PIPE, env=self.env, cwd=self.dir)
                for source in (self.talk, other)]
        for p in runs:
            self.assertEqual(p.communicate(timeout=harness.TIMEOUT_S)[1], b"")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["talk-2.txt", "talk.txt"])
        self.hear("-o", "out/", self.talk) # a later run replaces
        self.assertEqual(len(os.listdir(self.path("out"))), 2)

    def test_names_that_cannot_be_meant(self):
        b = self.write("b.wav", SHORT)
        pic = self.write("p.png", harness.png(8, 8))
        for args, word in ((("transcribe", self.talk, b, "-o", "x.srt"), "one document"),
                           (("transcribe", self.talk, "-o", "nodir/x"), "no folder nodir"),
                           (("transcribe", self.talk, "-o", "nodir/x/"), "no folder nodir"),
                           (("preprocess", pic, "-o", "nodir/x"), "no folder nodir"),
                           (("model", "verify", "--dump", "nodir/x"), "no folder nodir"),
                           (("describe", pic, "--preview", "x.jpg"), "PNG"),
                           (("describe", pic, "--preview", "-"), "standard output"),
                           (("describe", pic, "--preview", "nodir/x.png"), "no folder nodir")):
            self.assertIn(word, self.fails(2, *args))
        self.assertEqual(sorted(os.listdir(self.dir)), ["b.wav", "p.png", "talk.wav"])

    def test_a_newline_in_a_name_does_not_end_a_line(self):
        odd = self.write("a\nb\\c.wav", SHORT)
        lines = self.hear(odd, self.talk).out.decode().splitlines()
        self.assertEqual([line.split("\t")[0] for line in lines],
                         [self.path("a\\nb\\\\c.wav"), self.talk])


class Endings(Case):
    def record(self, *args, **more):
        r = self.ok("generate", "--config", self.ini, "--json", *args, **more)
        return r.json_lines()[0], r.err

    def test_an_answer_that_is_cut(self):
        one, err = self.record("-n", "3", "-p", "a picture of")
        self.assertEqual((one["finish_reason"], one["tokens"]["generated"]), ("length", 3))
        self.assertRegex(err, "warning: the answer was cut after 3 tokens: -n allows more")
        one, err = self.record("-n", "1", "-p", "a")
        self.assertIn("after 1 token:", err)
        one, err = self.record("-c", "16", "--temperature", "100", "-p", "a")
        self.assertEqual(one["finish_reason"], "length")
        self.assertIn("the context is full", err)
        self.assertEqual(self.record("-n", "0", "-p", "a")[1], "")

    def test_parts_that_are_cut(self):
        r = self.hear("--format", "json", "-n", "1", self.talk)
        self.assertEqual({s["finish_reason"] for s in json.loads(r.out)["segments"]}, {"length"})
        self.assertIn("the text of 1 part was cut", r.err)

    def test_stop_texts(self):
        whole = self.record("-p", "a", "-n", "40", "--temperature", "100", "--seed", "3")[0]["text"]
        middle = whole[len(whole) // 2:][:5]
        one, err = self.record("-p", "a", "-n", "40", "--temperature", "100", "--seed", "3",
                               "--stop", "\x01never", "--stop", middle)
        self.assertEqual((one["text"], one["finish_reason"], err),
                         (whole[:whole.index(middle)], "stop", ""))
        one, _ = self.record("-p", "a", "-n", "40", "--temperature", "100", "--seed", "3", "--stop",
                             whole[-3:] + "\x01")
        self.assertEqual(one["text"], whole) # what only looked like its beginning is not lost
        self.assertIn("needs a text", self.fails(2, "generate", "-p", "a", "--stop", ""))
        self.assertIn("16 times", self.fails(2, "generate", "-p", "a", *["--stop", "x"] * 17))

    def test_every_bit_of_a_seed_counts(self):
        seeds = (0, 1, 2 ** 32, 2 ** 63, 2 ** 64 - 1)
        texts = {self.record("-n", "40", "-p", "a", "--temperature", "100", "--seed", str(s))[0]["text"]
                 for s in seeds}
        self.assertEqual(len(texts), len(seeds))

    def test_a_prompt_that_is_too_long_is_counted_whole(self):
        tokens = self.record("-n", "0", "-p", "a b c " * 100)[0]["tokens"]["prompt"]
        for chat in ((), ("--chat",)):
            n = self.record("-n", "0", *chat, "-p", "a b c " * 100)[0]["tokens"]["prompt"]
            self.assertGreaterEqual(n, tokens)
            line = self.fails(7, "generate", "--config", self.ini, "-c", "64", *chat, "-p", "a b c " * 100)
            self.assertIn("%d tokens are over the context of 64 (--context" % n, line)

    def test_a_context_beyond_the_model(self):
        _, err = self.record("-c", "1000000", "-n", "0", "-p", "a")
        self.assertRegex(err, r"warning: --context 1000000: the model was made for \d+ tokens")

    def test_the_last_newline_of_a_prompt_is_echo_s(self):
        plain = self.record("-n", "0", "-p", "a b")[0]["tokens"]
        for text, same in ((b"a b\n", True), (b"a b\r\n", True), (b"a b", True), (b"a b\n\n", False)):
            got = self.record("-n", "0", "-p", "-", stdin=text)[0]["tokens"]
            self.assertEqual(got == plain, same, text)

    def test_a_text_without_an_option(self):
        args = ("generate", "--config", self.ini, "-n", "4", "-q")
        self.assertEqual(self.ok(*args, "a b").out, self.ok(*args, "-p", "a b").out)
        self.assertIn("another one", self.fails(2, *args, "-p", "a", "b"))


class Subtitles(Case):
    def cues(self, *more):
        text = self.hear("--format", "srt", "-p", "Repeat.", "--temperature", "100", "-n", "60", "-q",
                         "--seed", "2", *more, self.talk).out.decode()
        return [b.split("\n") for b in text.split("\n\n")[:-1]]

    def test_lines_and_cues(self):
        plain, = self.cues("--max-line", "0")
        self.assertEqual(len(plain), 3)
        words, first, last = [], None, None
        cues = self.cues("--max-line", "12", "--max-lines", "2")
        self.assertGreater(len(cues), 1)
        for i, cue in enumerate(cues):
            begin, end = cue[1].split(" --> ")
            self.assertEqual(cue[0], str(i + 1))
            self.assertTrue(begin < end and (last is None or last <= begin), cue)
            first, last = first or begin, end
            self.assertTrue(1 <= len(cue[2:]) <= 2 and all(len(line) <= 12 for line in cue[2:]), cue)
            words += cue[2:]
        self.assertEqual("".join(words).replace(" ", ""), plain[2].replace(" ", ""))
        self.assertEqual("%s --> %s" % (first, last), plain[1])
        for more in (["--max-lines", "0"], ["--max-lines", "21"], ["--max-line", "x"]):
            self.assertIn(more[0], self.fails(2, "transcribe", *more, self.talk))


class Languages(Case):
    def language(self, word):
        return json.loads(self.hear("--format", "json", "--language", word, self.talk).out)["language"]

    def test_names_and_codes(self):
        for word, name in (("de", "german"), ("German", "german"), ("german", "german"), ("pt-BR", "portuguese"),
                           ("deu", "german"), ("GER", "german"), ("wo", "wolof")):
            self.assertEqual(self.language(word), name)
        self.assertIn("did you mean German", self.fails(2, "transcribe", "--language", "Germann", self.talk))
        self.fails(2, "transcribe", "--language", "xx", self.talk)

    def test_what_the_model_says_that_it_can_do(self):
        """The program's own table only translates: the model's files say which languages it has."""
        path = os.path.join(self.model, "config.json")
        with open(path) as f:
            before = f.read()
        self.addCleanup(self.write, path, before.encode())
        self.write(path, json.dumps({**json.loads(before), "languages": "en, German,haw"}).encode())
        self.assertEqual(self.language("de"), "german")
        for task in ("transcribe", "translate"):
            r = self.fails(2, *self.args("transcribe", "--language", "fr", "--task", task, self.talk))
            self.assertIn("--language French: this model can %s en, German,haw" % task, r)
        # Words of one's own may say anything.
        self.hear("--language", "fr", "-p", "Write French.", self.talk)
        self.assertIn("this model can transcribe en,", self.fails(2, "transcribe", "--language", "de", self.talk))


if __name__ == "__main__":
    if not speech.has_speech():
        print("skipped: the demo's text core or the speech plugins are not here")
        sys.exit(77)
    harness.main(needs_demo=True)
