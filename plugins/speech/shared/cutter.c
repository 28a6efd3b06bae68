/* SPDX-License-Identifier: Apache-2.0 */
/* Decides where segments end, and hands them over. */
#include "cutter.h"

#include "weft/sdk.h"

/* In frames of 10 ms. */
#define ONSET 3
#define LEAD 20
#define SILENT_MIN 50
#define PAUSE 60
#define TAIL 30
#define QUIET 20
#define LIMIT_MIN_US 500000
#define LIMIT_MAX_US 600000000

static int64_t sample_of(const spk_cutter *c, int64_t frame)
{
    return frame / 100 * c->rate + frame % 100 * c->rate / 100;
}

static int64_t us_of(const spk_cutter *c, int64_t sample)
{
    return sample / c->rate * 1000000 + sample % c->rate * 1000000 / c->rate;
}

weft_status spk_cutter_init(spk_cutter *c, const weft_host *host, const weft_media_info *info,
                            int64_t max_us, int64_t ahead, spk_heard_fn heard,
                            const weft_segment_sink *sink, weft_error *err)
{
    memset(c, 0, sizeof *c);
    c->host = host;
    c->sink = sink;
    c->heard = heard;
    c->kind = info->kind;
    c->rate = info->sample_rate;
    c->last_active = -1;
    if (max_us < LIMIT_MIN_US)
        return weft_fail(err, WEFT_E_INVALID,
                         "segments of %lld microseconds are too short to cut; give "
                         "half a second or more",
                         (long long)max_us);
    c->frames_max = (max_us < LIMIT_MAX_US ? max_us : LIMIT_MAX_US) / 10000;
    if (c->rate % 100 != 0) /* 10 ms are no whole number of samples: one more may be needed */
        c->frames_max--;
    c->frames_room = c->frames_max + SPK_CUTTER_FRAMES;
    c->samples_max = sample_of(c, c->frames_room) + ahead;
    c->frames = host->alloc(host, (uint64_t)c->frames_room * sizeof *c->frames, 64);
    if (c->frames == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for segments of %lld s",
                         (long long)(c->frames_max / 100));
    return WEFT_OK;
}

void spk_cutter_deinit(spk_cutter *c)
{
    if (c->host == NULL)
        return;
    c->host->free(c->host, c->frames);
    c->host->free(c->host, c->samples);
    c->frames = NULL;
    c->samples = NULL;
}

/* ---- a segment's own media ---- */

typedef struct segment_media {
    const float *x;
    int64_t      n, at;
} segment_media;

static weft_status segment_read(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                                weft_error *err)
{
    segment_media *s = ctx;
    *got = 0;
    if (dst == NULL || dst->data == NULL || n < 0 || dst->ndim != 2 || dst->shape[0] < n ||
        dst->shape[1] != 1 || dst->stride[0] != 1 || dst->dtype.code != WEFT_DT_FLOAT ||
        dst->dtype.bits != 32 || dst->bytes / sizeof(float) < (uint64_t)n)
        return weft_fail(err, WEFT_E_INVALID,
                         "the buffer for %lld samples of a segment must be f32 "
                         "[%lld, 1] in C order",
                         (long long)n, (long long)n);
    *got = n < s->n - s->at ? n : s->n - s->at;
    memcpy(dst->data, s->x + s->at, (size_t)*got * sizeof(float));
    s->at += *got;
    return WEFT_OK;
}

/* Where in the first n_frames speech begins and ends: with the first ONSET active frames in a row,
 * and with the last active frame; it goes on across a cut that is less than LEAD away. Neither is
 * set where there are none. */
static void find_speech(const spk_cutter *c, int64_t n_frames, weft_segment *s)
{
    int64_t run = 0, first = -1, last = -1;
    for (int64_t i = 0; i < n_frames; i++) {
        run = c->frames[i].active ? run + 1 : 0;
        if (run == ONSET && first < 0)
            first = i + 1 - ONSET;
        if (run > 0 && first >= 0)
            last = i;
    }
    if (first < 0)
        return;
    if (first < LEAD)
        first = 0;
    if (n_frames - 1 - last < LEAD)
        last = n_frames - 1;
    s->speech_start_us = us_of(c, sample_of(c, c->first + first));
    s->speech_end_us = us_of(c, sample_of(c, c->first + last + 1));
    if (s->speech_end_us > s->end_us) /* the recording's last frame may be shorter */
        s->speech_end_us = s->end_us;
}

static weft_status hand_over(const spk_cutter *c, int64_t n, int64_t n_frames, weft_error *err)
{
    segment_media   media = {c->samples, n, 0};
    weft_media_info info = {.hdr = WEFT_HDR(weft_media_info),
                            .kind = c->kind,
                            .channels = 1,
                            .sample_rate = c->rate,
                            .n_samples = n};
    weft_media      m = {WEFT_HDR(weft_media), &media, &info, NULL, segment_read, NULL};
    weft_segment    s = {.hdr = WEFT_HDR(weft_segment), .media = &m};
    s.silent = !c->heard(c->frames, n_frames);
    s.start_us = us_of(c, c->pushed);
    s.end_us = us_of(c, c->pushed + n);
    info.duration_us = s.end_us - s.start_us;
    if (!s.silent)
        find_speech(c, n_frames, &s);
    return c->sink->push(c->sink->ctx, &s, err);
}

/* Pushes everything before frame `end` (an index within the recording) as a segment, and drops it.
 */
static weft_status push_to(spk_cutter *c, int64_t end, weft_error *err)
{
    int64_t n_frames = end - c->first, n = sample_of(c, end) - c->pushed;
    if (n > c->n_samples) /* the recording's last frame may be shorter than the others */
        n = c->n_samples;
    if (n <= 0)
        return WEFT_OK;
    weft_status st = hand_over(c, n, n_frames, err);
    c->n_frames -= n_frames;
    c->n_samples -= n;
    c->first = end;
    c->pushed += n;
    memmove(c->frames, c->frames + n_frames, (size_t)c->n_frames * sizeof *c->frames);
    memmove(c->samples, c->samples + n, (size_t)c->n_samples * sizeof *c->samples);
    return st;
}

/* ---- where to cut ---- */

/* The frame in the middle of the quietest 0.2 s in the second half of the limit. */
static int64_t quietest(const spk_cutter *c)
{
    int64_t from = c->frames_max / 2, best = c->frames_max;
    double  sum = 0, least = 0;
    for (int64_t i = from; i < c->frames_max; i++) {
        sum += (double)c->frames[i].power;
        if (i - from >= QUIET)
            sum -= (double)c->frames[i - QUIET].power;
        if (i - from >= QUIET - 1 && (i - from == QUIET - 1 || sum < least)) {
            least = sum;
            best = i + 1 - QUIET / 2;
        }
    }
    return c->first + best;
}

/* Takes frame `at`, the newest, while nobody speaks: speech may begin, or the silence may be cut.
 */
static weft_status while_silent(spk_cutter *c, int64_t at, weft_error *err)
{
    int64_t end = at + 1 - ONSET - LEAD;
    if (c->run >= ONSET) {
        c->speaking = 1;
        return end - c->first >= SILENT_MIN ? push_to(c, end, err) : WEFT_OK;
    }
    return c->n_frames > c->frames_max ? push_to(c, c->first + c->frames_max - TAIL, err) : WEFT_OK;
}

static weft_status while_speaking(spk_cutter *c, int64_t at, weft_error *err)
{
    if (at - c->last_active >= PAUSE) {
        c->speaking = 0;
        return push_to(c, c->last_active + 1 + TAIL, err);
    }
    return c->n_frames > c->frames_max ? push_to(c, quietest(c), err) : WEFT_OK;
}

weft_status spk_cutter_frames(spk_cutter *c, const spk_voice_frame *f, int64_t n, weft_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at = c->first + c->n_frames;
        c->frames[c->n_frames++] = f[i];
        c->run = f[i].active ? c->run + 1 : 0;
        if (f[i].active)
            c->last_active = at;
        weft_status st = c->speaking ? while_speaking(c, at, err) : while_silent(c, at, err);
        if (st != WEFT_OK)
            return st;
    }
    return WEFT_OK;
}

static weft_status grow(spk_cutter *c, int64_t need, weft_error *err)
{
    int64_t room = c->samples_room * 2 > need ? c->samples_room * 2 : need;
    if (room > c->samples_max)
        room = c->samples_max;
    if (room < need)
        return weft_fail(err, WEFT_E_INTERNAL, "a segment is longer than it may be");
    float *p = c->host->alloc(c->host, (uint64_t)room * sizeof *p, 64);
    if (p == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory for segments of %lld s",
                         (long long)(c->frames_max / 100));
    if (c->n_samples > 0)
        memcpy(p, c->samples, (size_t)c->n_samples * sizeof *p);
    c->host->free(c->host, c->samples);
    c->samples = p;
    c->samples_room = room;
    return WEFT_OK;
}

weft_status spk_cutter_samples(spk_cutter *c, const float *x, int64_t n, weft_error *err)
{
    if (n == 0)
        return WEFT_OK;
    if (c->n_samples + n > c->samples_room) {
        weft_status st = grow(c, c->n_samples + n, err);
        if (st != WEFT_OK)
            return st;
    }
    memcpy(c->samples + c->n_samples, x, (size_t)n * sizeof *x);
    c->n_samples += n;
    return WEFT_OK;
}

weft_status spk_cutter_end(spk_cutter *c, weft_error *err)
{
    return push_to(c, c->first + c->n_frames, err);
}
