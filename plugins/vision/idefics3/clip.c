/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames of a clip SmolVLM2 looks at, and the text that it is told with them. Source:
 * transformers 4.52 models/smolvlm: video_processing_smolvlm.py (smolvlm_sample_indices_fn and the
 * texts; a second is left out at both ends of long clips, as that function's own default says),
 * processing_smolvlm.py (_process_messages_for_chat_template). The arithmetic is that of doubles,
 * in the reference's order. */
#include "idefics3.h"

#include <math.h>

#define SKIPPED 1.0   /* seconds at either end of a clip that is longer than all frames */
#define USUAL_FPS 30  /* of a clip that does not say its own, as in the reference */
#define LONGEST_S 1e8 /* so that indices stay far from 2^63 */

/* The part of the clip that is wanted, in us. */
typedef struct part {
    int64_t start, end;
} part;

static part part_of(const weft_media_info *mi, const weft_request *rq)
{
    part p = {rq != NULL && rq->start_us > 0 ? rq->start_us : 0, mi->duration_us};
    if (rq != NULL && rq->end_us >= 0 && (p.end < 0 || rq->end_us < p.end))
        p.end = rq->end_us;
    return p;
}

int64_t id3_clip_seconds(const weft_media_info *mi, const weft_request *rq)
{
    const part p = part_of(mi, rq);
    return (p.end - p.start) / 1000000;
}

static weft_status check_part(const part *p, weft_error *err)
{
    if (p->end < 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "the length of this clip is not known before it is read: give --end, or a "
                         "file instead of a pipe");
    if (p->start > 0 && p->start >= p->end)
        return weft_fail(err, WEFT_E_INVALID,
                         "--start %.3f s is not within the clip, which ends at %.3f s",
                         (double)p->start / 1e6, (double)p->end / 1e6);
    if ((double)p->end / 1e6 > LONGEST_S)
        return weft_fail(err, WEFT_E_LIMIT, "a clip of %.0f s is too long", (double)p->end / 1e6);
    return WEFT_OK;
}

static weft_status most_frames(const id3_config *c, const weft_request *rq, const weft_limits *lim,
                               int32_t *most, weft_error *err)
{
    *most = rq != NULL && rq->max_frames >= 0 ? rq->max_frames : c->clip.max_frames;
    if (*most < 1 || *most > ID3_MAX_FRAMES)
        return weft_fail(err, *most < 1 ? WEFT_E_INVALID : WEFT_E_LIMIT,
                         "%d frames were asked for, and this model takes 1 to %d of a clip: give "
                         "another --frames",
                         *most, ID3_MAX_FRAMES);
    if (WEFT_HAS(lim, weft_limits, max_frames) && (uint64_t)*most > lim->max_frames)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%d frames are over --max-frames %llu: raise it or give --frames", *most,
                         (unsigned long long)lim->max_frames);
    return WEFT_OK;
}

weft_status id3_clip_choose(const id3_config *c, const weft_media_info *mi, const weft_request *rq,
                            const weft_limits *lim, id3_clip *out, weft_error *err)
{
    const part  p = part_of(mi, rq);
    const int   told = WEFT_HAS(mi, weft_media_info, fps_den) && mi->fps_num > 0;
    int32_t     most = 0;
    weft_status status = check_part(&p, err);
    if (status == WEFT_OK)
        status = most_frames(c, rq, lim, &most, err);
    if (status != WEFT_OK)
        return status;
    out->fps_num = told ? mi->fps_num : USUAL_FPS;
    out->fps_den = told ? mi->fps_den : 1;
    const double  fps = (double)out->fps_num / (double)out->fps_den;
    const double  seconds = (double)(p.end - p.start) / 1e6;
    const int64_t base = (int64_t)((double)p.start / 1e6 * fps);
    const double  asked = nearbyint(c->clip.fps * seconds);
    int64_t       total = (int64_t)nearbyint(seconds * fps), first = 0, last;
    total = total > 1 ? total : 1;
    last = total - 1;
    if (seconds - 2 * SKIPPED > most * c->clip.fps) {
        first = (int64_t)(SKIPPED * fps);
        last = (int64_t)((double)total - SKIPPED * fps);
        last = last < total - 1 ? last : total - 1;
    }
    if (first >= last) {
        first = 0;
        last = total - 1;
    }
    out->asked = asked < 1 ? 1 : asked < most ? (int32_t)asked : most;
    out->first = base + first;
    out->last = base + last;
    return WEFT_OK;
}

int32_t id3_clip_frames(const id3_clip *clip, int64_t *index)
{
    const int32_t parts = clip->asked - 1;
    const double  first = (double)clip->first, last = (double)clip->last;
    const double  step = parts > 0 ? (last - first) / parts : 0;
    int32_t       n = 0;
    for (int32_t i = 0; i < clip->asked; i++) {
        const double at = i > 0 && i == parts ? last : i * step + first;
        if (n == 0 || (int64_t)floor(at) != index[n - 1])
            index[n++] = (int64_t)floor(at);
    }
    return n;
}

/* The middle of the time that it is shown, so that no rounding leads to a neighbour. */
int64_t id3_clip_time(const id3_clip *clip, int64_t index)
{
    return (int64_t)(((double)index + 0.5) * 1e6 * (double)clip->fps_den / (double)clip->fps_num);
}

/* 1 to 999 in words: "sixty-four", as num2words writes it. */
static void words_of(int32_t n, char *text, size_t cap)
{
    static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                        "five",    "six",     "seven",     "eight",    "nine",
                                        "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                       "fifty", "sixty", "seventy", "eighty", "ninety"};
    char                     rest[40] = "";
    if (n % 100 >= 20)
        snprintf(rest, sizeof rest, "%s%s%s", tens[n % 100 / 10], n % 10 != 0 ? "-" : "",
                 n % 10 != 0 ? small[n % 10] : "");
    else if (n % 100 != 0 || n < 100)
        snprintf(rest, sizeof rest, "%s", small[n % 100]);
    if (n < 100)
        snprintf(text, cap, "%s", rest);
    else
        snprintf(text, cap, "%s hundred%s%s", small[n / 100 % 10], rest[0] != '\0' ? " and " : "",
                 rest);
}

/* A length as Python's str(timedelta) writes it. */
static void length_of(int64_t seconds, char *text, size_t cap)
{
    char          days[48] = "";
    const int64_t d = seconds / 86400, s = seconds % 86400;
    if (d > 0)
        snprintf(days, sizeof days, "%lld day%s, ", (long long)d, d == 1 ? "" : "s");
    snprintf(text, cap, "%s%lld:%02lld:%02lld", days, (long long)(s / 3600),
             (long long)(s / 60 % 60), (long long)(s % 60));
}

/* A text that grows to cap and is counted beyond. */
typedef struct out_text {
    char    *p;
    uint64_t n, cap;
} out_text;

static void put(out_text *t, const char *more)
{
    const uint64_t n = strlen(more);
    if (t->n + n < t->cap)
        memcpy(t->p + t->n, more, n + 1);
    t->n += n;
}

uint64_t id3_clip_layout(const id3_clip *clip, const id3_grid *g, int64_t seconds, char *text,
                         uint64_t cap, uint64_t *lead, uint64_t *trail)
{
    int64_t       index[ID3_MAX_FRAMES];
    const int32_t n = id3_clip_frames(clip, index);
    out_text      t = {text, 0, cap};
    char          line[256], number[80], length[80];
    words_of(n, number, sizeof number);
    length_of(seconds, length, sizeof length);
    snprintf(line, sizeof line,
             "You are provided the following series of %s frames from a %s [H:MM:SS] video.\n",
             number, length);
    put(&t, line);
    for (int32_t i = 0; i < n; i++) {
        const double at = (double)index[i] * (double)clip->fps_den / (double)clip->fps_num;
        snprintf(line, sizeof line, "\nFrame from %02lld:%02lld:", (long long)(at / 60),
                 (long long)fmod(at, 60));
        put(&t, line);
        if (i == 0)
            *lead = t.n;
        t.n += id3_grid_layout(g, t.n < cap ? text + t.n : NULL, t.n < cap ? cap - t.n : 0) - 1;
    }
    *trail = 2;
    put(&t, "\n\n");
    return t.n + 1;
}
