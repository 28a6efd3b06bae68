/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: from a recording's length, or from tensors that somebody prepared, to frames, rows, tokens
 * and bytes. No sample and no weight is looked at here. */
#include "adapter.h"
#include "encoder.h"

#define FRAMES "input_features"
#define SAMPLES "samples"

_Static_assert(sizeof(spk_carried) <= sizeof(((weft_plan *)0)->opaque), "the plan has room for it");

static weft_tensor_spec rows_of(int64_t rows, int64_t columns)
{
    weft_tensor_spec s = {.dtype = WEFT_F32, .ndim = 2, .shape = {rows, columns}};
    return s;
}

static void add_output(weft_plan *p, const char *name, const char *stream, int64_t rows,
                       int64_t columns)
{
    uint32_t i = p->n_outputs++;
    p->output[i] = rows_of(rows, columns);
    p->output_name[i] = name;
    p->stream[i] = stream;
    p->stream_rows[i] = rows;
}

/* The order of the outputs is encode.c's. */
static void fill(const spk_config *c, const spk_carried *what, const spk_sizes *s, weft_plan *p)
{
    const int stacked = c->encoder.family->stacked_output;
    memset(p, 0, sizeof *p);
    p->hdr.size = (uint32_t)sizeof *p;
    p->n_inputs = 1;
    p->input[0] = rows_of(s->n_frames, c->bins);
    p->input_name[0] = FRAMES;
    if (c->adapter.family != NULL)
        add_output(p, "adapter.output", SPK_STREAM, s->n_tokens, c->adapter.d_out);
    add_output(p, "encoder.output", NULL, s->n_rows, c->encoder.d);
    add_output(p, "features", NULL, stacked ? s->n_rows : s->n_frames,
               stacked ? c->encoder.d_in : c->bins);
    p->n_placeholders = s->n_tokens;
    p->scratch_bytes = spk_scratch_bytes(c, s);
    memcpy(p->opaque, what, sizeof *what);
}

static void give(const weft_plan *p, weft_plan *out)
{
    const uint32_t size = out->hdr.size < p->hdr.size ? out->hdr.size : p->hdr.size;
    memcpy(out, p, size);
    out->hdr.size = size;
}

static weft_status make(const spk_config *c, const spk_carried *what, weft_plan *out,
                        weft_error *err)
{
    weft_plan p;
    if (what->n_frames < 1 || what->n_frames > SPK_MAX_FRAMES)
        return weft_fail(err, WEFT_E_LIMIT, "%lld frames cannot be encoded at once; 1 to %d can",
                         (long long)what->n_frames, SPK_MAX_FRAMES);
    const spk_sizes s = spk_sizes_of(c, what->n_frames);
    if (s.n_tokens < 1)
        return weft_fail(err, WEFT_E_INVALID,
                         "%lld frames are too few for this model's adapter to make a token of",
                         (long long)what->n_frames);
    fill(c, what, &s, &p);
    give(&p, out);
    return WEFT_OK;
}

/* Samples of the recording, at its own rate, from `us` microseconds on. */
static int64_t sample_at(int64_t us, int32_t rate)
{
    return us / 1000000 * rate + us % 1000000 * rate / 1000000;
}

/* Which samples the item is made of. Times before 0 were not given. */
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

static weft_status check_length(const spk_config *c, const weft_media_info *mi,
                                const spk_carried *what, const weft_limits *lim, weft_error *err)
{
    if (what->n_samples / what->sample_rate >= c->max_seconds &&
        what->n_samples > (int64_t)c->max_seconds * what->sample_rate)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%lld seconds of sound are more than the %d that this model takes at "
                         "once: weft transcribe cuts longer recordings",
                         (long long)(what->n_samples / what->sample_rate), c->max_seconds);
    if (WEFT_HAS(lim, weft_limits, max_samples) && lim->max_samples != 0 &&
        (uint64_t)what->n_samples * (uint64_t)mi->channels > lim->max_samples)
        return weft_fail(err, WEFT_E_LIMIT, "%lld samples are over --max-samples %llu",
                         (long long)(what->n_samples * mi->channels),
                         (unsigned long long)lim->max_samples);
    return WEFT_OK;
}

static weft_status check_tokens(const weft_plan *p, const weft_limits *lim, weft_error *err)
{
    if (!WEFT_HAS(lim, weft_limits, max_tokens) || lim->max_tokens == 0 ||
        (uint64_t)p->n_placeholders <= lim->max_tokens)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_LIMIT,
                     "the recording makes %lld tokens, more than --max-tokens %llu allows: raise "
                     "it or give a shorter one",
                     (long long)p->n_placeholders, (unsigned long long)lim->max_tokens);
}

static weft_status check_frames(const spk_config *c, const spk_carried *what, weft_error *err)
{
    if (what->n_frames > 0)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_INVALID,
                     "%.1f ms of sound are too short to hear anything in: %d are needed",
                     1000.0 * (double)what->n_samples / what->sample_rate,
                     c->front.frame * 1000 / SPK_RATE);
}

weft_status spk_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const spk_config *c = &((const spk_modality *)self)->config;
    spk_carried       what = {0};
    weft_status       status = cut(mi, rq, &what, err);
    if (status == WEFT_OK)
        status = check_length(c, mi, &what, lim, err);
    if (status != WEFT_OK)
        return status;
    what.n_frames = spk_features_frames(&c->front, mi, what.skip, what.n_samples);
    status = check_frames(c, &what, err);
    if (status == WEFT_OK)
        status = make(c, &what, out, err);
    return status == WEFT_OK ? check_tokens(out, lim, err) : status;
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

/* Frames as they are, or samples at the model's own rate, which preprocess will be given. */
static weft_status from_tensors(const spk_config *c, const weft_tensor *frames,
                                const weft_tensor *samples, spk_carried *what, weft_error *err)
{
    if (frames != NULL) {
        if (!is_f32(frames, 2) || frames->shape[1] != c->bins)
            return weft_fail(err, WEFT_E_INVALID,
                             "the tensor " FRAMES " must be f32 [frames, %d] for this model",
                             c->bins);
        what->n_frames = frames->shape[0];
        return WEFT_OK;
    }
    if (!is_f32(samples, 1) || samples->shape[0] < 1 ||
        samples->shape[0] > (int64_t)c->max_seconds * SPK_RATE)
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " SAMPLES " must be f32 [n], %d Hz, of at most %d seconds",
                         SPK_RATE, c->max_seconds);
    what->n_samples = samples->shape[0];
    what->sample_rate = SPK_RATE;
    what->n_frames = spk_mel_frames(&c->front, what->n_samples);
    return check_frames(c, what, err);
}

weft_status spk_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const spk_config  *c = &((const spk_modality *)self)->config;
    const weft_tensor *frames = find_name(inputs, names, n, FRAMES);
    const weft_tensor *samples = find_name(inputs, names, n, SAMPLES);
    spk_carried        what = {0};
    *n_items = 0;
    if (frames == NULL && samples == NULL)
        return WEFT_OK;
    if (cap < 1)
        return weft_fail(err, WEFT_E_LIMIT, "there is no room for an item of sound");
    weft_status status = from_tensors(c, frames, samples, &what, err);
    if (status == WEFT_OK)
        status = make(c, &what, out, err);
    *n_items = status == WEFT_OK;
    return status;
}
