#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/stills: small BMP, TIFF, WebP, AVIF and HEIC files and their pixels.

    gen_stills.py [--out tests/fixtures/stills]

expected.safetensors holds, for each file, under its name: u8 [h, w, 4], what Pillow (12, with AVIF)
makes of it, turned as the file says (ImageOps.exif_transpose). Needs ImageMagick (convert), avifenc and
heif-enc besides Pillow; Pillow reads no HEIC, so the truth for one is the picture that it was made of.
"""

import argparse
import io
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent


def picture(width=37, height=24):
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 7 + y * 3) % 256, (x * y) % 256, (255 - x * 5 - y) % 256]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def smooth(width=64, height=48):
    """Without edges, so that what a lossy codec loses is little."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 3, y * 4, 255 - x * 2 - y]
    return Image.fromarray(np.stack(planes, -1).clip(0, 255).astype(np.uint8))


def sheer(image):
    """The picture with an opacity that grows from left to right."""
    out = image.convert("RGBA")
    x = np.mgrid[0:image.height, 0:image.width][1]
    out.putalpha(Image.fromarray((x * 255 // image.width).astype(np.uint8)))
    return out


def exif(orientation):
    block = Image.Exif()
    block[274] = orientation
    return block


def saved(image, kind, **more):
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def by_tool(image, name, *command):
    """What a tool writes to the file NAME; IN and OUT in its arguments are the paths."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.png"), pathlib.Path(folder, name)
        image.save(source)
        subprocess.run([str(source) if a == "IN" else str(target) if a == "OUT" else a
                        for a in command], check=True, stdout=subprocess.DEVNULL)
        return target.read_bytes()


def bmps():
    p = picture()
    return {
        "rgb.bmp": saved(p, "BMP"),
        "grey.bmp": saved(p.convert("L"), "BMP"),
        "palette.bmp": saved(p.quantize(16), "BMP"),
        "bits.bmp": saved(p.convert("1"), "BMP"),
        "run-length.bmp": by_tool(p.quantize(16), "a.bmp", "convert", "IN", "-compress", "RLE", "OUT"),
    }


def tiffs():
    p = picture()
    out = {f"{c}.tif": saved(p, "TIFF", compression=c)
           for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits")}
    out.update({
        "grey.tif": saved(p.convert("L"), "TIFF"),
        "palette.tif": saved(p.quantize(16), "TIFF"),
        "bits.tif": saved(p.convert("1"), "TIFF"),
        "fax.tif": saved(p.convert("1"), "TIFF", compression="group4"),
        "sheer.tif": saved(sheer(p), "TIFF"),
        "big-endian.tif": by_tool(p, "a.tif", "convert", "IN", "-endian", "MSB", "OUT"),
        "deep.tif": by_tool(p, "a.tif", "convert", "IN", "-depth", "16", "OUT"),
        "planes.tif": by_tool(p, "a.tif", "convert", "IN", "-interlace", "plane", "OUT"),
    })
    out.update({f"turned-{k}.tif": saved(p, "TIFF", exif=exif(k)) for k in range(2, 9)})
    return out


def refused_tiffs():
    """What FFmpeg would show wrong."""
    p = picture()
    return {
        "tiles.tif": by_tool(p, "a.tif", "convert", "IN", "-define", "tiff:tile-geometry=16x16", "OUT"),
        "inks.tif": saved(p.convert("CMYK"), "TIFF"),
        "lab.tif": by_tool(p, "a.tif", "convert", "IN", "-colorspace", "Lab", "OUT"),
    }


def webps():
    p, q = picture(), ImageOps.invert(picture())
    frames = {"lossless": True, "save_all": True, "duration": 100}
    return {
        "turned.webp": saved(p, "WEBP", exif=exif(6), lossless=True),
        "moving.webp": saved(p, "WEBP", append_images=[q], **frames),
        "moving-sheer.webp": saved(sheer(p), "WEBP", append_images=[sheer(q)], **frames),
        "moving-turned.webp": saved(p, "WEBP", append_images=[q], exif=exif(6), **frames),
        "moving-small.webp": smaller_first_frame(p, q),
    }


def smaller_first_frame(p, q):
    """A first frame that covers a part of the canvas: the rest is transparent."""
    canvas = Image.new("RGBA", p.size, (0, 0, 0, 0))
    canvas.paste(p.crop((0, 0, 16, 10)), (12, 8))
    return saved(canvas, "WEBP", append_images=[sheer(q)], lossless=True, save_all=True,
                 duration=100, minimize_size=True)


def avifs():
    s = smooth()
    fine = {"quality": 95, "subsampling": "4:4:4"}
    out = {f"turned-{k}.avif": saved(s, "AVIF", exif=exif(k), **fine) for k in range(1, 9)}
    out["sheer.avif"] = saved(sheer(s), "AVIF", **fine)
    grid = smooth(128, 128)
    out["tiles.avif"] = by_tool(grid, "a.avif", "avifenc", "--grid", "2x2", "--min", "0", "--max", "8",
                                "-y", "444", "IN", "OUT")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "stills")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    files, expected = {**bmps(), **tiffs(), **webps(), **avifs()}, {}
    for name, data in files.items():
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        expected[name] = np.asarray(image.convert("RGBA"))
    files["fine.heic"] = by_tool(smooth(), "a.heic", "heif-enc", "-q", "95", "-p", "chroma=444",
                                 "IN", "-o", "OUT")
    expected["fine.heic"] = np.asarray(smooth().convert("RGBA"))
    files.update(refused_tiffs())
    for name, data in files.items():
        (args.out / name).write_bytes(data)
    save_file({k: np.ascontiguousarray(v) for k, v in expected.items()},
              args.out / "expected.safetensors")
    (args.out / "expected.safetensors").chmod(0o644)
    print(f"{len(expected)} files")


if __name__ == "__main__":
    main()
