# SPDX-License-Identifier: Apache-2.0
"""Recordings for the scripts that write parity files."""

import sys
import wave

import numpy as np
import torch


def read(path):
    """The samples of a WAV file of 16-bit integers, 16 kHz, one channel: [n] f32, +-1."""
    with wave.open(str(path), "rb") as w:
        form = (w.getnchannels(), w.getsampwidth(), w.getframerate())
        if form != (1, 2, 16000):
            sys.exit(f"{path}: give a WAV file of one channel, 16 bits and 16000 Hz (sox IN -c 1 -b 16 -r 16000 OUT.wav)")
        data = w.readframes(w.getnframes())
    return torch.from_numpy(np.frombuffer(data, "<i2").astype(np.float32) / 32768.0)
