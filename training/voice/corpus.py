# SPDX-License-Identifier: Apache-2.0
"""Speech as rows of the frozen encoder: $WEFT_VOICE/rows/*.npy (f16 [n, 384]) with *.json beside them.

    python corpus.py [--shards 240] [--part 0/2] [--views 8] [--only said|word|people|nothing|actor|piece]

A shard of sentences or words is said by one engine, each of them once, and is a function of its number; the script may be stopped, started again
and run several times at once (each takes the shards of its own remainder). People's recordings and sounds without
words come --views times, each time through another room, microphone and line; actors' lines, and pieces of them (pieces.py, which
depend on models/voice), once for four views, without the parts that choose.py keeps. A quarter of the sounds stays clean. The sound
itself is not kept: a second of speech is 38 kB of rows.
"""
import argparse
import json
import os
import random
import time

import numpy as np
import torch

import actors
import ends
import pieces
import places
import speakers
from speech_augment import chain
from texts import held_out

PER_SHARD = 250
# Natural voices more often than robots, as far as the two cores allow (piper and festival are slow).
ORDER = ("hibari espeak flite hibari piper flite espeak hibari flite festival espeak hibari flite piper hibari espeak flite "
         "hibari espeak festival flite hibari espeak piper").split()
CLEAN = 0.25
LONGEST = 16 * ends.RATE


def sentences():
    """Those of training, in their fixed order."""
    lines = (places.workdir() / "texts.txt").read_text().splitlines()
    return [t for t in lines if not held_out(t)]


def words():
    """One to three words alone; they are too few to be divided."""
    return (places.workdir() / "words.txt").read_text().splitlines()


def read():
    """What nobody says."""
    return [t for t in (places.workdir() / "read.txt").read_text().splitlines() if not held_out(t)]


def heard(samples, rng):
    """int16 samples as somebody records them: f32."""
    if rng.random() >= CLEAN:
        return chain(samples, rng)
    around = rng.randint(0, 6000), rng.randint(0, 6000)
    return np.pad(samples.astype(np.float32) / 32768, around)


def write(name, said, encoder):
    """said: (voice, text, int16 samples). Whole or not at all; the .json comes last."""
    rows, about = [], []
    for i, (voice, text, samples) in enumerate(said):
        sound = heard(samples, random.Random(f"{places.SEED} {name} {i}")) if len(samples) >= 1600 else samples
        if 1600 <= len(sound) <= LONGEST:
            rows.append(encoder(sound).half().numpy())
            about.append({"voice": voice, "text": text, "rows": len(rows[-1])})
    path = places.rows() / f"{name}.npy"
    with open(path.with_suffix(".tmp"), "wb") as f:
        np.save(f, np.concatenate([np.zeros((0, ends.WIDTH), np.float16), *rows]))
    os.replace(path.with_suffix(".tmp"), path)
    path.with_suffix(".new").write_text(json.dumps(about))
    os.replace(path.with_suffix(".new"), path.with_suffix(".json"))
    return sum(map(len, rows)) / 50


def jobs(shards, views):
    """(name, engine or None, number) of every shard in the order in which they are wanted."""
    for n in range(shards):
        yield f"said-{n:04d}", ORDER[n % len(ORDER)], n
        if n % 4 == 3:
            yield f"word-{n // 4:04d}", ORDER[n // 4 % len(ORDER)], n // 4
        if n % 8 == 7 and n // 8 < views:
            yield f"people-{n // 8}", None, n // 8
            yield f"nothing-{n // 8}", None, n // 8
    parts = [n for n in range(len(actors.PARTS)) if not actors.held(n)]
    for view in range(views // 4):      # of hours of speech fewer views are needed than of minutes
        yield from ((f"actor-{view}-{actors.path_of(n).stem}", None, n) for n in parts)
        yield from ((f"piece-{view}-{actors.path_of(n).stem}", None, n) for n in parts)
        yield f"piece-{view}-people", None, None


def sounds(name, engine, n, encoder):
    if name.startswith("actor"):
        return actors.spoken(n)
    if name.startswith("piece"):
        cut, whole = pieces.Cutter(encoder), speakers.people() if n is None else actors.spoken(n)
        return [(voice, *piece) for voice, text, samples in whole for piece in cut(text, samples)]
    if engine:
        texts = words() if name.startswith("word") else sentences()
        said = texts[n * PER_SHARD:(n + 1) * PER_SHARD]
        return speakers.speak(engine, said, random.Random(f"{places.SEED} {name}")) if said else []
    return speakers.people() if name.startswith("people") else speakers.nothing(300, f"{places.SEED} {name}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--shards", type=int, default=80)
    args.add_argument("--views", type=int, default=4)
    args.add_argument("--only", default="", help="shards whose name begins with this: said, word, people, nothing, actor, piece")
    args.add_argument("--part", default="0/1", help="k/n: the shards with number k modulo n")
    args = args.parse_args()
    part, parts = map(int, args.part.split("/"))
    lock = places.alone(f"rows-{part}-of-{parts}")   # noqa: F841
    torch.set_num_threads(1)
    encoder = ends.Encoder()
    for i, (name, engine, n) in enumerate(jobs(args.shards, args.views)):
        if i % parts != part or not name.startswith(args.only) or (places.rows() / f"{name}.json").exists():
            continue
        if name[:5] in ("actor", "piece") and n is not None and not actors.path_of(n).exists():
            continue
        started = time.time()
        said = sounds(name, engine, n, encoder)
        made = time.time() - started
        seconds = write(name, said, encoder)
        print(f"{name} {engine or ''}: {seconds:.0f} s, said in {made:.0f} s, heard in {time.time() - started - made:.0f} s", flush=True)


if __name__ == "__main__":
    main()
