# SPDX-License-Identifier: Apache-2.0
"""models/voice, and scripts/voice, which fetches the two models at its ends. The recording is written down where VOICE_HOME names
the folder in which that script has left them."""
import json
import os
import re
import shutil
import subprocess
import unittest

import harness

SCRIPT = os.path.join(harness.SOURCE, "scripts", "voice")
MODEL = os.path.join(harness.SOURCE, "models", "voice")
SAMPLE = os.path.join(MODEL, "samples", "1.wav")
SAID = "he might even have been made amiable himself"
HOME = os.environ.get("VOICE_HOME", "")
MOST = 12 * 10**6       # bytes that a clone may be asked to carry
ENDS = "smollm2", "whisper-tiny.en"
SAYS_ITS_ARGUMENTS = b"#!/bin/sh\nfor a; do printf '%s\\n' \"$a\"; done\n"


class Script(harness.Case):
    """The script in a tree of its own, whose program says its arguments and whose build does nothing."""

    def setUp(self):
        super().setUp()
        self.tree, self.home = self.path("a tree"), self.path("a home")
        for name, data in (("build/weft", SAYS_ITS_ARGUMENTS), ("scripts/built", b"#!/bin/sh\n"),
                           ("models/voice/samples/1.wav", b"")):
            self.write(os.path.join("a tree", name), data)
            os.chmod(os.path.join(self.tree, name), 0o755)
        shutil.copy(SCRIPT, os.path.join(self.tree, "scripts"))

    def ends(self):
        for name in ENDS:
            self.write(os.path.join("a home", name, "model.safetensors"), b"")

    def run_script(self, *args, **env):
        env = {**self.env, "VOICE_HOME": self.home, **env}
        return harness.Result(subprocess.run([os.path.join(self.tree, "scripts", "voice"), *args], stdin=subprocess.DEVNULL,
                                             capture_output=True, env=env, cwd=self.dir, timeout=harness.TIMEOUT_S, check=False))

    def ini(self):
        with open(os.path.join(self.home, "weft.ini"), encoding="utf-8") as f:
            return f.read()

    def test_nothing_is_fetched_unless_it_is_asked_for(self):
        r = self.run_script(SAMPLE)
        self.assertEqual(r.code, 1, r.err)
        self.assertEqual(r.out, b"")
        self.assertRegex(r.err, r"\Avoice: .*(--yes|python3-venv).*\n\Z")
        self.assertFalse(os.path.exists(self.home))

    def test_an_option_that_there_is_not(self):
        r = self.run_script("--no")
        self.assertEqual(r.code, 2, r.err)
        self.assertEqual(r.err, "usage: scripts/voice [--yes] [RECORDING...]\n")

    def test_no_home(self):
        r = self.run_script(VOICE_HOME="", HOME="", XDG_CACHE_HOME="")
        self.assertEqual((r.code, r.out), (1, b""))
        self.assertRegex(r.err, r"\Avoice: HOME is not set: .*\n\Z")

    def test_what_the_program_is_called_with(self):
        self.ends()
        ini = os.path.join(self.home, "weft.ini")
        r = self.run_script("my talk.wav", "-")
        self.assertEqual(r.code, 0, r.err)
        self.assertEqual(r.out.decode().splitlines(), ["transcribe", "--config", ini, "my talk.wav", "-"])
        self.assertEqual(self.ini().splitlines()[1:],
                         ["[core]", "model = " + os.path.join(self.home, ENDS[0]), "quantize = q8", "", "[plugin weft.ultravox]",
                          "weights = " + os.path.join(self.tree, "models/voice"), "audio = " + os.path.join(self.home, ENDS[1])])
        r = self.run_script()
        self.assertEqual(r.out.decode().splitlines()[3:], [os.path.join(self.tree, "models/voice/samples/1.wav")])
        self.assertEqual(os.listdir(self.home).count("weft.ini"), 1)
        self.assertEqual(len(os.listdir(self.home)), 3)

    def test_a_relative_home(self):
        self.ends()
        r = self.run_script("x.wav", VOICE_HOME="a home")
        self.assertEqual(r.out.decode().splitlines()[2], os.path.join(self.home, "weft.ini"))

    def test_what_the_user_wrote_stays(self):
        self.ends()
        self.write("a home/weft.ini", b"; mine\n")
        r = self.run_script("x.wav")
        self.assertEqual(r.code, 0, r.err)
        self.assertIn("names another adapter", r.err)
        self.assertEqual(self.ini(), "; mine\n")

    def test_a_fetch_that_fails_leaves_nothing_half_done(self):
        """Python that makes no environment: as where PyPI cannot be reached."""
        self.write("a home/.fetch-smollm2-abc/half", b"")
        self.write("bin/python3", b'#!/bin/sh\ncase $* in *venv\\ *) mkdir -p "$4/bin"; exit 1 ;; esac\n')
        os.chmod(self.path("bin/python3"), 0o755)
        r = self.run_script("--yes", "x.wav", PATH=self.path("bin") + ":" + os.environ["PATH"])
        self.assertEqual((r.code, r.out), (1, b""))
        self.assertRegex(r.err, r"can PyPI be reached\?\); run scripts/voice again\n\Z")
        self.assertLessEqual(set(os.listdir(self.home)), {".lock"})


class Model(harness.Case):
    def test_its_tables_are_whole(self):
        with open(os.path.join(MODEL, "config.json"), encoding="utf-8") as f:
            ctc = json.load(f)["ctc"]
        tensors = harness.read_safetensors(os.path.join(MODEL, "model.safetensors"))
        self.assertLessEqual(os.path.getsize(os.path.join(MODEL, "model.safetensors")), MOST)
        rows = {"tree": "nodes", **{name: name for name in ("words", "pairs", "tokens", "again", "fill")}}
        for tensor, key in rows.items():
            self.assertEqual(tensors["multi_modal_projector.ctc." + tensor][1][0], ctc[key])
        self.assertEqual(tensors["multi_modal_projector.linear_out.weight"][1][0], ctc["places"] * (1 + len(ctc["letters"])))

    @unittest.skipUnless(os.path.exists(os.path.join(HOME, "weft.ini")), "VOICE_HOME names no folder of scripts/voice")
    def test_a_sentence_of_a_person(self):
        r = self.ok("transcribe", "-q", "--config", os.path.join(HOME, "weft.ini"), "--set", "weft.ultravox.weights=" + MODEL, SAMPLE)
        self.assertEqual(re.findall(r"[a-z']+", r.out.decode().lower()), SAID.split())


if __name__ == "__main__":
    harness.main(needs_demo=False)
