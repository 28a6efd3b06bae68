/* SPDX-License-Identifier: Apache-2.0 */
/* Makes plans: from a recording's length, or from a reference's tensors, it computes the numbers of
 * rows, windows, tokens and bytes. No sample and no weight is read here. */
#include "granite.h"

#define MASK "input_features_mask" /* of a reference with several clips: which tokens count */

_Static_assert(sizeof(gsp_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

/* A last frame without a neighbour makes no row. */
gsp_sizes gsp_sizes_of(const gsp_config *c, int64_t n_frames)
{
    gsp_sizes s = {.n_rows = n_frames / GSP_STACK};
    s.n_windows = (s.n_rows + c->projector.window - 1) / c->projector.window;
    s.n_tokens = s.n_windows * c->projector.n_queries;
    return s;
}

static weft_tensor_spec spec2(int64_t rows, int64_t columns)
{
    weft_tensor_spec s = {.dtype = WEFT_F32, .ndim = 2, .shape = {rows, columns}};
    return s;
}

/* Fills *p but for its input. n_tokens: those that stand in the text. The outputs are in the order
 * that encode.c expects. */
static void fill(const gsp_config *c, const gsp_carried *what, int64_t n_tokens, weft_plan *p)
{
    const gsp_sizes s = gsp_sizes_of(c, what->n_frames);
    memcpy(p->carried, what, sizeof *what);
    (void)weft_plan_output(p, "projector.output", GSP_STREAM, n_tokens,
                           spec2(s.n_tokens, c->projector.d_text));
    spk_clip_output(p, "encoder.output", NULL, s.n_rows, c->encoder.d_out);
    spk_clip_output(p, "features", NULL, s.n_rows, c->encoder.d_in);
    p->n_placeholders = n_tokens;
    p->scratch_bytes = gsp_scratch_bytes(c, what->n_frames);
}

static spk_clip_rule rule_of(const gsp_config *c)
{
    const spk_clip_rule rule = {&c->front, GSP_MAX_SECONDS, 0};
    return rule;
}

static weft_status check_frames(int64_t n, weft_error *err)
{
    const int64_t all = (int64_t)GSP_MAX_SECONDS * SPK_RATE / GSP_HOP + 1;
    if (n >= GSP_STACK && n <= all)
        return WEFT_OK;
    return weft_fail(err, n < GSP_STACK ? WEFT_E_INVALID : WEFT_E_LIMIT,
                     "%lld frames of sound cannot be encoded at once; %d to %lld can", (long long)n,
                     GSP_STACK, (long long)all);
}

weft_status gsp_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const gsp_config   *c = &((const gsp_modality *)self)->config;
    const spk_clip_rule rule = rule_of(c);
    gsp_carried         what = {.n_frames = 0};
    weft_status         status = spk_clip_cut(&rule, mi, rq, lim, &what.clip, err);
    if (status != WEFT_OK || (status = check_frames(what.clip.n_frames, err)) != WEFT_OK)
        return status;
    what.n_frames = what.clip.n_frames;
    const int64_t n_tokens = gsp_sizes_of(c, what.n_frames).n_tokens;
    status = spk_clip_tokens(n_tokens, lim, err);
    if (status != WEFT_OK)
        return status;
    spk_clip_plan(&rule, &what.clip, out);
    fill(c, &what, n_tokens, out);
    return WEFT_OK;
}

static const weft_tensor *find(const weft_tensor *inputs, const char *const *names, uint32_t n,
                               const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return &inputs[i];
    return NULL;
}

/* The tokens that clip i of a reference has in the text: all of them, or as many as its mask has
 * ones, which stand first. */
static weft_status tokens_of(const weft_tensor *mask, int64_t i, int64_t all, int64_t *n_tokens,
                             weft_error *err)
{
    *n_tokens = all;
    if (mask == NULL)
        return WEFT_OK;
    const int64_t *m = (const int64_t *)mask->data + i * mask->shape[1];
    int64_t        n = 0;
    while (n < mask->shape[1] && m[n] == 1)
        n++;
    *n_tokens = n;
    for (int64_t k = n; k < mask->shape[1]; k++)
        if (m[k] != 0)
            n = 0;
    if (n >= 1 && n <= all)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_INVALID,
                     "the tensor " MASK " must have 1 to %lld ones in each row, and then zeros",
                     (long long)all);
}

static weft_status check_mask(const weft_tensor *mask, int64_t n, weft_error *err)
{
    if (mask == NULL || (mask->dtype.code == WEFT_DT_INT && mask->dtype.bits == 64 &&
                         mask->ndim == 2 && mask->shape[0] == n))
        return WEFT_OK;
    return weft_fail(err, WEFT_E_INVALID, "the tensor " MASK " must be i64 [%lld, tokens]",
                     (long long)n);
}

/* Clips as the reference stacks their frames: [n, rows, d_in]. */
static weft_status plan_rows(const gsp_config *c, const weft_tensor *rows, const weft_tensor *mask,
                             weft_plan *out, uint32_t cap, uint32_t *n_items, weft_error *err)
{
    const int64_t n = rows->shape[0], n_frames = rows->shape[1] * GSP_STACK;
    if (rows->dtype.code != WEFT_DT_FLOAT || rows->dtype.bits != 32 ||
        rows->shape[2] != c->encoder.d_in)
        return weft_fail(err, WEFT_E_INVALID,
                         "the tensor " SPK_FRAMES " must be f32 [clips, rows, %d] for this model",
                         c->encoder.d_in);
    weft_status status = check_frames(n_frames, err);
    if (status == WEFT_OK)
        status = check_mask(mask, n, err);
    if (status == WEFT_OK && n > cap)
        status = weft_fail(err, WEFT_E_LIMIT,
                           SPK_FRAMES " holds %lld clips, and at most %u are taken at once",
                           (long long)n, cap);
    for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
        gsp_carried what = {.n_frames = n_frames};
        weft_plan  *p = WEFT_AT(out, i);
        int64_t     n_tokens;
        status = tokens_of(mask, i, gsp_sizes_of(c, n_frames).n_tokens, &n_tokens, err);
        if (status != WEFT_OK)
            return status;
        (void)weft_plan_input(p, SPK_FRAMES, spec2(rows->shape[1], rows->shape[2]));
        fill(c, &what, n_tokens, p);
    }
    *n_items = status == WEFT_OK ? (uint32_t)n : 0;
    return status;
}

weft_status gsp_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const gsp_config   *c = &((const gsp_modality *)self)->config;
    const weft_tensor  *rows = find(inputs, names, n, SPK_FRAMES);
    const spk_clip_rule rule = rule_of(c);
    gsp_carried         what = {.n_frames = 0};
    int                 found = 0;
    *n_items = 0;
    if (rows != NULL && rows->ndim == 3)
        return plan_rows(c, rows, find(inputs, names, n, MASK), out, cap, n_items, err);
    weft_status status = spk_clip_tensors(&rule, inputs, names, n, &what.clip, &found, err);
    if (status != WEFT_OK || !found)
        return status;
    if (cap < 1)
        return weft_fail(err, WEFT_E_LIMIT, "there is no room for an item of sound");
    status = check_frames(what.clip.n_frames, err);
    if (status != WEFT_OK)
        return status;
    what.n_frames = what.clip.n_frames;
    spk_clip_plan(&rule, &what.clip, out);
    fill(c, &what, gsp_sizes_of(c, what.n_frames).n_tokens, out);
    *n_items = 1;
    return WEFT_OK;
}
