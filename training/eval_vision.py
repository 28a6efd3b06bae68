# SPDX-License-Identifier: Apache-2.0
"""Score the demo through the program: write unseen scene files, run `weft describe` on them, count.

    python eval_vision.py [--count 1000] [--weft ../build/weft] [--engine weft|torch]
Names: the share of scenes of one thing, and of all things in larger scenes, whose name the answer has at
its place. Relation: the share of larger scenes whose answer has the layout's words and does not name the
right things in a wrong order. A shape counts by its name; its colour is counted apart, like sizes and
grounds. Seeds are never those of training (another prefix). In brackets: 95 % confidence (Wilson).
`--engine torch` scores the last checkpoint without the program, to watch a run.
"""
import argparse
import json
import math
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import scenes
import sentences as S
from common import ROOT

NAME = "|".join(sorted(map(re.escape, scenes.CLASSES), key=len, reverse=True))
COLOUR = "|".join(S.COLOURS)
THING = rf"(?:an? )?(?:(small|large) )?(?:({COLOUR}) )?({NAME})"
BODIES = {
    "pair above": "{0} to the left of {0}, both above {0}", "above pair": "{0} above {0} to the left of {0}",
    "row": "{0}, {0} and {0} from left to right", "column": "{0}, {0} and {0} from top to bottom",
    "left": "{0} to the left of {0}", "above": "{0} above {0}", "single": "{0}"}
PATTERNS = {k: re.compile(v.format(THING) + "(?P<ground> on .*)?$") for k, v in BODIES.items()}


def parse(text):
    """(layout, [(size, colour, name)], ground words) of an answer; layout "" when it is no caption."""
    text = text.strip().rstrip(".")
    for layout, pattern in PATTERNS.items():
        if match := pattern.match(text):
            parts = match.groups()[:-1]
            return layout, [tuple(p or "" for p in parts[i:i + 3]) for i in range(0, len(parts), 3)], match["ground"]
    return "", [], None


def score(pairs):
    """Counts of right answers; pairs: (true caption, answer)."""
    right, total = Counter(), Counter()
    for truth, answer in pairs:
        layout, things, ground = parse(truth)
        said_layout, said, said_ground = parse(answer)
        single = layout == "single"
        for i, (size, colour, name) in enumerate(things):
            got = said[i] if i < len(said) else ("", "", "")
            key = "names, one thing" if single else "names, more things"
            total.update([key, "sizes"] + (["shape colours"] if colour else []))
            right.update({key: got[2] == name, "sizes": got[2] != "" and got[0] == size})
            if colour:
                right["shape colours"] += got[1] == colour
        if not single:
            total["relations"] += 1
            true, heard = [t[2] for t in things], [t[2] for t in said]
            right["relations"] += said_layout == layout and (heard == true or sorted(heard) != sorted(true))
        total.update(["grounds", "whole captions"])
        right.update({"grounds": said_ground == ground, "whole captions": answer.strip() == truth})
    return {k: (right[k], total[k]) for k in total}


def write_scenes(folder, first, count):
    """Scene files as JPEG, and their captions."""
    truths = {}
    for i in range(first, first + count):
        _, text, image, quality = scenes.scene(f"test {i}")
        path = folder / f"scene-{i:05d}.jpg"
        path.write_bytes(scenes.jpeg(image, quality))
        truths[path] = text
    return truths


def interval(right, total):
    """95 % confidence of a share of independent tries, by Wilson: two numbers from 0 to 1."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, right / total
    middle, half = share + z * z / (2 * total), z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


def line(key, right, total):
    low, high = interval(right, total)
    return f"{key:26s} {right:5d} of {total:5d}  {100 * right / total:5.1f} %  ({100 * low:.1f} to {100 * high:.1f})"


def ask_weft(program, paths, config):
    """path -> answer, by one run of the program."""
    command = [program, "describe", "--json", "-q", *(["--config", config] if config else []), *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    rows = (json.loads(line) for line in done.stdout.splitlines() if line.strip())
    return {Path(r["path"]): r.get("text") or "" for r in rows}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--count", type=int, default=1000)
    args.add_argument("--first", type=int, default=0)
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args.add_argument("--config", default="")
    args.add_argument("--engine", choices=["weft", "torch"], default="weft")
    args.add_argument("--show", type=int, default=5, help="wrong answers to print")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truths = write_scenes(Path(folder), args.first, args.count)
        if args.engine == "weft":
            answers = ask_weft(args.weft, truths, args.config)
        else:
            from greedy import answer_files
            answers = answer_files(list(truths))
    pairs = [(truth, answers.get(path, "")) for path, truth in truths.items()]
    for truth, answer in [p for p in pairs if p[0] != p[1]][:args.show]:
        print(f"scene:  {truth}\nanswer: {answer}")
    for key, (right, total) in sorted(score(pairs).items()):
        print(line(key, right, total))


if __name__ == "__main__":
    main()
