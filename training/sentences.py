# SPDX-License-Identifier: Apache-2.0
"""Every sentence of the demo: captions of scenes and clips, numbers, directions, prompts of all three jobs.

The text core is frozen after one training, so whatever an adapter is to say later is here. Captions are a
function of a scene's description (`Description`): one scene, one sentence, so that accuracy can be counted.
"""
import random
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = [line.rsplit(",", 1)[0] for line in (HERE / "glyphs.csv").read_text().splitlines()[1:]]
SHAPES = ["circle", "square", "triangle", "cross", "star", "oval", "rectangle"]
COLOURS = {"red": (214, 40, 40), "orange": (245, 135, 30), "yellow": (250, 218, 50), "green": (50, 160, 70),
           "blue": (45, 100, 215), "purple": (130, 60, 170), "pink": (245, 150, 190), "brown": (125, 80, 45),
           "black": (25, 25, 25), "white": (245, 245, 245), "gray": (135, 135, 135)}
TEXTURES = ["striped", "checked", "dotted", "speckled"]
LAYOUTS = {1: ["single"], 2: ["left", "above"], 3: ["row", "column", "pair above", "above pair"]}
MOTIONS = ["moves from left to right", "moves from right to left", "moves from top to bottom",
           "moves from bottom to top", "grows", "shrinks", "appears", "disappears", "turns"]
SMALL, LARGE = 0.33, 0.58   # heights, as a share of the picture, below and above which a size is said

PICTURE_PROMPTS = [
    "Describe this picture.", "Describe the picture.", "Describe this image.", "Describe the image.",
    "Describe this picture in one sentence.", "Describe this image in one sentence.", "Describe what you see.",
    "What is in this picture?", "What is in this image?", "What is this?", "What do you see?",
    "What does this picture show?", "What can you see in this picture?", "What is shown here?",
    "Write a caption.", "Caption this image.", "Caption this picture.", "Describe this photo.",
    "Describe this scene.", "Tell me what is in the picture.", "Describe", ""]
CLIP_PROMPTS = [
    "Describe this clip.", "Describe the clip.", "Describe this video.", "Describe the video.",
    "Describe this clip in one sentence.", "What happens in this clip?", "What happens in this video?",
    "What is happening here?", "What moves in this clip?", "What do you see in this clip?", "Describe", ""]
REPEAT = "Repeat after me in English: "
TRANSLATE = "Translate the following sentence into {}: "
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
PLACES, SIDES, ORDERS = ["front", "rear", "side", "center"], ["left", "right", "center"], ["up", "down", "stop", "go"]
FOREIGN = {
    "German": dict(zip(ONES[:10] + PLACES + SIDES[:2] + ORDERS, (
        "null eins zwei drei vier fünf sechs sieben acht neun vorne hinten seite mitte links rechts "
        "oben unten halt los").split())),
    "French": dict(zip(ONES[:10] + PLACES + SIDES[:2] + ORDERS, (
        "zéro un deux trois quatre cinq six sept huit neuf avant arrière côté centre gauche droite "
        "haut bas stop allez").split())),
    "Spanish": dict(zip(ONES[:10] + PLACES + SIDES[:2] + ORDERS, (
        "cero uno dos tres cuatro cinco seis siete ocho nueve frente atrás lado centro izquierda derecha "
        "arriba abajo alto adelante").split()))}
COMMON = (
    "about after again all also always and another answer any are around ask at away back be because been before "
    "begin behind below beside better between big book both bottom bring but by call can change city clear close "
    "cold come could country cross cut day did do does door down draw each early earth eat enough enter even ever "
    "every eye face far fast feel few find first follow food for found four friend from full gave get give good "
    "great group grow had half hand hard has have he head hear help her here high him his hold home hour how "
    "if important in into is it just keep key kind knew know land last late learn leave let letter life light like "
    "line list listen little live long look made main make man many may me mean menu message might mile minute moment "
    "money month moon more morning most mother move much music must my name near need never next night no north not "
    "note nothing now number of off often old on once only open or other our out over own page paper part "
    "people phone picture place plant play please point press put question quick rain read ready real record "
    "remember rest river road room round run said same saw say school sea second see seem send sentence set she "
    "short should show sing sleep slow small so some song soon sound south stand start state stay still story street "
    "strong such summer sure system table take talk tell than thank that the their them then there these they thing "
    "think this those thought through time today together told too took top toward town travel try turn under until "
    "us use very voice wait walk want warm was watch water way we week well went were west what wheel when where "
    "which while who why will wind winter with without wonder wood word work world would write year yellow yes yet "
    "you young your hello goodbye welcome sorry extension pound password invalid correct").split()


@dataclass
class Thing:
    """One object: a name of objects.txt or a shape; shapes have a colour. Height is a share of the picture."""
    name: str
    height: float
    colour: str = ""


@dataclass
class Description:
    """What a scene shows, in the order in which its caption names it."""
    things: list
    layout: str
    ground: str = "plain"          # plain, gradient, or a texture
    colours: tuple = ("white",)    # one colour, or two for a gradient: top or left first
    relations: dict = field(default_factory=dict)


PLURAL = {"cherries", "french fries", "glasses", "grapes", "jeans", "pancakes", "scissors"}
MASS = {"bacon", "badminton", "bread", "broccoli", "fire", "garlic", "high voltage", "ping pong", "popcorn",
        "thumbs up"}


def article(words):
    """The words with "a" or "an" by the first sound."""
    return ("an " if words[0] in "aeio" or words.startswith(("umb", "hour")) else "a ") + words


def named(size, colour, name):
    """"a small red circle", "an owl", "large grapes"."""
    words = " ".join(w for w in (size, colour, name) if w)
    return words if name in PLURAL or name in MASS else article(words)


def thing_words(thing):
    size = "small" if thing.height < SMALL else "large" if thing.height > LARGE else ""
    return named(size, thing.colour, thing.name)


def ground_words(d):
    """" on a striped blue background"."""
    if d.ground == "gradient":
        return f" on a background fading from {d.colours[0]} to {d.colours[1]}"
    return " on " + article(("" if d.ground == "plain" else d.ground + " ") + d.colours[0]) + " background"


def caption(d):
    """The sentence of a scene."""
    t = [thing_words(x) for x in d.things]
    body = {
        "single": "{0}", "left": "{0} to the left of {1}", "above": "{0} above {1}",
        "right": "{0} to the right of {1}", "below": "{0} below {1}",
        "row": "{0}, {1} and {2} from left to right", "column": "{0}, {1} and {2} from top to bottom",
        "pair above": "{0} to the left of {1}, both above {2}",
        "above pair": "{0} above {1} to the left of {2}"}[d.layout].format(*t)
    return body + ground_words(d)


HEIGHTS = {1: (0.20, 0.80), 2: (0.20, 0.46), 3: (0.20, 0.34)}


def random_thing(rng, count, banned, shapes=0.15):
    height = rng.uniform(*HEIGHTS[count])
    while True:
        shape = rng.random() < shapes
        name = rng.choice(SHAPES if shape else NAMES)
        if name not in banned:
            return Thing(name, height, rng.choice(list(COLOURS)) if shape else "")


def random_ground(rng):
    kind = rng.choice(["plain", "plain", "gradient", "texture"])
    colours = rng.sample(list(COLOURS), 2)
    if kind == "gradient":
        return "gradient", tuple(colours)
    return ("plain" if kind == "plain" else rng.choice(TEXTURES)), (colours[0],)


def random_description(rng, count=None, shapes=0.15):
    """A scene: one to three different things, a layout, a background no shape vanishes on."""
    count = count or rng.choice([1, 1, 2, 2, 3])
    things, ground, colours = [], *random_ground(rng)
    while len(things) < count:
        thing = random_thing(rng, count, [x.name for x in things], shapes)
        if thing.colour not in colours:
            things.append(thing)
    return Description(things, rng.choice(LAYOUTS[count]), ground, colours)


def clip_caption(rng):
    """One or two things, each with a motion; the background is named in half of them."""
    names = rng.sample(NAMES + SHAPES, rng.choice([1, 1, 2]))
    parts = []
    for name in names:
        colour = rng.choice(list(COLOURS)) if name in SHAPES else ""
        verb, *way = rng.choice(MOTIONS).split()
        verb = verb[:-1] if name in PLURAL else verb
        parts.append(" ".join([named(rng.choice(["", "", "", "small", "large"]), colour, name), verb, *way]))
    ground, colours = random_ground(rng)
    tail = ground_words(Description([], "", ground, colours)) if rng.random() < 0.5 else ""
    return " and ".join(parts) + tail


def number_words(n):
    """0..999 in English."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10 - 2] + ("-" + ONES[n % 10] if n % 10 else "")
    return ONES[n // 100] + " hundred" + (" " + number_words(n % 100) if n % 100 else "")


def directions(rng):
    """A spoken direction: one word or a pair."""
    if rng.random() < 0.5:
        return rng.choice(PLACES + SIDES[:2] + ORDERS)
    pair = [rng.choice(PLACES[:3]), rng.choice(SIDES)]
    return " ".join(rng.choice([pair, rng.sample(PLACES + SIDES[:2] + ORDERS, 2)]))


def digits(rng):
    return " ".join(rng.choice(ONES[:10]) for _ in range(rng.randint(1, 8)))


def jumble(rng):
    """Words in no order: what stands between the speech tokens is repeated whatever it is."""
    pool = COMMON + [w for n in rng.sample(NAMES, 20) for w in n.split()] + ONES + TENS + list(COLOURS)
    return " ".join(rng.choice(pool) for _ in range(rng.randint(1, 9)))


def broad_caption(rng):
    """A scene's sentence; one in four says the relation the other way round."""
    d = random_description(rng)
    if rng.random() < 0.25:
        d.layout = {"left": "right", "above": "below"}.get(d.layout, d.layout)
        d.things.reverse()
    return caption(d)


def spoken(rng):
    """A sentence of the speech job."""
    kind = rng.choices(["caption", "clip", "number", "digits", "direction", "jumble"], [24, 8, 12, 18, 8, 30])[0]
    return {"caption": broad_caption, "clip": clip_caption, "number": lambda r: number_words(r.randrange(1000)),
            "digits": digits, "direction": directions, "jumble": jumble}[kind](rng)


def translation(rng):
    """(language, English, translation): into English anything, into others digits and directions word by word."""
    language = rng.choice(["English", *FOREIGN])
    if language == "English":
        text = spoken(rng)
        return language, text, text
    words = (digits(rng) if rng.random() < 0.5 else directions(rng)).split()
    return language, " ".join(words), " ".join(FOREIGN[language][w] for w in words)


def corpus(count=6000, seed=1):
    """Text for the vocabulary: sentences of every kind, every prompt, every word."""
    rng = random.Random(seed)
    out = [spoken(rng) for _ in range(count)] + [clip_caption(rng) for _ in range(count // 4)]
    out += [" " + w for n in NAMES for w in n.split() for _ in range(3)] + [" " + w for w in COMMON]
    out += [w + " " + w for t in FOREIGN.values() for w in t.values() for _ in range(2)]
    out += [p for p in PICTURE_PROMPTS + CLIP_PROMPTS for _ in range(20)]
    out += [p for x in ["English", *FOREIGN] for p in [TRANSLATE.format(x), f"Repeat after me in {x}: "] * 10]
    out += ["user", "assistant", "system"] * 50 + ["\n\n"] * 50 + [f" {n} {n}" for n in range(10)]
    return out + NAMES + ["-" + w for w in ONES[1:10]] * 5
