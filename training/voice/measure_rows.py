# SPDX-License-Identifier: Apache-2.0
"""How far a checkpoint's rows lie from the core's embeddings.

    python measure_rows.py ctc-s6l2

Lengths of rows and of the mean embeddings under their odds, the cosine between the two, the mean odds of the likeliest
token, and the share of the means' variance that the best linear map of the rows gives.
"""
import sys

import torch
from torch.nn import functional as F

import ends
from data import Feed
from train_ctc import trained

BATCHES, ROWS = 6, 7000


@torch.inference_mode()
def main():
    model, steps = trained(sys.argv[1])
    feed, heard = Feed("measured", ROWS, model.projector.stack), []
    for step in range(BATCHES):
        rows, lengths, _ = feed.next(step)
        heard += [z[:n] for z, n in zip(model.projector(rows, lengths), lengths)]
    rows = torch.cat(heard)
    meant = torch.cat([model.expected(z[None])[0] for z in heard])
    odds = torch.cat([model.scores(z[None], slice(None))[0].softmax(-1).amax(-1) for z in heard])
    padded = F.pad(rows, (0, 1), value=1.0)
    left = meant - padded @ torch.linalg.lstsq(padded, meant).solution
    share = 1 - left.square().sum() / (meant - meant.mean(0)).square().sum()
    print(f"{sys.argv[1]} after {steps} steps, {len(rows)} rows of {ends.D_TEXT}: length {rows.norm(dim=1).mean():.1f}, their means "
          f"{meant.norm(dim=1).mean():.1f}, cosine {F.cosine_similarity(rows, meant).mean():.2f}, likeliest "
          f"{odds.mean():.2f}, linear map {share:.2f}")


if __name__ == "__main__":
    main()
