# SPDX-License-Identifier: Apache-2.0
"""A picture unlike all that the model was trained on is told, where the model's directory says how that is measured."""
import json
import os
import random
import struct
import zlib

import harness
import speech

SAMPLES = os.path.join(harness.DEMO, "samples")


def noise(side):
    """A PNG of coloured noise: nothing that was ever drawn."""
    rng = random.Random(5)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    rows = b"".join(b"\0" + rng.randbytes(3 * side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Familiar(harness.Case):
    def model(self, familiar):
        """The demo with another familiar.json: text, or None for no such file."""
        vision = self.path("vision")
        os.makedirs(vision, exist_ok=True)
        for name in os.listdir(os.path.join(harness.DEMO, "vision")):
            if name != "familiar.json" and not os.path.lexists(os.path.join(vision, name)):
                os.symlink(os.path.join(harness.DEMO, "vision", name), os.path.join(vision, name))
        path = os.path.join(vision, "familiar.json")
        if os.path.exists(path):
            os.remove(path)
        if familiar is not None:
            self.write(path, familiar.encode())
        ini = "[core]\nmodel = %s\n[plugin weft.vision]\nweights = vision\n" % os.path.join(harness.DEMO, "text")
        return self.write("weft.ini", ini.encode())

    def say(self, *args):
        r = self.ok("describe", *args)
        return r.out, r.err

    def test_of_the_demo(self):
        for name in ("1.png", "2.jpg", "3.png", "4.jpg"):
            self.assertEqual(self.say(os.path.join(SAMPLES, name))[1], "")
        foreign = self.write("noise.png", noise(128))
        out, err = self.say(foreign)
        self.assertRegex(err, r"^weft: warning: .*noise\.png: unlike what this model was trained on, .* "
                              r"\(score \d+\.\d\d, and 1 % of its own kind are over 0\)\n$")
        self.assertEqual(self.say("-q", foreign), (out, ""))
        # Told in its place, and not of the others.
        both = self.ok("describe", foreign, os.path.join(SAMPLES, "1.png"))
        self.assertEqual(both.err, err)

    def test_the_directory_says_how(self):
        picture = os.path.join(SAMPLES, "1.png")
        with open(os.path.join(harness.DEMO, "vision", "familiar.json")) as f:
            own = json.load(f)
        plain = self.say("--config", self.model(None), picture)
        self.assertEqual(plain[1], "")
        for limit, words in ((-1e6, "unlike what"), (1e6, "")):
            out, err = self.say("--config", self.model(json.dumps({**own, "limit": limit, "beyond": 0.25})), picture)
            self.assertEqual(out, plain[0])
            self.assertIn(words, err)
            self.assertEqual(err == "", words == "")
        self.assertEqual(self.say("--config", self.model(json.dumps({**own, "weights": [1.0]})), picture)[1], "")

    def test_bad_files(self):
        picture = os.path.join(SAMPLES, "1.png")
        for text in ("[]", "{", "", json.dumps({"weights": ["a"], "limit": 0, "beyond": 0}),
                     json.dumps({"weights": [], "limit": 0, "beyond": 0}), json.dumps({"weights": [1]}), "[" * 5000):
            out, err = self.say("--config", self.model(text), picture)
            self.assertEqual(out, self.say("--config", self.model(None), picture)[0])
            self.assertEqual(err.count("\n"), 1, err)
            self.assertIn("familiar.json", err)


if __name__ == "__main__":
    if not speech.has_pictures():
        print("skipped: the demo's pictures are not here")
        raise SystemExit(77)
    harness.main(needs_demo=True)
