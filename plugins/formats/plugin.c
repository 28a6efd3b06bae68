/* SPDX-License-Identifier: Apache-2.0 */
/* weft.formats: reads nothing, and says what a file is that no decoder here reads, and what to do.
 *
 * It is a decoder whose score is WEFT_PROBE_NAMED, so that the host asks it only where no other
 * decoder knows the file by its bytes, and whose open always fails with that sentence. */
#include "formats.h"
#include "weft/sdk.h"

#define HEAD_BYTES 4096 /* more than any entry of the list looks at */

static const char *const kinds[] = {"image", "audio", "video", NULL};

/* Of a kind that was asked for, a format is told only where it may hold that kind: a picture that
 * is given as a recording is not told to be unreadable as a picture. */
static int may_hold(const fmt_format *f, const char *kind)
{
    switch (f->advice) {
    case FMT_HEIF:
    case FMT_PICTURE:
        return strcmp(kind, "image") == 0;
    case FMT_SOUND:
        return strcmp(kind, "audio") == 0;
    case FMT_CLIP:
        return strcmp(kind, "image") != 0;
    case FMT_OTHER:
        break;
    }
    return 1;
}

static int32_t dec_probe(const weft_probe *in)
{
    const fmt_format *f = fmt_find(in->head, in->head_bytes);
    if (f == NULL || in->kind == NULL || !may_hold(f, in->kind))
        return WEFT_PROBE_NO;
    return fmt_is_weak(f) ? WEFT_PROBE_NAMED - 1 : WEFT_PROBE_NAMED;
}

static weft_status tell(const fmt_format *f, weft_error *err)
{
    static const char *const to[] = {
        [FMT_HEIF] = "JPEG, or install libheif and weft-heif, which is built on it",
        [FMT_PICTURE] = "PNG or JPEG, or install a decoder for it (see weft plugin list)",
        [FMT_SOUND] = "WAV or FLAC",
        [FMT_CLIP] = "MP4",
    };
    if (f->advice == FMT_OTHER)
        return weft_fail(err, WEFT_E_NOTFOUND, "this is %s and no picture, clip or recording",
                         f->name);
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "this is %s, which no decoder here reads: convert it to %s", f->name,
                     to[f->advice]);
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    uint8_t head[HEAD_BYTES];
    (void)h;
    (void)kind;
    (void)lim;
    (void)dec;
    int64_t n = src->read_at(src->ctx, 0, head, sizeof head);
    if (n < 0)
        return weft_fail(err, (weft_status)n, "the file could not be read");
    const fmt_format *f = fmt_find(head, (uint64_t)n);
    return f != NULL ? tell(f, err)
                     : weft_fail(err, WEFT_E_UNSUPPORTED, "no decoder knows this kind of file");
}

/* Nothing is ever open; the host's table of required calls has these. */
static weft_status dec_info(void *dec, weft_media_info *out, weft_error *err)
{
    (void)dec;
    (void)out;
    return weft_fail(err, WEFT_E_STATE, "weft.formats opens no file");
}

static weft_status dec_read_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                                  weft_error *err)
{
    (void)dec;
    (void)n;
    (void)dst;
    (void)got;
    return weft_fail(err, WEFT_E_STATE, "weft.formats opens no file");
}

static void dec_close(void *dec)
{
    (void)dec;
}

static const weft_decoder decoder = {
    .hdr = WEFT_HDR(weft_decoder),
    .kinds = kinds,
    .probe = dec_probe,
    .open = dec_open,
    .info = dec_info,
    .read_audio = dec_read_audio,
    .close = dec_close,
};

static const char *const    needs[] = {NULL};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "formats", &decoder}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "weft.formats",
    .name = "Names of formats that are not read",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = 1,
};

WEFT_PLUGIN("weft.formats", "0.1.0", "components=decoder:formats\nkinds=image,audio,video\n",
            &descriptor, NULL, NULL)
