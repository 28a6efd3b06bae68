/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ffmpeg: reads clips, the sound in them, and still pictures that no smaller decoder reads.
 *
 * Two settings of FFmpeg are global to the process and are set once, at init, to constants: its log
 * goes nowhere (its lines may hold addresses and parts of files), and no block of more than 512 MiB
 * is allocated. Its decoders' threads (two for a clip) live until close(). */
#include "clip.h"

#include "../common/decoder.h"

#include <libavutil/log.h>

static const char *const kinds[] = {"video", "audio", "image", NULL};

static void drop_log(void *ctx, int level, const char *format, va_list ap)
{
    (void)ctx;
    (void)level;
    (void)format;
    (void)ap;
}

static weft_status plugin_init(const weft_host *h, weft_error *err)
{
    (void)h;
    (void)err;
    av_log_set_callback(drop_log);
    av_max_alloc(CLIP_MAX_ALLOC);
    return WEFT_OK;
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    static const clip_kind of[] = {CLIP_VIDEO, CLIP_AUDIO, CLIP_IMAGE};
    *dec = NULL;
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (kind == NULL || strcmp(kind, kinds[i]) != 0)
            continue;
        clip_dec   *d = NULL;
        weft_status st = clip_open(h, src, of[i], lim, &d, err);
        *dec = d;
        return st;
    }
    return weft_fail(err, WEFT_E_INVALID, "weft.ffmpeg reads clips, sound and pictures only");
}

static weft_status dec_info(void *dec, weft_media_info *out, weft_error *err)
{
    static const char *const names[] = {"video", "audio", "image"};
    const clip_dec          *d = dec;
    weft_media_info          me;
    memset(&me, 0, sizeof me);
    me.kind = names[d->kind];
    me.width = d->picture.width;
    me.height = d->picture.height;
    me.has_alpha = d->picture.channels == 4;
    me.channels = d->sound.channels;
    me.sample_rate = d->sound.rate;
    me.n_samples = d->kind == CLIP_AUDIO ? -1 : 0; /* unknown: only reading them would count them */
    me.duration_us = d->kind == CLIP_IMAGE ? 0 : d->duration_us;
    if (d->kind == CLIP_VIDEO && d->stream != NULL && d->stream->avg_frame_rate.num > 0 &&
        d->stream->avg_frame_rate.den > 0) {
        me.fps_num = d->stream->avg_frame_rate.num;
        me.fps_den = d->stream->avg_frame_rate.den;
    }
    return plg_info_give(&me, out, err);
}

static const weft_decoder decoder = {
    .hdr = WEFT_HDR(weft_decoder),
    .kinds = kinds,
    .probe = clip_probe,
    .open = dec_open,
    .info = dec_info,
    .read_frames = clip_read_frames,
    .read_audio = clip_read_audio,
    .close = clip_close,
};

static const char *const    needs[] = {NULL};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "ffmpeg", &decoder}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "weft.ffmpeg",
    .name = "FFmpeg decoder",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = 1,
};

/* Bytes of any value. */
#define ANY4 "........"
#define ANY16 ANY4 ANY4 ANY4 ANY4
#define ANY184 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY16 ANY4 ANY4
#define ANY187 ANY184 "......"

/* ftyp and the boxes of files before it, Matroska, RIFF with AVI or WEBP, GIF, BMP, TIFF, and the
 * first two packets of an MPEG transport stream: one alone would be every 256th file. Sound without
 * pictures is weft.sndfile's: where that one does not know a file, this decoder is asked all the
 * same. */
#define MAGIC                                                                                      \
    "4:66747970,4:6d6f6f76,4:6d646174,4:77696465,4:66726565,4:736b6970,4:706e6f74,0:1a45dfa3,"     \
    "0:52494646........41564920,0:52494646........57454250,0:47494638,0:424d,0:49492a00,0:"        \
    "4d4d002a,0:47" ANY187 "47,4:47" ANY187 ANY4 "47,0:47" ANY187 ANY16 "47"

#define SO(LIB, MAJOR) LIB ".so." WEFT_STR(MAJOR)

WEFT_PLUGIN(
    "weft.ffmpeg", "0.1.0",
    "components=decoder:ffmpeg\nkinds=image,video,audio\nmagic=" MAGIC
    "\nlinks=" SO("libavformat", LIBAVFORMAT_VERSION_MAJOR) "," SO("libavcodec", LIBAVCODEC_VERSION_MAJOR) "," SO(
        "libavutil",
        LIBAVUTIL_VERSION_MAJOR) "," SO("libswscale",
                                        LIBSWSCALE_VERSION_MAJOR) "," SO("libswresample",
                                                                         LIBSWRESAMPLE_VERSION_MAJOR) "\n",
    &descriptor, plugin_init, NULL)
