# SPDX-License-Identifier: Apache-2.0
"""Long recordings through the demo's ears: no word is lost or doubled where a recording is cut.

The recordings are sentences of one voice (fixtures/speech/sentences, 8 kHz), one after the other with
gaps of 0.25 s, too short to be cut at: stretches of 90 s, so that only the limit can end a part."""
import array
import json
import os
import sys
import unittest
import wave

import harness

FOLDER = os.path.join(harness.FIXTURES, "speech", "sentences")
RATE, GAP, STRETCH = 8000, 0.25, 90


def read(n):
    with wave.open(os.path.join(FOLDER, "%d.wav" % n)) as f:
        assert (f.getframerate(), f.getnchannels(), f.getsampwidth()) == (RATE, 1, 2)
        return array.array("h", f.readframes(f.getnframes()))


def stretch(first):
    """(samples, words) of at least 90 s that begin with a sentence."""
    with open(os.path.join(FOLDER, "said.json")) as f:
        said = json.load(f)
    sounds = [read(n) for n in range(len(said))]
    samples, words, n = array.array("h"), [], first
    while len(samples) < STRETCH * RATE:
        words += said[n % len(said)].split()
        samples += sounds[n % len(said)]
        samples += array.array("h", bytes(2 * int(GAP * RATE)))
        n += 1
    return samples, words


def has_ears():
    return os.path.exists(os.path.join(harness.DEMO, "speech", "model.safetensors"))


class Seams(harness.Case):
    def talk(self, samples):
        path = self.path("talk.wav")
        with wave.open(path, "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(RATE)
            f.writeframes(samples.tobytes())
        return path

    def parts(self, path, *args):
        """The parts of a recording, which touch where no pause is between them."""
        found = self.ok("transcribe", "--config", os.path.join(harness.DEMO, "weft.ini"), "--format",
                        "json", *args, path)
        return json.loads(found.out)["segments"]

    def words(self, parts):
        return " ".join(p["text"] for p in parts).split()

    def test_half_an_hour(self):
        samples, words = array.array("h"), []
        for i in range(20):
            more, said = stretch(i)
            samples += more + array.array("h", bytes(2 * RATE))
            words += said
        self.assertGreaterEqual(len(samples), 30 * 60 * RATE)
        parts = self.parts(self.talk(samples), "--max-segment", "5")
        self.assertTrue(all(p["end"] - p["start"] <= 5 for p in parts))
        # 90 s with no pause: only the limit cuts, and what it cuts touches.
        touching = sum(a["end"] == b["start"] for a, b in zip(parts, parts[1:]))
        self.assertGreaterEqual(touching, 20 * (STRETCH // 5 - 1))
        self.assertEqual(self.words(parts), words)

    def test_the_limit_anywhere(self):
        samples, words = stretch(0)
        path = self.talk(samples)
        for i in range(50):
            limit = "%.2f" % (3.6 + 0.03 * i)
            self.assertEqual(self.words(self.parts(path, "--max-segment", limit)), words, limit)


if __name__ == "__main__":
    if not has_ears():
        print("skipped: the demo has no speech adapter")
        sys.exit(77)
    unittest.main()
