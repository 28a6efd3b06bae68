/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: from a recording's length, or from tensors. The reference's input_features [n, bins,
 * frames] are n chunks, each of which is an item here; a file with `samples` [n] at 16 kHz is one
 * recording, whose frames are made here. */
#include "voxtral.h"

static const char encoded[] = "encoder.output", projected[] = "projector.output";

static int64_t chunks_of(const vxt_config *c, const spk_carried *what)
{
    return what->n_frames / c->frames; /* fill makes them whole */
}

/* Fills *p but for its input. The outputs are in the order that encode.c expects. */
static void make(const vxt_config *c, int64_t chunks, int by_bins, weft_plan *p)
{
    vxt_carried *carried = p->carried;
    carried->by_bins = by_bins;
    carried->chunks = (int32_t)chunks;
    p->n_placeholders = chunks * c->tokens;
    p->scratch_bytes = vxt_scratch_bytes(c);
    spk_clip_output(p, projected, VXT_STREAM, p->n_placeholders, c->d_text);
    spk_clip_output(p, "features", NULL, chunks * c->frames, c->encoder.bins);
    spk_clip_output(p, encoded, NULL, chunks * c->encoder.positions, c->encoder.d);
}

static spk_clip_rule rule_of(const vxt_config *c)
{
    const spk_clip_rule rule = {&c->front, VXT_MAX_SECONDS, 0};
    return rule;
}

weft_status vxt_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const vxt_config   *c = &((const vxt_modality *)self)->config;
    const spk_clip_rule rule = rule_of(c);
    spk_carried         what;
    weft_status         status = spk_clip_cut(&rule, mi, rq, lim, &what, err);
    if (status == WEFT_OK)
        status = spk_clip_tokens(chunks_of(c, &what) * c->tokens, lim, err);
    if (status != WEFT_OK)
        return status;
    spk_clip_plan(&rule, &what, out);
    make(c, chunks_of(c, &what), 0, out);
    return WEFT_OK;
}

static const weft_tensor *find_features(const weft_tensor *inputs, const char *const *names,
                                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (names[i] != NULL && strcmp(names[i], SPK_FRAMES) == 0)
            return &inputs[i];
    return NULL;
}

static weft_status plan_features(const vxt_config *c, const weft_tensor *t, weft_plan *out,
                                 uint32_t cap, uint32_t *n_items, weft_error *err)
{
    const weft_tensor_spec spec = {
        .dtype = WEFT_F32, .ndim = 2, .shape = {c->encoder.bins, c->frames}};
    if (t->dtype.code != WEFT_DT_FLOAT || t->dtype.bits != 32 || t->ndim != 3 ||
        t->shape[1] != c->encoder.bins || t->shape[2] != c->frames)
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " SPK_FRAMES " must be f32 [chunks, %d, %d] for this model",
                         c->encoder.bins, c->frames);
    if (t->shape[0] > cap)
        return weft_fail(err, WEFT_E_LIMIT,
                         SPK_FRAMES " holds %lld chunks, and at most %u are taken at once",
                         (long long)t->shape[0], cap);
    for (int64_t i = 0; i < t->shape[0]; i++) {
        weft_plan *p = WEFT_AT(out, i);
        (void)weft_plan_input(p, SPK_FRAMES, spec);
        make(c, 1, 1, p);
    }
    *n_items = (uint32_t)t->shape[0];
    return WEFT_OK;
}

weft_status vxt_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const vxt_config   *c = &((const vxt_modality *)self)->config;
    const spk_clip_rule rule = rule_of(c);
    const weft_tensor  *features = find_features(inputs, names, n);
    spk_carried         what;
    int                 found = 0;
    *n_items = 0;
    if (features != NULL)
        return plan_features(c, features, out, cap, n_items, err);
    weft_status status = spk_clip_tensors(&rule, inputs, names, n, &what, &found, err);
    if (status != WEFT_OK || !found)
        return status;
    if (cap < 1)
        return weft_fail(err, WEFT_E_LIMIT, "there is no room for an item of sound");
    spk_clip_plan(&rule, &what, out);
    make(c, chunks_of(c, &what), 0, out);
    *n_items = 1;
    return WEFT_OK;
}
