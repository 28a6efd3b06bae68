/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where time 0 of a file is and how long a clip is, and goes back to its beginning. */
#include "clip.h"

#include "weft/sdk.h"

#include <inttypes.h>
#include <libavutil/mathematics.h>

static const AVRational us_base = {1, 1000000};

/* Adds two times from a file that may be hostile. A sum past an end of the range becomes that end.
 */
static int64_t add_us(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum) && sum != CLIP_NO_TIME)
        return sum;
    return a < 0 ? CLIP_NO_TIME + 1 : INT64_MAX;
}

int64_t clip_us(const clip_dec *d, int64_t ts)
{
    if (ts == AV_NOPTS_VALUE)
        return CLIP_NO_TIME;
    int64_t us = av_rescale_q_rnd(ts, d->stream->time_base, us_base,
                                  AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
    if (us == CLIP_NO_TIME) /* the product is past 64 bits */
        us = ts < 0 ? CLIP_NO_TIME + 1 : INT64_MAX;
    return d->start_us == 0 ? us : add_us(us, -d->start_us);
}

int64_t clip_ts(const clip_dec *d, int64_t us)
{
    int64_t ts = av_rescale_q_rnd(add_us(us, d->start_us), us_base, d->stream->time_base,
                                  AV_ROUND_UP | AV_ROUND_PASS_MINMAX);
    return ts == AV_NOPTS_VALUE ? (us < 0 ? INT64_MIN + 1 : INT64_MAX) : ts;
}

/* The end of the clip as its headers say it; -1 where they say nothing. */
static int64_t claimed_end(const clip_dec *d)
{
    const AVStream *s = d->stream;
    int64_t         end = -1, start = s->start_time == AV_NOPTS_VALUE ? 0 : s->start_time, ts;
    if (d->demuxer->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return -1;
    if (s->duration > 0 && !__builtin_add_overflow(start, s->duration, &ts))
        end = clip_us(d, ts);
    else if (d->demuxer->duration > 0)
        end = d->demuxer->duration;
    return end > 0 ? end : -1;
}

static int64_t packet_end(const clip_dec *d, const AVPacket *p)
{
    int64_t ts = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts, end;
    if (ts == AV_NOPTS_VALUE || __builtin_add_overflow(ts, p->duration, &end))
        return -1;
    return clip_us(d, end);
}

/* Reads all packets from here on and sets *end to the time at which the last one's frame ends.
 * Where the file breaks off *end is untouched; reading the frames will report that. */
static weft_status find_end(clip_dec *d, int64_t *end, weft_error *err)
{
    int64_t last = -1;
    int     code;
    while ((code = av_read_frame(d->demuxer, d->packet)) >= 0) {
        int64_t us = packet_end(d, d->packet);
        if (d->packet->stream_index == d->stream->index && us > last)
            last = us;
        av_packet_unref(d->packet);
    }
    if (d->io.status != WEFT_OK)
        return clip_fail(d, code, err);
    if (code == AVERROR_EOF && last > 0)
        *end = last;
    return WEFT_OK;
}

/* Refuses an MP4 that ends before its last frame: its index says where every frame lies, so the
 * file is known to be incomplete. A file of a format whose index stands behind or between its
 * frames (Matroska, AVI) is taken as a shorter clip where it breaks off. */
static weft_status check_complete(const clip_dec *d, weft_error *err)
{
    int n = avformat_index_get_entries_count(d->stream);
    if (strcmp(d->format->demuxer, "mov") != 0 || d->io.length < 0)
        return WEFT_OK;
    for (int i = 0; i < n; i++) {
        const AVIndexEntry *e = avformat_index_get_entry(d->stream, i);
        if (e->pos > d->io.length - e->size)
            return weft_fail(err, WEFT_E_CORRUPT,
                             "the %s ends at byte %" PRId64 ", before its last %s does; get a "
                             "complete copy",
                             d->what, d->io.length, d->kind == CLIP_AUDIO ? "sound" : "frame");
    }
    return WEFT_OK;
}

weft_status clip_measure(clip_dec *d, weft_error *err)
{
    weft_status st = check_complete(d, err);
    if (st != WEFT_OK)
        return st;
    int64_t start = d->demuxer->start_time;
    d->start_us = start == AV_NOPTS_VALUE || start == INT64_MIN ? 0 : start;
    d->duration_us = claimed_end(d);
    if (d->kind != CLIP_VIDEO || d->io.length < 0)
        return WEFT_OK;
    /* With an index, only the packets near the end are read; else all of them. None is decoded. */
    if (d->duration_us > 0)
        av_seek_frame(d->demuxer, d->stream->index, clip_ts(d, d->duration_us),
                      AVSEEK_FLAG_BACKWARD);
    clip_warn_cut(d);
    st = find_end(d, &d->duration_us, err);
    return st == WEFT_OK ? clip_rewind(d, err) : st;
}

/* The time stamp at which the stream starts; 0 where the headers do not say. */
static int64_t first_ts(const clip_dec *d)
{
    return d->stream->start_time == AV_NOPTS_VALUE ? 0 : d->stream->start_time;
}

/* Goes to the first packet. <0: it cannot be had without opening the file again, as in some formats
 * without an index. An MPEG transport stream is searched for a time, which need not end at its
 * first packet. */
static int seek_start(clip_dec *d)
{
    if (clip_is_transport(d->format))
        return av_seek_frame(d->demuxer, -1, 0, AVSEEK_FLAG_BYTE);
    return av_seek_frame(d->demuxer, d->stream->index, first_ts(d), AVSEEK_FLAG_BACKWARD);
}

weft_status clip_rewind(clip_dec *d, weft_error *err)
{
    weft_status st = WEFT_OK;
    if (d->io.length < 0)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the %s comes through a pipe and cannot be read twice; save it to a file",
                         d->what);
    clip_packets_clear(&d->ahead);
    clip_flush(d);
    d->from_start = 1;
    d->group_ts = INT64_MIN;
    if (seek_start(d) < 0) {
        clip_demuxer_close(d);
        st = clip_demuxer_open(d, err);
    }
    return d->io.status != WEFT_OK ? clip_fail(d, 0, err) : st;
}
