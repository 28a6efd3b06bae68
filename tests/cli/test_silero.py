# SPDX-License-Identifier: Apache-2.0
"""weft.silero: chosen where its weights are given, refused where they are none, and hears what they hear:
those that are made here hear a tone, which the spectral segmenter takes for none of a voice. With real weights (WEFT_SILERO names the folder that
tools/fetch_silero.py made) it hears no speech in music, which the spectral segmenter takes for speech."""
import array
import json
import math
import os
import random

import harness
import speech
from speech import silence, voice, wav

FOLDER = os.environ.get("WEFT_SILERO", "")
RATE = 16000
BIN = 16  # of 256 samples at 16 kHz: 1 kHz
SHAPES = {"stft_conv.weight": [258, 1, 256], "conv1.weight": [128, 129, 3], "conv1.bias": [128], "conv2.weight": [64, 128, 3],
          "conv2.bias": [64], "conv3.weight": [64, 64, 3], "conv3.bias": [64], "conv4.weight": [128, 64, 3], "conv4.bias": [128],
          "lstm_cell.weight_ih": [512, 128], "lstm_cell.weight_hh": [512, 128], "lstm_cell.bias_ih": [512],
          "lstm_cell.bias_hh": [512], "final_conv.weight": [1, 128, 1], "final_conv.bias": [1]}


def tone_weights():
    """A network that hears 1 kHz: one bin of the transform goes through the convolutions' middle taps, and the LSTM keeps nothing. Of a tone
    of amplitude 0.3 the last value before the sigmoid is 20 tanh(tanh(3)) - 8 = 7.2, of silence -8."""
    w = {name: array.array("f", bytes(4 * math.prod(shape))) for name, shape in SHAPES.items()}
    for n in range(256):
        w["stft_conv.weight"][BIN * 256 + n] = math.cos(math.pi * BIN * n / 128) / 128
        w["stft_conv.weight"][(129 + BIN) * 256 + n] = math.sin(math.pi * BIN * n / 128) / 128
    w["conv1.weight"][BIN * 3 + 1] = 10
    for name in ("conv2", "conv3", "conv4"):
        w[name + ".weight"][1] = 1
    for gate, bias in ((0, 10), (1, -10), (3, 10)):  # in, forget, out
        w["lstm_cell.bias_ih"][128 * gate] = bias
    w["lstm_cell.weight_ih"][2 * 128 * 128] = 1  # what is new
    w["final_conv.weight"][0], w["final_conv.bias"][0] = 20, -8
    return {name: ("F32", SHAPES[name], data.tobytes()) for name, data in w.items()}


def tone(seconds):
    return [round(9830 * math.sin(2 * math.pi * 1000 * i / speech.RATE)) for i in range(int(seconds * speech.RATE))]


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

    def test_a_tone(self):
        """Two tones are two segments, whose speech is where they are."""
        folder, at = self.path("weights"), ((1, 2.5), (4, 5))
        os.makedirs(folder)
        harness.write_safetensors(os.path.join(folder, "model.safetensors"), tone_weights())
        self.write("weights/config.json", b"{}")
        beeps = self.write("beeps.wav", wav(silence(1), tone(1.5), silence(1.5), tone(1), silence(1)))
        self.assertEqual(self.segments(beeps), [])
        found = self.segments(beeps, "--set", "weft.silero.weights=" + folder)
        self.assertEqual(len(found), len(at))
        for segment, (start, end) in zip(found, at):
            self.assertAlmostEqual(segment["start"], start, delta=0.04)  # a window is 32 ms
            self.assertAlmostEqual(segment["end"], end, delta=0.04)

    def test_music_is_no_speech(self):
        if not os.path.isdir(FOLDER):
            self.skipTest("WEFT_SILERO names no folder of tools/fetch_silero.py")
        talk = self.write("music.wav", wav(music(6)))
        self.assertNotEqual(self.segments(talk), [])
        self.assertEqual(self.segments(talk, "--set", "weft.silero.weights=" + FOLDER), [])


if __name__ == "__main__":
    harness.main(needs_demo=True)
