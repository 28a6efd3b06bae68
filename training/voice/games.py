# SPDX-License-Identifier: Apache-2.0
"""What actors say in three games that Debian has with their sound (main/games), lines of a few seconds, about 7 hours together; and in three
others, a word or a few: 1,285 short ones.

    apt-get download flight-of-the-amazon-queen beneath-a-steel-sky drascula hedgewars-data megaglest-data kajongg
    for p in *.deb; do dpkg-deb -x $p $WEFT_VOICE/games; done

"Flight of the Amazon Queen" (6,745 lines): queen.1c begins with a table of names (12 bytes, filled up with zeros), a byte, offset and
size (32 bits, the highest byte first); names that end in .SB are MP3 files. "Beneath a Steel Sky" (3,606 lines): sky.dnr has entries of
8 bytes for the files in sky.dsk, a number (from 50100 on: speech), 24 bits of place (of 16 bytes where the highest is set), 22 of size; a
file has a head of 22 bytes and 8-bit samples at 11,025 Hz, packed (rnc.py). "Drascula" (783 lines): *.ALS are such samples, not packed.
Formats as ScummVM's engines read them.
"""
import random
import re
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import places
import rnc
from ends import RATE

SHARE = "usr/share/scummvm"
ENGLISH = "Default Classic British Mobster Pirate Surfer HillBilly Singer Robot".split()     # voices of hedgewars
SPEECH, SKY_HEAD = 50100, 22
SAMPLES = ["-f", "u8", "-ar", "11025"]


def folder(game):
    return places.workdir() / "games" / SHARE / game


def queen():
    data = (folder("flight-of-the-amazon-queen") / "queen.1c").read_bytes()
    for m in re.finditer(rb"([A-Z0-9_]{1,8}\.SB)\0+", data[:1 << 18]):
        offset, size = struct.unpack_from(">II", data, m.start() + 13)
        yield m[1].decode(), ["-f", "mp3"], lambda file=data[offset:offset + size]: file


def sky():
    table, data = ((folder("beneath-a-steel-sky") / name).read_bytes() for name in ("sky.dnr", "sky.dsk"))
    for at in range(4, len(table), 8):
        number, place = struct.unpack_from("<HI", table, at)
        size, place = int.from_bytes(table[at + 5:at + 8], "little") & 0x3fffff, place & 0xffffff
        place = (place & 0x7fffff) << (4 if place >> 23 else 0)
        file = data[place + SKY_HEAD:place + size]
        if number >= SPEECH and file[:4] == b"RNC\1":
            yield f"SKY{number}", SAMPLES, lambda file=file: rnc.unpack(file)


def drascula():
    for path in sorted((folder("drascula") / "en").glob("*.ALS")):
        yield path.name, SAMPLES, path.read_bytes


def units():
    """What figures of two games say when they are sent somewhere, and players at a table: a word or a few."""
    share = places.workdir() / "games/usr/share"
    voices, figures, players = share / "games/hedgewars/Data/Sounds/voices", share / "games/megaglest", share / "kajongg/voices"
    for place in (voices, figures, players):
        if not place.is_dir():
            sys.exit(f"{place} is not there: unpack the packages that README.md names")
    found = [p for name in ENGLISH for p in (voices / name).glob("*.ogg")] + [*players.glob("*ale?/*.ogg")]
    found += [p for kind in ("ack", "select") for p in figures.rglob(f"*_{kind}*.wav")]
    for path in sorted(found):
        yield str(path.relative_to(share)), [], path.read_bytes


def sounds(some):
    """f32 at 16 kHz of so many lines, by one run of ffmpeg, whose start takes longer than a line."""
    if not some:
        return []
    with TemporaryDirectory() as place:
        given, wanted = [], []
        for n, (_, kind, data) in enumerate(some):
            (Path(place) / f"{n}").write_bytes(data())
            given += [*kind, "-i", f"{place}/{n}"]
            wanted += ["-map", f"{n}:a:0", "-f", "s16le", "-ar", str(RATE), "-ac", "1", f"{place}/{n}.raw"]
        subprocess.run(["ffmpeg", "-loglevel", "error", *given, *wanted], stdin=subprocess.DEVNULL, check=True)
        return [np.fromfile(f"{place}/{n}.raw", "<i2").astype(np.float32) / 32768 for n in range(len(some))]


@cache
def lines(game):
    """(name, options of ffmpeg that say what it is, function that gives its bytes) of all lines, in a fixed random order."""
    found = list({"queen": queen, "sky": sky, "drascula": drascula, "units": units}[game]())
    random.Random(places.SEED).shuffle(found)
    return found
