# SPDX-License-Identifier: Apache-2.0
"""Scenes: descriptions (sentences.py) placed and painted.

One to three things of 20 to 80 % of the picture's height at any angle, on plain, gradient or textured
ground; blur sigma 0 to 1 px, noise sigma 0 to 12/255, JPEG quality 40 to 95. A scene is a function of its
seed. Training also asks for labels: which thing each patch of the picture shows.
"""
import io
import math
import random

import numpy as np
from PIL import Image, ImageFilter

from glyphs import SIDE, blends_in, sprites
from sentences import COLOURS, LAYOUTS, NAMES, SHAPES, SMALL, LARGE, TEXTURES, caption, random_description

T, GRID = 128, 8
CLASSES = NAMES + SHAPES                        # a patch's label; len(CLASSES) is ground
GROUNDS = ["plain", "gradient", *TEXTURES]
COLOUR_NAMES = list(COLOURS)
ALL_LAYOUTS = [name for names in LAYOUTS.values() for name in names]
NOISE = np.random.default_rng(7).standard_normal(2 ** 20).astype(np.float32)


def spread(rng, sizes):
    """Centres along one axis, in order and apart, the free space shared out at random; None when it is too little."""
    free = 1.0 - sum(sizes)
    if free < 0.04:
        return None
    cuts = sorted(rng.random() for _ in sizes)
    gaps = [b - a for a, b in zip([0.0, *cuts], [*cuts, 1.0])]
    least = 0.02 * (len(sizes) - 1)
    at, out = 0.0, []
    for i, size in enumerate(sizes):
        at += gaps[i] * (free - least) + (0.02 if i else 0.0)
        out.append(at + size / 2)
        at += size
    return out


def inside(value, size):
    """The nearest centre that keeps a thing of that size in the picture."""
    return min(max(value, size / 2), 1 - size / 2)


def place(rng, d):
    """A centre (x, y) for each thing so that the caption's relation is plain to see; None to try again."""
    h = [t.height for t in d.things]
    if d.layout == "single":
        return [(rng.uniform(h[0] / 2, 1 - h[0] / 2), rng.uniform(h[0] / 2, 1 - h[0] / 2))]
    if d.layout in ("left", "row", "above", "column"):
        along = spread(rng, h)
        if along is None:
            return None
        drift = (0.4 if len(h) == 2 else 0.25) * (along[1] - along[0])
        middle = rng.uniform(0.3, 0.7)
        across = [inside(middle + rng.uniform(-0.5, 0.5) * drift, size) for size in h]
        if max(across) - min(across) > 0.45 * min(b - a for a, b in zip(along, along[1:])):
            return None
        return list(zip(along, across)) if d.layout in ("left", "row") else list(zip(across, along))
    pair, one = ([0, 1], 2) if d.layout == "pair above" else ([1, 2], 0)
    xs = spread(rng, [h[i] for i in pair])
    ys = spread(rng, [max(h[i] for i in pair), h[one]] if one == 2 else [h[one], max(h[i] for i in pair)])
    if xs is None or ys is None:
        return None
    row, other = (ys[0], ys[1]) if one == 2 else (ys[1], ys[0])
    spots = dict(zip(pair, [(x, row) for x in xs]))
    spots[one] = (inside(sum(xs) / 2 + rng.uniform(-0.08, 0.08), h[one]), other)
    return [spots[i] for i in range(3)]


def jitter(rng, colour, by=16):
    return tuple(min(255, max(0, round(c + rng.uniform(-by, by)))) for c in COLOURS[colour])


def paint_ground(rng, d):
    """The background, [T, T, 3] float32."""
    base = np.array(jitter(rng, d.colours[0]), np.float32)
    y, x = np.mgrid[0:T, 0:T].astype(np.float32)
    if d.ground == "plain":
        return np.broadcast_to(base, (T, T, 3)).copy()
    if d.ground == "gradient":
        share = (rng.choice([x, y]) / (T - 1))[..., None]
        return base * (1 - share) + np.array(jitter(rng, d.colours[1]), np.float32) * share
    step = rng.uniform(8, 18)
    turn = rng.uniform(0, math.pi)
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    if d.ground == "striped":
        mark = (u // step) % 2
    elif d.ground == "checked":
        mark = (u // step + v // step) % 2
    elif d.ground == "dotted":
        mark = ((u % step - step / 2) ** 2 + (v % step - step / 2) ** 2 < (0.3 * step) ** 2).astype(np.float32)
    else:
        cell = NOISE[rng.randrange(2 ** 19):][:32 * 32].reshape(32, 32) > 1.0
        mark = np.kron(cell, np.ones((T // 32, T // 32))).astype(np.float32)
    other = base + (-1 if base.mean() > 120 else 1) * rng.uniform(38, 60)
    return np.where(mark[..., None] > 0, other, base).clip(0, 255).astype(np.float32)


def sprite(rng, thing, turn=None):
    """The thing at its size, at a random angle where none is given: RGBA on a square just large enough."""
    size, turn = thing.height * T, rng.uniform(0, 2 * math.pi) if turn is None else turn
    image = sprites()[0][thing.name][1 if size < SIDE // 2 else 0]
    if thing.colour:
        flat = Image.new("RGBA", image.size, jitter(rng, thing.colour))
        flat.putalpha(image.getchannel("A"))
        image = flat
    scale = image.width / size
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    n = math.ceil(size * (abs(math.cos(turn)) + abs(math.sin(turn)))) + 2
    middle = image.width / 2
    shift = (middle - c * n / 2 - s * n / 2, middle + s * n / 2 - c * n / 2)
    return image.transform((n, n), Image.AFFINE, (c, s, shift[0], -s, c, shift[1]), Image.BILINEAR)


def degrade(rng, image):
    """Blur and noise."""
    blur, sigma = rng.uniform(0, 1), rng.uniform(0, 12)
    image = image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.1 else image
    at = rng.randrange(2 ** 20 - T * T * 3)
    noisy = np.asarray(image, np.float32) + sigma * NOISE[at:at + T * T * 3].reshape(T, T, 3)
    return Image.fromarray((noisy + 0.5).clip(0, 255).astype(np.uint8), "RGB")


def describe(rng, count=None, shapes=0.15):
    """A description with places for its things, none of them hidden by its background."""
    while True:
        d = random_description(rng, count, shapes)
        spots = None if any(blends_in(t.name, d.colours) for t in d.things) else place(rng, d)
        if spots:
            return d, spots


def render(rng, d, spots):
    """The picture (RGB) and, for each thing, the share of each patch that it covers."""
    image = Image.fromarray(paint_ground(rng, d).astype(np.uint8), "RGB")
    covers = []
    for thing, (x, y) in zip(d.things, spots):
        s = sprite(rng, thing)
        at = (round(x * T - s.width / 2), round(y * T - s.height / 2))
        image.paste(s, at, s)
        alpha = Image.new("L", (T, T))
        alpha.paste(s.getchannel("A"), at)
        covers.append(np.asarray(alpha.resize((GRID, GRID), Image.BOX), np.float32) / 255)
    return degrade(rng, image), covers


def scene(seed, count=None):
    """(description, caption, picture, JPEG quality) of a seed: what a scene file is made of."""
    rng = random.Random(f"scene {seed}")
    d, spots = describe(rng, count)
    image, _ = render(rng, d, spots)
    return d, caption(d), image, rng.randint(40, 95)


def jpeg(image, quality):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


def labels(d, covers):
    """Per patch: class, colour (-100 for emoji and ground), size (-100 for ground). Per scene: four numbers."""
    cover = np.stack(covers).reshape(len(covers), -1)
    for c in cover:
        c[c.argmax()] = max(c.max(), 0.3)    # a thing smaller than a patch still owns one
    owner = np.where(cover.max(0) > 0.25, cover.argmax(0), -1)
    size = [0 if t.height < SMALL else 2 if t.height > LARGE else 1 for t in d.things]
    name = [CLASSES.index(t.name) for t in d.things] + [len(CLASSES)]
    colour = [COLOUR_NAMES.index(t.colour) if t.colour else -100 for t in d.things] + [-100]
    patch = np.stack([np.array(v)[owner] for v in (name, colour, size + [-100])])
    second = COLOUR_NAMES.index(d.colours[1]) if d.ground == "gradient" else len(COLOUR_NAMES)
    whole = [GROUNDS.index(d.ground), COLOUR_NAMES.index(d.colours[0]), second, ALL_LAYOUTS.index(d.layout)]
    return patch, np.array(whole)


def batch(seed, size, counts=None, jpeg_share=0.6, shapes=0.15):
    """Training data of a seed: pixels uint8 [size, T, T, 3], patch labels, scene labels, captions. shapes: the share
    of things that are coloured shapes."""
    rng = random.Random(f"train {seed}")
    pixels, patches, wholes, texts = [], [], [], []
    for _ in range(size):
        d, spots = describe(rng, rng.choice(counts) if counts else None, shapes)
        image, covers = render(rng, d, spots)
        if rng.random() < jpeg_share:
            image = Image.open(io.BytesIO(jpeg(image, rng.randint(40, 95))))
        pixels.append(np.asarray(image))
        patch, whole = labels(d, covers)
        patches.append(patch)
        wholes.append(whole)
        texts.append(caption(d))
    return np.stack(pixels), np.stack(patches), np.stack(wholes), texts
