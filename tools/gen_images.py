#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/fixtures/images: small PNG and JPEG files and the pixels that they decode to.

    gen_images.py [--out tests/fixtures/images]

expected.safetensors holds, for each file, under its name: u8 [h, w, 3], or [h, w, 4] where the file
has transparency that counts; and under "white/<name>" the same composited over white, [h, w, 3].
Both are Pillow's (below 13), except where this project decides otherwise:
 * the orientation that the file states is applied, as Pillow's ImageOps.exif_transpose does;
 * 16-bit grey keeps its high byte, v >> 8, as 16-bit colour does (Pillow clips it to 255);
 * the transparent grey of a 2- or 4-bit PNG is compared before samples are scaled to 8 bits, as the
   PNG standard says (Pillow compares it with the scaled sample).
PNG files are written by the encoder below, since Pillow writes only some of the types; rows use all
five filters in turn, IDAT is split in two.
"""

import argparse
import io
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
# first column and row of each pass, then the steps
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def samples(width, height, channels, depth):
    """Values that use the whole range of the depth and do not repeat along rows or columns."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels].astype(np.int64)
    return ((x * 2731 + y * 6007 + c * 21001 + x * y * 97) >> (16 - depth)) & ((1 << depth) - 1)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pack_row(row, depth):
    """[w, c] samples of one row to bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = ((row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1).reshape(-1)
    return np.packbits(bits.astype(np.uint8)).tobytes()


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filter_row(kind, row, above, step):
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        c = above[i - step] if i >= step else 0
        b = above[i]
        out.append((value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
    return bytes(out)


def scanlines(pixels, depth):
    step = max(1, pixels.shape[2] * depth // 8)
    out, above = b"", None
    for y, row in enumerate(pixels):
        packed = pack_row(row, depth)
        out += filter_row(y % 5, packed, above or bytes(len(packed)), step)
        above = packed
    return out


def png(pixels, color, depth, palette=None, trns=None, interlace=False, extra=b""):
    """A PNG file; trns is the chunk's body."""
    height, width, _ = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlace))
    if interlace:
        passes = [pixels[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        raw = b"".join(scanlines(p, depth) for p in passes if p.size)
    else:
        raw = scanlines(pixels, depth)
    packed = zlib.compress(raw, 9)
    half = len(packed) // 2
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if trns is not None:
        out += chunk(b"tRNS", trns)
    return out + chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b"")


def to_bytes(pixels, depth):
    """Samples to 8 bits: small depths are spread over 0..255, 16 bits keep the high byte."""
    return (pixels >> 8 if depth == 16 else pixels * (255 // ((1 << depth) - 1))).astype(np.uint8)


def own_decode(pixels, color, depth, palette=None, trns=None):
    """What the file holds, from the samples that went into it."""
    if color == PALETTE:
        alpha = np.frombuffer((trns or b"").ljust(256, b"\xff"), np.uint8)
        out = palette.astype(np.uint8)[pixels[:, :, 0]]
        return out if trns is None else np.dstack([out, alpha[pixels[:, :, 0]]])
    out = to_bytes(pixels, depth)
    if color in (GREY, GREY_ALPHA):
        out = np.dstack([out[:, :, :1]] * 3 + [out[:, :, 1:]])
    if color == GREY and trns is not None:
        out = np.dstack([out, np.where(pixels[:, :, 0] == struct.unpack(">H", trns)[0], 0, 255)])
    return out.astype(np.uint8)  # a transparent colour of RGB is ignored


def white(rgba):
    if rgba.shape[2] == 3:
        return rgba
    s, a = rgba[:, :, :3].astype(np.int64), rgba[:, :, 3:].astype(np.int64)
    return ((2 * (s * a + 255 * (255 - a)) + 255) // 510).astype(np.uint8)


def pillow(data):
    """(straight alpha, composited) of a file as Pillow and the reference processor see it."""
    image = Image.open(io.BytesIO(data))
    image.load()
    if image.mode == "RGB":
        return np.asarray(image), np.asarray(image)
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (255, 255, 255))
    return np.asarray(rgba), np.asarray(Image.alpha_composite(ground, rgba).convert("RGB"))


def png_cases():
    """name -> (pixels, keyword arguments of png)"""
    out = {}

    def add(name, color, depth, size=(13, 11), **kwargs):
        pixels = samples(*size, CHANNELS[color], depth)
        if color == PALETTE:
            count = min(1 << depth, 40)
            pixels %= count
            kwargs["palette"] = samples(count, 1, 3, 8)[0]
        out[name + ".png"] = (pixels, dict(kwargs, color=color, depth=depth))

    for depth in (1, 2, 4, 8, 16):
        add(f"grey{depth}", GREY, depth)
        add(f"grey{depth}-interlaced", GREY, depth, interlace=True)
        key = int(samples(13, 11, 1, depth)[3, 5, 0]) or 1
        add(f"grey{depth}-trns", GREY, depth, trns=struct.pack(">H", key))
    for depth in (1, 2, 4, 8):
        add(f"palette{depth}", PALETTE, depth)
        add(f"palette{depth}-trns", PALETTE, depth, trns=bytes([0, 128, 255, 7][: 1 << depth]))
    add("palette8-interlaced-trns", PALETTE, 8, interlace=True, trns=bytes(range(0, 40, 3)))
    for depth in (8, 16):
        for name, color in (("grey-alpha", GREY_ALPHA), ("rgb", RGB), ("rgba", RGBA)):
            add(f"{name}{depth}", color, depth)
            add(f"{name}{depth}-interlaced", color, depth, interlace=True)
        key = samples(13, 11, 3, depth)[4, 6]
        add(f"rgb{depth}-trns", RGB, depth, trns=struct.pack(">3H", *key))
    for size in ((1, 1), (2, 1), (1, 5), (5, 3), (9, 8)):
        add("rgb8-interlaced-{}x{}".format(*size), RGB, 8, size, interlace=True)
    add("rgb8-1x1", RGB, 8, (1, 1))
    add("rgb8-200x1", RGB, 8, (200, 1))
    # a gamma, a background, a text and a physical size change no pixel
    extra = (chunk(b"gAMA", struct.pack(">I", 100000))
             + chunk(b"pHYs", struct.pack(">IIB", 1, 2, 0))
             + chunk(b"bKGD", struct.pack(">3H", 9, 200, 30)) + chunk(b"tEXt", b"Comment\0weft"))
    add("rgba8-ancillary", RGBA, 8, extra=extra)
    return out


def text_chunk(kind, key, text):
    """A text of PNG, of any of its three kinds; "iTXt-packed" for a packed one of the third."""
    body = key.encode() + b"\0"
    if kind == "tEXt":
        return chunk(b"tEXt", body + text)
    if kind == "zTXt":
        return chunk(b"zTXt", body + b"\0" + zlib.compress(text))
    packed = kind == "iTXt-packed"
    return chunk(b"iTXt", body + bytes([packed, 0]) + b"en\0\xc3\xbc\0" +
                 (zlib.compress(text) if packed else text))


def raw_profile(block):
    """EXIF as ImageMagick writes it into a text: a name, a length and lines of hexadecimal digits."""
    digits = block.hex()
    lines = "\n".join(digits[i:i + 72] for i in range(0, len(digits), 72))
    return f"\nexif\n{len(block):8}\n{lines}\n".encode()


def xmp(orientation, attribute=True):
    inner = ('<rdf:Description tiff:Orientation="%d"/>' if attribute else
             "<rdf:Description><tiff:Orientation>%d</tiff:Orientation></rdf:Description>")
    return ("<x:xmpmeta><rdf:RDF>" + inner % orientation + "</rdf:RDF></x:xmpmeta>").encode()


def oriented_png_cases():
    """{name: (chunks before IDAT, chunks behind it)}: all the places where a PNG may state how it is
    to be turned, and which of several counts."""
    exif_chunk = {k: chunk(b"eXIf", exif(k)[6:]) for k in (3, 6, 8)}
    no_tag = chunk(b"eXIf", exif(6)[6:].replace(struct.pack(">H", 0x0112), struct.pack(">H", 0x0131)))
    profile, adobe = "Raw profile type exif", "XML:com.adobe.xmp"
    return {
        "exif": (exif_chunk[6], b""),
        "exif-behind": (b"", exif_chunk[6]),
        "exif-prefixed": (chunk(b"eXIf", exif(8)), b""),
        "profile-text": (text_chunk("tEXt", profile, raw_profile(exif(6))), b""),
        "profile-packed": (text_chunk("zTXt", profile, raw_profile(exif(8))), b""),
        "profile-behind": (b"", text_chunk("zTXt", profile, raw_profile(exif(5)))),
        "profile-loses": (exif_chunk[3], text_chunk("zTXt", profile, raw_profile(exif(6)))),
        "xmp": (text_chunk("iTXt", adobe, xmp(6)), b""),
        "xmp-element": (text_chunk("iTXt", adobe, xmp(7, attribute=False)), b""),
        "xmp-packed": (text_chunk("iTXt-packed", adobe, xmp(8)), b""),
        "xmp-behind": (b"", text_chunk("iTXt", adobe, xmp(2))),
        "xmp-loses": (text_chunk("iTXt", adobe, xmp(6)) + exif_chunk[8], b""),
        "xmp-loses-to-later": (text_chunk("iTXt", adobe, xmp(6)), exif_chunk[3]),
        "exif-without-it": (no_tag + text_chunk("iTXt", adobe, xmp(6)), b""),
        "other-texts": (text_chunk("tEXt", "Comment", xmp(6)) +
                        text_chunk("iTXt", "XML:com.adobe.xmp2", xmp(6)), b""),
    }


def write_oriented_pngs(out, expected):
    pixels = samples(9, 6, 3, 8)
    plain = png(pixels, RGB, 8)
    data_at, end_at = plain.index(b"IDAT") - 4, len(plain) - 12
    for name, (before, behind) in oriented_png_cases().items():
        data = plain[:data_at] + before + plain[data_at:end_at] + behind + plain[end_at:]
        (out / f"turned-{name}.png").write_bytes(data)
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        expected[f"turned-{name}.png"] = np.asarray(image)


def write_pngs(out, expected):
    for name, (pixels, kwargs) in png_cases().items():
        data = png(pixels, **kwargs)
        (out / name).write_bytes(data)
        mine = own_decode(pixels, *(kwargs.get(k) for k in ("color", "depth", "palette", "trns")))
        ours = kwargs["color"] == GREY and (
            kwargs["depth"] == 16 or (kwargs["depth"] in (2, 4) and "trns" in kwargs))
        if not ours:
            straight, over_white = pillow(data)
            assert np.array_equal(straight[:, :, : mine.shape[2]], mine), name
            assert np.array_equal(over_white, white(mine)), name
        expected[name] = mine


def picture(width, height):
    """Smooth shading with edges and some texture: what chroma upsampling can get wrong."""
    y, x = np.mgrid[0:height, 0:width]
    r = 255 * x // max(1, width - 1)
    g = 255 * y // max(1, height - 1)
    b = ((x // 5 + y // 3) % 2) * 170 + (x * y * 7) % 60
    return Image.fromarray(np.dstack([r, g, b]).astype(np.uint8))


def exif(orientation):
    """An EXIF block with an orientation alone; odd ones little-endian, even ones big-endian."""
    little = orientation % 2 == 1
    end = "<" if little else ">"
    head = (b"II*\0" if little else b"MM\0*") + struct.pack(end + "I", 8)
    entry = struct.pack(end + "HHHIHH", 1, 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + entry + struct.pack(end + "I", 0)


def drop_adobe(data):
    """The same JPEG without its Adobe marker. Pillow still takes it to be inverted."""
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def as_ycck(data):
    """The same JPEG with its components declared to be YCCK: no picture, but a valid file."""
    at = data.index(b"\xff\xee")
    return data[: at + 15] + b"\2" + data[at + 16 :]


def jpeg(image, **kwargs):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **kwargs)
    return buffer.getvalue()


def jpeg_cases():
    odd, wide = picture(21, 19), picture(67, 45)
    out = {}
    for name, sub in (("444", 0), ("422", 1), ("420", 2)):
        out[f"baseline-{name}.jpg"] = jpeg(odd, quality=85, subsampling=sub)
        out[f"progressive-{name}.jpg"] = jpeg(odd, quality=85, subsampling=sub, progressive=True)
    out["large-420.jpg"] = jpeg(wide, quality=75, subsampling=2)
    out["large-422-progressive.jpg"] = jpeg(wide, quality=60, subsampling=1, progressive=True)
    out["quality-5.jpg"] = jpeg(wide, quality=5)
    out["quality-100.jpg"] = jpeg(odd, quality=100, subsampling=0)
    out["optimised.jpg"] = jpeg(odd, quality=70, optimize=True)
    out["restart-rows.jpg"] = jpeg(wide, quality=70, restart_marker_rows=1)
    out["restart-blocks.jpg"] = jpeg(odd, quality=70, restart_marker_blocks=1)
    out["grey.jpg"] = jpeg(odd.convert("L"), quality=85)
    out["grey-progressive.jpg"] = jpeg(odd.convert("L"), quality=85, progressive=True)
    out["rgb-components.jpg"] = jpeg(odd, quality=85, keep_rgb=True)
    four = Image.merge("CMYK", [*odd.split(), odd.convert("L").point(lambda v: v // 2)])
    out["cmyk-adobe.jpg"] = jpeg(four, quality=90)
    out["cmyk-no-marker.jpg"] = drop_adobe(jpeg(four, quality=90))
    out["ycck.jpg"] = as_ycck(jpeg(four, quality=90))
    for size in ((1, 1), (2, 1), (1, 9), (8, 8), (16, 16), (17, 33)):
        out["size-{}x{}.jpg".format(*size)] = jpeg(picture(*size), quality=80, subsampling=2)
    app1 = b"http://ns.adobe.com/xap/1.0/\0"
    out["turned-xmp.jpg"] = jpeg(odd, quality=80, xmp=xmp(6))
    out["turned-xmp-loses.jpg"] = jpeg(odd, quality=80, xmp=xmp(6), exif=exif(3))
    plain = jpeg(odd, quality=80)
    for name, text in (("xmp-first", xmp(8, attribute=False)), ("xmp-long", b" " * 9000 + xmp(5))):
        body = app1 + text
        out[f"turned-{name}.jpg"] = (plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) +
                                     body + plain[2:])
    for orientation in range(10):  # 0 and 9 mean nothing and change nothing
        out[f"orientation-{orientation}.jpg"] = jpeg(odd, quality=80, exif=exif(orientation))
    return out


def write_jpegs(out, expected):
    for name, data in jpeg_cases().items():
        (out / name).write_bytes(data)
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        if image.mode != "CMYK":
            image = image.convert("RGB")
        else:  # by way of RGBA, as the reference processor goes
            image = image.convert("RGBA").convert("RGB")
        expected[name] = np.asarray(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path,
                        default=HERE.parent / "tests" / "fixtures" / "images")
    args = parser.parse_args()
    assert int(PIL.__version__.split(".")[0]) < 13, "Pillow 13 resizes in another order"
    args.out.mkdir(parents=True, exist_ok=True)
    expected = {}
    write_pngs(args.out, expected)
    write_oriented_pngs(args.out, expected)
    write_jpegs(args.out, expected)
    tensors = {k: np.ascontiguousarray(v) for k, v in expected.items()}
    tensors.update({"white/" + k: np.ascontiguousarray(white(v)) for k, v in expected.items()
                    if v.shape[2] == 4})
    save_file(tensors, args.out / "expected.safetensors",
              metadata={"made_with": f"Pillow {PIL.__version__}"})
    (args.out / "expected.safetensors").chmod(0o644)
    print(f"{len(expected)} files")


if __name__ == "__main__":
    main()
