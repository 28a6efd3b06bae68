# SPDX-License-Identifier: Apache-2.0
"""Sprites of the things in objects.txt (Noto Color Emoji, drawn once and cached) and of the coloured shapes.

glyphs.csv maps each CLDR short name to its code point. A sprite is cropped to what it shows and fitted
into a square whose side is the thing's height in a scene.
"""
import functools
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from common import workdir
from sentences import COLOURS, HERE, NAMES, SHAPES

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
SIDE, STRIKE, FINE = 96, 109, 4   # sprite side; the font's one bitmap size; oversampling of drawn shapes


def code_points():
    rows = (HERE / "glyphs.csv").read_text().splitlines()[1:]
    return [chr(int(row.rsplit(",", 1)[1], 16)) for row in rows]


def draw_glyph(font, char):
    """One emoji, cropped to its ink and fitted into the square."""
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((10, 10), char, font=font, embedded_color=True)
    ink = canvas.crop(canvas.getchannel("A").getbbox())
    scale = SIDE / max(ink.size)
    ink = ink.resize([max(1, round(n * scale)) for n in ink.size], Image.BICUBIC)
    out = Image.new("RGBA", (SIDE, SIDE))
    out.paste(ink, ((SIDE - ink.width) // 2, (SIDE - ink.height) // 2))
    return np.asarray(out)


def polygon(points, start=-90.0, inner=1.0):
    """Corners on a circle; every second one nearer to the centre when inner < 1."""
    count = points * (2 if inner < 1 else 1)
    turn = [math.radians(start + 360 * i / count) for i in range(count)]
    return [(0.5 + 0.5 * (inner if inner < 1 and i % 2 else 1) * math.cos(t),
             0.5 + 0.5 * (inner if inner < 1 and i % 2 else 1) * math.sin(t)) for i, t in enumerate(turn)]


def draw_shape(name):
    """A white shape; scenes.py colours it."""
    n = SIDE * FINE
    mask = Image.new("L", (n, n))
    pen = ImageDraw.Draw(mask)
    boxes = {"square": [(0, 0, 1, 1)], "rectangle": [(0.25, 0, 0.75, 1)],
             "cross": [(0.34, 0, 0.66, 1), (0, 0.34, 1, 0.66)]}
    ovals = {"circle": (0, 0, 1, 1), "oval": (0.22, 0, 0.78, 1)}
    for box in boxes.get(name, []):
        pen.rectangle([c * (n - 1) for c in box], fill=255)
    if name in ovals:
        pen.ellipse([c * (n - 1) for c in ovals[name]], fill=255)
    if name in ("triangle", "star"):
        corners = polygon(3) if name == "triangle" else polygon(5, inner=0.42)
        pen.polygon([(x * n, y * n) for x, y in corners], fill=255)
    out = np.full((SIDE, SIDE, 4), 255, np.uint8)
    out[..., 3] = np.asarray(mask.resize((SIDE, SIDE), Image.BOX))
    return out


@functools.cache
def sprites():
    """name -> [whole, half] RGBA images, and name -> mean colour of its ink (none for shapes)."""
    cache = workdir() / "glyphs.npy"
    if not cache.exists():
        font = ImageFont.truetype(FONT, STRIKE)
        np.save(cache, np.stack([draw_glyph(font, c) for c in code_points()]))
    stack = dict(zip(NAMES, np.load(cache)))
    mean = {n: (s[..., :3] * (s[..., 3:] / 255.0)).sum((0, 1)) / (s[..., 3].sum() / 255.0) for n, s in stack.items()}
    stack.update({n: draw_shape(n) for n in SHAPES})
    images = {n: Image.fromarray(s, "RGBA") for n, s in stack.items()}
    return {n: [i, i.resize((SIDE // 2, SIDE // 2), Image.BOX)] for n, i in images.items()}, mean


def blends_in(name, colours):
    """Whether a thing's mean colour is that of the background: such scenes are not made."""
    mean = sprites()[1].get(name)
    return mean is not None and any(np.linalg.norm(mean - COLOURS[c]) < 60 for c in colours)
