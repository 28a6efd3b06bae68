# SPDX-License-Identifier: Apache-2.0
"""Several files at once: the same bytes in the same order as one after the other, whatever becomes of each."""
import json
import os
import signal
import subprocess
import unittest

import harness
from harness import png


BAD = os.path.join(os.path.dirname(harness.WEFT), "tests", "plugins", "bad.so")


class Parallel(harness.Case):
    def weft(self, *args, **more):
        r = super().weft(*args, **more)
        r.err = harness.without_cuts(r.err)
        return r

    def setUp(self):
        super().setUp()
        self.good = [self.write("%d.png" % i, png(24 + 9 * i, 40 + 7 * (i % 3), (20 * i, 40, 220 - 20 * i)))
                     for i in range(9)]
        self.bad = self.write("3a.png", png(64, 64)[:60])
        self.files = sorted(self.good + [self.bad, os.path.join(os.path.dirname(self.bad), "none.png")])

    def both(self, code, *words):
        """The words run with one file at a time and with several, which must not differ."""
        one = self.weft("describe", "-n", "12", "--parallel", "1", *words)
        for n in ("2", "5", "64", None):
            many = self.weft("describe", "-n", "12", *(("--parallel", n) if n else ()), *words)
            self.assertEqual((many.code, many.out, many.err), (one.code, one.out, one.err))
        self.assertEqual(one.code, code)
        return one

    def test_lines_and_failures_in_order(self):
        r = self.both(3, *self.files)
        self.assertEqual([l.split("\t")[0] for l in r.out.decode().splitlines()], self.good)
        self.assertEqual(len(r.err.splitlines()), 2)

    def test_a_failure_within_the_step_is_one_files_own(self):
        # Pages for two or three of these pictures: the others wait.
        self.both(0, "--kv-bytes", "3M", *self.good)

    def test_seeded_sampling(self):
        self.both(0, "--temperature", "1", "--seed", "5", *self.good)

    def test_fail_fast_starts_nothing_behind_a_failure(self):
        r = self.both(3, "--fail-fast", *self.files)
        self.assertEqual([l.split("\t")[0] for l in r.out.decode().splitlines()], self.good[:4])

    def test_json(self):
        def records(n):
            r = self.weft("describe", "--json", "-n", "12", "--parallel", n, *self.files)
            self.assertEqual(r.code, 3)
            out = [json.loads(l) for l in r.out.decode().splitlines()]
            for o in out:
                del o["timings"]
            return out
        self.assertEqual(records("1"), records("4"))
        self.assertEqual([o["path"] for o in records("3")], self.files)

    def test_an_interruption_leaves_one_line_unfinished_at_most(self):
        whole = set(self.ok("describe", "-n", "12", *self.good).out.splitlines())
        p = subprocess.Popen([harness.WEFT, "describe", "-n", "12", "--parallel", "8",
                              *(self.good * 20)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=self.env, cwd=self.dir)
        first = os.read(p.stdout.fileno(), 1)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual(p.returncode, 130, err)
        cut = [line for line in (first + out).splitlines() if line not in whole]
        self.assertLessEqual(len(cut), 1, cut)

    def test_numbers(self):
        self.assertIn("--parallel 0", self.fails(2, "describe", "--parallel", "0", self.good[0]))
        self.assertIn("at most 64", self.fails(2, "describe", "--parallel", "65", self.good[0]))


def together(case, *words):
    """Both streams of a run as somebody at a terminal sees them, without its colours and progress."""
    run = subprocess.run([harness.WEFT, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, env=case.env, cwd=case.dir, timeout=harness.TIMEOUT_S)
    case.assertEqual(run.returncode, 0, run.stdout)
    return run.stdout.decode()


@unittest.skipUnless(os.path.exists(BAD), "needs the fixtures")
class Warnings(harness.Case):
    def setUp(self):
        super().setUp()
        self.files = [self.write("%s.bad" % name, b"BAD!" + what)
                      for name, what in (("a", b"now"), ("b", b"ok"), ("c", b"now"), ("d", b"now"))]

    def test_a_warning_is_said_with_its_file(self):
        """While it is opened, and while it is encoded beside others, where the file is known."""
        for where in ("plan", "read_audio", "info"):
            words = ("describe", "--plugin", BAD, "-m", os.path.join(harness.DEMO, "text"), "--set",
                     "org.bad.fault=warn:" + where, "--raw", "-p", "a red", "-n", "6", *self.files)
            one = together(self, *words, "--parallel", "1")
            begins = [l.split("\t")[0][-5:] for l in one.splitlines() if not l.startswith("weft: ")]
            self.assertEqual(begins, ["a.bad", "b.bad", "c.bad", "d.bad"])
            self.assertIn("weft: warning: org.bad: %s\n%s\t" % (where, self.files[2]), one)
            for n in ("2", "4"):
                self.assertEqual(together(self, *words, "--parallel", n), one)

    def test_one_that_is_said_while_several_are_read(self):
        """Recordings are read in the steps of the scheduler, by threads of their own."""
        with open(os.path.join(harness.SOURCE, "models/demo/samples/6.wav"), "rb") as f:
            sound = f.read()
        with open(os.path.join(harness.SOURCE, "tests/fuzz/corpus/sound/s.mp3"), "rb") as f:
            cut = f.read()[:500]
        files = [self.write(n, b) for n, b in (("a.wav", sound), ("b.mp3", cut), ("c.wav", sound), ("d.mp3", cut))]
        one = together(self, "transcribe", "--parallel", "1", *files)
        self.assertEqual([l.split("/")[-1].split("\t")[0] if l[:5] != "weft:" else l[15:28] for l in one.splitlines()],
                         ["a.wav", "weft.sndfile:", "no speech fou", "c.wav", "weft.sndfile:", "no speech fou"])
        self.assertEqual(together(self, "transcribe", "--parallel", "4", *files), one)


class Recordings(harness.Case):
    def setUp(self):
        super().setUp()
        sample = os.path.join(harness.SOURCE, "models/demo/samples/6.wav")
        sound = open(sample, "rb").read()
        # Two of one name, one whose name is what the second of them would get, one that is cut off, and no recording.
        self.files = [self.write(n, sound) for n in ("a/talk.wav", "b/talk.wav", "talk-2.wav", "z.wav")]
        self.files.insert(2, self.write("short.wav", sound[:len(sound) // 2]))
        self.files.insert(4, self.write("bad.wav", b"no sound"))

    def run_with(self, n, *words):
        r = self.weft("transcribe", *(("--parallel", n) if n else ()), *words, *self.files)
        return r.code, r.out, r.err

    def test_lines(self):
        one = self.run_with("1")
        self.assertEqual(one[0], 3)
        self.assertEqual(len(one[1].splitlines()), 5)
        for n in ("2", "3", None):
            self.assertEqual(self.run_with(n), one)

    def test_documents(self):
        def documents(n, folder):
            code, _, err = self.run_with(n, "--format", "txt,srt", "-o", self.path(folder))
            found = {}
            for name in sorted(os.listdir(self.path(folder))):
                with open(os.path.join(self.path(folder), name), "rb") as f:
                    found[name] = f.read()
            return code, err, found
        one = documents("1", "one")
        self.assertEqual(len(one[2]), 10)
        self.assertIn("talk-2-2.srt", one[2])
        self.assertEqual(documents("4", "many"), one)


if __name__ == "__main__":
    harness.main(needs_demo=True)
