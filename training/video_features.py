# SPDX-License-Identifier: Apache-2.0
"""Encoder rows of the frames of training clips, in shards of 250 clips under $WEFT_TRAINING/video-DIGEST.

The encoder is frozen, so its rows are made once; DIGEST is that of the exported encoder, whose values they
are. A shard is a function of its number.

    python video_features.py --shards 26                      or, side by side:
    python video_features.py --shards 26 --begin 0 --stride 2
    python video_features.py --shards 26 --begin 1 --stride 2
"""
import argparse
import hashlib
import io
import random

import numpy as np
import torch
from PIL import Image

import clips
from common import DEMO, autocast, save, workdir
from demo import demo_modules
from scenes import jpeg
from train_text import tokenizer
from train_vit import normalise

PER_SHARD = 250
JPEG_SHARE = 0.5


def folder():
    """Where the shards of the present encoder are."""
    digest = hashlib.sha256((DEMO / "vision" / "model.safetensors").read_bytes()).hexdigest()[:12]
    path = workdir() / f"video-{digest}"
    path.mkdir(exist_ok=True)
    return path


def pixels_of(seed):
    """(caption, uint8 [frames, T, T, 3]); half of the clips have been through a lossy codec."""
    text, frames = clips.sampled(f"train {seed}")
    rng = random.Random(f"codec {seed}")
    if rng.random() < JPEG_SHARE:
        quality = rng.randint(40, 90)
        frames = [Image.open(io.BytesIO(jpeg(f, quality))) for f in frames]
    return text, np.stack([np.asarray(f) for f in frames])


@torch.no_grad()
def shard(encoder, number):
    """{features bf16 [clips, frames, rows, width], texts} of one shard."""
    texts, features = [], []
    for i in range(PER_SHARD):
        text, pixels = pixels_of(number * PER_SHARD + i)
        with autocast():
            features.append(encoder(normalise(pixels)).bfloat16())
        texts.append(text)
    return {"features": torch.stack(features), "texts": texts}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--shards", type=int, default=26)
    args.add_argument("--begin", type=int, default=0)
    args.add_argument("--stride", type=int, default=1)
    args.add_argument("--threads", type=int, default=1)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    encoder = demo_modules(tokenizer())[1]
    for number in range(args.begin, args.shards, args.stride):
        path = folder() / f"shard-{number:04d}.pt"
        if not path.exists():
            save(path, shard(encoder, number))
            print(f"{path.name}", flush=True)


if __name__ == "__main__":
    main()
