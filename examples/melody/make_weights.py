#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a directory of random weights for org.example.melody that fits a text model.

    make_weights.py TEXT_MODEL_DIR OUT_DIR

Standard library only; the same seed gives the same bytes.
"""

import array
import json
import pathlib
import random
import struct
import sys

NOTES = 128


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    width = json.loads((pathlib.Path(sys.argv[1]) / "config.json").read_text())["hidden_size"]
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    data = array.array("f", (rng.gauss(0.0, width ** -0.5) for _ in range(NOTES * width)))
    if sys.byteorder == "big":
        data.byteswap()
    header = json.dumps({"notes.weight": {"dtype": "F32", "shape": [NOTES, width],
                                          "data_offsets": [0, 4 * len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    (out / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data.tobytes())
    (out / "config.json").write_text("{}\n")


if __name__ == "__main__":
    main()
