# SPDX-License-Identifier: Apache-2.0
"""What Whisper tiny.en itself writes down of what actors say (games.py): $WEFT_VOICE/actors/GAME-NN.json.

    python actors.py [--part 0/2]

A file has {name: text} of every hundredth line of a game, and is not made again where it is there. Lines that Whisper is not sure of are left
out, and those with figures, since nobody can say how they were read.
"""
import argparse
import json
import re

import numpy as np
import torch

import ends
import places
from common import write_bytes
from games import lines
from texts import plain

GAMES, PARTS = ("queen", "sky"), 100
ALL = len(GAMES) * PARTS
LONGEST = 12 * ends.RATE
SURE = -0.45            # mean log odds of a token
BEGIN, NO_TIMES, END = 50257, 50362, 50256       # <|startoftranscript|>, <|notimestamps|>, <|endoftext|>, below which is text


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
        given, past, said, odds = torch.tensor([[BEGIN, NO_TIMES]]), None, [], []
        while len(said) < most:
            out = self.net.model.decoder(given, encoder_hidden_states=heard, past_key_values=past, use_cache=True)
            past, scores = out.past_key_values, self.net.proj_out(out.last_hidden_state[0, -1])[:END + 1].log_softmax(-1)
            token = int(scores.argmax())
            odds.append(float(scores[token]))
            if token == END:
                break
            said.append(token)
            given = torch.tensor([[token]])
        return self.tokens.decode(said).strip(), sum(odds) / len(odds)


def path_of(n):
    return places.workdir() / "actors" / f"{GAMES[n // PARTS]}-{n % PARTS:02d}.json"


def part(n):
    """(name, function that gives its sound) of the lines of part n."""
    return lines(GAMES[n // PARTS])[n % PARTS::PARTS]


def write(n, writer):
    """Makes part n; the number of its lines."""
    heard = {}
    for name, sound in part(n):
        samples = sound()
        if 0.5 * ends.RATE < len(samples) < LONGEST:
            text, odds = writer(samples)
            if odds > SURE and plain(text) and re.fullmatch(r"[A-Za-z ,.?!'-]+", text):
                heard[name] = text
    path_of(n).parent.mkdir(exist_ok=True)
    write_bytes(path_of(n), json.dumps(heard, indent=1))
    return len(heard)


def spoken(n):
    """("actor", text, int16 samples) of part n."""
    from speakers import RATE, tidy
    heard = json.loads(path_of(n).read_text())
    return [("actor", heard[name], tidy(sound(), RATE)) for name, sound in part(n) if name in heard]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--part", default="0/1", help="k/n: the parts with number k modulo n")
    k, of = map(int, args.parse_args().part.split("/"))
    torch.set_num_threads(1)
    writer = Writer()
    for n in range(k, ALL, of):
        if not path_of(n).exists():
            print(f"{path_of(n).name}: {write(n, writer)} lines", flush=True)


if __name__ == "__main__":
    main()
