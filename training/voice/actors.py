# SPDX-License-Identifier: Apache-2.0
"""What Whisper tiny.en itself writes down of what actors say (games.py): $WEFT_VOICE/actors/GAME-NN.json.

    python actors.py [--part 0/2]

A file has {name: text} of every hundredth line of a game (of Drascula and of the short ones every twentieth), and is not made again where it is there.
Lines that Whisper is not sure of are left out, and those with figures, since nobody can say how they were read.
"""
import argparse
import json
import math
import re

import numpy as np
import torch

import ends
import places
from common import write_bytes
from games import lines, sounds
from texts import plain

COUNTS = {"queen": 100, "sky": 100, "drascula": 20, "units": 20}
PARTS = sorted(((game, n) for game, count in COUNTS.items() for n in range(count)), key=lambda p: p[1])
HELD = 90               # parts of queen from here on are kept for choose.py
SHORTEST, LONGEST = int(0.4 * ends.RATE), 12 * ends.RATE
TOGETHER, FILLED = 16, 15 * ends.RATE    # sounds that are written down together; filled up to less, Whisper writes short ones again and again
SURE = -0.45            # mean log odds of a token
BEGIN, NO_TIMES, END = 50257, 50362, 50256       # <|startoftranscript|>, <|notimestamps|>, <|endoftext|>, below which is text


class Writer:
    """Whisper tiny.en with its decoder, greedily, on several sounds at a time that are filled up to 15 s."""

    def __init__(self):
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers import WhisperConfig, WhisperForConditionalGeneration
        path = places.end("whisper-tiny.en")
        self.net = WhisperForConditionalGeneration(WhisperConfig(**json.loads((path / "config.json").read_text()))).eval()
        self.net.load_state_dict({k: v.float() for k, v in load_file(path / "model.safetensors").items()}, strict=False)
        self.net.tie_weights()
        self.tokens, self.encoder = Tokenizer.from_file(str(path / "tokenizer.json")), ends.Encoder()

    def heard(self, sounds):
        """Encoder rows [sounds, 750, 384]."""
        return torch.stack([self.encoder(np.pad(s, (0, FILLED - len(s)))) for s in sounds])

    @torch.inference_mode()
    def __call__(self, sounds, most=50):
        """[(text, mean log odds of its tokens)]; what comes to no end, since it goes round in a circle, has none."""
        heard, past = self.heard(sounds), None
        given, said, odds = torch.tensor([[BEGIN, NO_TIMES]] * len(sounds)), [[] for _ in sounds], [[] for _ in sounds]
        for _ in range(most):
            out = self.net.model.decoder(given, encoder_hidden_states=heard, past_key_values=past, use_cache=True)
            past, scores = out.past_key_values, self.net.proj_out(out.last_hidden_state[:, -1])[:, :END + 1].log_softmax(-1)
            best, given = scores.max(-1)
            for tokens, sure, token, odd in zip(said, odds, given.tolist(), best.tolist()):
                if not tokens or tokens[-1] != END:
                    tokens.append(token)
                    sure.append(odd)
            if all(tokens[-1] == END for tokens in said):
                break
            given = given[:, None]
        return [(self.tokens.decode(t).strip(), sum(o) / len(o) if t[-1] == END else -math.inf) for t, o in zip(said, odds)]


def held(n):
    """Whether no training hears part n."""
    game, k = PARTS[n]
    return game == "queen" and k >= HELD


def path_of(n):
    game, k = PARTS[n]
    return places.workdir() / "actors" / f"{game}-{k:02d}.json"


def part(n):
    """The lines of part n, as games.lines() has them."""
    game, k = PARTS[n]
    return lines(game)[k::COUNTS[game]]


def write(n, writer):
    """Makes part n; the number of its lines."""
    heard, said = {}, [(line[0], sound) for line, sound in zip(part(n), sounds(part(n))) if SHORTEST < len(sound) < LONGEST]
    said.sort(key=lambda s: len(s[1]))
    for at in range(0, len(said), TOGETHER):
        names, samples = zip(*said[at:at + TOGETHER])
        for name, (text, odds) in zip(names, writer(samples)):
            if odds > SURE and plain(text) and re.fullmatch(r"[A-Za-z ,.?!'-]+", text):
                heard[name] = text
    path_of(n).parent.mkdir(exist_ok=True)
    write_bytes(path_of(n), json.dumps(heard, indent=1))
    return len(heard)


def spoken(n):
    """("actor", text, int16 samples) of part n."""
    from speakers import RATE, tidy
    heard = json.loads(path_of(n).read_text())
    some = [line for line in part(n) if line[0] in heard]
    return [("actor", heard[line[0]], tidy(sound, RATE)) for line, sound in zip(some, sounds(some))]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--part", default="0/1", help="k/n: the parts with number k modulo n")
    k, of = map(int, args.parse_args().part.split("/"))
    torch.set_num_threads(1)
    writer = Writer()
    for n in range(k, len(PARTS), of):
        if not path_of(n).exists():
            print(f"{path_of(n).name}: {write(n, writer)} lines", flush=True)


if __name__ == "__main__":
    main()
