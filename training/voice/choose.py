# SPDX-License-Identifier: Apache-2.0
"""What settings are chosen on: actors' lines that no training hears (`actors.held`) and pieces of them, as Whisper tiny.en wrote them
down, and sounds without a word. The tables of eval.py choose nothing.

    python choose.py ctc-NAME|shipped [share,bonus,sure ...]

Words wrong with the constants of spell.py, or with each of the triples, of the words said; of nothing, words over sounds. The same actors are heard in the training, and the labels have
Whisper's own errors, so that a rate here is no rate of the voice.
"""
import argparse
import pickle

import numpy as np
import torch

import actors
import data
import ends
import pieces
import places
import spell
from eval_speech import errors
from speakers import nothing
from texts import plain
from train_ctc import trained

OF_PART, NOISES = 14, 100


def sounds():
    """(kind, text, int16 samples), the same each time."""
    cut = pieces.Cutter(ends.Encoder())
    for n in filter(actors.held, range(len(actors.PARTS))):
        said = actors.spoken(n)
        for _, text, samples in said[:OF_PART]:
            yield "line", text, samples
        found = [piece for _, text, samples in said[:2 * OF_PART] for piece in cut(text, samples)]
        yield from (("piece", *piece) for piece in found[:OF_PART])
    yield from (("nothing", "", samples) for _, _, samples in nothing(NOISES, "choose"))


def items():
    """[(kind, text, encoder rows)], computed once: the pieces are cut with the models/voice of then."""
    path = places.workdir() / "choose.pickle"
    if not path.exists():
        encoder = ends.Encoder()
        found = [(kind, text, encoder(samples.astype(np.float32) / 32768).half()) for kind, text, samples in sounds()]
        with open(path.with_suffix(".tmp"), "wb") as f:
            pickle.dump(found, f)
        path.with_suffix(".tmp").rename(path)
    return pickle.loads(path.read_bytes())


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkpoint")
    args.add_argument("settings", nargs="*", type=lambda t: tuple(map(float, t.split(","))))
    args = args.parse_args()
    torch.set_num_threads(1)
    model, found = trained(args.checkpoint)[0], items()
    with torch.inference_mode():
        padded = [(kind, plain(text).split(), data.pad([rows.float()], model.projector.stack)) for kind, text, rows in found]
        heard = [(kind, said, model.scores(*rows)[0].tolist()) for kind, said, rows in padded]
    for share, bonus, sure in args.settings or [(spell.SHARE, spell.BONUS, spell.SURE)]:
        wrong, words = {}, {}
        for kind, said, scores in heard:
            wrong[kind] = wrong.get(kind, 0) + errors(said, spell.spell(scores, share, bonus, sure=sure))
            words[kind] = words.get(kind, 0) + (len(said) or 1)
        print(f"{share} {bonus} {sure}:", ", ".join(f"{k} {n} of {words[k]}" for k, n in wrong.items()), flush=True)


if __name__ == "__main__":
    main()
