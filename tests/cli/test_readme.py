# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md: what can run here runs, and prints what README shows.

A block ```console holds commands behind "$ " and below each what it prints, messages included. A block ```sh holds commands
without their output; it is marked with the reason why it is not run, and its calls of weft are then still read by the program,
so that no option in them is one that there is not.
"""
import os
import re
import shlex
import subprocess
import sys
import unittest

import harness
import speech

ROOT = os.environ["WEFT_SOURCE_DIR"]
BLOCK = re.compile(r"(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read()
    return [(text.count("\n", 0, m.start()) + 1, m[2], m[1], m[3]) for m in BLOCK.finditer(text)]


def sessions(body):
    """(command, what it prints) of a console block."""
    found = []
    for line in body.splitlines(True):
        if line.startswith("$ "):
            found.append([line[2:].rstrip("\n"), ""])
        else:
            found[-1][1] += line
    return found


def calls(body):
    """The arguments of each call of weft in a block of commands."""
    for line in body.splitlines():
        for command in re.split(r"\|(?![^<]*>)", line.split(" #")[0]):
            words = shlex.split(re.sub(r"[<>]\s*[\w.]+\s*$", "", command.strip()))
            if words and words[0] == "weft":
                yield words[1:]


class Readme(harness.Case):
    def test_every_block_is_of_a_known_kind(self):
        kinds = {kind for _, kind, _, _ in blocks()}
        self.assertLessEqual(kinds, {"console", "sh", "ini", ""})
        for line, kind, reason, body in blocks():
            if kind == "sh":
                self.assertTrue(reason, "README.md:%d: a block of commands that is neither run nor says why" % line)
            elif kind != "console":
                self.assertIsNone(reason, line)
                self.assertNotIn("$ ", body)

    def test_what_runs_prints_what_is_shown(self):
        env = {**self.env, "PATH": os.path.dirname(harness.WEFT) + ":" + os.environ["PATH"]}
        n = 0
        for line, kind, _, body in blocks():
            for command, shown in sessions(body) if kind == "console" else ():
                with self.subTest("README.md:%d: %s" % (line, command)):
                    real = command.replace("build/weft", shlex.quote(harness.WEFT))
                    got = subprocess.run(["bash", "-c", real], cwd=ROOT, env=env, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, timeout=harness.TIMEOUT_S)
                    self.assertEqual(got.stdout.decode(), shown)
                n += 1
        self.assertGreater(n, 8)

    def test_what_does_not_run_is_read(self):
        """Options and commands are those of the program: --print-config reads them and does nothing."""
        self.write("weft.ini", b"[core]\n")
        self.write("voice.ini", b"[core]\n")
        self.write(".cache/weft/voice/weft.ini", b"[core]\n")
        n = 0
        for line, kind, reason, body in blocks():
            for args in calls(body) if kind == "sh" else ():
                with self.subTest("README.md:%d: weft %s" % (line, " ".join(args))):
                    r = self.weft(*(re.sub("^~", self.env["HOME"], a) for a in args), "--print-config")
                    self.assertEqual(r.code, 0, r.err)
                n += 1
            if reason:
                print("README.md:%d: not run: %s" % (line, reason))
        self.assertGreater(n, 15)

    def test_files_that_are_named_are_there(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            text = f.read()
        for path in re.findall(r"\]\(((?!https?:)[^)#]+)\)", text) + re.findall(r"`((?:examples|models|scripts|tools|docs|tests|training)/[\w./-]*)`", text):
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)


if __name__ == "__main__":
    modules = os.path.join(os.path.dirname(harness.WEFT), "plugins")
    if not speech.has_speech() or not all(os.path.exists(os.path.join(modules, "weft-%s.so" % name))
                                          for name in ("png", "jpeg", "ffmpeg", "video", "vision")):
        print("skipped: README's examples need all plugins and the demo model")
        sys.exit(77)
    harness.main(needs_demo=True)
