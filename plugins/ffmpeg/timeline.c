/* SPDX-License-Identifier: Apache-2.0 */
/* Gives each block of sound its place on the time line.
 *
 * Sound may start later than the pictures, and it may have holes: a player then shows the pictures
 * and is silent. So that sample n is heard at the time n / rate, silence is put where the time
 * stamps leave a hole. Time 0 is the earliest start of any of the file's streams, as for frames;
 * where there is no other stream it is the start of the sound.
 *
 * AVI has no time stamps, only the number of samples before the first (dwStart), which few programs
 * write: FFmpeg loses a late start when it writes one, and no reader can find it again.
 *
 * Time stamps are not exact: those of Matroska are whole milliseconds, and a live recording's
 * follow a clock that is not the one of its samples. So a hole within the sound counts from HOLE_US
 * on. Time stamps that lie before the end of the sound so far (an overlap) drop nothing; the next
 * hole is then shorter by so much. Where they go back or forward by more than a recording can have,
 * the clock was set while it was made: from there on time goes on from the sound so far. */
#include "clip.h"

#include <string.h>

#define START_US 1000
#define HOLE_US 100000
#define BACK_US ((int64_t)10 * 1000000)
#define FORWARD_US ((int64_t)24 * 3600 * 1000000)

/* Formats that are a run of packets of sound have no time stamps of their own. */
static int has_times(const clip_dec *d)
{
    static const char *const have[] = {"mov", "matroska", "avi", "ogg", "mpegts"};
    for (size_t i = 0; i < sizeof have / sizeof have[0]; i++)
        if (strcmp(d->format->demuxer, have[i]) == 0)
            return 1;
    return 0;
}

/* Whether the file has other streams that the sound could start later than. */
static int has_company(const clip_dec *d)
{
    for (unsigned i = 0; i < d->demuxer->nb_streams; i++) {
        const AVStream  *s = d->demuxer->streams[i];
        enum AVMediaType type = s->codecpar->codec_type;
        if (s != d->stream && !clip_is_cover(s) &&
            (type == AVMEDIA_TYPE_AUDIO || type == AVMEDIA_TYPE_VIDEO))
            return 1;
    }
    return 0;
}

/* The time of the samples placed so far. */
static int64_t placed_us(const clip_sound *s)
{
    return s->placed / s->rate * 1000000 + s->placed % s->rate * 1000000 / s->rate;
}

static int64_t samples_in(const clip_sound *s, int64_t us)
{
    return us / 1000000 * s->rate + (us % 1000000 * s->rate + 500000) / 1000000;
}

/* How long the silence before a frame with this time stamp is; 0: there is none. */
static int64_t hole_us(clip_dec *d, int64_t us)
{
    clip_sound *s = &d->sound;
    int64_t     hole;
    if (!s->begun && !has_company(d))
        s->shift_us = us;
    if (__builtin_sub_overflow(us, s->shift_us, &hole) ||
        __builtin_sub_overflow(hole, placed_us(s), &hole))
        return 0;
    if (hole < -BACK_US || hole > FORWARD_US) {
        s->shift_us += hole;
        return 0;
    }
    return hole >= (s->begun ? HOLE_US : START_US) ? hole : 0;
}

void clip_timeline_place(clip_dec *d, const AVFrame *f)
{
    clip_sound *s = &d->sound;
    int64_t     us = clip_us(d, f->best_effort_timestamp);
    if (has_times(d) && us != CLIP_NO_TIME) {
        int64_t hole = hole_us(d, us);
        if (hole > 0) {
            s->silence = samples_in(s, us - s->shift_us) - s->placed;
            s->placed += s->silence;
        }
    }
    s->begun = 1;
    s->placed += f->nb_samples;
}
