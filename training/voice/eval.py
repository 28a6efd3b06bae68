# SPDX-License-Identifier: Apache-2.0
"""Word error rate of the voice: `weft transcribe` on files, or a checkpoint of the training.

    python eval.py [--count 100] [--weft build/weft] [--config DIR/weft.ini]
    python eval.py --engine letters|ctc|core --checkpoint ctc-letters|shipped

weft: one run of the program for each set; its wall time over the sounds' is the real-time factor, start included.
letters: the likeliest path alone. ctc: the words found in it, without the core. core: the frozen core repeats
them (PyTorch). Errors are substitutions, insertions and deletions over the words said
(of "nothing", words over files); capitals and signs do not count. The interval is of 95 %, by resampling files.
"""
import argparse
import os
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

import places
from common import ROOT
from eval_speech import errors
from evalsets import sets
from speakers import RATE
from speech_voices import read_wav
from texts import plain


def clean_environment():
    """The environment without WEFT_VOICE and the like, which the program would take for options."""
    return {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}


def ask_weft(args, paths):
    """path -> text, by one run of the program."""
    command = [args.weft, "transcribe", "-q", "--config", args.config, *args.option, *map(str, paths)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False,
                          env=clean_environment())
    out = defaultdict(list)
    for line in done.stdout.splitlines():
        path, _, text = line.partition("\t")
        out[Path(path)].append(text)
    return {p: " ".join(t) for p, t in out.items()}


class Torch:
    """A checkpoint in place of the program."""

    def __init__(self, args):
        import torch
        import ends
        import train_ctc
        torch.set_num_threads(args.threads)
        self.engine, self.encoder = args.engine, ends.Encoder()
        self.model, _ = train_ctc.trained(args.checkpoint, mean=not args.last)
        self.repeater = None
        if args.engine == "core":
            from repeat import Repeater
            self.repeater = Repeater()

    def scores(self, samples):
        """Log odds of letters, [places, letters], and the number of the core's rows."""
        import data
        rows, lengths = data.pad([self.encoder(samples)], self.model.projector.stack)
        return self.model.scores(rows, lengths)[0], int(lengths[0])

    def text(self, path):
        import torch
        from hearing import written
        from spell import spell
        with torch.inference_mode():
            scores, rows = self.scores(read_wav(path)[0])
        if self.engine == "letters":
            return written(scores)
        words = spell(scores.tolist())
        return " ".join(words) if self.engine == "ctc" else self.repeater.repeat(words, rows)


def interval(wrong, words):
    """Bounds of the error rate, in percent, over resampled files."""
    gen, n = np.random.default_rng(places.SEED), len(wrong)
    drawn = gen.integers(0, n, (1000, n))
    rates = np.array(wrong)[drawn].sum(1) / np.maximum(1, np.array(words)[drawn].sum(1))
    return 100 * np.percentile(rates, [2.5, 97.5])


def line(name, wrong, words, rest=""):
    low, high = interval(wrong, words)
    print(f"{name:42s} {100 * sum(wrong) / max(1, sum(words)):5.1f} % ({low:.1f} to {high:.1f}) of {sum(words)} words wrong"
          f"{rest}", flush=True)


def score(name, pairs, show):
    """Prints the set's line and some wrong answers; gives errors and words of each file."""
    wrong, words = [], []
    for said, heard in ((plain(a).split(), plain(b).split()) for a, b in pairs):
        wrong.append(errors(said, heard))
        words.append(len(said) if name != "nothing" else 1)
        if wrong[-1] and len(said) + len(heard) and show > 0:
            show -= 1
            print(f"    said:  {' '.join(said)}\n    heard: {' '.join(heard)}")
    return wrong, words


def parsed():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--count", type=int, default=100, help="sentences of each synthesiser")
    args.add_argument("--sets", default="", help="only those whose name begins with this")
    args.add_argument("--engine", choices=["weft", "letters", "ctc", "core"], default="weft")
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args.add_argument("--config", default=str(places.workdir() / "voice" / "weft.ini"))
    args.add_argument("--option", action="append", default=[], help="one more argument for the program; may be repeated")
    args.add_argument("--checkpoint", default="ctc-letters")
    args.add_argument("--last", action="store_true", help="the weights after the last step, not their running mean")
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--show", type=int, default=0, help="wrong answers to print, for each set")
    return args.parse_args()


def main():
    args = parsed()
    todo = {n: pairs for n, pairs in sets(args.count).items() if n.startswith(args.sets)}
    engine = None if args.engine == "weft" else Torch(args)
    totals = defaultdict(lambda: ([], []))
    for name, pairs in todo.items():
        started, paths = time.time(), [p for p, _ in pairs]
        heard = {p: engine.text(p) for p in paths} if engine else ask_weft(args, paths)
        spent, long = time.time() - started, sum(len(read_wav(p)[0]) for p in paths) / RATE
        found = score(name, [(text, heard.get(path, "")) for path, text in pairs], args.show)
        line(name, *found, f"; {spent / long:.2f} s a second")
        for total, part in zip(totals[name.split(",")[0]], found):
            total += part
    for name in ("seen", "held out", "people"):
        if name in totals:
            line(f"all of {name}", *totals[name])


if __name__ == "__main__":
    main()
