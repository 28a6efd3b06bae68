/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: from a clip's size, its length and what the user asked for, it computes frames,
 * shapes, rows and bytes. No frame is decoded here. */
#include "video.h"

#include "../shared/plans.h"

const char *const vid_input_names[VID_N_INPUTS] = {"pixel_values_videos", "video_aspect_ratio_ids",
                                                   "video_num_tiles", "video_times_us"};

_Static_assert(sizeof(vid_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

int64_t vid_time_of(const vid_carried *what, int32_t i)
{
    /* The product does not overflow: choose_span keeps times below 2^63 / 2^14, and there are at
     * most VID_MAX_FRAMES (2^12) frames. */
    const int64_t span = what->end_us - what->start_us;
    return what->start_us + span * (2 * (int64_t)i + 1) / (2 * (int64_t)what->n_frames);
}

int32_t vid_groups(const vid_config *c, int32_t n_frames)
{
    return (n_frames + c->group - 1) / c->group;
}

int32_t vid_group_frames(const vid_config *c, int32_t n_frames, int32_t g)
{
    const int32_t left = n_frames - g * c->group;
    return left < c->group ? left : c->group;
}

void vid_plan_fill(const vid_modality *m, const vid_carried *what, weft_plan *p)
{
    const vid_config *c = &m->config;
    const int64_t     frames = what->n_frames, one[1] = {1};
    const int64_t     pixels[5] = {frames, m->sizes.max_tiles, 3, m->sizes.tile, m->sizes.tile};
    const int64_t out[3] = {vid_groups(c, what->n_frames), c->resampler.n_latents, c->resampler.d};
    (void)weft_plan_input(p, vid_input_names[VID_PIXELS], vis_spec(WEFT_F32, 5, pixels));
    (void)weft_plan_input(p, vid_input_names[VID_RATIO_ID], vis_spec(WEFT_I64, 1, one));
    (void)weft_plan_input(p, vid_input_names[VID_NUM_TILES], vis_spec(WEFT_I64, 1, one));
    (void)weft_plan_input(p, vid_input_names[VID_TIMES], vis_spec(WEFT_I64, 1, &frames));
    (void)weft_plan_output(p, "resampler.output", VID_STREAM, out[0] * out[1],
                           vis_spec(WEFT_F32, 3, out));
    p->n_placeholders = 1;
    p->scratch_bytes = vid_scratch_bytes(m, what);
    memcpy(p->carried, what, sizeof *what);
}

/* Decides which part of the clip frames are taken from. An end past the end of the clip means the
 * end of the clip. */
static weft_status choose_span(const weft_media_info *mi, const weft_request *rq, vid_carried *what,
                               weft_error *err)
{
    const int64_t most = INT64_MAX >> 14;
    int64_t       start = rq != NULL && rq->start_us > 0 ? rq->start_us : 0;
    int64_t       end = rq != NULL && rq->end_us >= 0 ? rq->end_us : -1;
    if (mi->duration_us < 0 && end < 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "the length of this clip is not known before it is read: give --end, or a "
                         "file instead of a pipe");
    if (mi->duration_us >= 0 && (end < 0 || end > mi->duration_us))
        end = mi->duration_us;
    if (start > 0 && start >= end)
        return weft_fail(err, WEFT_E_INVALID,
                         "--start %.3f s is not within the clip, which ends at %.3f s",
                         (double)start / 1e6, (double)end / 1e6);
    if (end > most)
        return weft_fail(err, WEFT_E_LIMIT, "a clip of %.0f s is too long", (double)end / 1e6);
    what->start_us = start;
    what->end_us = end;
    return WEFT_OK;
}

static weft_status choose_frames(const vid_config *c, const weft_request *rq,
                                 const weft_limits *lim, vid_carried *what, weft_error *err)
{
    int32_t n = rq != NULL && rq->max_frames >= 0 ? rq->max_frames : c->n_frames;
    if (n < 1 || n > c->max_frames)
        return weft_fail(err, n < 1 ? WEFT_E_INVALID : WEFT_E_LIMIT,
                         "%d frames were asked for, and this adapter takes 1 to %d of a clip: give "
                         "another --frames",
                         n, c->max_frames);
    if (WEFT_HAS(lim, weft_limits, max_frames) && (uint64_t)n > lim->max_frames)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%d frames are over --max-frames %llu: raise it or give --frames", n,
                         (unsigned long long)lim->max_frames);
    /* A clip without length has one frame. */
    what->n_frames = what->end_us == what->start_us ? 1 : n;
    return WEFT_OK;
}

static weft_status check_limits(const weft_plan *p, const weft_limits *lim, weft_error *err)
{
    const int64_t *s = weft_plan_input_at(p, VID_PIXELS)->spec.shape;
    const int64_t  rows = weft_plan_output_at(p, VID_OUT)->stream_rows;
    const uint64_t bytes = (uint64_t)(s[0] * s[1] * s[2]) * (uint64_t)(s[3] * s[4]) * sizeof(float);
    if (WEFT_HAS(lim, weft_limits, max_tokens) && (uint64_t)rows > lim->max_tokens)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the clip makes %lld rows, over --max-tokens %llu: raise it or give fewer "
                         "--frames",
                         (long long)rows, (unsigned long long)lim->max_tokens);
    if (!WEFT_HAS(lim, weft_limits, max_decoded_bytes) || bytes <= lim->max_decoded_bytes)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_LIMIT,
                     "%lld frames make %llu bytes for the encoder, over --max-decoded-bytes %llu: "
                     "raise it or give fewer --frames",
                     (long long)s[0], (unsigned long long)bytes,
                     (unsigned long long)lim->max_decoded_bytes);
}

weft_status vid_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const vid_modality *m = self;
    vid_carried         what;
    memset(&what, 0, sizeof what);
    what.width = mi->width;
    what.height = mi->height;
    weft_status status = m->eyes->grid(m->encoder, mi->width, mi->height, &what.grid, err);
    if (status == WEFT_OK)
        status = choose_span(mi, rq, &what, err);
    if (status == WEFT_OK)
        status = choose_frames(&m->config, rq, lim, &what, err);
    if (status != WEFT_OK)
        return status;
    vid_plan_fill(m, &what, out);
    return check_limits(out, lim, err);
}
