# SPDX-License-Identifier: Apache-2.0
"""pictures.py DIR: one picture as PPM and as PNG, the same pixels. Standard library only."""
import pathlib
import struct
import sys
import zlib

W, H = 96, 64
out = pathlib.Path(sys.argv[1])
rows = [bytes(v for x in range(W) for v in ((x * 5 + y) % 256, (y * 7) % 256, (x * y) % 256)) for y in range(H)]
(out / "same.ppm").write_bytes(b"P6\n# a comment\n%d %d\n255\n" % (W, H) + b"".join(rows))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


(out / "same.png").write_bytes(
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b""))
