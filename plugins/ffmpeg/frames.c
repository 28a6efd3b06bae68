/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the frame that is shown at a time t: the last frame whose time stamp is not past t, or the
 * first frame where t lies before it.
 *
 * The times of one call are taken in ascending order. For each of them the demuxer goes to the last
 * group that starts at or before the time; where the decoder is in that group already it simply
 * reads on. Frames are then decoded until the next one would be too late. Where the group ends
 * before that, the decoder is emptied and not fed with the next group. So no more groups are
 * decoded than frames were asked for, with one exception: the leading pictures of an open group
 * need the group before it too. (clip.h explains these words.) */
#include "clip.h"
#include "versions.h"

#include "weft/sdk.h"

#include <inttypes.h>
#include <stdlib.h>

/* Where the next group starts less than this after the one being decoded, the packets in between
 * are read instead of seeking. */
#define FAR_US 1000000
#define MAX_TRIES 6

/* ---- where to decode from ---- */

/* Goes to the group that holds t. The index of some formats (MP4) is in decoding times, which are
 * earlier than the times of showing. The group found may then start past t, and the one before it
 * is tried. */
static weft_status seek(clip_dec *d, int64_t t, weft_error *err)
{
    int64_t back = 0;
    d->seeks++;
    for (int tries = 0; tries < MAX_TRIES && t - back > 0; tries++) {
        if (av_seek_frame(d->demuxer, d->stream->index, clip_ts(d, t - back),
                          AVSEEK_FLAG_BACKWARD) < 0)
            break;
        clip_packets_clear(&d->ahead);
        clip_flush(d);
        d->from_start = 0;
        weft_status st = clip_packets_to_key(d, err);
        AVPacket   *p = clip_packets_head(d);
        if (st != WEFT_OK || (p != NULL && clip_packet_to(d, p) <= t))
            return st;
        back = back == 0 ? FAR_US / 10 : back * 4;
    }
    return clip_rewind(d, err);
}

/* Whether the file's index has a group that starts at or before t and well past the group that is
 * being decoded. */
static int group_ahead(const clip_dec *d, int64_t t)
{
    const AVIndexEntry *e =
        avformat_index_get_entry_from_timestamp(d->stream, clip_ts(d, t), AVSEEK_FLAG_BACKWARD);
    if (e == NULL || e->timestamp <= d->group_ts || d->io.length < 0)
        return 0;
    return d->group_ts == INT64_MIN || clip_us(d, e->timestamp) - clip_us(d, d->group_ts) > FAR_US;
}

/* The time that decoding has reached: earlier frames can only be had by going back. */
static int64_t decoded_to(const clip_dec *d)
{
    return d->now_us != CLIP_NO_TIME ? d->now_us : d->next_us;
}

static weft_status position(clip_dec *d, int64_t t, weft_error *err)
{
    int64_t at = decoded_to(d);
    int     is_back = at != CLIP_NO_TIME && t < at && !(d->now_is_first && at == d->now_us);
    if (!is_back && !group_ahead(d, t))
        return WEFT_OK;
    return is_back && d->io.length < 0 ? clip_rewind(d, err) : seek(d, t, err);
}

/* ---- decoding ---- */

static void send_end(clip_dec *d, clip_drain why)
{
    avcodec_send_packet(d->codec, NULL);
    d->drain = why;
}

/* Counts the packet last fed as damaged, once: going back reads it again. */
static void count_damaged(clip_dec *d)
{
    if (d->read_at <= d->damaged_at)
        return;
    d->damaged_at = d->read_at;
    d->damaged++;
}

/* The decoder refused something. After a gap in the same group that follows from the gap. */
static void refused(clip_dec *d)
{
    d->refused++;
    if (!d->after_gap)
        count_damaged(d);
}

/* A packet with a gap (of a transport stream) is decoded all the same: most of its frame is there,
 * and the frames after it refer to it. */
static weft_status send(clip_dec *d, AVPacket *p, weft_error *err)
{
    int code = avcodec_send_packet(d->codec, p);
    int has_gap = (p->flags & AV_PKT_FLAG_CORRUPT) != 0;
    d->read_at = p->pos;
    d->after_gap = has_gap || (d->after_gap && (p->flags & AV_PKT_FLAG_KEY) == 0);
    if (has_gap)
        count_damaged(d);
    if ((p->flags & AV_PKT_FLAG_KEY) != 0) {
        if (d->whole_us == INT64_MAX)
            d->whole_us = clip_packet_from(d, p);
        d->groups++;
        d->group_ts = p->pts != AV_NOPTS_VALUE && p->pts > p->dts ? p->pts : p->dts;
    }
    d->packets++;
    d->fed++;
    clip_packets_pop(d);
    if (code == AVERROR(ENOMEM))
        return clip_fail(d, code, err);
    if (code < 0)
        refused(d);
    return WEFT_OK;
}

/* Gives FFmpeg's decoder the next packet. Where that packet is of no use for t, or there is none,
 * begins to empty the decoder instead. */
static weft_status feed(clip_dec *d, int64_t t, weft_error *err)
{
    weft_status st = d->ahead.n == 0 ? clip_packets_read(d, err) : WEFT_OK;
    AVPacket   *p = clip_packets_head(d);
    if (st != WEFT_OK)
        return st;
    if (p == NULL) {
        send_end(d, CLIP_DRAIN_END);
        return WEFT_OK;
    }
    if ((p->flags & AV_PKT_FLAG_KEY) != 0 && d->fed > 0 && clip_packet_from(d, p) > t &&
        !clip_packets_lead(d, t)) {
        send_end(d, CLIP_DRAIN_GROUP);
        return WEFT_OK;
    }
    return send(d, p, err);
}

static void take_next(clip_dec *d)
{
    const AVFrame *f = d->next;
    int64_t        us = clip_us(d, f->best_effort_timestamp);
    /* A frame may have no time stamp (in AVI, while the decoder is emptied). It is then taken to
     * follow the frame before it. */
    if (us == CLIP_NO_TIME) {
        AVRational micro = {1, 1000000};
        int64_t    each = av_rescale_q(clip_frame_duration(f), d->stream->time_base, micro);
        us = d->now_us == CLIP_NO_TIME ? 0 : d->now_us;
        us += each > 0 && each < INT64_MAX - us ? each : 1;
    }
    d->next_us = us;
}

/* Whether d->next is only partly right, because it refers to frames before the key frame that
 * decoding began with. FFmpeg's H.264 decoder could drop such frames itself, but when it is emptied
 * soon after the start of an open group it drops good frames with them. */
static int is_partial(const clip_dec *d)
{
    return (d->next->flags & AV_FRAME_FLAG_CORRUPT) != 0 && d->next_us < d->whole_us;
}

static void advance(clip_dec *d)
{
    d->now_is_first = d->from_start && d->now_us == CLIP_NO_TIME;
    av_frame_unref(d->now);
    av_frame_move_ref(d->now, d->next);
    d->now_us = d->next_us;
    d->next_us = CLIP_NO_TIME;
}

static weft_status no_frame(clip_dec *d, weft_error *err)
{
    return weft_fail(err, WEFT_E_CORRUPT, "no frame of the %s can be decoded; get a complete copy",
                     d->what);
}

/* Whether the frame shown at t may be a leading picture of the group that starts with packet p:
 * stored after p, shown before it. Such a frame needs the group before p too. Where p has no pts,
 * any time from the earliest that p may be shown at counts. */
static int may_lead(clip_dec *d, const AVPacket *p, int64_t t)
{
    return p != NULL && clip_packet_to(d, p) > t &&
           (clip_packet_from(d, p) <= t || clip_packets_lead(d, t));
}

/* Called when the decoder has given out all its frames. *done becomes 1 where the frame of t is
 * found. Otherwise decoding goes on with the next group, or with the group before it where the
 * frame may be a leading picture. */
static weft_status emptied(clip_dec *d, int64_t t, int *done, weft_error *err)
{
    AVPacket *p = clip_packets_head(d);
    if (d->drain == CLIP_DRAIN_END) {
        *done = 1;
        return d->now_us == CLIP_NO_TIME ? no_frame(d, err) : WEFT_OK;
    }
    if (may_lead(d, p, t) && d->io.length >= 0) {
        weft_status st = seek(d, t, err);
        return st == WEFT_OK ? clip_packets_until(d, t, err) : st;
    }
    *done = d->now_us != CLIP_NO_TIME && p != NULL && clip_packet_from(d, p) > t;
    if (*done)
        return WEFT_OK;
    avcodec_flush_buffers(d->codec); /* d->now stays: it may be the frame that is asked for */
    d->drain = CLIP_FEEDING;
    d->whole_us = INT64_MAX;
    d->fed = 0;
    return WEFT_OK;
}

/* One step towards the frame of t. */
static weft_status step(clip_dec *d, int64_t t, int *done, weft_error *err)
{
    if (d->next_us != CLIP_NO_TIME) {
        *done = d->next_us > t && d->now_us != CLIP_NO_TIME;
        if (*done)
            return WEFT_OK;
        *done = d->next_us > t; /* t lies before the first frame: that is the one */
        advance(d);
        return WEFT_OK;
    }
    int code = avcodec_receive_frame(d->codec, d->next);
    if (code == AVERROR(EAGAIN))
        return feed(d, t, err);
    if (code == AVERROR_EOF)
        return emptied(d, t, done, err);
    if (code == AVERROR(ENOMEM) || code == AVERROR_PATCHWELCOME)
        return clip_fail(d, code, err);
    if (code >= 0) {
        take_next(d);
        if (is_partial(d))
            d->next_us = CLIP_NO_TIME;
        return WEFT_OK;
    }
    refused(d);
    if (d->refused > 2 * d->packets + 64) /* it neither takes packets nor gives frames */
        return clip_fail(d, code, err);
    return WEFT_OK;
}

weft_status clip_show(clip_dec *d, int64_t t, weft_error *err)
{
    int         done = 0;
    weft_status st = position(d, t, err);
    if (st == WEFT_OK && !(d->next_us != CLIP_NO_TIME && d->next_us > t))
        st = clip_packets_until(d, t, err);
    while (st == WEFT_OK && !done) {
        st = clip_poll(d, err);
        if (st == WEFT_OK)
            st = step(d, t, &done, err);
    }
    d->shown += st == WEFT_OK;
    return st;
}

/* ---- read_frames ---- */

typedef struct wanted {
    int64_t  us;
    uint32_t i;
} wanted;

static int by_time(const void *a, const void *b)
{
    const wanted *x = a, *y = b;
    return x->us < y->us ? -1 : x->us > y->us;
}

static weft_status check_wanted(const clip_dec *d, const int64_t *time_us, uint32_t n,
                                weft_error *err)
{
    uint64_t each =
        (uint64_t)d->picture.width * (uint64_t)d->picture.height * (uint64_t)d->picture.channels;
    if (d->kind == CLIP_AUDIO)
        return weft_fail(err, WEFT_E_STATE,
                         "the recording was opened for its sound; it has no "
                         "frames to give");
    if (d->kind == CLIP_IMAGE && n != 1)
        return weft_fail(err, WEFT_E_INVALID, "a picture is one frame, %" PRIu32 " were asked for",
                         n);
    if (n == 0 || (time_us == NULL && d->kind == CLIP_VIDEO))
        return weft_fail(err, WEFT_E_INVALID, "no times of frames were given");
    if (n > d->max_frames)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%" PRIu32 " frames were asked for and the limit is %" PRIu64
                         "; ask for fewer or raise --max-frames",
                         n, d->max_frames);
    if (each > d->max_decoded_bytes / n)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%" PRIu32 " frames of %" PRId32 " x %" PRId32 " pixels are over the "
                         "limit of %" PRIu64 " bytes; ask for fewer or raise --max-decoded-bytes",
                         n, d->picture.width, d->picture.height, d->max_decoded_bytes);
    return WEFT_OK;
}

static weft_status check_dst(const clip_dec *d, uint32_t n, const weft_tensor *t, weft_error *err)
{
    int64_t h = d->picture.height, w = d->picture.width, c = d->picture.channels;
    if (t != NULL && t->data != NULL && t->ndim == 4 && t->dtype.code == WEFT_DT_UINT &&
        t->dtype.bits == 8 && t->dtype.lanes == 1 && t->shape[0] == n && t->shape[1] == h &&
        t->shape[2] == w && t->shape[3] == c && t->stride[3] == 1 && t->stride[2] == c &&
        t->stride[1] == w * c && (n == 1 || t->stride[0] == h * w * c) &&
        t->bytes >= (uint64_t)n * (uint64_t)(h * w * c))
        return WEFT_OK;
    return weft_fail(err, WEFT_E_INVALID,
                     "the buffer for the %s must be u8 [%" PRIu32 ", %" PRId64 ", %" PRId64
                     ", %" PRId64 "] in C order",
                     d->what, n, h, w, c);
}

static weft_status read_each(clip_dec *d, const wanted *list, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err)
{
    uint64_t each = (uint64_t)dst->shape[1] * (uint64_t)dst->shape[2] * (uint64_t)dst->shape[3];
    for (uint32_t i = 0; i < n; i++) {
        weft_status st = d->kind == CLIP_IMAGE ? WEFT_OK : clip_show(d, list[i].us, err);
        if (st == WEFT_OK)
            st = clip_picture_write(d, (uint8_t *)dst->data + each * list[i].i, err);
        if (st != WEFT_OK)
            return st;
        if (at_us != NULL)
            at_us[list[i].i] = d->kind == CLIP_IMAGE ? 0 : d->now_us;
    }
    return WEFT_OK;
}

weft_status clip_read_frames(void *dec, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err)
{
    clip_dec   *d = dec;
    weft_status st = check_wanted(d, time_us, n, err);
    if (st == WEFT_OK)
        st = check_dst(d, n, dst, err);
    if (st != WEFT_OK)
        return st;
    wanted *list = d->host->alloc(d->host, n * sizeof *list, 16);
    if (list == NULL)
        return clip_nomem(d, err);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (wanted){time_us != NULL ? time_us[i] : 0, i};
    qsort(list, n, sizeof *list, by_time);
    st = read_each(d, list, n, dst, at_us, err);
    d->host->free(d->host, list);
    return st;
}
