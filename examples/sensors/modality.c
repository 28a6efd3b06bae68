/* SPDX-License-Identifier: Apache-2.0 */
/* The modality: readings to rows that the text model reads through a cross-attention site of ours.
 *
 *   x = ((readings - mean) / scale) w_in^T + b_in          [rows, width]
 *   x = x + softmax(q k^T / sqrt(head_dim)) v w_o^T         q, k, v = three linears of norm(x)
 *   out = norm(x)
 *
 * One encoder block: enough to show options, package, weights and ops. All sizes come from the
 * config.json beside the weights. The site is only declared (install): the host runs it. */
#include <math.h>

#include "sensors.h"

enum { W_IN, B_IN, NORM_1, BIAS_1, W_Q, W_K, W_V, W_O, NORM_2, BIAS_2, N_WEIGHTS };

typedef struct sensors {
    const weft_host       *host;
    const weft_if_package *files;
    const weft_if_weights *weights;
    const weft_if_ops     *ops;
    const weft_package    *package;
    int64_t                channels, width, heads, layer, max_rows;
    float                  mean[SENSORS_MAX_CHANNELS], scale[SENSORS_MAX_CHANNELS];
    weft_tensor            w[N_WEIGHTS];
} sensors;

/* ---- config ---- */

static weft_status whole(const sensors *s, const char *path, int64_t min, int64_t max, int64_t *v,
                         weft_error *err)
{
    weft_status status = s->files->json_i64(s->host, s->package, "config.json", path, v, err);
    if (status == WEFT_E_NOTFOUND)
        return weft_fail(err, WEFT_E_CORRUPT, "config.json lacks %s", path);
    if (status == WEFT_OK && (*v < min || *v > max))
        return weft_fail(err, WEFT_E_CORRUPT, "config.json: %s is %lld, not %lld to %lld", path,
                         (long long)*v, (long long)min, (long long)max);
    return status;
}

/* "mean[2]" and the like; an absent one is what it would be without normalisation. */
static weft_status per_channel(const sensors *s, const char *name, float absent, float *out,
                               weft_error *err)
{
    for (int64_t i = 0; i < s->channels; i++) {
        char        path[32];
        double      v = (double)absent;
        weft_status status;
        snprintf(path, sizeof path, "%s[%d]", name, (int)i);
        status = s->files->json_f64(s->host, s->package, "config.json", path, &v, err);
        if (status != WEFT_OK && status != WEFT_E_NOTFOUND)
            return status;
        out[i] = (float)v;
        if (!isfinite(out[i]) || (absent != 0 && out[i] == 0))
            return weft_fail(err, WEFT_E_CORRUPT, "config.json: %s is %g", path, v);
    }
    return WEFT_OK;
}

static weft_status read_config(sensors *s, const weft_model_info *mi, weft_error *err)
{
    int64_t     text_width = 0;
    weft_status status = whole(s, "channels", 1, SENSORS_MAX_CHANNELS, &s->channels, err);
    if (status == WEFT_OK)
        status = whole(s, "width", 1, 4096, &s->width, err);
    if (status == WEFT_OK)
        status = whole(s, "heads", 1, s->width, &s->heads, err);
    if (status == WEFT_OK)
        status = whole(s, "layer", 0, mi->n_layers, &s->layer, err);
    if (status == WEFT_OK)
        status = whole(s, "text_width", 1, 1 << 20, &text_width, err);
    if (status == WEFT_OK)
        status = per_channel(s, "mean", 0, s->mean, err);
    if (status == WEFT_OK)
        status = per_channel(s, "scale", 1, s->scale, err);
    if (status == WEFT_OK && s->width % s->heads != 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "config.json: width %lld does not divide among %lld heads",
                         (long long)s->width, (long long)s->heads);
    if (status == WEFT_OK && mi->n_layers > 0 && text_width != mi->d_model)
        return weft_fail(err, WEFT_E_INVALID,
                         "these weights read a text model %lld wide, and this one is %d wide",
                         (long long)text_width, mi->d_model);
    return status;
}

/* ---- life ---- */

static void destroy(void *self)
{
    sensors *s = (sensors *)self;
    s->host->free(s->host, s);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "no weights: give --set org.example.sensors.weights=DIR");
    sensors *s = (sensors *)h->alloc(h, sizeof *s, 16);
    if (s == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory");
    memset(s, 0, sizeof *s);
    s->host = h;
    s->package = mi->package;
    s->files = (const weft_if_package *)h->get_interface(h, WEFT_IF_PACKAGE);
    s->weights = (const weft_if_weights *)h->get_interface(h, WEFT_IF_WEIGHTS);
    s->ops = (const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS);
    s->max_rows =
        ((const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS))->i64(h, "max_rows");
    weft_status status = read_config(s, mi, err);
    if (status == WEFT_OK)
        *self = s;
    else
        destroy(s);
    return status;
}

/* What the encoder is made of: what load gets, and what weights says beforehand. */
static void list_weights(const sensors *s, weft_weight *want)
{
    const int64_t     d = s->width;
    const weft_weight all[N_WEIGHTS] = {
        [W_IN] = {WEFT_HDR(weft_weight), "encoder.in.weight", WEFT_USE_LINEAR, 2, {d, s->channels}},
        [B_IN] = {WEFT_HDR(weft_weight), "encoder.in.bias", WEFT_USE_PLAIN, 1, {d}},
        [NORM_1] = {WEFT_HDR(weft_weight), "encoder.norm_1.weight", WEFT_USE_PLAIN, 1, {d}},
        [BIAS_1] = {WEFT_HDR(weft_weight), "encoder.norm_1.bias", WEFT_USE_PLAIN, 1, {d}},
        [W_Q] = {WEFT_HDR(weft_weight), "encoder.q.weight", WEFT_USE_LINEAR, 2, {d, d}},
        [W_K] = {WEFT_HDR(weft_weight), "encoder.k.weight", WEFT_USE_LINEAR, 2, {d, d}},
        [W_V] = {WEFT_HDR(weft_weight), "encoder.v.weight", WEFT_USE_LINEAR, 2, {d, d}},
        [W_O] = {WEFT_HDR(weft_weight), "encoder.o.weight", WEFT_USE_LINEAR, 2, {d, d}},
        [NORM_2] = {WEFT_HDR(weft_weight), "encoder.norm_2.weight", WEFT_USE_PLAIN, 1, {d}},
        [BIAS_2] = {WEFT_HDR(weft_weight), "encoder.norm_2.bias", WEFT_USE_PLAIN, 1, {d}},
    };
    memcpy(want, all, sizeof all);
}

/* All at once: whatever is missing or misshapen is reported in one sentence. */
static weft_status load(void *self, weft_error *err)
{
    sensors    *s = (sensors *)self;
    weft_weight want[N_WEIGHTS];
    list_weights(s, want);
    return s->weights->get(s->host, s->package, want, N_WEIGHTS, s->w, err);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const sensors *s = (const sensors *)self;
    weft_weight    want[N_WEIGHTS];
    list_weights(s, want);
    return sink->add(sink->ctx, s->package, want, N_WEIGHTS, err);
}

static uint64_t parameters(void *self)
{
    const sensors *s = (const sensors *)self;
    return (uint64_t)(s->width * s->channels + 5 * s->width + 4 * s->width * s->width);
}

/* Where the text meets the rows: before self-attention block `layer`, through weights of our own
 * package. */
static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const sensors   *s = (const sensors *)self;
    const weft_xattn x = {
        .hdr = WEFT_HDR(weft_xattn),
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 16,
        .d_src = (int32_t)s->width,
        .flags = WEFT_XATTN_GATE_TANH,
        .norm_eps = 1e-5f,
        .w_q = "site.q.weight",
        .w_k = "site.k.weight",
        .w_v = "site.v.weight",
        .w_o = "site.o.weight",
        .norm_in = "site.norm.weight",
        .gate_attn = "site.gate",
    };
    const weft_hook_site site = {
        .hdr = WEFT_HDR(weft_hook_site),
        .kind = WEFT_HOOK_XATTN,
        .layer = (int32_t)s->layer,
        .stream = SENSORS_STREAM,
        .xattn = &x,
        .name = "readings",
    };
    const weft_marker marker = {
        .hdr = WEFT_HDR(weft_marker),
        .token = "<|readings|>",
        .stream = SENSORS_STREAM,
        .token_id = -1,
        .visibility = WEFT_VIS_UNTIL_END,
        .embedding_weight = "marker.weight",
        .embedding_row = 0,
        .end_id = -1,
    };
    weft_status status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self;
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe") == 0 ? "<|readings|>What do these readings say?" : NULL;
    return WEFT_OK;
}

/* ---- an item ---- */

/* Scratch: x, normed, q, k, v, each [rows, width], then {0, rows} as i32. */
#define SCRATCH_ROWS 5

static weft_status plan_rows(const sensors *s, int64_t rows, int64_t channels, weft_plan *out,
                             weft_error *err)
{
    const weft_tensor_spec readings = {WEFT_F32, 2, {rows, channels}},
                           encoded = {WEFT_F32, 2, {rows, s->width}};
    if (channels != s->channels)
        return weft_fail(err, WEFT_E_INVALID, "it has %lld channels, and these weights know %lld",
                         (long long)channels, (long long)s->channels);
    if (rows > s->max_rows)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%lld readings are over org.example.sensors.max_rows (%lld)",
                         (long long)rows, (long long)s->max_rows);
    (void)weft_plan_input(out, "readings", readings);
    (void)weft_plan_output(out, "readings.output", SENSORS_STREAM, rows, encoded);
    out->n_placeholders = 1;
    out->scratch_bytes =
        (uint64_t)(rows * s->width) * SCRATCH_ROWS * sizeof(float) + 2 * sizeof(int32_t);
    return WEFT_OK;
}

static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    (void)rq;
    (void)lim;
    if (mi->n_rows < 1)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "the number of readings is not known");
    return plan_rows((const sensors *)self, mi->n_rows, mi->row_width, out, err);
}

/* For `weft model verify`: the same items from tensors [items, rows, channels]. */
static weft_status plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                               uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                               weft_error *err)
{
    weft_status status = WEFT_OK;
    *n_items = 0;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        if (strcmp(names[i], "readings") != 0)
            continue;
        if (inputs[i].ndim != 3 || inputs[i].shape[0] > (int64_t)cap)
            return weft_fail(err, WEFT_E_INVALID,
                             "readings is not [items, rows, channels] of at most %u items", cap);
        for (; *n_items < (uint32_t)inputs[i].shape[0] && status == WEFT_OK; ++*n_items)
            status = plan_rows((const sensors *)self, inputs[i].shape[1], inputs[i].shape[2],
                               (weft_plan *)WEFT_AT(out, *n_items), err);
    }
    return status;
}

static weft_status preprocess(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const sensors *s = (const sensors *)self;
    float         *v = (float *)inputs[0].data;
    int64_t        rows = weft_plan_input_at(p, 0)->spec.shape[0], got = 0;
    weft_status    status = m->read_rows(m->ctx, rows, &inputs[0], &got, err);
    if (status != WEFT_OK)
        return status;
    if (got != rows)
        return weft_fail(err, WEFT_E_CORRUPT, "it ends after %lld of %lld readings", (long long)got,
                         (long long)rows);
    for (int64_t i = 0; i < rows * s->channels; i++)
        v[i] = (v[i] - s->mean[i % s->channels]) / s->scale[i % s->channels];
    return WEFT_OK;
}

/* ---- the encoder ---- */

typedef struct pass { /* views of one item's scratch */
    const sensors *s;
    weft_queue    *q;
    weft_tensor    x, normed, qkv[3], bounds;
    weft_error    *err;
} pass;

/* Only enqueues: nothing has run when it returns, and no tensor's data is read here. */
static weft_status attention(pass *p)
{
    const sensors *s = p->s;
    weft_tensor    heads[3], out = p->normed;
    const int64_t  shape[3] = {p->x.shape[0], s->heads, s->width / s->heads};
    const int32_t  bounds[2] = {0, (int32_t)p->x.shape[0]};
    weft_status status = s->ops->upload(s->host, p->q, &p->bounds, bounds, sizeof bounds, p->err);
    for (int i = 0; i < 3 && status == WEFT_OK; i++) {
        heads[i] = weft_view(&p->x, p->qkv[i].data, WEFT_F32, 3, shape);
        status = s->ops->linear(s->host, p->q, &p->qkv[i], &p->normed, &s->w[W_Q + i], NULL,
                                WEFT_ACT_NONE, p->err);
    }
    if (status != WEFT_OK)
        return status;
    out = weft_view(&p->x, p->normed.data, WEFT_F32, 3,
                    shape); /* normed has been read by now: its memory is free */
    const weft_attention a = {
        .hdr = WEFT_HDR(weft_attention),
        .q = &heads[0],
        .k = &heads[1],
        .v = &heads[2],
        .out = &out,
        .q_begin = &p->bounds,
        .k_begin = &p->bounds,
        .scale = 1.0f / sqrtf((float)shape[2]),
        .n = 1,
    };
    return s->ops->attention(s->host, p->q, &a, p->err);
}

static weft_status encode_one(pass *p, const weft_tensor *readings, const weft_tensor *out)
{
    const sensors     *s = p->s;
    const weft_if_ops *o = s->ops;
    weft_status        status;
    status =
        o->linear(s->host, p->q, &p->x, readings, &s->w[W_IN], &s->w[B_IN], WEFT_ACT_NONE, p->err);
    if (status == WEFT_OK)
        status = o->norm(s->host, p->q, &p->normed, &p->x, &s->w[NORM_1], &s->w[BIAS_1], 1e-5f, 0,
                         p->err);
    if (status == WEFT_OK)
        status = attention(p);
    if (status == WEFT_OK)
        status = o->linear(s->host, p->q, &p->qkv[0], &p->normed, &s->w[W_O], NULL, WEFT_ACT_NONE,
                           p->err);
    if (status == WEFT_OK)
        status = o->add(s->host, p->q, &p->x, &p->x, &p->qkv[0], 1.0f, p->err);
    if (status == WEFT_OK)
        status = o->norm(s->host, p->q, out, &p->x, &s->w[NORM_2], &s->w[BIAS_2], 1e-5f, 0, p->err);
    return status;
}

/* Items follow one another through one queue, so they can share the scratch of the largest; here
 * each simply takes its own part. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const sensors *s = (const sensors *)self;
    char          *at = (char *)scratch->data;
    weft_status    status = WEFT_OK;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const weft_encode_item *item = (const weft_encode_item *)WEFT_AT(items, i);
        const int64_t shape[2] = {weft_plan_input_at(item->plan, 0)->spec.shape[0], s->width};
        const int64_t two = 2;
        const size_t  bytes = (size_t)(shape[0] * shape[1]) * sizeof(float);
        pass          p = {.s = s, .q = q, .err = err};
        weft_tensor  *views[SCRATCH_ROWS] = {&p.x, &p.normed, &p.qkv[0], &p.qkv[1], &p.qkv[2]};
        for (int k = 0; k < SCRATCH_ROWS; k++, at += bytes)
            *views[k] = weft_view(scratch, at, WEFT_F32, 2, shape);
        p.bounds = weft_view(scratch, at, WEFT_I32, 1, &two);
        at += 2 * sizeof(int32_t);
        status = encode_one(&p, &item->input[0], &item->output[0]);
    }
    return status;
}

static const char *const kinds[] = {SENSORS_KIND, NULL};
const weft_modality      sensors_modality = {
         .hdr = WEFT_HDR(weft_modality),
         .kinds = kinds,
         .create = create,
         .load = load,
         .destroy = destroy,
         .install = install,
         .prompt = prompt,
         .plan = plan,
         .plan_inputs = plan_inputs,
         .preprocess = preprocess,
         .encode = encode,
         .parameters = parameters,
         .weights = weights,
};
