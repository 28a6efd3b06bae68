# SPDX-License-Identifier: Apache-2.0
"""What is said: English sentences of 3 to 20 words from Debian's packages, numbers and names ($WEFT_VOICE/texts.txt), and
one to three words alone ($WEFT_VOICE/words.txt), which are the hardest to hear.

    python texts.py

($WEFT_VOICE/read.txt has what else these sources and the quotations of Webster's dictionary of 1913 say: nobody says it, and the odds of words
come from it too.) One sentence a line, in a fixed random order, so that any part of the file is the same mixture. Sources: example sentences
and definitions of WordNet, fortunes, the King James Bible, the Anarchist FAQ (long modern prose), and two kinds that are
made here: numbers in words, and names of people and places in short frames. Whatever cannot be read aloud in one way only
(figures, signs, abbreviations) is left out. A twentieth of the sentences, by checksum, is never said in training.
"""
import html
import random
import re
import subprocess
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path

import places

from common import write_bytes
from sentences import number_words

WORDNET = Path("/usr/share/wordnet")
FORTUNES = Path("/usr/share/games/fortunes")
GCIDE = Path("/usr/share/dictd/gcide.dict.dz")
FAQ = Path("/usr/share/doc/anarchism/html")
PERSON, PLACE = "18", "15"      # WordNet's files of nouns
ALIVE, FOOD = "05", "13"        # animals
THINGS = (ALIVE, "06", "08", FOOD, "20")    # and what people made, parts of bodies, plants
# How many sentences of each source are taken at most. The Bible's English is old and the FAQ has one subject.
MOST = {"example": 60000, "definition": 16000, "fortune": 20000, "bible": 7000, "faq": 20000, "number": 7000, "name": 6000}
WORDS, MORE_WORDS = 12000, 3000
FREQUENT = 300          # words that are said alone, too
OFFENSIVE = re.compile(r"\b(fuck|shit|cunt|nigger|faggot|rape)", re.I)
ABBREVIATED = re.compile(r"\b(Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|etc|e\.g|i\.e|cf|esp|Prof|Rev|Capt|Co|Inc|No|Vol|pp?)\.|\b[A-Z]{2,}\b|\b[A-Z]\.")
SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z ,;:.?!'-]*")


def plain(text):
    """What is heard of a sentence: lower case, words of letters and apostrophes, one space between them."""
    return " ".join(w.strip("'") for w in re.sub(r"[^a-z' ]", " ", text.lower()).split() if w.strip("'"))


def held_out(text):
    return zlib.crc32(plain(text).encode()) % 20 == 0


def clean(text):
    """A sentence as it is spoken and written, or None."""
    text = html.unescape(text).replace("’", "'").replace("`", "'").replace("''", '"').replace('"', "").replace("--", ", ")
    text = re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" -,;:")
    if not SPEAKABLE.fullmatch(text) or ABBREVIATED.search(text) or OFFENSIVE.search(text):
        return None
    return text if 3 <= len(plain(text).split()) <= 20 and len(text) < 130 else None


def sentences(prose):
    """Prose cut after full stops, question and exclamation marks."""
    return re.split(r"(?<=[.?!])\s+(?=[A-Z'\"])", re.sub(r"\s+", " ", prose))


def glosses():
    """(synset's line before the bar, what stands behind it) of every part of speech."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(errors="replace").splitlines():
            if not line.startswith("  ") and "|" in line:
                yield line.split("|", 1)


def wordnet_examples():
    for _, gloss in glosses():
        yield from re.findall(r'"([^"]+)"', gloss)


def wordnet_definitions():
    for _, gloss in glosses():
        meaning = re.sub(r"\([^)]*\)", " ", gloss.split('"')[0]).split(";")[0]
        if len(meaning.split()) >= 4:
            yield meaning


def fortunes():
    for path in sorted(FORTUNES.iterdir()):
        if path.suffix or path.name in ("translate-me", "ascii-art", "art", "bofh-excuses"):
            continue
        for fortune in path.read_text(errors="replace").split("\n%\n"):
            yield from sentences(re.split(r"\n\s*--", fortune)[0])


def bible():
    """Verses, cut at colons and semicolons: their sentences are long."""
    said = subprocess.run(["bible", "-f", "Gen1:1-Rev22:21"], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        yield from re.split(r"[:;] ", re.sub(r"^\S+ ", "", line).replace("[", "").replace("]", ""))


def faq():
    for path in sorted(FAQ.glob("*.html")):
        prose = re.sub(r"<(h\d|title|li|a)\b.*?</\1>", " ", path.read_text(errors="replace"), flags=re.S | re.I)
        yield from sentences(re.sub(r"<[^>]+>", " ", prose))


def quotations():
    """Of Webster's dictionary of 1913: paragraphs further in than the definitions, without who said them. None of Jane Austen's, whose
    "Sense and Sensibility" the evaluation has."""
    raw = subprocess.run(["zcat", "-f", str(GCIDE)], capture_output=True, check=True).stdout.decode(errors="replace")
    for block in re.findall(r"(?:^ {12,}\S.*\n)+", raw, flags=re.M):
        if "Austen" not in block and "{" not in block and "\\" not in block:
            yield from sentences(re.split(r"\s--\s?[A-Z]", block)[0])


def proper(kind):
    """Capitalised names of one of WordNet's files of nouns, in a fixed order."""
    found = {}
    for head, _ in glosses():
        fields = head.split()
        if fields[1] == kind and fields[2] == "n":
            for name in fields[4:4 + 2 * int(fields[3], 16):2]:
                name = name.replace("_", " ")
                if re.fullmatch(r"([A-Z][a-z'-]+)( [A-Z][a-z'-]+){0,2}", name):
                    found[name] = True
    return list(found)


def thing_names(kinds=THINGS):
    """Single words for things in WordNet's files of nouns, common or not."""
    heads = (head.split() for head, _ in glosses())
    return {w for f in heads if f[1] in kinds and f[2] == "n" for w in f[4:4 + 2 * int(f[3], 16):2] if w.isalpha() and w.islower()}


def names(rng):
    people, where = proper(PERSON), proper(PLACE)
    frames = ["My name is {p}.", "{p} lives in {w}.", "Have you met {p}?", "We flew from {w} to {v}.", "{p} was born near {w}.",
              "I am calling for {p}.", "Tell {p} that the train to {w} is late.", "{p} and {q} came back from {w}.",
              "The road from {w} to {v} is closed.", "Is {w} larger than {v}?", "{p} wrote a letter to {q}."]
    while True:
        p, q = rng.sample(people, 2)
        w, v = rng.sample(where, 2)
        yield rng.choice(frames).format(p=p, q=q, w=w, v=v)


def quantity(rng):
    kind = rng.random()
    if kind < 0.5:
        return number_words(rng.randrange(1000) if rng.random() < 0.6 else rng.randrange(100))
    if kind < 0.7:
        thousands = f"{number_words(rng.randrange(1, 1000))} thousand"
        return thousands + (f" {number_words(rng.randrange(1, 1000))}" if rng.random() < 0.7 else "")
    if kind < 0.85:
        return f"{number_words(rng.randrange(17, 21))} {number_words(rng.randrange(10, 100))}"
    return " ".join(number_words(rng.randrange(10)) for _ in range(rng.randint(3, 8)))


MONTHS = ("January February March April May June July August September October November December").split()
UNITS = ("dollars euros miles pounds people years days hours minutes seconds degrees pages points percent kilometers "
         "books letters houses children").split()


def numbers(rng):
    frames = ["It costs {n} {u}.", "The number is {n}.", "There are {n} {u} left.", "In {n} there were {m} {u}.", "{n} plus {m}.",
              "We waited for {n} {u}.", "Turn to page {n}.", "She was born on the {d} of {k}.", "Call me at {n}, {m}.", "{n}, {m}.",
              "The answer is {n} {u}.", "The meeting is on {k} {d} at {h} thirty.", "{n} {u} and {m} {u}."]
    days = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth twentieth".split()
    while True:
        text = rng.choice(frames).format(n=quantity(rng), m=quantity(rng), u=rng.choice(UNITS), k=rng.choice(MONTHS),
                                         d=rng.choice(days), h=number_words(rng.randrange(1, 13)))
        yield text[0].upper() + text[1:]


def common(part):
    """WordNet's single words of a part of speech that its tagged texts have, in a fixed order."""
    out = []
    for line in (WORDNET / f"index.{part}").read_text().splitlines():
        fields = line.split()
        if not line.startswith("  ") and fields[0].isalpha() and len(fields[0]) > 1:
            tagged = int(fields[5 + int(fields[3])])    # lemma pos senses pointers POINTER... senses tagged
            if tagged > 0:
                out.append(fields[0])
    return out


def ordinal(n):
    tens, ones = divmod(n, 10)
    if n < 20 or ones == 0:
        word = number_words(n)
        special = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
                   "twelve": "twelfth"}
        return special.get(word) or (word[:-1] + "ieth" if word.endswith("y") else word + "th")
    return number_words(10 * tens) + " " + ordinal(ones)


def words(rng, count):
    """One to three words alone: things with and without an article, two things, numbers, days and months."""
    nouns, others = common("noun"), common("adj") + common("verb") + common("adv")
    days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday today tomorrow yesterday".split()
    for _ in range(count):
        kind, noun = rng.random(), rng.choice(nouns)
        article = "an" if noun[0] in "aeiou" else "a"
        if kind < 0.3:
            yield f"{article} {noun}"
        elif kind < 0.55:
            yield rng.choice([noun, rng.choice(others)])
        elif kind < 0.7:
            yield f"{rng.choice(['a', 'the', ''])} {rng.choice(others)} {noun}".strip()
        elif kind < 0.93:
            n = rng.choice([rng.randrange(21), rng.randrange(100), rng.randrange(1000)])
            yield rng.choice([number_words(n), ordinal(max(1, n % 100)), rng.choice(["hundred", "thousand", "million"])])
        else:
            yield rng.choice(days + MONTHS)


def more_words(rng, count, lines):
    """Single words that `words` has seldom or never: all numbers of one word, frequent words, names of things, those of animals and food
    whether the texts have them or not."""
    seen = Counter(w for line in lines for w in plain(line).split())
    tens = range(30, 100, 10)
    numbers = [number_words(n) for n in (*range(21), *tens)] + [ordinal(n) for n in (*range(1, 21), *tens)]
    numbers += [big + end for big in ("hundred", "thousand", "million", "billion") for end in ("", "th")] + ["plus", "minus", "point"]
    frequent = [w for w, _ in seen.most_common(FREQUENT) if len(w) > 1]
    things = sorted(thing_names() & seen.keys() | thing_names((ALIVE, FOOD)))
    for _ in range(count):
        kind = rng.random()
        yield rng.choice(numbers if kind < 0.4 else frequent if kind < 0.55 else things)


def take(source, most, rng, seen):
    """At most so many clean new sentences of a source, chosen at random."""
    found = []
    for text in source:
        text = clean(text)
        if text and plain(text) not in seen:
            seen.add(plain(text))
            found.append(text)
    rng.shuffle(found)
    return found[:most]


def main():
    rng, seen = random.Random(places.SEED), set()
    sources = {"example": wordnet_examples(), "definition": wordnet_definitions(), "fortune": fortunes(), "bible": bible(),
               "faq": faq(), "number": islice(numbers(rng), 2 * MOST["number"]),
               "name": islice(names(rng), 2 * MOST["name"])}
    out, counts = [], Counter()
    for name, source in sources.items():
        found = take(source, MOST[name], rng, seen)
        counts[name] = len(found)
        out += found
    rng.shuffle(out)
    write_bytes(places.workdir() / "texts.txt", "\n".join(out) + "\n")
    alone = [*words(rng, WORDS), *more_words(random.Random(places.SEED), MORE_WORDS, out)]
    write_bytes(places.workdir() / "words.txt", "\n".join(alone) + "\n")
    prose = [wordnet_examples(), wordnet_definitions(), fortunes(), bible(), faq(), quotations()]
    said = {plain(text) for text in out}
    read = [text for source in prose for text in take(source, None, rng, said)]
    write_bytes(places.workdir() / "read.txt", "\n".join(read) + "\n")
    print(len(read), "more to read,", len(out), "sentences,", sum(map(held_out, out)), "of them held out:", dict(counts))


if __name__ == "__main__":
    main()
