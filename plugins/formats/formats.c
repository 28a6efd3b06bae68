/* SPDX-License-Identifier: Apache-2.0 */
/* The list of well-known formats. Magic numbers are those that the formats' own specifications
 * give, as collected in the magic files of file(1). */
#include "formats.h"

#include "../common/transport.h"

#include <string.h>

/* The bytes of a string literal without the NUL behind it. */
#define BYTES(TEXT) sizeof(TEXT) - 1, TEXT

static const fmt_format formats[] = {
    {"a HEIC picture", 4, BYTES("ftypheic"), FMT_HEIF},
    {"a HEIC picture", 4, BYTES("ftypheix"), FMT_HEIF},
    {"a HEIC picture", 4, BYTES("ftypheim"), FMT_HEIF},
    {"a HEIC picture", 4, BYTES("ftypheis"), FMT_HEIF},
    {"a HEIC sequence", 4, BYTES("ftyphevc"), FMT_HEIF},
    {"a HEIF picture", 4, BYTES("ftypmif1"), FMT_HEIF},
    {"a HEIF sequence", 4, BYTES("ftypmsf1"), FMT_HEIF},
    {"an AVIF picture", 4, BYTES("ftypavif"), FMT_HEIF},
    {"a Canon raw picture (CR3)", 4, BYTES("ftypcrx "), FMT_PICTURE},
    {"a JPEG XL picture", 0, BYTES("\0\0\0\x0cJXL \r\n\x87\n"), FMT_PICTURE},
    {"a JPEG XL picture", 0, BYTES("\xff\x0a"), FMT_PICTURE},
    {"a JPEG 2000 picture", 0, BYTES("\0\0\0\x0cjP  \r\n\x87\n"), FMT_PICTURE},
    {"a JPEG 2000 picture", 0, BYTES("\xff\x4f\xff\x51"), FMT_PICTURE},
    {"a PNG picture", 0, BYTES("\x89PNG\r\n\x1a\n"), FMT_PICTURE},
    {"a JPEG picture", 0, BYTES("\xff\xd8\xff"), FMT_PICTURE},
    {"a TIFF picture", 0, BYTES("II*\0"), FMT_PICTURE},
    {"a TIFF picture", 0, BYTES("MM\0*"), FMT_PICTURE},
    {"a BigTIFF picture", 0, BYTES("II+\0"), FMT_PICTURE},
    {"a BigTIFF picture", 0, BYTES("MM\0+"), FMT_PICTURE},
    {"a WebP picture", 8, BYTES("WEBPVP8"), FMT_PICTURE},
    {"a GIF picture", 0, BYTES("GIF8"), FMT_PICTURE},
    {"a Photoshop picture", 0, BYTES("8BPS"), FMT_PICTURE},
    {"a GIMP picture", 0, BYTES("gimp xcf"), FMT_PICTURE},
    {"an OpenEXR picture", 0, BYTES("\x76\x2f\x31\x01"), FMT_PICTURE},
    {"a Radiance HDR picture", 0, BYTES("#?RADIANCE"), FMT_PICTURE},
    {"a DjVu document", 0, BYTES("AT&TFORM"), FMT_PICTURE},
    {"a DirectDraw picture", 0, BYTES("DDS "), FMT_PICTURE},
    {"a QOI picture", 0, BYTES("qoif"), FMT_PICTURE},
    {"a Windows icon", 0, BYTES("\0\0\1\0"), FMT_PICTURE},
    {"an SVG drawing", 0, BYTES("<svg"), FMT_PICTURE},
    {"a Netpbm picture", 0, BYTES("P5\n"), FMT_PICTURE},
    {"a Netpbm picture", 0, BYTES("P6\n"), FMT_PICTURE},
    {"a recording of AMR", 0, BYTES("#!AMR"), FMT_SOUND},
    {"a Core Audio file", 0, BYTES("caff\0\1"), FMT_SOUND},
    {"a Sony Wave64 file", 0, BYTES("riff\x2e\x91\xcf\x11"), FMT_SOUND},
    {"an AU recording", 0, BYTES(".snd"), FMT_SOUND},
    {"a Monkey's Audio file", 0, BYTES("MAC "), FMT_SOUND},
    {"a WavPack file", 0, BYTES("wvpk"), FMT_SOUND},
    {"a True Audio file", 0, BYTES("TTA1"), FMT_SOUND},
    {"a Musepack file", 0, BYTES("MPCK"), FMT_SOUND},
    {"a MIDI score", 0, BYTES("MThd"), FMT_SOUND},
    {"a Windows Media file (WMA, WMV)", 0, BYTES("\x30\x26\xb2\x75\x8e\x66\xcf\x11"), FMT_CLIP},
    {"a Flash video", 0, BYTES("FLV\1"), FMT_CLIP},
    {"an MPEG program stream (MPG, VOB)", 0, BYTES("\0\0\1\xba"), FMT_CLIP},
    {"a RealMedia file", 0, BYTES(".RMF"), FMT_CLIP},
    {"an MXF recording", 0, BYTES("\x06\x0e\x2b\x34"), FMT_CLIP},
    {"a PDF document", 0, BYTES("%PDF-"), FMT_OTHER},
    {"a ZIP archive or an office document", 0, BYTES("PK\3\4"), FMT_OTHER},
    {"a gzip archive", 0, BYTES("\x1f\x8b\x08"), FMT_OTHER},
    {"a web page", 0, BYTES("<!DOCTYPE html"), FMT_OTHER},
    {"a web page", 0, BYTES("<!doctype html"), FMT_OTHER},
    {"a web page", 0, BYTES("<html"), FMT_OTHER},
};

int fmt_is_weak(const fmt_format *f)
{
    return f->n == 2 || (f->n == 4 && memcmp(f->bytes, "\0\0\1\0", 4) == 0);
}

const fmt_format *fmt_find(const uint8_t *head, uint64_t n)
{
    static const fmt_format stream = {"an MPEG transport stream (TS, MTS)", 0, 0, "", FMT_CLIP};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const fmt_format *f = &formats[i];
        if (n >= f->at + f->n && memcmp(head + f->at, f->bytes, f->n) == 0)
            return f;
    }
    return plg_transport_find(head, n).packets > 0 ? &stream : NULL;
}
