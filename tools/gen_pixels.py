#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/pixels: Pillow's resize and the Mllama processor, as hashes.

    gen_pixels.py [--out tests/fixtures/pixels]

The inputs need no files. Pixel (x, y), channel c of every input picture is

    ((7 x + 13 y + 29 c) xor (x y)) and 255

and a hash is FNV-1a, 64 bits (offset 14695981039346656037, prime 1099511628211), in 16 hex digits.

resize.json      {"in": [w, h], "out": [w, h], "fnv": hash of the u8 [h, w, 3] result} of
                 Image.resize(out, BILINEAR)
grid.json        "exhaustive": for a tile and max_num_tiles, one hash over all sizes 1..130 (h
                 outer, w inner), each as four u16 little-endian: rows, cols, new_w, new_h;
                 "samples": lists [tile, max_num_tiles, w, h, rows, cols, new_w, new_h],
                 large sizes among them
preprocess.json  per picture: size, tile, max_num_tiles, grid [rows, cols], resized [w, h],
                 aspect_ratio_id, num_tiles, "canvas_fnv" of the padded u8 [rows*t, cols*t, 3]
                 picture before normalisation, "pixel_values_fnv" of the f32 little-endian
                 [max_num_tiles, 3, t, t], and a few of its values as [flat index, value]. Mean and
                 std are those of the released files, as stated under "image_mean", "image_std"
pixels.safetensors
                 "normalised" f32 [3, 256]: channel c and byte v after rescaling and normalisation
                 with the released files' mean and std; "normalised.default" the same with the
                 class's defaults (0.5 throughout), for a directory that has no
                 preprocessor_config.json; "pixel_values" f32 [2, 3, 28, 28] of the last entry of
                 preprocess.json
The new size is at least 1 on each side, as in later versions of the processor (4.49 fails there).
"""

import argparse
import json
import pathlib
import random

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file
from transformers.models.mllama.image_processing_mllama import (
    MllamaImageProcessor,
    get_all_supported_aspect_ratios,
    get_image_size_fit_to_canvas,
    get_optimal_tiled_canvas,
)

HERE = pathlib.Path(__file__).resolve().parent

RESIZE = [
    ((1, 1), (1, 1)), ((1, 1), (28, 28)), ((2, 2), (3, 3)), ((5, 7), (5, 7)), ((5, 7), (10, 14)),
    ((7, 5), (3, 2)), ((13, 11), (13, 5)), ((13, 11), (6, 11)), ((28, 28), (27, 29)),
    ((29, 27), (28, 28)), ((64, 48), (32, 24)), ((64, 48), (28, 21)), ((100, 100), (56, 56)),
    ((100, 3), (56, 2)), ((3, 100), (1, 56)), ((200, 1), (112, 1)), ((1, 200), (1, 112)),
    ((640, 480), (448, 336)), ((480, 640), (84, 112)), ((333, 517), (100, 155)),
    ((517, 333), (112, 72)), ((1000, 10), (28, 1)), ((10, 1000), (1, 28)), ((31, 31), (97, 89)),
    ((56, 56), (112, 28)), ((57, 55), (112, 112)), ((255, 257), (128, 129)), ((19, 23), (560, 560)),
    ((1500, 1100), (560, 410)), ((777, 33), (112, 4)), ((90, 160), (56, 100)), ((3, 3), (1, 1)),
]

# (w, h), tile, max_num_tiles; the last one's pixel_values are stored whole
PREPROCESS = [
    ((1, 1), 28, 4), ((28, 28), 28, 4), ((27, 84), 28, 4), ((84, 27), 28, 4), ((200, 30), 28, 4),
    ((30, 200), 28, 4), ((57, 28), 28, 4), ((100, 70), 56, 4), ((300, 200), 56, 4),
    ((112, 112), 56, 4), ((17, 90), 56, 2), ((90, 17), 56, 2), ((640, 480), 28, 2),
    ((33, 50), 28, 2),
]

# what preprocessor_config.json of the released checkpoints says
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]

EDGES = [1, 2, 5, 13, 27, 28, 29, 41, 55, 56, 57, 83, 84, 85, 111, 112, 113, 130]


def pattern(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return (((7 * x + 13 * y + 29 * c) ^ (x * y)) & 255).astype(np.uint8)


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def resize(image, size):
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def plan(width, height, tile, max_tiles):
    """rows, cols, new_w, new_h by the reference's own functions"""
    canvas = get_optimal_tiled_canvas(image_height=height, image_width=width,
                                      max_image_tiles=max_tiles, tile_size=tile)
    new_h, new_w = get_image_size_fit_to_canvas(
        image_height=height, image_width=width, canvas_height=int(canvas[0]),
        canvas_width=int(canvas[1]), tile_size=tile)
    return (int(canvas[0]) // tile, int(canvas[1]) // tile, max(1, int(new_w)), max(1, int(new_h)))


def resize_cases():
    return [{"in": list(a), "out": list(b), "fnv": fnv(resize(pattern(*a), b).tobytes())}
            for a, b in RESIZE]


def grids():
    exhaustive = []
    for tile, max_tiles in ((28, 4), (28, 2), (28, 1), (28, 6)):
        rows = [plan(w, h, tile, max_tiles) for h in range(1, 131) for w in range(1, 131)]
        exhaustive.append({"tile": tile, "max_num_tiles": max_tiles, "largest": 130,
                           "fnv": fnv(np.array(rows, "<u2").tobytes())})
    samples = [[28, m, w, h, *plan(w, h, 28, m)] for m in (4, 2) for h in EDGES for w in EDGES]
    rng = random.Random(5)
    for tile, max_tiles in ((560, 4), (448, 4), (112, 2)):
        for _ in range(60):
            w, h = (int(2 ** rng.uniform(0, 13.5)) for _ in range(2))
            samples.append([tile, max_tiles, w, h, *plan(w, h, tile, max_tiles)])
    return {"exhaustive": exhaustive, "samples": samples}


def preprocess(size, tile, max_tiles):
    """An entry of preprocess.json and the pixel_values it describes."""
    image = pattern(*size)
    rows, cols, new_w, new_h = plan(*size, tile, max_tiles)
    canvas = np.zeros((rows * tile, cols * tile, 3), np.uint8)
    canvas[:new_h, :new_w] = resize(image, (new_w, new_h))
    processor = MllamaImageProcessor(size={"height": tile, "width": tile}, image_mean=MEAN,
                                     image_std=STD, max_image_tiles=max_tiles)
    batch = processor([[image.transpose(2, 0, 1)]], input_data_format="channels_first",
                      return_tensors="np")
    pixels = batch["pixel_values"][0, 0].astype("<f4")
    # the same by way of the canvas: what is hashed is what the processor made
    table = normalised(processor)
    mine = np.zeros_like(pixels)
    for i in range(rows * cols):
        y, x = (i // cols) * tile, (i % cols) * tile
        for c in range(3):
            mine[i, c] = table[c][canvas[y : y + tile, x : x + tile, c]]
    assert np.array_equal(mine, pixels), size
    ratio = int(batch["aspect_ratio_ids"][0, 0])
    assert ratio == 1 + get_all_supported_aspect_ratios(max_tiles).index((rows, cols))
    flat = pixels.reshape(-1)
    used = rows * cols * 3 * tile * tile
    picks = sorted({0, tile - 1, used // 3, used // 2, used - 1, min(used, flat.size - 1)})
    return {
        "size": list(size), "tile": tile, "max_num_tiles": max_tiles, "grid": [rows, cols],
        "resized": [new_w, new_h], "aspect_ratio_id": ratio, "num_tiles": batch["num_tiles"][0][0],
        "canvas_fnv": fnv(canvas.tobytes()), "pixel_values_fnv": fnv(pixels.tobytes()),
        "samples": [[i, float(flat[i])] for i in picks],
    }, pixels


def normalised(processor):
    """f32 [3, 256]: every byte of every channel, rescaled and normalised by the processor"""
    every = np.tile(np.arange(256, dtype=np.uint8), (3, 1))[:, None, :]
    scaled = processor.rescale(every, processor.rescale_factor, data_format="channels_first",
                               input_data_format="channels_first")
    return processor.normalize(scaled, processor.image_mean, processor.image_std,
                               data_format="channels_first",
                               input_data_format="channels_first")[:, 0, :].astype(np.float32)


def write_lines(path, value):
    parts = [f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(e) for e in v) + "\n]"
             for k, v in value.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "pixels")
    args = parser.parse_args()
    assert int(PIL.__version__.split(".")[0]) < 13, "Pillow 13 resizes in another order"
    args.out.mkdir(parents=True, exist_ok=True)
    write_lines(args.out / "resize.json", {"cases": resize_cases()})
    write_lines(args.out / "grid.json", grids())
    entries = [preprocess(*case) for case in PREPROCESS]
    write_lines(args.out / "preprocess.json", {"image_mean": MEAN, "image_std": STD,
                                               "cases": [e for e, _ in entries]})
    table = normalised(MllamaImageProcessor(image_mean=MEAN, image_std=STD))
    default = normalised(MllamaImageProcessor())
    path = args.out / "pixels.safetensors"
    save_file({"normalised": np.ascontiguousarray(table),
               "normalised.default": np.ascontiguousarray(default),
               "pixel_values": np.ascontiguousarray(entries[-1][1])}, path)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
