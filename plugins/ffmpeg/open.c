/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a file with FFmpeg and closes it, and turns FFmpeg's errors into ours.
 *
 * A file may be hostile, so it meets these checks in order. Its format is told by its first bytes
 * (magic.c). FFmpeg is given bytes and no protocol that could open something else. It may look at
 * 64 streams and 1 MB before it must know what they are. Demuxers and codecs are taken from fixed
 * lists. Sizes in the headers are held against the limits before anything is decoded, and the
 * codecs are told the limit too. */
#include "clip.h"

#include "weft/sdk.h"

#include <inttypes.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>

#define THREADS_VIDEO "2"

static const char formats[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,gif,webp_pipe,bmp_pipe,tiff_pipe,ogg,"
    "flac,wav,mp3,aac";
static const char codecs[] =
    "h264,hevc,theora,vp8,vp9,libdav1d,libaom-av1,mpeg1video,mpeg2video,mpeg4,mjpeg,png,gif,webp,"
    "bmp,tiff,aac,aac_latm,ac3,eac3,mp2float,mp2,mp3float,mp3,opus,libopus,pcm_bluray,"
    "vorbis,flac,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,"
    "pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw";

/* ---- errors ---- */

weft_status clip_nomem(const clip_dec *d, weft_error *err)
{
    return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to decode the %s", d->what);
}

/* The source's own failure, which FFmpeg may have turned into something else. */
static weft_status source_failed(const clip_dec *d, weft_error *err)
{
    if (d->io.status == WEFT_E_CANCELLED)
        return weft_fail(err, WEFT_E_CANCELLED, "reading the %s was cancelled", d->what);
    if (d->io.status == WEFT_E_UNSUPPORTED)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the %s comes through a pipe and would have to be read again at byte "
                         "%" PRId64 "; save it to a file",
                         d->what, d->io.at);
    return weft_fail(err, WEFT_E_IO, "the %s could not be read at byte %" PRId64, d->what,
                     d->io.at);
}

weft_status clip_fail(clip_dec *d, int code, weft_error *err)
{
    if (d->io.status != WEFT_OK)
        return source_failed(d, err);
    if (code == AVERROR_PATCHWELCOME || code == AVERROR(ENOSYS))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the %s uses a feature that is not read here; convert it first", d->what);
    /* FFmpeg says "no memory" also where one of its own limits (av_max_alloc, max_streams) holds.
     */
    if (code == AVERROR(ENOMEM))
        return weft_fail(err, WEFT_E_LIMIT,
                         "the %s asks for more than %d streams or for a block of more than %d MiB, "
                         "or memory ran out; convert it to a simpler file",
                         d->what, CLIP_MAX_STREAMS, (int)(CLIP_MAX_ALLOC >> 20));
    return weft_fail(err, WEFT_E_CORRUPT,
                     "the %s is damaged or ends early near byte %" PRId64 "; get a complete copy",
                     d->what, d->io.at);
}

weft_status clip_poll(clip_dec *d, weft_error *err)
{
    return clip_cancelled(&d->io) ? source_failed(d, err) : WEFT_OK;
}

/* ---- the demuxer ---- */

static int refuse_open(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                       AVDictionary **options)
{
    (void)s;
    (void)pb;
    (void)url;
    (void)flags;
    (void)options;
    return AVERROR(EPERM);
}

/* Tells a codec the limit on pixels. Its own sizes are padded to blocks of up to 128 pixels, so the
 * limit that it gets is wider; clip_size makes the exact check. */
static int set_pixels(AVDictionary **options, const clip_dec *d)
{
    uint64_t padded = d->max_pixels + d->max_pixels / 8 + 65536;
    return av_dict_set_int(options, "max_pixels", padded < INT_MAX ? (int64_t)padded : INT_MAX, 0);
}

/* Allocates the demuxer with its bounds. 0: no memory. */
static int make_demuxer(clip_dec *d)
{
    AVFormatContext *s = d->demuxer = avformat_alloc_context();
    if (s == NULL || !clip_io_start(&d->io))
        return 0;
    s->pb = d->io.pb;
    s->flags |= AVFMT_FLAG_CUSTOM_IO;
    /* A transport stream says which of its packets have gaps, so they are counted (frames.c,
     * sound.c). Of other formats it is the last packet of a file that was cut: see whole.c. */
    if (!clip_is_transport(d->format))
        s->flags |= AVFMT_FLAG_DISCARD_CORRUPT;
    s->io_open = refuse_open;
    s->interrupt_callback = (AVIOInterruptCB){clip_cancelled, &d->io};
    s->max_streams = CLIP_MAX_STREAMS;
    s->probesize = CLIP_PROBE_BYTES;
    return av_opt_set(s, "format_whitelist", formats, 0) >= 0 &&
           av_opt_set(s, "codec_whitelist", codecs, 0) >= 0 &&
           av_opt_set(s, "protocol_whitelist", "none", 0) >= 0;
}

/* Holds the sizes in the headers against the limits, before FFmpeg decodes any frame to learn more.
 */
static weft_status check_headers(clip_dec *d, weft_error *err)
{
    for (unsigned i = 0; i < d->demuxer->nb_streams; i++) {
        const AVCodecParameters *p = d->demuxer->streams[i]->codecpar;
        if (d->kind == CLIP_AUDIO || p->codec_type != AVMEDIA_TYPE_VIDEO || p->width == 0)
            continue;
        weft_status st = clip_size(d, p->width, p->height, err);
        if (st != WEFT_OK)
            return st;
    }
    return WEFT_OK;
}

static int find_info(clip_dec *d)
{
    unsigned       n = d->demuxer->nb_streams;
    int            code = 0;
    AVDictionary **options = av_calloc(n + 1, sizeof *options);
    if (options == NULL)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < n && code >= 0; i++) {
        code = set_pixels(&options[i], d);
        if (code >= 0)
            code = av_dict_set(&options[i], "threads", "1", 0);
    }
    if (code >= 0)
        code = avformat_find_stream_info(d->demuxer, n > 0 ? options : NULL);
    for (unsigned i = 0; i < n; i++)
        av_dict_free(&options[i]);
    av_free(options);
    return code;
}

weft_status clip_demuxer_open(clip_dec *d, weft_error *err)
{
    const AVInputFormat *format = av_find_input_format(d->format->demuxer);
    if (format == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "this FFmpeg was built without the %s format",
                         d->format->demuxer);
    if (!make_demuxer(d))
        return clip_nomem(d, err);
    int code = avformat_open_input(&d->demuxer, "", format, NULL);
    if (code < 0)
        return clip_fail(d, code, err);
    weft_status st = check_headers(d, err);
    if (st != WEFT_OK)
        return st;
    code = find_info(d);
    if (code < 0 || d->io.status != WEFT_OK)
        return clip_fail(d, code, err);
    d->probed_to = avio_tell(d->io.pb);
    return clip_find_stream(d, err);
}

void clip_demuxer_close(clip_dec *d)
{
    avformat_close_input(&d->demuxer);
    clip_io_stop(&d->io);
    d->stream = NULL;
}

/* ---- the decoder ---- */

static weft_status codec_unsupported(const clip_dec *d, weft_error *err)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "the %s is coded as %.40s, which is not read here; convert it, say to %s",
                     d->what, avcodec_get_name(d->stream->codecpar->codec_id),
                     d->kind == CLIP_AUDIO ? "AAC" : "H.264");
}

static weft_status open_codec(clip_dec *d, weft_error *err)
{
    const AVCodecParameters *p = d->stream->codecpar;
    const AVCodec           *c = avcodec_find_decoder(p->codec_id);
    AVDictionary            *options = NULL;
    if (c == NULL || !av_match_list(c->name, codecs, ','))
        return codec_unsupported(d, err);
    d->codec = avcodec_alloc_context3(c);
    if (d->codec == NULL || avcodec_parameters_to_context(d->codec, p) < 0)
        return clip_nomem(d, err);
    d->codec->pkt_timebase = d->stream->time_base;
    d->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT; /* frames.c sorts them out: see is_partial() */
    int code = set_pixels(&options, d);
    if (code >= 0)
        code = av_dict_set(&options, "threads", d->kind == CLIP_VIDEO ? THREADS_VIDEO : "1", 0);
    if (code >= 0)
        code = avcodec_open2(d->codec, c, &options);
    av_dict_free(&options);
    return code < 0 ? clip_fail(d, code, err) : WEFT_OK;
}

void clip_flush(clip_dec *d)
{
    if (d->codec != NULL)
        avcodec_flush_buffers(d->codec);
    av_frame_unref(d->now);
    av_frame_unref(d->next);
    d->now_us = d->next_us = CLIP_NO_TIME;
    d->drain = CLIP_FEEDING;
    d->whole_us = INT64_MAX;
    d->fed = 0;
}

/* ---- open and close ---- */

/* The limits that lim has, as they are: 0 forbids (decoder.h). */
static void take_limits(clip_dec *d, const weft_limits *lim)
{
    weft_limits l = {.hdr = WEFT_HDR(weft_limits),
                     .max_pixels = 67108864,
                     .max_side = 32768,
                     .max_frames = UINT64_MAX,
                     .max_samples = UINT64_MAX,
                     .max_decoded_bytes = UINT64_MAX};
    if (lim != NULL)
        memcpy(&l, lim, lim->hdr.size < sizeof l ? lim->hdr.size : sizeof l);
    if (l.track != NULL)
        snprintf(d->track, sizeof d->track, "%s", l.track);
    d->max_pixels = l.max_pixels;
    d->max_side = l.max_side;
    d->max_frames = l.max_frames;
    d->max_samples = l.max_samples;
    d->max_decoded_bytes = l.max_decoded_bytes;
}

static weft_status make_scratch(clip_dec *d, weft_error *err)
{
    d->packet = av_packet_alloc();
    d->now = av_frame_alloc();
    d->next = av_frame_alloc();
    d->now_us = d->next_us = CLIP_NO_TIME;
    if (d->packet == NULL || d->now == NULL || d->next == NULL)
        return clip_nomem(d, err);
    return clip_packets_init(d, err);
}

static weft_status find_format(clip_dec *d, weft_error *err)
{
    uint8_t  head[CLIP_HEAD_BYTES];
    uint64_t n = clip_io_at(&d->io, 0, head, sizeof head);
    if (d->io.status != WEFT_OK)
        return clip_fail(d, 0, err);
    d->format = clip_format_of(head, n);
    if (d->format == NULL)
        return weft_fail(
            err, WEFT_E_CORRUPT,
            "the file begins as none of MP4, QuickTime, Matroska, WebM, AVI, MPEG-TS, GIF, "
            "WebP, AVIF, BMP, TIFF or their sounds; it is damaged or something else");
    /* Sound in MP4 needs the index, which may stand at the end of the file. Other sound may be live
     * and have no end to look for. */
    if (d->kind != CLIP_AUDIO || strcmp(d->format->demuxer, "mov") == 0)
        clip_io_find_end(&d->io);
    if (d->kind == CLIP_IMAGE && d->io.status == WEFT_OK)
        return clip_still_file(d, err);
    return d->io.status != WEFT_OK ? clip_fail(d, 0, err) : WEFT_OK;
}

static weft_status open_all(clip_dec *d, weft_error *err)
{
    weft_status st = make_scratch(d, err);
    if (st == WEFT_OK)
        st = find_format(d, err);
    if (st == WEFT_OK)
        st = clip_demuxer_open(d, err);
    if (st == WEFT_OK)
        st = open_codec(d, err);
    if (st == WEFT_OK && d->kind == CLIP_VIDEO)
        st = clip_picture_init(d, err);
    if (st == WEFT_OK)
        st = clip_measure(d, err);
    if (st == WEFT_OK && d->kind == CLIP_AUDIO)
        st = clip_sound_init(d, err);
    if (st == WEFT_OK && d->kind == CLIP_IMAGE)
        st = clip_still_init(d, err);
    return st;
}

weft_status clip_open(const weft_host *h, const weft_source *src, clip_kind kind,
                      const weft_limits *lim, clip_dec **out, weft_error *err)
{
    static const char *const what[] = {"clip", "recording", "picture"};
    *out = NULL;
    clip_dec *d = h->alloc(h, sizeof *d, 64);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the %s",
                         what[kind]);
    memset(d, 0, sizeof *d);
    d->host = h;
    d->kind = kind;
    d->what = what[kind];
    d->from_start = 1;
    d->whole_us = INT64_MAX;
    d->group_ts = INT64_MIN;
    d->read_at = d->damaged_at = -1;
    take_limits(d, lim);
    clip_io_init(&d->io, h, src);
    weft_status st = open_all(d, err);
    if (st != WEFT_OK) {
        clip_close(d);
        return st;
    }
    *out = d;
    return WEFT_OK;
}

/* Logs how much was read and decoded, for measurements. A group runs from a key packet to the next.
 */
static void log_work(const clip_dec *d)
{
    char line[200];
    if (d->packets == 0)
        return;
    snprintf(line, sizeof line,
             "%s: %" PRIu64 " frames shown, %" PRIu64 " groups of pictures and %" PRIu64
             " packets decoded, %" PRIu64 " seeks",
             d->what, d->shown, d->groups, d->packets, d->seeks);
    d->host->log(d->host, WEFT_LOG_DEBUG, line);
}

static void warn_damaged(const clip_dec *d)
{
    char line[200];
    if (d->damaged == 0)
        return;
    snprintf(line, sizeof line, "the %s has %" PRIu64 " damaged packets%s", d->what, d->damaged,
             d->kind == CLIP_AUDIO ? ", which were left out"
                                   : "; what is shown there may be wrong or an earlier frame");
    d->host->log(d->host, WEFT_LOG_WARN, line);
}

void clip_close(void *dec)
{
    clip_dec *d = dec;
    if (d == NULL)
        return;
    if (d->host->log != NULL) {
        log_work(d);
        warn_damaged(d);
    }
    clip_picture_free(d);
    clip_sound_free(d);
    clip_packets_free(d);
    avcodec_free_context(&d->codec);
    clip_demuxer_close(d);
    clip_io_drop(&d->io);
    av_packet_free(&d->packet);
    av_frame_free(&d->now);
    av_frame_free(&d->next);
    d->host->free(d->host, d);
}
