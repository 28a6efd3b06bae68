# SPDX-License-Identifier: Apache-2.0
"""In which format bench/peers runs PyTorch: argument 1 is the source directory."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(sys.argv.pop(1), "bench", "peers"))
from formats import fair_format, multiplies_bf16  # noqa: E402

X86 = "processor\t: 0\nmodel name\t: one with avx512_bf16 in its name\nflags\t\t: fpu avx2 fma%s\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp%s\n"


class Peers(unittest.TestCase):
    def test_by_instructions(self):
        for text, word, expected in ((X86, "", False), (X86, " avx512f avx512_vnni", False), (X86, " avx512_bf16", True),
                                     (X86, " amx_bf16", True), (ARM, "", False), (ARM, " bf16", True), ("%s", "", False)):
            self.assertEqual(multiplies_bf16(text % word), expected, text % word)

    def test_format(self):
        with tempfile.NamedTemporaryFile("w") as cpuinfo:
            cpuinfo.write(X86 % "")
            cpuinfo.flush()
            self.assertEqual(fair_format("auto", cpuinfo.name), "f32")
            self.assertEqual(fair_format("bf16", cpuinfo.name), "bf16")
        self.assertEqual(fair_format("auto", "/nowhere"), "bf16")


if __name__ == "__main__":
    unittest.main()
