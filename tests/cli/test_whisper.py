# SPDX-License-Identifier: Apache-2.0
"""A real Whisper encoder on real recordings, stage by stage against transformers. WEFT_WHISPER names the folder that
tools/make_whisper_parity.py made; without it the test is skipped."""
import glob
import json
import os
import sys

import harness

FOLDER = os.environ.get("WEFT_WHISPER", "")


class Whisper(harness.Case):
    def check(self, *more):
        files = sorted(glob.glob(os.path.join(FOLDER, "parity-*.safetensors")))
        self.assertGreater(len(files), 1)
        for path in files:
            with self.subTest(os.path.basename(path)):
                r = self.ok("model", "verify", "--json", "--config", os.path.join(FOLDER, "weft.ini"), "--parity", path, *more)
                names = [row["name"] for row in json.loads(r.out)["rows"]]
                for stage in ("features", "encoder.output", "adapter.output", "logits", "greedy"):
                    self.assertIn(stage, names)

    def test_equal_to_the_reference(self):
        self.check()

    def test_in_16_bits(self):
        self.check("--dtype", "bf16")


if __name__ == "__main__":
    if not os.path.exists(os.path.join(FOLDER, "weft.ini")):
        print("skipped: WEFT_WHISPER names no folder of tools/make_whisper_parity.py")
        sys.exit(77)
    harness.main(needs_demo=False)
