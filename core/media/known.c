/* SPDX-License-Identifier: Apache-2.0 */
/* The list of formats that are recognised and not read. Magic numbers are those that the formats'
 * own specifications give, as collected in the magic files of file(1). */
#include "core/media/known.h"

#include <stdbool.h>
#include <string.h>

typedef enum advice {
    HEIF,    /* convert it to JPEG, or install libheif */
    PICTURE, /* convert it to PNG or JPEG */
    SOUND,   /* convert it to WAV or FLAC */
    CLIP,    /* convert it to MP4 */
    OTHER    /* not a medium */
} advice;

typedef struct known {
    const char *name;
    uint32_t    at, n; /* the bytes' offset and their number */
    const char *bytes;
    advice      what;
} known;

/* The bytes of a string literal without the NUL behind it. */
#define BYTES(TEXT) sizeof(TEXT) - 1, TEXT

static const known formats[] = {
    {"a HEIC picture", 4, BYTES("ftypheic"), HEIF},
    {"a HEIC picture", 4, BYTES("ftypheix"), HEIF},
    {"a HEIC picture", 4, BYTES("ftypheim"), HEIF},
    {"a HEIC picture", 4, BYTES("ftypheis"), HEIF},
    {"a HEIC sequence", 4, BYTES("ftyphevc"), HEIF},
    {"a HEIF picture", 4, BYTES("ftypmif1"), HEIF},
    {"a HEIF sequence", 4, BYTES("ftypmsf1"), HEIF},
    {"an AVIF picture", 4, BYTES("ftypavif"), HEIF},
    {"a Canon raw picture (CR3)", 4, BYTES("ftypcrx "), PICTURE},
    {"a JPEG XL picture", 0, BYTES("\0\0\0\x0cJXL \r\n\x87\n"), PICTURE},
    {"a JPEG XL picture", 0, BYTES("\xff\x0a"), PICTURE},
    {"a JPEG 2000 picture", 0, BYTES("\0\0\0\x0cjP  \r\n\x87\n"), PICTURE},
    {"a JPEG 2000 picture", 0, BYTES("\xff\x4f\xff\x51"), PICTURE},
    {"a PNG picture", 0, BYTES("\x89PNG\r\n\x1a\n"), PICTURE},
    {"a JPEG picture", 0, BYTES("\xff\xd8\xff"), PICTURE},
    {"a TIFF picture", 0, BYTES("II*\0"), PICTURE},
    {"a TIFF picture", 0, BYTES("MM\0*"), PICTURE},
    {"a BigTIFF picture", 0, BYTES("II+\0"), PICTURE},
    {"a BigTIFF picture", 0, BYTES("MM\0+"), PICTURE},
    {"a WebP picture", 8, BYTES("WEBPVP8"), PICTURE},
    {"a GIF picture", 0, BYTES("GIF8"), PICTURE},
    {"a Photoshop picture", 0, BYTES("8BPS"), PICTURE},
    {"a GIMP picture", 0, BYTES("gimp xcf"), PICTURE},
    {"an OpenEXR picture", 0, BYTES("\x76\x2f\x31\x01"), PICTURE},
    {"a Radiance HDR picture", 0, BYTES("#?RADIANCE"), PICTURE},
    {"a DjVu document", 0, BYTES("AT&TFORM"), PICTURE},
    {"a DirectDraw picture", 0, BYTES("DDS "), PICTURE},
    {"a QOI picture", 0, BYTES("qoif"), PICTURE},
    {"a Windows icon", 0, BYTES("\0\0\1\0"), PICTURE},
    {"an SVG drawing", 0, BYTES("<svg"), PICTURE},
    {"a Netpbm picture", 0, BYTES("P5\n"), PICTURE},
    {"a Netpbm picture", 0, BYTES("P6\n"), PICTURE},
    {"a recording of AMR", 0, BYTES("#!AMR"), SOUND},
    {"a Core Audio file", 0, BYTES("caff\0\1"), SOUND},
    {"a Sony Wave64 file", 0, BYTES("riff\x2e\x91\xcf\x11"), SOUND},
    {"an AU recording", 0, BYTES(".snd"), SOUND},
    {"a Monkey's Audio file", 0, BYTES("MAC "), SOUND},
    {"a WavPack file", 0, BYTES("wvpk"), SOUND},
    {"a True Audio file", 0, BYTES("TTA1"), SOUND},
    {"a Musepack file", 0, BYTES("MPCK"), SOUND},
    {"a MIDI score", 0, BYTES("MThd"), SOUND},
    {"a Windows Media file (WMA, WMV)", 0, BYTES("\x30\x26\xb2\x75\x8e\x66\xcf\x11"), CLIP},
    {"a Flash video", 0, BYTES("FLV\1"), CLIP},
    {"an MPEG program stream (MPG, VOB)", 0, BYTES("\0\0\1\xba"), CLIP},
    {"a RealMedia file", 0, BYTES(".RMF"), CLIP},
    {"a DV or MXF recording", 0, BYTES("\x06\x0e\x2b\x34"), CLIP},
    {"a PDF document", 0, BYTES("%PDF-"), OTHER},
    {"a ZIP archive or an office document", 0, BYTES("PK\3\4"), OTHER},
    {"a gzip archive", 0, BYTES("\x1f\x8b"), OTHER},
    {"a web page", 0, BYTES("<!DOCTYPE html"), OTHER},
    {"a web page", 0, BYTES("<!doctype html"), OTHER},
    {"a web page", 0, BYTES("<html"), OTHER},
};

static weft_status tell(const known *k, const char *hint, weft_error *err)
{
    switch (k->what) {
    case HEIF:
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "this is %s, which no decoder here reads: convert it to JPEG, or install "
                       "libheif and the decoder that is built on it",
                       k->name);
    case PICTURE:
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "this is %s, which no decoder here reads: convert it to PNG or JPEG, or "
                       "install a decoder for it%s",
                       k->name, hint);
    case SOUND:
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "this is %s, which no decoder here reads: convert it to WAV or FLAC",
                       k->name);
    case CLIP:
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "this is %s, which no decoder here reads: convert it to MP4", k->name);
    case OTHER:
        break;
    }
    return wf_fail(err, WEFT_E_NOTFOUND, "this is %s and no picture, clip or recording", k->name);
}

/* MPEG transport streams have packets of 188 bytes (192 with a time in front of each), each of
 * which begins with 47. */
static bool is_transport_stream(const uint8_t *head, uint64_t n)
{
    return (n > 376 && head[0] == 0x47 && head[188] == 0x47 && head[376] == 0x47) ||
           (n > 388 && head[4] == 0x47 && head[196] == 0x47 && head[388] == 0x47);
}

static bool is_told(const known *k, const char *kind)
{
    bool is_sound = k->what == SOUND || k->what == CLIP;
    return kind == NULL || (is_sound && strcmp(kind, "audio") == 0);
}

weft_status wf_known_format(const uint8_t *head, uint64_t n, const char *kind, const char *hint,
                            weft_error *err)
{
    static const char  pointer[] = "version https://git-lfs.github.com/spec/";
    static const known stream = {"an MPEG transport stream (TS, MTS)", 0, 0, "", CLIP};
    if (n >= sizeof pointer - 1 && memcmp(head, pointer, sizeof pointer - 1) == 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "this is a pointer of git-lfs and not the file itself: run \"git lfs pull\" "
                       "where it was cloned");
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const known *k = &formats[i];
        if (is_told(k, kind) && n >= k->at + k->n && memcmp(head + k->at, k->bytes, k->n) == 0)
            return tell(k, hint, err);
    }
    return is_told(&stream, kind) && is_transport_stream(head, n) ? tell(&stream, hint, err)
                                                                  : WEFT_OK;
}
