# SPDX-License-Identifier: Apache-2.0
"""weft transcribe --resume: killed at any moment it goes on, and nothing is lost or written twice."""
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import gguf_file
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
        self.short = self.write("short.wav", wav(silence(1), voice(1.5), silence(1)))

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

    def full_after(self, size):
        """As on a disk that has no room behind so many bytes of a file."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        return {"preexec_fn": limit, "restore_signals": False}

    def test_a_full_disk(self):
        """The journal is what grows fastest: it is told that it ends, and what it has stays good."""
        one = self.args("transcribe", "-o", "out/", self.long)
        self.ok(*self.args("transcribe", "-o", "whole/", self.long))
        args = [*one, "--resume"]
        self.assertTrue(self.end_after("out/.weft-long.resume", 3, args))
        room = os.stat(self.path("out/.weft-long.resume")).st_size + 200
        p = subprocess.Popen([harness.WEFT, *args], env=self.env, cwd=self.dir, stderr=subprocess.PIPE,
                             **self.full_after(room))
        said = p.stderr.readline().decode()
        self.assertIn("/.weft-long.resume: cannot be written: File too large", said)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual(p.returncode, 130)
        self.assertIn(".weft-long.resume", self.names("out"))
        part = self.documents("out")["long.txt"] # of what was done, and it is not taken for the whole
        self.assertLess(len(part), len(self.documents("whole")["long.txt"]))
        self.ok(*args)
        self.assertEqual(self.documents("out"), self.documents("whole"))
        # A run that gets to its end is none the worse.
        shutil.rmtree(self.path("out"))
        r = self.ok(*args, **self.full_after(room))
        self.assertIn("cannot be written", r.err)
        self.assertEqual(self.documents("out"), self.documents("whole"))

    def test_a_disk_without_room_for_anything(self):
        args = self.args("transcribe", "-o", "out/", self.long)
        said = self.fails(1, *args, "--resume", **self.full_after(100))
        self.assertIn("/.weft-long.resume: cannot be written: File too large", said)
        self.assertEqual(self.names("out"), [".weft-long.resume"])
        self.write("out/long.txt", b"of a run that was ended\n") # is not whole, says the journal
        time.sleep(0.1) # a document that is as new as the next run would be another run's
        self.ok(*args, "--resume")
        self.assertEqual(self.names("out"), ["long.txt"])
        self.assertEqual(self.documents("out")["long.txt"].count(b"\n"), PARTS)

    def test_a_disk_without_room_for_a_journal(self):
        """A document that has room is whole, and no journal stays beside it."""
        args = self.args("transcribe", "-o", "out/", self.short)
        r = self.ok(*args, **self.full_after(100))
        self.assertIn(": out/.weft-short.resume: cannot be written: File too large; should this run be ended, --resume will begin anew",
                      r.err)
        self.assertEqual(self.names("out"), ["short.txt"])

    def test_files_in_memory(self):
        """A file of /dev/shm is as any other; the names of descriptors are not."""
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            args = self.args("transcribe", "--resume", "-o", os.path.join(folder, "x.txt"), self.short)
            self.ok(*args)
            self.assertIn("left", self.ok(*args).err)

    def test_what_a_run_was_made_with(self):
        """Each file of an option that is given twice counts; a text that a file has for its name does not."""
        plugins = [self.path(name) for name in ("weft-text.so", "weft-checkpoints.so")]
        for path in plugins:
            shutil.copy(os.path.join(os.path.dirname(harness.WEFT), "plugins", os.path.basename(path)), path)
        args = self.args("transcribe", "--resume", "--system", "notes", "--set", "weft.text.date=notes", *(a for p in plugins for a in ("--plugin", p)),
                         "-o", "out/", self.long)
        self.write("notes", b"a\n")
        self.assertTrue(self.end_after("out/.weft-long.resume", 3, args))
        with open(self.path("out/.weft-long.resume"), encoding="utf-8") as f:
            head = json.loads(f.readline())
        self.assertEqual(head["options"]["--set weft.text.date"], "notes")
        self.assertNotIn("--system", head["files"])
        self.assertNotIn("--set weft.text.date", head["files"])
        self.assertIn("--set weft.speech.weights", head["files"])
        os.utime(plugins[0], (0, 0))
        self.assertIn("the files that --plugin names have changed", self.fails(2, *args))

    def test_a_model_of_files(self):
        """A file that is named is a part of what the text was made with, with those that it was split into."""
        text = os.path.join(harness.DEMO, "text")
        whole = gguf_file.model(text)
        whole.values |= gguf_file.tokenizer(os.path.join(text, "tokenizer.json"), "llama-bpe")
        half = len(whole.tensors) // 2
        parts = gguf_file.split(whole, (whole.tensors[:half], whole.tensors[half:]))
        for name, file in (("one.gguf", whole), ("two-00001-of-00002.gguf", parts[0]),
                           ("two-00002-of-00002.gguf", parts[1])):
            self.write(name, file.build())
        for model, changed in (("one.gguf", "one.gguf"),
                               ("two-00001-of-00002.gguf", "two-00002-of-00002.gguf")):
            args = self.args("transcribe", "-m", model, "--resume", "-o", "out/", self.long)
            self.assertTrue(self.end_after("out/.weft-long.resume", 3, args))
            self.write("one.gguf.txt", model.encode()) # a file beside it is none of it
            with open(self.path(changed), "ab") as f:
                f.write(b"\0")
            said = self.fails(2, *args)
            self.assertIn("the files that --model names have changed", said)
            os.truncate(self.path(changed), os.stat(self.path(changed)).st_size - 1)
            self.assertIn("have changed", self.fails(2, *args)) # at another time
            shutil.rmtree(self.path("out"))

    def test_usage(self):
        os.mkfifo(self.path("fifo"))
        for args in (["--resume", self.long], ["--resume", "-o", "-", self.long],
                     ["--resume", "-o", "out", "-"], ["--resume", "-o", "fifo", self.long],
                     ["--resume", "-o", "/dev/fd/2", self.long]):
            self.assertIn("--resume", self.fails(2, *self.args("transcribe", *args)))

    def test_a_descriptor_has_no_journal(self):
        want = self.ok(*self.args("transcribe", self.long)).out
        with open(self.path("text"), "w+b") as f:
            r = self.ok(*self.args("transcribe", "-o", f"/dev/fd/{f.fileno()}", self.long), pass_fds=[f.fileno()])
            f.seek(0)
            self.assertEqual((r.err, f.read()), ("", want))


if __name__ == "__main__":
    if not speech.has_speech():
        raise SystemExit(77)
    harness.main(True)
