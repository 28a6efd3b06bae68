/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: from a recording's length, or from tensors that were prepared elsewhere, it computes
 * the numbers of frames, rows, tokens and bytes. No sample and no weight is read here. */
#include "adapter.h"
#include "encoder.h"

/* Fills *p. The outputs are in the order that encode.c expects. */
static void fill(const spk_config *c, const spk_clip_rule *rule, const spk_carried *what,
                 const spk_sizes *s, weft_plan *p)
{
    const int stacked = c->encoder.family->stacked_output;
    spk_clip_plan(rule, what, p);
    if (c->adapter.family != NULL)
        spk_clip_output(p, "adapter.output", SPK_STREAM, s->n_tokens, c->adapter.d_out);
    spk_clip_output(p, "encoder.output", NULL, s->n_rows, c->encoder.d);
    spk_clip_output(p, "features", NULL, stacked ? s->n_rows : s->n_frames,
                    stacked ? c->encoder.d_in : c->bins);
    p->n_placeholders = s->n_tokens;
    p->scratch_bytes = spk_scratch_bytes(c, s);
}

static weft_status make(const spk_config *c, const spk_clip_rule *rule, const spk_carried *what,
                        weft_plan *out, weft_error *err)
{
    if (what->n_frames < 1 || what->n_frames > SPK_MAX_FRAMES)
        return weft_fail(err, WEFT_E_LIMIT, "%lld frames cannot be encoded at once; 1 to %d can",
                         (long long)what->n_frames, SPK_MAX_FRAMES);
    const spk_sizes s = spk_sizes_of(c, what->n_frames);
    if (s.n_tokens < 1)
        return weft_fail(err, WEFT_E_INVALID,
                         "%lld frames are too few for this model's adapter to make a token of",
                         (long long)what->n_frames);
    fill(c, rule, what, &s, out);
    return WEFT_OK;
}

weft_status spk_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const spk_config   *c = &((const spk_modality *)self)->config;
    const spk_clip_rule rule = {&c->front, c->max_seconds, c->stack};
    spk_carried         what;
    weft_status         status = spk_clip_cut(&rule, mi, rq, lim, &what, err);
    if (status == WEFT_OK)
        status = make(c, &rule, &what, out, err);
    return status == WEFT_OK ? spk_clip_tokens(out->n_placeholders, lim, err) : status;
}

weft_status spk_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const spk_config   *c = &((const spk_modality *)self)->config;
    const spk_clip_rule rule = {&c->front, c->max_seconds, c->stack};
    spk_carried         what;
    int                 found = 0;
    *n_items = 0;
    weft_status status = spk_clip_tensors(&rule, inputs, names, n, &what, &found, err);
    if (status != WEFT_OK || !found)
        return status;
    if (cap < 1)
        return weft_fail(err, WEFT_E_LIMIT, "there is no room for an item of sound");
    status = make(c, &rule, &what, out, err);
    *n_items = status == WEFT_OK;
    return status;
}
