/* SPDX-License-Identifier: Apache-2.0 */
/* An item of org.example.clip: its plan, its pixels, and the encoder in ops alone. */
#include "clip.h"

#include <math.h>

#define WINDOW 2 /* patches along a side of what one token stands for */

/* ---- plan ---- */

static int64_t n_tokens(const clip *c)
{
    return (c->side / WINDOW) * (c->side / WINDOW);
}

/* Floats of the scratch of one item, in the order of clip_encode's views. */
enum { X, NORMED, Q, K, V, N_ROWS_BUFFERS };
static int64_t scratch_floats(const clip *c)
{
    return c->size[ROWS] * (N_ROWS_BUFFERS * c->size[D] + c->size[FFN]) + n_tokens(c) * c->size[D];
}

static weft_status plan_any(const clip *c, weft_plan *out)
{
    const int64_t          s = c->size[IMAGE];
    const weft_tensor_spec pixels = {WEFT_F32, 3, {3, s, s}},
                           rows = {WEFT_F32, 2, {c->size[ROWS], c->size[D]}},
                           pooled = {WEFT_F32, 2, {1, c->size[D]}},
                           tokens = {WEFT_F32, 2, {n_tokens(c), c->size[TEXT]}};
    (void)weft_plan_input(out, "pixel_values", pixels);
    (void)weft_plan_output(out, "clip.tokens", CLIP_STREAM, n_tokens(c), tokens);
    (void)weft_plan_output(out, "clip.last_hidden_state", NULL, 0, rows); /* only looked at */
    (void)weft_plan_output(out, "clip.pooler_output", NULL, 0, pooled);
    out->n_placeholders = n_tokens(c);
    out->scratch_bytes = (uint64_t)scratch_floats(c) * sizeof(float) + 2 * sizeof(int32_t);
    return WEFT_OK;
}

weft_status clip_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                      const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const clip *c = (const clip *)self;
    (void)mi, (void)rq;
    if ((uint64_t)n_tokens(c) > lim->max_tokens)
        return weft_fail(err, WEFT_E_LIMIT, "%lld tokens are over --max-tokens",
                         (long long)n_tokens(c));
    return plan_any(c, out);
}

/* For `weft model verify`: pixel_values [items, 3, image, image]. */
weft_status clip_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                             uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                             weft_error *err)
{
    const clip *c = (const clip *)self;
    for (uint32_t i = 0; i < n; i++) {
        const weft_tensor *t = &inputs[i];
        if (strcmp(names[i], "pixel_values") != 0)
            continue;
        if (t->ndim != 4 || t->shape[0] > (int64_t)cap || t->shape[1] != 3 ||
            t->shape[2] != c->size[IMAGE] || t->shape[3] != c->size[IMAGE])
            return weft_fail(err, WEFT_E_INVALID,
                             "pixel_values is not [items, 3, image_size, image_size] of at most "
                             "%u items",
                             cap);
        for (; (int64_t)*n_items < t->shape[0]; ++*n_items)
            (void)plan_any(c, (weft_plan *)WEFT_AT(out, *n_items));
    }
    return WEFT_OK;
}

/* ---- pixels ---- */

typedef struct resize {
    const uint8_t *from; /* [height, width, channels] */
    float         *to;   /* [3, side, side] */
    int64_t        width, height, channels, side;
} resize;

/* Where place i of `side` places lies among n: the two neighbours and the share of the second. */
static float neighbours(int64_t i, int64_t side, int64_t n, int64_t *a, int64_t *b)
{
    float at = ((float)i + 0.5f) * (float)n / (float)side - 0.5f;
    at = at < 0.0f ? 0.0f : at;
    *a = (int64_t)at < n ? (int64_t)at : n - 1;
    *b = *a + 1 < n ? *a + 1 : *a;
    return at - (float)*a;
}

/* Rows of the square picture: bilinear, then CLIP's mean and deviation. */
static void resize_rows(void *ctx, int64_t begin, int64_t end)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f},
                       deviation[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    const resize *r = (const resize *)ctx;
    for (int64_t i = begin * r->side; i < end * r->side; i++) {
        int64_t     y0, y1, x0, x1, k = r->channels;
        const float v = neighbours(i / r->side, r->side, r->height, &y0, &y1),
                    u = neighbours(i % r->side, r->side, r->width, &x0, &x1);
        const uint8_t *a = r->from + y0 * r->width * k, *b = r->from + y1 * r->width * k;
        for (int64_t ch = 0; ch < 3; ch++) {
            float top = a[x0 * k + ch] * (1 - u) + a[x1 * k + ch] * u;
            float low = b[x0 * k + ch] * (1 - u) + b[x1 * k + ch] * u;
            r->to[ch * r->side * r->side + i] =
                ((top * (1 - v) + low * v) / 255.0f - mean[ch]) / deviation[ch];
        }
    }
}

weft_status clip_preprocess(void *self, const weft_media *m, const weft_plan *p,
                            const weft_tensor *inputs, weft_error *err)
{
    const clip            *c = (const clip *)self;
    const weft_media_info *i = m->info; /* the host has held its sizes against the limits */
    const int64_t          shape[4] = {1, i->height, i->width, i->has_alpha ? 4 : 3}, first = 0;
    int64_t                at_us = 0;
    weft_tensor            frame = weft_view(NULL, NULL, WEFT_U8, 4, shape);
    (void)p;
    frame.data = c->host->alloc(c->host, frame.bytes, 16);
    if (frame.data == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                         (unsigned long long)frame.bytes);
    weft_status status = m->read_frames(m->ctx, &first, 1, &frame, &at_us, err);
    resize      r = {(const uint8_t *)frame.data,
                     (float *)inputs[0].data,
                     i->width,
                     i->height,
                     shape[3],
                     c->size[IMAGE]};
    if (status == WEFT_OK)
        c->pool->run(c->host, r.side, 8, resize_rows, &r);
    c->host->free(c->host, frame.data);
    return status;
}

/* ---- the encoder ---- */

/* One item on its way. Each step does nothing once status is not OK, so that a chain of them reads
 * as the formula does. w: the weights that indices count from; a weight's bias follows it. */
typedef struct pass {
    const clip        *c;
    weft_queue        *q;
    const weft_tensor *w;
    weft_tensor        b[N_ROWS_BUFFERS], ffn, means, bounds;
    weft_status        status;
    weft_error        *err;
} pass;

static void linear(pass *p, const weft_tensor *y, const weft_tensor *x, int32_t w, int32_t act)
{
    if (p->status == WEFT_OK)
        p->status = p->c->ops->linear(p->c->host, p->q, y, x, &p->w[w], &p->w[w + 1], act, p->err);
}

static void norm(pass *p, const weft_tensor *y, const weft_tensor *x, int32_t w)
{
    if (p->status == WEFT_OK)
        p->status =
            p->c->ops->norm(p->c->host, p->q, y, x, &p->w[w], &p->w[w + 1], 1e-5f, 0, p->err);
}

static void add(pass *p, const weft_tensor *y, const weft_tensor *b)
{
    if (p->status == WEFT_OK)
        p->status = p->c->ops->add(p->c->host, p->q, y, y, b, 1.0f, p->err);
}

static void copy(pass *p, const weft_tensor *y, const weft_tensor *x)
{
    if (p->status == WEFT_OK && y->data != NULL)
        p->status = p->c->ops->copy(p->c->host, p->q, y, x, p->err);
}

/* The class row and the patches, with their positions, normed. */
static void embed(pass *p, const weft_tensor *pixels)
{
    const clip       *c = p->c;
    const weft_tensor one = weft_slice(&p->b[X], 0, 0, 1),
                      others = weft_slice(&p->b[X], 0, 1, c->size[ROWS] - 1),
                      patches = weft_split(&others, 0, c->size[ROWS] - 1),
                      picture = weft_split(pixels, 0, 3),
                      class = weft_split(&p->w[CLASS], 0, c->size[D]);
    const int32_t stride[2] = {(int32_t)c->size[P], (int32_t)c->size[P]}, pad[4] = {0, 0, 0, 0};
    copy(p, &one, &class);
    if (p->status == WEFT_OK)
        p->status = c->ops->conv(c->host, p->q, &patches, &picture, &p->w[PATCH], NULL, stride, pad,
                                 p->err);
    add(p, &p->b[X], &p->w[POSITION]);
    norm(p, &p->b[X], &p->b[X], PRE_W);
}

/* NORMED = attention of all rows over all rows. */
static void attend(pass *p)
{
    const int64_t     width = p->c->size[D] / p->c->size[HEADS];
    const weft_tensor q = weft_split(&p->b[Q], 1, width), k = weft_split(&p->b[K], 1, width),
                      v = weft_split(&p->b[V], 1, width), out = weft_split(&p->b[NORMED], 1, width);
    const weft_attention a = {.hdr = WEFT_HDR(weft_attention),
                              .q = &q,
                              .k = &k,
                              .v = &v,
                              .out = &out,
                              .q_begin = &p->bounds,
                              .k_begin = &p->bounds,
                              .scale = 1.0f / sqrtf((float)width),
                              .n = 1};
    if (p->status == WEFT_OK)
        p->status = p->c->ops->attention(p->c->host, p->q, &a, p->err);
}

static void one_layer(pass *p)
{
    norm(p, &p->b[NORMED], &p->b[X], LN1_W);
    linear(p, &p->b[Q], &p->b[NORMED], Q_W, WEFT_ACT_NONE);
    linear(p, &p->b[K], &p->b[NORMED], K_W, WEFT_ACT_NONE);
    linear(p, &p->b[V], &p->b[NORMED], V_W, WEFT_ACT_NONE);
    attend(p);
    linear(p, &p->b[Q], &p->b[NORMED], OUT_W, WEFT_ACT_NONE);
    add(p, &p->b[X], &p->b[Q]);
    norm(p, &p->b[NORMED], &p->b[X], LN2_W);
    linear(p, &p->ffn, &p->b[NORMED], FC1_W, WEFT_ACT_QUICK_GELU);
    linear(p, &p->b[Q], &p->ffn, FC2_W, WEFT_ACT_NONE);
    add(p, &p->b[X], &p->b[Q]);
}

/* tokens: the mean of each window of patches, projected; a last odd row or column is left out. */
static void pool_and_project(pass *p, const weft_tensor *tokens)
{
    const clip       *c = p->c;
    const int64_t     side = c->side / WINDOW;
    const weft_tensor patches = weft_slice(&p->b[X], 0, 1, c->size[ROWS] - 1),
                      flat = weft_split(&patches, 0, c->side * c->side),
                      picture = weft_split(&flat, 1, c->side),
                      batch = weft_split(&p->means, 0, side * side),
                      means = weft_split(&batch, 1, side);
    const int32_t window[2] = {WINDOW, WINDOW}, pad[4] = {0, 0, 0, 0};
    if (p->status == WEFT_OK)
        p->status = c->ops->pool(c->host, p->q, &means, &picture, window, window, pad,
                                 WEFT_POOL_MEAN, p->err);
    linear(p, tokens, &p->means, PROJ_W, WEFT_ACT_NONE);
}

static void encode_one(pass *p, const weft_encode_item *item)
{
    const int32_t     bounds[2] = {0, (int32_t)p->c->size[ROWS]};
    const weft_tensor first = weft_slice(&p->b[X], 0, 0, 1);
    p->status = p->c->ops->upload(p->c->host, p->q, &p->bounds, bounds, sizeof bounds, p->err);
    p->w = p->c->w;
    embed(p, &item->input[0]);
    for (int64_t i = 0; i < p->c->size[LAYERS]; i++) {
        p->w = p->c->w + CLIP_WHOLE + i * CLIP_LAYER;
        one_layer(p);
    }
    p->w = p->c->w;
    pool_and_project(p, &item->output[0]);
    copy(p, &item->output[1], &p->b[X]);
    if (item->output[2].data != NULL)
        norm(p, &item->output[2], &first, POST_W);
}

/* The next n * width floats of the scratch, as rows. */
static weft_tensor take(const weft_tensor *scratch, float **at, int64_t n, int64_t width)
{
    const int64_t shape[2] = {n, width};
    weft_tensor   t = weft_view(scratch, *at, WEFT_F32, 2, shape);
    *at += n * width;
    return t;
}

/* Items follow each other on the queue; each has its own part of the scratch. */
weft_status clip_encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                        const weft_tensor *scratch, weft_error *err)
{
    const clip   *c = (const clip *)self;
    const int64_t rows = c->size[ROWS], two = 2;
    float        *at = (float *)scratch->data;
    pass          p = {.c = c, .q = q, .err = err};
    for (uint32_t i = 0; i < n && p.status == WEFT_OK; i++) {
        for (int k = 0; k < N_ROWS_BUFFERS; k++)
            p.b[k] = take(scratch, &at, rows, c->size[D]);
        p.ffn = take(scratch, &at, rows, c->size[FFN]);
        p.means = take(scratch, &at, n_tokens(c), c->size[D]);
        p.bounds = weft_view(scratch, at, WEFT_I32, 1, &two);
        at += 2; /* two i32 in the place of two floats */
        encode_one(&p, (const weft_encode_item *)WEFT_AT(items, i));
    }
    return p.status;
}
