# SPDX-License-Identifier: Apache-2.0
"""weft tokenize: the line rules, both ways, on the small tokenizer of the fixtures."""
import base64
import json
import os
import subprocess

import harness


class Tokenize(harness.Case):
    def ids(self, data, *more):
        return self.ok("tokenize", "--tokenizer", harness.TINY, *more, stdin=data).out

    def text(self, data):
        return self.ids(data, "--decode")

    def test_ids_equal_the_reference(self):
        with open(os.path.join(harness.FIXTURES, "tokenizer", "tiny-vectors.json")) as f:
            vectors = json.load(f)["valid"]
        texts = [base64.b64decode(v["b64"]) for v in vectors]
        one_line = [(t, v["ids"]) for t, v in zip(texts, vectors) if b"\n" not in t]
        self.assertGreater(len(one_line), 20)
        out = self.ids(b"".join(t + b"\n" for t, _ in one_line)).decode()
        self.assertEqual(out, "".join(" ".join(map(str, ids)) + "\n" for _, ids in one_line))

    def test_files_that_only_look_like_a_tokenizer(self):
        """A byte order mark and a pointer of git-lfs are named, in whichever file they stand."""
        text = os.path.join(harness.DEMO, "text")
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
        for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json",
                     "chat_template.json", "tekken.json", "tokenizer.model"):
            folder = self.path("of-" + name)
            os.mkdir(folder)
            for other in os.listdir(text):
                if other not in ("tokenizer.json", "tokenizer.model") or name.endswith("config.json"):
                    os.symlink(os.path.join(text, other), os.path.join(folder, other))
            if name == "chat_template.json":
                os.symlink(os.path.join(text, "tokenizer.json"), os.path.join(folder, "tokenizer.json"))
            path = os.path.join(folder, name)
            data = b"{}"
            if os.path.exists(path):
                with open(path, "rb") as f:
                    data = f.read()
                os.remove(path)
            self.write(path, pointer)
            r = self.fails(4, "generate", "-m", folder, "-p", "a", "-n", "1", "--chat")
            self.assertIn("git lfs pull", r)
            self.assertIn(name, r)
            if name.endswith(".model"):
                continue
            for mark in (b"\xef\xbb\xbf",) + ((b"\xff\xfe",) if name == "tokenizer.json" else ()):
                self.write(path, mark + data)
                r = self.fails(4, "generate", "-m", folder, "-p", "a", "-n", "1", "--chat")
                self.assertIn("byte order mark", r)
                self.assertIn(name, r)

    def test_one_line_in_one_line_out(self):
        for data, lines in ((b"", 0), (b"\n", 1), (b"a", 1), (b"a\n", 1), (b"a\nb", 2),
                            (b"a\n\nb\n", 3), (b"\n\n\n", 3), (b"a\r\nb\r\n", 2)):
            self.assertEqual(self.ids(data).count(b"\n"), lines, data)

    def test_an_empty_line_stays_empty(self):
        self.assertEqual(self.ids(b"a\n\na\n").split(b"\n")[1], b"")
        self.assertEqual(self.text(b"\n1\n").split(b"\n")[0], b"")

    def test_every_byte_but_newline_is_text(self):
        lines = [b"a\r", b"\0", b"a\0b", b"\t x ", b"\xff\xfe", b"\x0b\x0c", b"\xe2\x80\xa8", b"\r"]
        data = b"".join(line + b"\n" for line in lines)
        self.assertEqual(self.text(self.ids(data)), data)
        self.assertNotEqual(self.ids(b"a\r\n"), self.ids(b"a\n"))

    def test_the_last_line_needs_no_newline(self):
        self.assertEqual(self.ids(b"hello"), self.ids(b"hello\n"))
        self.assertEqual(self.text(b"65"), self.text(b"65\n"))

    def test_nothing_is_special_and_no_bos(self):
        out = self.ids(b"<|begin_of_text|>\n").split()
        self.assertGreater(len(out), 1)
        self.assertTrue(all(int(i) < 600 for i in out)) # specials are 600 and up
        self.assertEqual(self.text(self.ids(b"<|eot_id|>\n")), b"<|eot_id|>\n")

    def test_lines_across_reads(self):
        # Longer than a read, so that lines and characters are cut anywhere.
        data = b"".join(("%d é 日本 " % i).encode() * 40 + b"\n" for i in range(400))
        self.assertEqual(self.text(self.ids(data)), data)

    def test_a_coprocess_gets_its_answer_at_once(self):
        p = subprocess.Popen([harness.WEFT, "tokenize", "--tokenizer", harness.TINY],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env)
        for line in (b"one\n", b"two\n"):
            p.stdin.write(line)
            p.stdin.flush()
            self.assertEqual(p.stdout.readline(), self.ids(line))
        p.stdin.close()
        p.stdout.close()
        self.assertEqual(p.wait(harness.TIMEOUT_S), 0)

    def test_a_line_has_a_limit(self):
        r = self.weft("tokenize", "--tokenizer", harness.TINY,
                      stdin=b"x\n" + b"a" * ((16 << 20) + 1))
        self.assertEqual(r.code, 7)
        self.assertIn("line 2", r.err)

    def test_bad_ids(self):
        for line in (b"1 x", b"-1", b"1,2", b"99999999999", b"2147483648", b"1.5"):
            r = self.weft("tokenize", "--tokenizer", harness.TINY, "--decode", stdin=b"1\n" + line)
            self.assertEqual(r.code, 3, line)
            self.assertIn("line 2", r.err)
        r = self.weft("tokenize", "--tokenizer", harness.TINY, "--decode", stdin=b"1\n1000000\n")
        self.assertNotEqual(r.code, 0)
        self.assertIn("line 2", r.err)

    def test_tokenizers_that_are_none(self):
        for path in (self.path("none.json"), self.write("bad.json", b"{"), self.dir,
                     self.write("empty.model", b"")):
            self.fails(4, "tokenize", "--tokenizer", path, stdin=b"a\n")
            self.fails(4, "tokenize", "--tokenizer", path) # also without a line

    def test_unigram_is_named(self):
        """Whole models of the kind that weft does not run: SentencePiece's own file, and a tokenizer.json of one."""
        pieces = [["<unk>", 0.0], ["\u2581a", -1.5], ["b", -2.0]]
        made = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "decoder": None,
                "post_processor": None, "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces}}
        for path in (os.path.join(harness.FIXTURES, "tokenizers", "unigram.model"),
                     self.write("u.json", json.dumps(made).encode())):
            self.assertRegex(self.fails(4, "tokenize", "--tokenizer", path, stdin=b"a\n"), "[Uu]nigram, which is not known here")


if __name__ == "__main__":
    harness.main(needs_demo=False)
