# SPDX-License-Identifier: Apache-2.0
"""weft.silero: chosen where its weights are given, refused where they are none. With real weights (WEFT_SILERO names the folder that
tools/fetch_silero.py made) it hears no speech in music, which the spectral segmenter takes for speech."""
import json
import math
import os
import random

import harness
import speech
from speech import silence, voice, wav

FOLDER = os.environ.get("WEFT_SILERO", "")
RATE = 16000


def music(seconds):
    """Chords of a plucked instrument, twice a second."""
    rng, out = random.Random(3), []
    for _ in range(2 * seconds):
        root = 220 * 2 ** (rng.choice([0, 3, 5, 7, 8, 10]) / 12)
        parts = [(root * q * h, h ** 1.5) for q in (1, 1.26, 1.5, 2) for h in range(1, 6)]
        out.extend(int(900 * math.exp(-3 * i / RATE) * sum(math.sin(2 * math.pi * f * i / RATE) / d for f, d in parts))
                   for i in range(RATE // 2))
    return out


class Silero(harness.Case):
    def transcribe(self, *args):
        return self.weft("transcribe", "-n", "4", "--format", "json", *args)

    def segments(self, talk, *args):
        r = self.transcribe(*args, talk)
        self.assertEqual(r.code, 0, r.err)
        return json.loads(r.out)["segments"]

    def test_weights_that_are_none(self):
        talk, folder = self.write("talk.wav", wav(silence(1), voice(1.5))), self.path("weights")
        os.makedirs(folder)
        r = self.transcribe("--set", "weft.silero.weights=" + folder, talk)
        self.assertEqual(r.code, 4, r.err)
        harness.write_safetensors(os.path.join(folder, "model.safetensors"), {"conv1.bias": ("F32", [2], bytes(8))})
        self.write(os.path.join(folder, "config.json"), b"{}")
        r = self.transcribe("--set", "weft.silero.weights=" + folder, talk)
        self.assertEqual(r.code, 4, r.err)
        self.assertIn(b"stft_conv.weight", r.err if isinstance(r.err, bytes) else r.err.encode())

    def test_music_is_no_speech(self):
        if not os.path.isdir(FOLDER):
            self.skipTest("WEFT_SILERO names no folder of tools/fetch_silero.py")
        talk = self.write("music.wav", wav(music(6)))
        self.assertNotEqual(self.segments(talk), [])
        self.assertEqual(self.segments(talk, "--set", "weft.silero.weights=" + FOLDER), [])


if __name__ == "__main__":
    harness.main(needs_demo=True)
