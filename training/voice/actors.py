# SPDX-License-Identifier: Apache-2.0
"""What actors say in a game: 6,745 lines of "Flight of the Amazon Queen" (4.3 hours), with what Whisper tiny.en itself writes down.

    apt-get download flight-of-the-amazon-queen && dpkg-deb -x flight-of-the-amazon-queen_*.deb $WEFT_VOICE/games
    python actors.py [--part 0/2]

The game is free to copy and comes with sound (Debian: main/games). Its archive queen.1c begins with a table: name (12 bytes, filled up with zeros), one byte,
offset and size (32 bits, the highest byte first); names that end in .SB are MP3 files, a line each. $WEFT_VOICE/actors/NAME.json
gets {name: text} of every hundredth line; a part that is there is not made again. Lines that Whisper is not sure of are left out.
"""
import argparse
import json
import random
import re
import struct
import subprocess
from functools import cache

import numpy as np
import torch

import ends
import places
from common import write_bytes
from texts import plain

ARCHIVE = "usr/share/scummvm/flight-of-the-amazon-queen/queen.1c"
PARTS = 100
LONGEST = 12 * ends.RATE
SURE = -0.45            # mean log odds of a token
BEGIN, ENGLISH, END, TEXT = 50257, 50362, 50256, 50256     # <|startoftranscript|>, <|notimestamps|>, <|endoftext|>; text is below it


@cache
def lines():
    """(name, MP3 file) of all lines, in a fixed random order."""
    data, found = (places.workdir() / "games" / ARCHIVE).read_bytes(), []
    for m in re.finditer(rb"([A-Z0-9_]{1,8}\.SB)\0+", data[:1 << 18]):
        offset, size = struct.unpack_from(">II", data, m.start() + 13)
        found.append((m[1].decode(), data[offset:offset + size]))
    random.Random(places.SEED).shuffle(found)
    return found


def sound(mp3):
    """f32 at 16 kHz."""
    raw = subprocess.run(["ffmpeg", "-loglevel", "error", "-threads", "1", "-f", "mp3", "-i", "-", "-f", "s16le", "-ar", str(ends.RATE),
                          "-ac", "1", "-"], input=mp3, capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


class Writer:
    """Whisper tiny.en with its decoder, greedily, on sounds that are filled up to 15 s."""

    def __init__(self):
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import WhisperConfig, WhisperForConditionalGeneration
        path = places.end("whisper-tiny.en")
        self.net = WhisperForConditionalGeneration(WhisperConfig(**json.loads((path / "config.json").read_text()))).eval()
        self.net.load_state_dict({k: v.float() for k, v in load_file(path / "model.safetensors").items()}, strict=False)
        self.net.tie_weights()
        self.tokens, self.encoder = Tokenizer.from_file(str(path / "tokenizer.json")), ends.Encoder()

    @torch.inference_mode()
    def __call__(self, samples, most=50):
        """(text, mean log odds of its tokens)"""
        heard = self.encoder(np.pad(samples, (0, max(0, 15 * ends.RATE - len(samples)))))[None]
        given, past, said, odds = torch.tensor([[BEGIN, ENGLISH]]), None, [], []
        while len(said) < most:
            out = self.net.model.decoder(given, encoder_hidden_states=heard, past_key_values=past, use_cache=True)
            past, scores = out.past_key_values, self.net.proj_out(out.last_hidden_state[0, -1])[:TEXT + 1].log_softmax(-1)
            token = int(scores.argmax())
            odds.append(float(scores[token]))
            if token == END:
                break
            said.append(token)
            given = torch.tensor([[token]])
        return self.tokens.decode(said).strip(), sum(odds) / len(odds)


def part(n, writer):
    """{name: text} of part n; made where it is not there."""
    path = places.workdir() / "actors" / f"{n:02d}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        heard = {}
        for name, mp3 in lines()[n::PARTS]:
            samples = sound(mp3)
            if 0.5 * ends.RATE < len(samples) < LONGEST:
                text, odds = writer(samples)
                if odds > SURE and plain(text) and re.fullmatch(r"[A-Za-z ,.?!'-]+", text):
                    heard[name] = text
        write_bytes(path, json.dumps(heard, indent=1))
    return json.loads(path.read_text())


def spoken(n):
    """("actor", text, int16 samples) of part n."""
    from speakers import RATE, tidy
    heard = part(n, None)
    return [("actor", heard[name], tidy(sound(mp3), RATE)) for name, mp3 in lines()[n::PARTS] if name in heard]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--part", default="0/1", help="k/n: the parts with number k modulo n")
    k, n = map(int, args.parse_args().part.split("/"))
    torch.set_num_threads(1)
    writer = Writer()
    for i in range(k, PARTS, n):
        print(f"{i}: {len(part(i, writer))} lines", flush=True)


if __name__ == "__main__":
    main()
