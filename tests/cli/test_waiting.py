# SPDX-License-Identifier: Apache-2.0
"""The demo's adapters: their weights are read by a command that has a medium for them, and by no other, but what is
wrong with their files is told by each."""
import os
import re
import shutil
import unittest

import harness
from harness import DEMO


class Waiting(harness.Case):
    def loads(self, *args):
        """Whose weights the command reads, in this order."""
        return re.findall(r"^weft: (weft\.[a-z]+): load of ", self.ok(*args, "-vv").err, re.M)

    def test_who_reads_weights(self):
        picture, clip, sound = (os.path.join(DEMO, "samples", name) for name in ("1.png", "5.mp4", "6.wav"))
        self.assertEqual(self.loads("generate", "-n", "1", "-p", "hi"), [])
        self.assertEqual(self.loads("describe", "-n", "1", picture, picture), ["weft.vision"])
        self.assertEqual(self.loads("describe", "-n", "1", clip), ["weft.vision", "weft.video"])  # it sees through it
        self.assertEqual(self.loads("transcribe", sound), ["weft.speech"])
        self.assertEqual(len(self.loads("generate", "-n", "1", "-p", "hi", "--device", "async-test")), 3)

    def adapter(self, name, change):
        """A copy of the demo's adapter whose tensors are changed; the option that names it."""
        folder = self.path(name)
        shutil.copytree(os.path.join(DEMO, name), folder)
        weights = os.path.join(folder, "model.safetensors")
        tensors = harness.read_safetensors(weights)
        change(tensors)
        harness.write_safetensors(weights, tensors)
        return "--set", f"weft.{name}.weights={folder}"

    def test_files_that_do_not_fit_are_told_at_once(self):
        def text(*option):
            return self.fails(4, "generate", "-q", "-n", "1", "-p", "hi", *option)
        missing = "video_projector.weight"
        self.assertIn(missing + " is missing", text(*self.adapter("video", lambda t: t.pop(missing))))

        def flatten(tensors):
            name = "speech_adapter.proj.weight"
            dtype, shape, data = tensors[name]
            tensors[name] = dtype, [shape[0] * shape[1]], data
        self.assertIn("speech_adapter.proj.weight is [", text(*self.adapter("speech", flatten)))

        folder = self.path("cut")
        shutil.copytree(os.path.join(DEMO, "vision"), folder)
        with open(os.path.join(folder, "model.safetensors"), "r+b") as f:
            f.truncate(f.seek(0, os.SEEK_END) - 100)
        self.assertIn("model.safetensors", text("--set", "weft.vision.weights=" + folder))


if __name__ == "__main__":
    harness.main(needs_demo=True)
