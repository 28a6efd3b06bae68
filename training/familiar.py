# SPDX-License-Identifier: Apache-2.0
"""Fit models/demo/vision/familiar.json, the score by which weft tells a picture unlike the demo's training.

    python familiar.py OWN FOREIGN HELD OUT.json
Each input holds the mean of the encoder's rows of each picture, f32 [pictures, 256] in a .npy file (encoder_means.c makes
them): OWN of scenes as
`scenes.py` paints them and of pictures of one colour, FOREIGN of other pictures (names in FOREIGN.txt, one a line: what stands before the last - is the
picture that it was cut from), HELD of scenes that are not in OWN. A logistic regression tells OWN from FOREIGN; the limit is the
score that one in a hundred of HELD is over. What is found of foreign pictures is measured on pictures whose source was left
out of the fit. The demo's: 3,000 and 1,000 scenes, 500 pictures of one colour
that count sixteen times, and 450 cuts of 18 photographs and micrographs of scikit-image 0.26.
"""
import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

BEYOND, FOLDS, REGULARISE = 0.01, 6, 0.01


def fit(own, foreign):
    """Weights and offset in the space of the rows."""
    mean, sd = own.mean(0), own.std(0)
    x = (np.concatenate([own, foreign]) - mean) / sd
    model = LogisticRegression(C=REGULARISE, class_weight="balanced", max_iter=300)
    model.fit(x, np.r_[np.zeros(len(own)), np.ones(len(foreign))])
    return model.coef_[0] / sd


def main():
    own, foreign, held = (np.load(p).astype(float) for p in sys.argv[1:4])
    with open(sys.argv[2] + ".txt", encoding="utf-8") as file:
        source = [line.strip().rsplit("-", 1)[0] for line in file]
    fold = np.array([sorted(set(source)).index(s) % FOLDS for s in source])
    found = []
    for k in range(FOLDS):
        w = fit(own, foreign[fold != k])
        found.extend(foreign[fold == k] @ w > np.quantile(held @ w, 1 - BEYOND))
    print(f"{100 * np.mean(found):.1f} % of {len(found)} foreign pictures are over the limit, and {100 * BEYOND:g} % of its own")
    w = fit(own, foreign)
    w = np.array([float(f"{v:.6g}") for v in w])
    limit = float(np.quantile(held @ w, 1 - BEYOND))
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        json.dump({"weights": w.tolist(), "limit": round(limit, 4), "beyond": BEYOND}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
