# SPDX-License-Identifier: Apache-2.0
"""What actors say in two games that Debian has with their sound (main/games): lines of a few seconds, about 6 hours together.

    apt-get download flight-of-the-amazon-queen beneath-a-steel-sky
    for p in flight-of-the-amazon-queen beneath-a-steel-sky; do dpkg-deb -x ${p}_*.deb $WEFT_VOICE/games; done

"Flight of the Amazon Queen" (6,745 lines): queen.1c begins with a table of names (12 bytes, filled up with zeros), a byte, offset and
size (32 bits, the highest byte first); names that end in .SB are MP3 files. "Beneath a Steel Sky" (3,606 lines): sky.dnr has entries of
8 bytes for the files in sky.dsk, a number (from 50100 on: speech), 24 bits of place (of 16 bytes where the highest is set), 22 of size; a
file has a head of 22 bytes and 8-bit samples at 11,025 Hz, packed (rnc.py). Formats as ScummVM's engines read them.
"""
import random
import re
import struct
import subprocess
from functools import cache

import numpy as np

import ends
import places
import rnc

SHARE = "usr/share/scummvm"
SPEECH, SKY_HEAD, SKY_RATE = 50100, 22, 11025


def folder(game):
    return places.workdir() / "games" / SHARE / game


def decode(sound, *kind):
    """f32 at 16 kHz."""
    raw = subprocess.run(["ffmpeg", "-loglevel", "error", "-threads", "1", *kind, "-i", "-", "-f", "s16le", "-ar", str(ends.RATE), "-ac", "1",
                          "-"], input=sound, capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


def queen():
    data = (folder("flight-of-the-amazon-queen") / "queen.1c").read_bytes()
    for m in re.finditer(rb"([A-Z0-9_]{1,8}\.SB)\0+", data[:1 << 18]):
        offset, size = struct.unpack_from(">II", data, m.start() + 13)
        yield m[1].decode(), lambda file=data[offset:offset + size]: decode(file, "-f", "mp3")


def sky():
    table, data = ((folder("beneath-a-steel-sky") / name).read_bytes() for name in ("sky.dnr", "sky.dsk"))
    for at in range(4, len(table), 8):
        number, place = struct.unpack_from("<HI", table, at)
        size, place = int.from_bytes(table[at + 5:at + 8], "little") & 0x3fffff, place & 0xffffff
        place = (place & 0x7fffff) << (4 if place >> 23 else 0)
        file = data[place + SKY_HEAD:place + size]
        if number >= SPEECH and file[:4] == b"RNC\1":
            yield f"SKY{number}", lambda file=file: decode(rnc.unpack(file), "-f", "u8", "-ar", str(SKY_RATE))


@cache
def lines(game):
    """(name, function that gives its sound) of all lines, in a fixed random order."""
    found = list({"queen": queen, "sky": sky}[game]())
    random.Random(places.SEED).shuffle(found)
    return found
