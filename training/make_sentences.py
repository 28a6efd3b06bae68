# SPDX-License-Identifier: Apache-2.0
"""Make tests/fixtures/speech/sentences: five captions of 2.5 to 3.4 s by hibari, 8 kHz WAV, no silence around.

    python make_sentences.py
"""
import json
import random
import wave

import numpy as np
from hibari import Hibari
from scipy.signal import resample_poly

import sentences as S
from common import ROOT
from mel import RATE
from speech_corpus import tidy

FOLDER = ROOT / "tests" / "fixtures" / "speech" / "sentences"
CHOSEN = [0, 3, 5, 8, 11]    # of those of fitting length


def main():
    voice, rng, found = Hibari(), random.Random(11), []
    while len(found) <= max(CHOSEN):
        text = S.broad_caption(rng)
        if 8 <= len(text.split()) <= 13:
            samples = tidy(voice(text, speed=1.0, seed=3), voice.sample_rate)
            if 2.5 * RATE < len(samples) < 3.4 * RATE:
                found.append((text, np.round(resample_poly(samples.astype(float), 1, 2)).astype("<i2")))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "said.json").write_text(json.dumps([found[i][0] for i in CHOSEN], indent=1) + "\n")
    for n, i in enumerate(CHOSEN):
        with wave.open(str(FOLDER / f"{n}.wav"), "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(RATE // 2)
            f.writeframes(found[i][1].tobytes())


if __name__ == "__main__":
    main()
