# SPDX-License-Identifier: Apache-2.0
"""weft transcribe --resume: killed at any moment it goes on, and nothing is lost or written twice."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import harness
import speech
from speech import silence, voice, wav

FORMATS = ("txt", "srt", "vtt", "json")
PARTS = 12


class Resume(speech.Case):
    def setUp(self):
        super().setUp()
        sounds = []
        for i in range(PARTS):
            sounds += [voice(1.2 + 0.1 * (i % 4)), silence(1.5)]
        self.long = self.write("long.wav", wav(*sounds))

    def command(self, *args):
        return self.args("transcribe", "--format", ",".join(FORMATS), *args)

    def names(self, folder):
        path = self.path(folder)
        return sorted(os.listdir(path)) if os.path.isdir(path) else []

    def documents(self, folder):
        found = {}
        for name in self.names(folder):
            with open(os.path.join(self.path(folder), name), "rb") as f:
                found[name] = f.read()
        return found

    def lines_of(self, journal):
        try:
            with open(self.path(journal), "rb") as f:
                return f.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def end_after(self, journal, lines, args, sig=signal.SIGKILL):
        """Runs weft and ends it when the journal has so many lines; False: it was done first."""
        p = subprocess.Popen([harness.WEFT, *args], env=self.env, cwd=self.dir,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + harness.TIMEOUT_S
        while self.lines_of(journal) < lines and p.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        p.send_signal(sig)
        return p.wait(harness.TIMEOUT_S) != 0

    def test_killed_again_and_again(self):
        self.ok(*self.command("-o", "whole", self.long))
        whole = self.documents("whole")
        self.assertEqual(len(json.loads(whole["long.json"])["segments"]), PARTS)
        # A second run tells what it decodes by what -v says no more of it: by its journal.
        lines, kills, journal = 2, 0, "out/.weft-long.resume"
        args = self.command("--resume", "-o", "out", self.long)
        while self.end_after(journal, lines, args):
            kills += 1
            lines = self.lines_of(journal) + 2
            with open(self.path(journal), "ab") as f:
                f.write(b'{"start_us": 123, "end') # as if it had been cut in the middle of a write
        self.assertGreaterEqual(kills, 3)
        self.assertEqual(self.documents("out"), whole)

    def test_what_is_done_is_not_decoded_again(self):
        args = self.command("-o", "out", self.long) # without --resume too what was done is kept
        self.assertTrue(self.end_after("out/.weft-long.resume", 5, args))
        path = self.path("out/.weft-long.resume")
        with open(path, "rb") as f:
            head, first, *rest = f.read().splitlines(True)
        part = json.loads(first)
        part["text"] = "of the first run"
        with open(path, "wb") as f:
            f.writelines([head, json.dumps(part).encode() + b"\n", *rest])
        self.ok(*self.command("--resume", "-o", "out", self.long))
        self.assertEqual(self.names("out"), sorted("long." + f for f in FORMATS))
        found = self.documents("out")
        self.assertEqual(found["long.txt"].splitlines()[0], b"of the first run")
        self.assertEqual(found["long.txt"].count(b"\n"), PARTS)

    def test_after_ctrl_c(self):
        self.ok(*self.command("-o", "whole", self.long))
        args = self.command("-o", "out", "--resume", self.long)
        self.assertTrue(self.end_after("out/.weft-long.resume", 4, args, signal.SIGINT))
        self.assertIn("long.srt", self.names("out")) # what was done, as a whole document
        self.ok(*self.command("--resume", "-o", "out", self.long))
        self.assertEqual(self.documents("out"), self.documents("whole"))

    def test_one_document(self):
        self.ok(*self.args("transcribe", "-o", "whole.srt", self.long))
        args = self.args("transcribe", "--resume", "-o", "out.srt", self.long)
        self.assertTrue(self.end_after(".weft-out.srt.resume", 4, args))
        # The formats are made from the parts.
        self.ok(*self.args("transcribe", "--resume", "-o", "out.srt", "--max-line", "0", self.long))
        self.assertNotIn(".weft-out.srt.resume", os.listdir(self.dir))
        with open(self.path("out.srt"), "rb") as f, open(self.path("whole.srt"), "rb") as g:
            self.assertEqual(b"".join(f.read().split()), b"".join(g.read().split()))

    def test_several(self):
        """Names do not depend on which of them was done; what is done is left, in its old bytes."""
        for folder in "ab":
            os.mkdir(self.path(folder))
            shutil.copy(self.long, self.path(folder + "/long.wav"))
        self.write("a/long.png", harness.png(4, 4)) # beside a recording of its name
        short = self.write("b/short.wav", wav(silence(0.5), voice(1.5), silence(1)))
        inputs = ["a", "b"]
        self.ok(*self.command("-o", "whole", *inputs))
        args = self.command("--resume", "--parallel", "2", "-o", "out", *inputs)
        self.assertTrue(self.end_after("out/.weft-long.resume", 6, args))
        self.ok(*args)
        self.assertEqual(self.documents("out"), self.documents("whole"))
        old = self.write("out/short.txt", b"left alone\n")
        self.write("out/long.txt", b"left alone too\n")
        r = self.ok(*args, "-v")
        self.assertIn(os.path.relpath(short, self.dir) + ": its documents are there, so it was left", r.err)
        with open(old, "rb") as f:
            self.assertEqual(f.read(), b"left alone\n")
        with open(self.path("out/long.txt"), "rb") as f:
            self.assertEqual(f.read(), b"left alone too\n")
        self.assertEqual(self.names("out"), self.names("whole"))

    def test_changes_are_refused_by_name(self):
        args = self.command("--resume", "-o", "out", self.long)
        self.assertTrue(self.end_after("out/.weft-long.resume", 3, args))
        before = self.documents("out")
        for more, says in ((("--language", "German"), "--language was English and is German"),
                           (("--task", "translate"), "--task was transcribe and is translate"),
                           (("-p", "Write."), "--prompt was not given and is Write."),
                           (("--max-segment", "5"), "--max-segment was not given and is 5"),
                           (("--temperature", "1"), "--temperature was 0 and is 1")):
            r = self.fails(2, *args, *more)
            self.assertIn(says, r)
            self.assertIn("without --resume it is begun anew", r)
        with open(self.long, "r+b") as f:
            f.seek(4000)
            f.write(b"\1")
        self.assertIn("the recording has changed", self.fails(2, *args))
        self.assertEqual(self.documents("out"), before)
        self.write("out/.weft-long.resume", b"[]\n")
        self.assertIn("damaged", self.fails(2, *args))
        self.ok(*self.command("-o", "out", self.long)) # begun anew
        self.assertEqual(self.names("out"), sorted("long." + f for f in FORMATS))

    def test_hostile_journals(self):
        args = self.command("--resume", "-o", "out", self.long)
        self.assertTrue(self.end_after("out/.weft-long.resume", 4, args))
        path = self.path("out/.weft-long.resume")
        self.ok(*self.command("-o", "whole", self.long))
        with open(path, "rb") as f:
            head, first, second, *_ = f.read().splitlines(True)
        bad = (b"null\n", b"\0\n", b"{}\n", first, second.replace(b'"ids":[', b'"ids":[-1,'),
               second.replace(b'"ids":[', b'"ids":[9e9,'), b"[" * 100000 + b"\n",
               b'{"start_us":' + b"9" * 400 + b"}\n")
        for line in bad:
            with open(path, "wb") as f:
                f.write(head + first + line + second)
            self.ok(*args)
            self.assertEqual(self.documents("out"), self.documents("whole"), line[:80])
            shutil.rmtree(self.path("out"))
            os.mkdir(self.path("out"))

    def test_usage(self):
        for args in (["--resume", self.long], ["--resume", "-o", "-", self.long],
                     ["--resume", "-o", "out", "-"]):
            self.assertIn("--resume", self.fails(2, *self.args("transcribe", *args)))


if __name__ == "__main__":
    if not speech.has_speech():
        raise SystemExit(77)
    harness.main(True)
