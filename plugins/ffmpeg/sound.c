/* SPDX-License-Identifier: Apache-2.0 */
/* Gives out a stream's samples in blocks, as interleaved f32 at the stream's own rate.
 *
 * Silence fills the holes that the time stamps tell of (timeline.c).
 *
 * libswresample changes the number format of samples and nothing else. Rate and channels are taken
 * from the first decoded block and never from the header, and no buffer's size comes from a header.
 */
#include "clip.h"

#include "weft/sdk.h"

#include <inttypes.h>

#define RATE_MIN 4000
#define RATE_MAX 384000
#define CHANNELS_MAX 8
#define BLOCK_MAX (1 << 22) /* samples of one packet; no codec makes more */

static weft_status check_block(const clip_dec *d, const AVFrame *f, weft_error *err)
{
    const clip_sound *s = &d->sound;
    if (f->sample_rate < RATE_MIN || f->sample_rate > RATE_MAX)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the recording has %d samples a second and %d to %d are read; resample it",
                         f->sample_rate, RATE_MIN, RATE_MAX);
    if (f->ch_layout.nb_channels < 1 || f->ch_layout.nb_channels > CHANNELS_MAX)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the recording has %d channels and at most %d are read; mix it down",
                         f->ch_layout.nb_channels, CHANNELS_MAX);
    if (s->rate != 0 && (f->sample_rate != s->rate || f->ch_layout.nb_channels != s->channels))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the recording changes from %" PRId32 " Hz and %" PRId32 " channels to %d "
                         "Hz and %d channels on its way; convert it to one format",
                         s->rate, s->channels, f->sample_rate, f->ch_layout.nb_channels);
    if (f->nb_samples < 0 || f->nb_samples > BLOCK_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the recording is damaged near byte %" PRId64 "; get a complete copy",
                         d->io.at);
    return WEFT_OK;
}

static int make_swr(clip_sound *s, const AVFrame *f)
{
    AVChannelLayout layout = {0};
    int             code = 0;
    if (s->swr != NULL && s->format == f->format)
        return 0;
    swr_free(&s->swr);
    /* The channels keep the order that they have in the file. */
    av_channel_layout_default(&layout, f->ch_layout.nb_channels);
    code = swr_alloc_set_opts2(&s->swr, &layout, AV_SAMPLE_FMT_FLT, f->sample_rate, &layout,
                               f->format, f->sample_rate, 0, NULL);
    av_channel_layout_uninit(&layout);
    s->format = f->format;
    return code < 0 ? code : swr_init(s->swr);
}

static weft_status make_room(clip_dec *d, uint64_t values, weft_error *err)
{
    clip_sound *s = &d->sound;
    if (values <= s->room)
        return WEFT_OK;
    d->host->free(d->host, s->block);
    s->room = 0;
    s->block = d->host->alloc(d->host, values * sizeof(float), 64);
    if (s->block == NULL)
        return clip_nomem(d, err);
    s->room = values;
    return WEFT_OK;
}

static weft_status convert(clip_dec *d, const AVFrame *f, weft_error *err)
{
    clip_sound *s = &d->sound;
    weft_status st = check_block(d, f, err);
    if (st == WEFT_OK)
        st = make_room(d, (uint64_t)f->nb_samples * (uint64_t)f->ch_layout.nb_channels, err);
    if (st != WEFT_OK)
        return st;
    s->rate = f->sample_rate;
    s->channels = f->ch_layout.nb_channels;
    s->n = s->at = 0;
    if (make_swr(s, f) < 0)
        return clip_nomem(d, err);
    uint8_t *out = (uint8_t *)s->block;
    int      n =
        swr_convert(s->swr, &out, f->nb_samples, (const uint8_t **)f->extended_data, f->nb_samples);
    if (n != f->nb_samples)
        return weft_fail(err, WEFT_E_INTERNAL, "a block of the recording could not be converted");
    s->n = (uint64_t)n;
    if (n > 0)
        clip_timeline_place(d, f);
    return WEFT_OK;
}

/* Leaves out a packet with a gap (of a transport stream), and makes FFmpeg forget the frames that
 * it cut from it: what follows the gap is noise, and the frame that it breaks off would take the
 * beginning of the next packet with it. Silence takes their place. What FFmpeg read of a pipe to
 * find the streams it would forget too, so there only the frames that it marks are left out, and
 * several in a row count as one. Returns 0 where the packet is whole. */
static int drop_gap(clip_dec *d)
{
    if (d->packet->pos >= 0) /* else a frame that is not the first of its packet */
        d->read_at = d->packet->pos;
    if ((d->packet->flags & AV_PKT_FLAG_CORRUPT) == 0) {
        d->after_gap = 0;
        return 0;
    }
    int forget = d->read_at >= d->probed_to;
    d->damaged += forget || !d->after_gap;
    d->after_gap = !forget;
    if (forget)
        avformat_flush(d->demuxer);
    return 1;
}

/* Gives the decoder the stream's next packet, or tells it that there is none. */
static weft_status feed(clip_dec *d, weft_error *err)
{
    int code = 0;
    do {
        av_packet_unref(d->packet);
        code = clip_cancelled(&d->io) ? AVERROR_EXIT : av_read_frame(d->demuxer, d->packet);
    } while (code >= 0 && (d->packet->stream_index != d->stream->index || drop_gap(d)));
    /* An input error that is not the source's own: a frame of AAC says that it goes on behind the
     * end. */
    d->sound.cut |= code == AVERROR(EIO) && d->io.status == WEFT_OK;
    if (code < 0 && (d->io.status != WEFT_OK || (code != AVERROR_EOF && !d->sound.cut)))
        return clip_fail(d, code, err);
    if (code < 0) {
        avcodec_send_packet(d->codec, NULL);
        return WEFT_OK;
    }
    code = avcodec_send_packet(d->codec, d->packet);
    av_packet_unref(d->packet);
    d->packets++;
    d->damaged += code < 0;
    d->refused += code < 0;
    return code == AVERROR(ENOMEM) ? clip_fail(d, code, err) : WEFT_OK;
}

static void end(clip_dec *d)
{
    d->sound.ended = 1;
    clip_warn_cut(d);
}

/* Decodes the next block that holds samples; at the end of the stream sets s->ended. */
static weft_status next_block(clip_dec *d, weft_error *err)
{
    clip_sound *s = &d->sound;
    weft_status st = WEFT_OK;
    s->n = s->at = 0;
    while (st == WEFT_OK && s->n == 0 && !s->ended) {
        int code = avcodec_receive_frame(d->codec, d->now);
        if (code == AVERROR(EAGAIN))
            st = feed(d, err);
        else if (code == AVERROR_EOF)
            end(d);
        else if (code == AVERROR(ENOMEM) || code == AVERROR_PATCHWELCOME)
            st = clip_fail(d, code, err);
        else if (code >= 0)
            st = convert(d, d->now, err);
        else {
            d->damaged++;
            if (++d->refused > 2 * d->packets + 64) /* a decoder that neither gives nor takes */
                st = clip_fail(d, code, err);
        }
    }
    return st;
}

weft_status clip_sound_init(clip_dec *d, weft_error *err)
{
    const AVCodecParameters *p = d->stream->codecpar;
    clip_sound              *s = &d->sound;
    weft_status              st = next_block(d, err);
    if (st != WEFT_OK || s->n > 0)
        return st;
    if (d->damaged > 0 || p->sample_rate < RATE_MIN || p->sample_rate > RATE_MAX ||
        p->ch_layout.nb_channels < 1 || p->ch_layout.nb_channels > CHANNELS_MAX)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "no sound of the recording can be decoded; get a complete copy");
    s->rate = p->sample_rate; /* there is no sample: the header's rate is all there is */
    s->channels = p->ch_layout.nb_channels;
    return WEFT_OK;
}

static weft_status check_dst(const clip_dec *d, int64_t n, const weft_tensor *t, weft_error *err)
{
    int64_t c = d->sound.channels;
    if (d->kind != CLIP_AUDIO)
        return weft_fail(err, WEFT_E_STATE,
                         "the %s was opened for its frames; it has no samples to give", d->what);
    if (t != NULL && t->data != NULL && n >= 0 && t->ndim == 2 && t->dtype.code == WEFT_DT_FLOAT &&
        t->dtype.bits == 32 && t->dtype.lanes == 1 && t->shape[0] == n && t->shape[1] == c &&
        t->stride[1] == 1 && (n <= 1 || t->stride[0] == c) &&
        (uint64_t)n <= t->bytes / (sizeof(float) * (uint64_t)c))
        return WEFT_OK;
    return weft_fail(
        err, WEFT_E_INVALID,
        "the buffer for the recording must be f32 [%" PRId64 ", %" PRId64 "] in C order", n, c);
}

/* Gives the next samples, n at most: silence first where there is some before the block. Sets *got
 * to how many they were. */
static weft_status give(clip_dec *d, uint64_t n, float *dst, uint64_t *got, weft_error *err)
{
    clip_sound *s = &d->sound;
    uint64_t    c = (uint64_t)s->channels, have = s->n - s->at;
    if (s->silence > 0)
        have = (uint64_t)s->silence;
    n = n < have ? n : have;
    if (n > d->max_samples - s->given)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the recording has more than the limit of %" PRIu64
                         " samples; cut it or raise --max-samples",
                         d->max_samples);
    if (s->silence > 0) {
        memset(dst, 0, n * c * sizeof(float));
        s->silence -= (int64_t)n;
    } else {
        memcpy(dst, s->block + s->at * c, n * c * sizeof(float));
        s->at += n;
    }
    s->given += n;
    *got = n;
    return WEFT_OK;
}

weft_status clip_read_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err)
{
    clip_dec   *d = dec;
    clip_sound *s = &d->sound;
    int64_t     done = 0;
    weft_status st = check_dst(d, n, dst, err);
    if (got != NULL)
        *got = 0;
    while (st == WEFT_OK && done < n) {
        uint64_t part = 0;
        if (s->silence == 0 && s->at == s->n)
            st = s->ended ? WEFT_OK : next_block(d, err);
        if (st != WEFT_OK || (s->silence == 0 && s->at == s->n))
            break;
        st = give(d, (uint64_t)(n - done), (float *)dst->data + done * s->channels, &part, err);
        done += (int64_t)part;
    }
    if (got != NULL)
        *got = done;
    return st;
}

void clip_sound_free(clip_dec *d)
{
    swr_free(&d->sound.swr);
    d->host->free(d->host, d->sound.block);
}
