# SPDX-License-Identifier: Apache-2.0
"""Score the demo on clips through the program: write unseen clip files, run `weft describe` on them, count.

    python eval_video.py [--count 500] [--weft ../build/weft]
Eight in ten files are H.264 in MP4, the others MPEG-4 and VP8. Objects: the share of things whose name the
answer has, shapes by their name alone. Motions: the share of things that the answer names with the right motion;
of a thing that it does not name, the motion at its place in the sentence counts. Seeds are never those of
training (another prefix).
"""
import argparse
import re
import tempfile
from collections import Counter
from pathlib import Path

import clips
import sentences as S
from common import ROOT
from eval_vision import ask_weft, line

THING = re.compile(r"^(?:an? )?(?:(?:small|large) )?(?:(?:%s) )?(%s) (%s)(?: on .*)?$" % (
    "|".join(S.COLOURS), "|".join(sorted(map(re.escape, S.NAMES + S.SHAPES), key=len, reverse=True)),
    "|".join(v[:-1] + "s?" if " " not in v else v.replace("moves", "moves?") for v in S.MOTIONS)))


def parse(text):
    """[(name, motion)] of an answer; motions in the singular."""
    found = []
    for part in text.strip().rstrip(".").split(" and "):
        match = THING.match(part)
        verb, _, rest = match[2].partition(" ") if match else ("", "", "")
        verb = verb if verb.endswith("s") or not verb else verb + "s"
        found.append((match[1], f"{verb} {rest}".strip()) if match else ("", ""))
    return found


def score(pairs):
    """Counts of right answers; pairs: (true caption, answer)."""
    right, total = Counter(), Counter()
    for truth, answer in pairs:
        things, said = parse(truth), parse(answer)
        kind = "one thing" if len(things) == 1 else "two things"
        for i, (name, motion) in enumerate(things):
            place = next((k for k, (n, _) in enumerate(said) if n == name), None)
            heard = said[i if place is None else place][1] if place is not None or i < len(said) else ""
            for key in ("", f", {kind}"):
                total.update([f"objects{key}", f"motions{key}"])
                right.update({f"objects{key}": place is not None, f"motions{key}": heard == motion})
            total.update([motion])
            right.update({motion: heard == motion})
        total.update(["whole sentences"])
        right.update({"whole sentences": answer.strip() == truth})
    return {k: (right[k], total[k]) for k in total}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--count", type=int, default=500)
    args.add_argument("--first", type=int, default=0)
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args.add_argument("--config", default="")
    args.add_argument("--show", type=int, default=5, help="wrong answers to print")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truths = dict(clips.write(f"test {i}", f"{folder}/clip-{i:05d}") for i in range(args.first, args.first + args.count))
        truths = {Path(p): text for p, text in truths.items()}
        answers = ask_weft(args.weft, truths, args.config)
    pairs = [(truth, answers.get(path, "")) for path, truth in truths.items()]
    for truth, answer in [p for p in pairs if p[0] != p[1]][:args.show]:
        print(f"clip:   {truth}\nanswer: {answer}")
    for key, (right, total) in sorted(score(pairs).items()):
        print(line(key, right, total))


if __name__ == "__main__":
    main()
