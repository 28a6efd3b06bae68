/* SPDX-License-Identifier: Apache-2.0 */
/* Reads packets ahead of FFmpeg's decoder.
 *
 * Reading packets is cheap and decoding them is not. The packets' time stamps tell which frame is
 * shown at a time, so a group that ends before that time is dropped without being decoded. The
 * decoding time stamp (dts) says where the search may stop: it never exceeds the time at which the
 * frame is shown, and it never falls from one packet to the next. */
#include "clip.h"

#include "weft/sdk.h"

/* Where a packet has no pts (AVI), its frame is shown at most this many frames after its dts. */
#define REORDERED 8

weft_status clip_packets_init(clip_dec *d, weft_error *err)
{
    clip_packets *q = &d->ahead;
    q->slot = d->host->alloc(d->host, CLIP_AHEAD * sizeof(AVPacket *), 64);
    if (q->slot == NULL)
        return clip_nomem(d, err);
    memset(q->slot, 0, CLIP_AHEAD * sizeof(AVPacket *));
    return WEFT_OK;
}

static AVPacket **slot_of(clip_packets *q, uint32_t i)
{
    return &q->slot[(q->first + i) % CLIP_AHEAD];
}

AVPacket *clip_packets_head(clip_dec *d)
{
    return d->ahead.n > 0 ? *slot_of(&d->ahead, 0) : NULL;
}

static void pop(clip_packets *q)
{
    AVPacket **s = slot_of(q, 0);
    q->bytes -= (uint64_t)(*s)->size;
    av_packet_free(s);
    q->first = (q->first + 1) % CLIP_AHEAD;
    q->n--;
}

void clip_packets_pop(clip_dec *d)
{
    pop(&d->ahead);
}

void clip_packets_clear(clip_packets *q)
{
    while (q->n > 0)
        pop(q);
    q->ended = 0;
}

void clip_packets_free(clip_dec *d)
{
    if (d->ahead.slot == NULL)
        return;
    clip_packets_clear(&d->ahead);
    d->host->free(d->host, d->ahead.slot);
}

static int is_full(const clip_packets *q)
{
    return q->n == CLIP_AHEAD || q->bytes > CLIP_AHEAD_BYTES;
}

weft_status clip_packets_read(clip_dec *d, weft_error *err)
{
    clip_packets *q = &d->ahead;
    AVPacket     *p = q->ended ? NULL : av_packet_alloc();
    int           code = 0;
    if (q->ended)
        return WEFT_OK;
    if (p == NULL)
        return clip_nomem(d, err);
    do {
        av_packet_unref(p);
        code = clip_cancelled(&d->io) ? AVERROR_EXIT : av_read_frame(d->demuxer, p);
    } while (code >= 0 && p->stream_index != d->stream->index);
    if (code >= 0) {
        *slot_of(q, q->n++) = p;
        q->bytes += (uint64_t)p->size;
        return WEFT_OK;
    }
    av_packet_free(&p);
    q->ended = code == AVERROR_EOF && d->io.status == WEFT_OK;
    return q->ended ? WEFT_OK : clip_fail(d, code, err);
}

weft_status clip_packets_to_key(clip_dec *d, weft_error *err)
{
    for (;;) {
        weft_status st = d->ahead.n == 0 ? clip_packets_read(d, err) : WEFT_OK;
        AVPacket   *p = clip_packets_head(d);
        if (st != WEFT_OK || p == NULL || (p->flags & AV_PKT_FLAG_KEY) != 0)
            return st;
        pop(&d->ahead);
    }
}

int64_t clip_packet_from(const clip_dec *d, const AVPacket *p)
{
    return clip_us(d, p->pts != AV_NOPTS_VALUE ? p->pts : p->dts);
}

int64_t clip_packet_to(const clip_dec *d, const AVPacket *p)
{
    int64_t us = clip_packet_from(d, p);
    if (p->pts != AV_NOPTS_VALUE || us == CLIP_NO_TIME)
        return us;
    int64_t each = av_rescale_q(p->duration, d->stream->time_base, (AVRational){1, 1000000});
    if (each <= 0 || each > 1000000)
        each = 1000000;
    return us < INT64_MAX - REORDERED * each ? us + REORDERED * each : INT64_MAX;
}

/* Whether every packet after p is shown later than t. */
static int is_past(const clip_dec *d, const AVPacket *p, int64_t t)
{
    return clip_us(d, p->dts != AV_NOPTS_VALUE ? p->dts : p->pts) > t;
}

/* Makes decoding start afresh at packet i of those held, wherever the decoder was before. */
static void start_at(clip_dec *d, uint32_t i)
{
    while (i-- > 0)
        pop(&d->ahead);
    if (d->fed > 0)
        clip_flush(d);
    d->from_start = 0;
}

/* Whether packet i of those held starts a group that holds the frame shown at t, or a group before
 * that one. */
static int starts_by(clip_dec *d, uint32_t i, int64_t t)
{
    const AVPacket *p = *slot_of(&d->ahead, i);
    int64_t         to = clip_packet_to(d, p);
    return (p->flags & AV_PKT_FLAG_KEY) != 0 && to != CLIP_NO_TIME && to <= t;
}

static void drop_groups(clip_dec *d, int64_t t)
{
    for (uint32_t i = d->ahead.n; i-- > 1;)
        if (starts_by(d, i, t)) {
            start_at(d, i);
            return;
        }
}

weft_status clip_packets_until(clip_dec *d, int64_t t, weft_error *err)
{
    clip_packets *q = &d->ahead;
    drop_groups(d, t);
    while (!q->ended && !is_full(q)) {
        if (q->n > 0 && is_past(d, *slot_of(q, q->n - 1), t))
            return WEFT_OK;
        uint32_t    held = q->n;
        weft_status st = clip_packets_read(d, err);
        if (st != WEFT_OK)
            return st;
        if (q->n > held && starts_by(d, held, t) && (held > 0 || d->fed > 0))
            start_at(d, held);
    }
    return WEFT_OK;
}

int clip_packets_lead(clip_dec *d, int64_t t)
{
    for (uint32_t i = 1; i < d->ahead.n; i++) {
        int64_t us = clip_packet_from(d, *slot_of(&d->ahead, i));
        if (us != CLIP_NO_TIME && us <= t)
            return 1;
    }
    return 0;
}
