/* SPDX-License-Identifier: Apache-2.0 */
/* One item of sound: which samples it has, how many frames they make, and reading them. No weight
 * is read here. */
#include "clip.h"

#include <math.h>

_Static_assert(sizeof(spk_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

static weft_tensor_spec rows_of(int64_t rows, int64_t columns)
{
    weft_tensor_spec s = {.dtype = WEFT_F32, .ndim = 2, .shape = {rows, columns}};
    return s;
}

void spk_clip_output(weft_plan *p, const char *name, const char *stream, int64_t rows,
                     int64_t columns)
{
    (void)weft_plan_output(p, name, stream, rows, rows_of(rows, columns));
}

void spk_clip_plan(const spk_clip_rule *rule, const spk_carried *what, weft_plan *p)
{
    (void)weft_plan_input(p, SPK_FRAMES, rows_of(what->n_frames, rule->front->n_mels));
    memcpy(p->carried, what, sizeof *what);
}

/* The index of the sample at a time in microseconds. */
static int64_t sample_at(int64_t us, int32_t rate)
{
    return us / 1000000 * rate + us % 1000000 * rate / 1000000;
}

/* Decides which samples the item is made of. A time below 0 in the request means that none was
 * given. */
static weft_status cut(const weft_media_info *mi, const weft_request *rq, spk_carried *what,
                       weft_error *err)
{
    const int64_t most = INT64_MAX / 1000000 / 1000000 * 1000000; /* far from overflow below */
    int64_t       end = mi->n_samples;
    if (mi->sample_rate < 1 || mi->sample_rate > 1000000 || mi->channels < 1)
        return weft_fail(err, WEFT_E_INVALID, "sound of %d channels at %d Hz cannot be heard",
                         mi->channels, mi->sample_rate);
    if (end < 0)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "its length is unknown, so it cannot be one item: weft transcribe takes "
                         "it piece by piece");
    what->sample_rate = mi->sample_rate;
    if (rq != NULL && rq->start_us > 0 && rq->start_us < most)
        what->skip = sample_at(rq->start_us, mi->sample_rate);
    if (rq != NULL && rq->end_us >= 0 && rq->end_us < most) {
        int64_t asked = sample_at(rq->end_us, mi->sample_rate);
        end = asked < end ? asked : end;
    }
    what->n_samples = end - what->skip;
    if (what->n_samples < 1)
        return weft_fail(err, WEFT_E_CORRUPT, "there is no sound in it%s",
                         rq != NULL && (rq->start_us > 0 || rq->end_us >= 0)
                             ? " between the times asked for"
                             : "");
    return WEFT_OK;
}

/* Whole seconds, and of few of them tenths, so that 1.5 does not look like 1. */
static const char *seconds_of(const spk_carried *what, char *text, size_t cap)
{
    double s = (double)what->n_samples / what->sample_rate;
    snprintf(text, cap, s < 20 ? "%.1f" : "%.0f", s < 20 ? s : floor(s));
    return text;
}

static weft_status check_length(int32_t max_seconds, const weft_media_info *mi,
                                const spk_carried *what, const weft_limits *lim, weft_error *err)
{
    char text[32];
    if (what->n_samples / what->sample_rate >= max_seconds &&
        what->n_samples > (int64_t)max_seconds * what->sample_rate)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%s seconds of sound are more than the %d that this model takes at once: "
                         "--end TIME takes the beginning, and weft transcribe cuts longer "
                         "recordings",
                         seconds_of(what, text, sizeof text), max_seconds);
    if (WEFT_HAS(lim, weft_limits, max_samples) &&
        (uint64_t)what->n_samples * (uint64_t)mi->channels > lim->max_samples)
        return weft_fail(err, WEFT_E_LIMIT, "%lld samples are over --max-samples %llu",
                         (long long)(what->n_samples * mi->channels),
                         (unsigned long long)lim->max_samples);
    return WEFT_OK;
}

static weft_status check_frames(const spk_clip_rule *rule, const spk_carried *what, weft_error *err)
{
    if (what->n_frames > 0)
        return WEFT_OK;
    return weft_fail(
        err, WEFT_E_INVALID, "%.1f ms of sound are too short to hear anything in: %d are needed",
        1000.0 * (double)what->n_samples / what->sample_rate, rule->front->frame * 1000 / SPK_RATE);
}

weft_status spk_clip_cut(const spk_clip_rule *rule, const weft_media_info *mi,
                         const weft_request *rq, const weft_limits *lim, spk_carried *what,
                         weft_error *err)
{
    memset(what, 0, sizeof *what);
    weft_status status = cut(mi, rq, what, err);
    if (status == WEFT_OK)
        status = check_length(rule->max_seconds, mi, what, lim, err);
    if (status != WEFT_OK)
        return status;
    what->n_frames = spk_features_frames(rule->front, mi, what->skip, what->n_samples);
    return check_frames(rule, what, err);
}

weft_status spk_clip_tokens(int64_t n, const weft_limits *lim, weft_error *err)
{
    if (!WEFT_HAS(lim, weft_limits, max_tokens) || (uint64_t)n <= lim->max_tokens)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_LIMIT,
                     "the recording makes %lld tokens, more than --max-tokens %llu allows: raise "
                     "it or give a shorter one",
                     (long long)n, (unsigned long long)lim->max_tokens);
}

static const weft_tensor *find_name(const weft_tensor *inputs, const char *const *names, uint32_t n,
                                    const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return &inputs[i];
    return NULL;
}

static int is_f32(const weft_tensor *t, int32_t ndim)
{
    return t->dtype.code == WEFT_DT_FLOAT && t->dtype.bits == 32 && t->ndim == ndim;
}

/* Stacked frames lie in memory as the frames one after another do. */
static weft_status take_frames(const spk_clip_rule *rule, const weft_tensor *frames,
                               spk_carried *what, weft_error *err)
{
    const int32_t  bins = rule->front->n_mels, stack = rule->stack > 1 ? rule->stack : 1;
    const int32_t  batch = is_f32(frames, 3) && frames->shape[0] == 1;
    const int64_t *shape = frames->shape + batch;
    const int      stacked = shape[1] == (int64_t)stack * bins;
    char           other[32] = "";
    if (batch || is_f32(frames, 2)) {
        what->n_frames = stacked && shape[0] <= INT32_MAX ? shape[0] * stack : shape[0];
        if (shape[1] == bins || stacked)
            return WEFT_OK;
    }
    if (stack > 1)
        snprintf(other, sizeof other, " or [rows, %d]", stack * bins);
    return weft_fail(err, WEFT_E_INVALID,
                     "the tensor " SPK_FRAMES " must be f32 [frames, %d]%s for this model", bins,
                     other);
}

/* A row of which the reference has masked a part is told by the number of frames alone. */
static weft_status check_mask(const weft_tensor *mask, weft_error *err)
{
    const int64_t *at = mask->data;
    uint64_t       n = mask->bytes / sizeof *at;
    int            whole = mask->dtype.code == WEFT_DT_INT && mask->dtype.bits == 64;
    for (uint64_t i = 0; whole && i < n; i++)
        whole = at[i] == 1;
    return whole ? WEFT_OK
                 : weft_fail(err, WEFT_E_INVALID,
                             "the tensor " SPK_MASK " must be i64 and all 1: where the last row is "
                             "not whole, give " SPK_FRAMES " as [frames, bins]");
}

static weft_status take_samples(const spk_clip_rule *rule, const weft_tensor *samples,
                                spk_carried *what, weft_error *err)
{
    if (!is_f32(samples, 1) || samples->shape[0] < 1 ||
        samples->shape[0] > (int64_t)rule->max_seconds * SPK_RATE)
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " SPK_SAMPLES " must be f32 [n], %d Hz, of at most %d seconds",
                         SPK_RATE, rule->max_seconds);
    what->n_samples = samples->shape[0];
    what->sample_rate = SPK_RATE;
    what->n_frames = spk_mel_frames(rule->front, what->n_samples);
    return check_frames(rule, what, err);
}

weft_status spk_clip_tensors(const spk_clip_rule *rule, const weft_tensor *inputs,
                             const char *const *names, uint32_t n, spk_carried *what, int *found,
                             weft_error *err)
{
    const weft_tensor *frames = find_name(inputs, names, n, SPK_FRAMES);
    const weft_tensor *samples = find_name(inputs, names, n, SPK_SAMPLES);
    memset(what, 0, sizeof *what);
    *found = frames != NULL || samples != NULL;
    if (frames != NULL) {
        const weft_tensor *mask = find_name(inputs, names, n, SPK_MASK);
        weft_status status = mask != NULL && rule->stack > 1 ? check_mask(mask, err) : WEFT_OK;
        return status == WEFT_OK ? take_frames(rule, frames, what, err) : status;
    }
    return samples != NULL ? take_samples(rule, samples, what, err) : WEFT_OK;
}

/* The media info to read by. Samples without a rate come from a tensor and are at the model's own
 * rate. */
static weft_media_info info_of(const weft_media *media, const spk_carried *what)
{
    const uint32_t  size = media->info->hdr.size;
    weft_media_info info;
    memset(&info, 0, sizeof info);
    memcpy(&info, media->info, size < sizeof info ? size : sizeof info);
    info.hdr.size = (uint32_t)sizeof info;
    if (info.sample_rate == 0)
        info.sample_rate = what->sample_rate;
    return info;
}

weft_status spk_clip_read(const spk_mel *mel, const weft_media *media, const weft_plan *p,
                          float *frames, weft_error *err)
{
    spk_carried what;
    int64_t     got = 0;
    memcpy(&what, p->carried, sizeof what);
    const weft_media_info info = info_of(media, &what);
    if (what.sample_rate == 0 || info.sample_rate != what.sample_rate)
        return weft_fail(err, WEFT_E_STATE, "the plan is not this recording's");
    weft_media  same = {WEFT_HDR(weft_media), media->ctx,        &info,
                        media->read_frames,   media->read_audio, media->read_rows};
    weft_status status =
        spk_features_read(mel, &same, what.skip, what.n_samples, frames, what.n_frames, &got, err);
    if (status == WEFT_OK && got < what.n_frames)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "it ends early: %lld frames of sound are there of the %lld that its "
                         "header announces",
                         (long long)got, (long long)what.n_frames);
    return status;
}
