# SPDX-License-Identifier: Apache-2.0
"""With weights and encoders in q8 or q4 the demo model says the same on every level of instructions."""
import os

import harness

LEVELS = ("none", "avx2", "avxvnni", "avx512vnni", "max")  # a CPU that has not got a level runs the one below


class Levels(harness.Case):
    def check(self, *ask):
        for name in ("q8", "q4"):
            texts = {level: self.ok(*ask, "-q", "--quantize", name, "--quantize-encoders", name,
                                    "--device", "cpu", "--cpu-mask", level).out
                     for level in LEVELS}
            self.assertTrue(texts["none"].strip())
            self.assertEqual(set(texts.values()), {texts["none"]}, texts)

    def test_pictures_and_clips(self):
        self.check("describe", *(os.path.join(harness.DEMO, "samples", n) for n in ("2.jpg", "5.mp4")))

    def test_recordings(self):
        self.check("transcribe", os.path.join(harness.DEMO, "samples", "6.wav"))


if __name__ == "__main__":
    harness.main(needs_demo=True)
