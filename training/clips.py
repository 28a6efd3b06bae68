# SPDX-License-Identifier: Apache-2.0
"""Clips: one or two things in motion on a still background, and the sentence about them.

A clip is a function of its seed. Two things keep to halves of the picture of their own and are named from
left to right or from top to bottom. Training renders only the frames that an adapter is given; the files of
an evaluation have them all and go through a real encoder.
"""
import random
import subprocess
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from glyphs import blends_in
from scenes import NOISE, T, paint_ground, sprite
from sentences import COLOURS, MOTIONS, NAMES, PLURAL, SHAPES, Description, Thing, named, random_ground

FRAMES = 8            # that the demo's adapter is given
HORIZONTAL, VERTICAL = MOTIONS[:2], MOTIONS[2:4]
ROUND = {"circle"}    # nobody sees it turn


@dataclass
class Mover:
    """A thing and what it does. from_, to: its centre, as shares of the picture; grow: final size over first."""
    thing: Thing
    motion: str
    from_: tuple
    to: tuple
    grow: float = 1.0
    turn: float = 0.0       # radians over the clip
    shown: tuple = (0.0, 1.0)
    angle: float = 0.0


@dataclass
class Clip:
    """A description, its movers, and how the file is made."""
    description: Description
    movers: list
    seconds: float
    fps: float
    codec: list


def words(mover):
    t, (verb, *way) = mover.thing, mover.motion.split()
    verb = verb[:-1] if t.name in PLURAL else verb
    return " ".join([named("", t.colour, t.name), verb, *way])


def caption(clip):
    """The sentence of a clip: "an owl moves from left to right and a red star grows"."""
    return " and ".join(words(m) for m in clip.movers)


def halves(rng, motions):
    """The areas (x0, y0, x1, y1) of the movers, in the order in which they are named."""
    if len(motions) == 1:
        return [(0.0, 0.0, 1.0, 1.0)]
    across, along = (sum(m in kind for m in motions) for kind in (HORIZONTAL, VERTICAL))
    above = across > along or (across == along and rng.random() < 0.5)
    return [(0.0, 0.0, 1.0, 0.5), (0.0, 0.5, 1.0, 1.0)] if above else [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)]


def place(rng, area, size):
    """A centre inside the area for a thing of this size, or the area's middle where it has no room to choose."""
    x0, y0, x1, y1 = area
    return tuple(rng.uniform(lo + size / 2, hi - size / 2) if hi - lo > size else (lo + hi) / 2
                 for lo, hi in ((x0, x1), (y0, y1)))


def way(rng, area, size, motion):
    """Start and end of a straight move through the area, long enough to be seen as one."""
    x0, y0, x1, y1 = area
    axis = 0 if motion in HORIZONTAL else 1
    lo, hi = ((x0, x1), (y0, y1))[axis]
    room = hi - lo - size
    length = rng.uniform(max(0.6 * room, min(room, 0.3)), room)
    start = rng.uniform(lo + size / 2, hi - size / 2 - length)
    middle = place(rng, area, size)[1 - axis]
    drift = rng.uniform(-0.12, 0.12) * length
    ends = [(start, middle - drift / 2), (start + length, middle + drift / 2)]
    ends = [e if axis == 0 else (e[1], e[0]) for e in ends]
    return ends if motion in (MOTIONS[0], MOTIONS[2]) else ends[::-1]


def mover(rng, thing, motion, area):
    """The thing at work in its area."""
    m = Mover(thing, motion, (0, 0), (0, 0), angle=rng.uniform(-0.6, 0.6))
    if motion in HORIZONTAL + VERTICAL:
        m.from_, m.to = way(rng, area, thing.height, motion)
        return m
    m.from_ = m.to = place(rng, area, thing.height)
    if motion in ("grows", "shrinks"):
        m.grow = rng.uniform(1.7, 2.6)
        if motion == "grows":
            thing.height /= m.grow
        else:
            m.grow = 1 / m.grow
    elif motion == "turns":
        m.turn = rng.choice([-1, 1]) * rng.uniform(1.6, 4.7)
    else:
        at = rng.uniform(0.25, 0.75)
        m.shown = (at, 1.0) if motion == "appears" else (0.0, at)
    return m


def random_thing(rng, taken, heights):
    shape = rng.random() < 0.15
    while (name := rng.choice(SHAPES if shape else NAMES)) in taken:
        pass
    return Thing(name, rng.uniform(*heights), rng.choice(list(COLOURS)) if shape else "")


def movers_of(rng, count):
    heights = (0.28, 0.55) if count == 1 else (0.26, 0.42)
    motions = [rng.choice(MOTIONS) for _ in range(count)]
    out = []
    for motion, area in zip(motions, halves(rng, motions)):
        while (thing := random_thing(rng, [m.thing.name for m in out], heights)).name in ROUND and motion == "turns":
            pass
        if motion in ("grows", "shrinks"):
            thing.height = max(thing.height, 0.42)   # so that the smaller end is still to be recognised
        out.append(mover(rng, thing, motion, area))
    return out


CODECS = [(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"], ".mp4", 0.8),
          (["-c:v", "mpeg4", "-q:v", "4"], ".avi", 0.1),
          (["-c:v", "libvpx", "-b:v", "600k", "-deadline", "realtime", "-cpu-used", "8"], ".webm", 0.1)]


def random_clip(rng, count=None):
    """A clip none of whose things is hidden by its background."""
    while True:
        ground, colours = random_ground(rng)
        movers = movers_of(rng, count or rng.choice([1, 1, 2]))
        if any(blends_in(m.thing.name, colours) or m.thing.colour in colours for m in movers):
            continue
        codec = rng.choices(CODECS, [c[2] for c in CODECS])[0]
        return Clip(Description([m.thing for m in movers], "", ground, colours), movers,
                    rng.uniform(1.5, 5.0), rng.choice([8, 10, 12.5, 15, 24, 25, 30]), codec)


def paint_mover(rng_seed, image, m, at):
    """Paste a mover as it is at the share `at` of the clip. The same seed gives the same colours each time."""
    if not m.shown[0] <= at <= m.shown[1]:
        return
    rng = random.Random(rng_seed)
    size = m.thing.height * m.grow ** at
    s = sprite(rng, Thing(m.thing.name, size, m.thing.colour), m.angle + m.turn * at)
    x, y = (a + (b - a) * at for a, b in zip(m.from_, m.to))
    image.paste(s, (round(x * T - s.width / 2), round(y * T - s.height / 2)), s)


def frames(seed, clip, shares):
    """The frames (RGB) at these shares of the clip's length."""
    rng = random.Random(f"paint {seed}")
    ground = Image.fromarray(paint_ground(rng, clip.description).astype(np.uint8), "RGB")
    blur, sigma = rng.uniform(0, 0.8), rng.uniform(0, 8)
    for share in shares:
        image = ground.copy()
        for i, m in enumerate(clip.movers):
            paint_mover(f"{seed} {i}", image, m, share)
        image = image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.1 else image
        at = rng.randrange(2 ** 20 - T * T * 3)
        noisy = np.asarray(image, np.float32) + sigma * NOISE[at:at + T * T * 3].reshape(T, T, 3)
        yield Image.fromarray((noisy + 0.5).clip(0, 255).astype(np.uint8), "RGB")


def clip(seed, count=None):
    """(clip, caption) of a seed."""
    c = random_clip(random.Random(f"clip {seed}"), count)
    return c, caption(c)


def sampled(seed, n=FRAMES, jitter=0.3):
    """(caption, n frames) as a training step wants them: the middles of n equal spans, give or take."""
    c, text = clip(seed)
    rng = random.Random(f"times {seed}")
    step = 1 / max(1, round(c.seconds * c.fps) - 1)
    shares = [(k + 0.5 + rng.uniform(-jitter, jitter)) / n for k in range(n)]
    return text, list(frames(seed, c, [round(s / step) * step for s in shares]))


def write(seed, stem):
    """The clip of a seed as a file, its codec's ending added to stem; (path, caption)."""
    c, text = clip(seed)
    options, ending, _ = c.codec
    path, count = f"{stem}{ending}", max(2, round(c.seconds * c.fps))
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{T}x{T}", "-r", str(c.fps),
               "-i", "-", "-threads", "1", *options, path]
    raw = b"".join(f.tobytes() for f in frames(seed, c, [i / (count - 1) for i in range(count)]))
    subprocess.run(command, input=raw, check=True)
    return path, text
