/* SPDX-License-Identifier: Apache-2.0 */
/* A test plugin for everything that can go well or wrong between a file and the text core. Its
 * files are "MOOD", one letter that says how the plugin behaves, and a byte for each row that the
 * item takes in the text:
 *   n  as it should
 *   f  the encoder fails
 *   N  the encoder gives NaN
 *   o  as n, but the plan carries another byte and the encoder gives every value twice
 *   l  the decoder does not know how many rows there are
 *   c  the decoder tells of 4000 channels
 *   w  the decoder says OK and writes nothing; W: its second half
 *   p  the decoder writes past its end; P: before its beginning
 *   u  the encoder says OK and writes nothing; U: its second half
 *   1 to 8  preprocess reads to where samples cannot go: too small, of another type, with strides,
 *      without data, to nowhere, of a shape that cannot be, to the device, less than nothing
 *   9  the segmenter reads to a place too small; 0: it pushes a part without channels
 *   m  a part's samples are not written; M: there are more than asked for
 *   s  as n, but the plan's tensors have a further axis of 1
 *   k  as n, but the encoder adds what it finds in its scratch, and leaves that full
 *   g  as n, but the encoder wants 4 TiB of scratch
 *   q  well, and the decoder is certain of it
 *   r  the plan takes one place less than it gives rows
 * What it declares goes wrong as the option `declares` says: "token", "control", "utf8", "id",
 * "end", "row", "kind", "layer", "order" (another site at the same place), "twice" (the marker once
 * more), "clash" (another marker of the same id), "alone" (a marker without a site), "parameters"
 * (too many to be summed up), "weights" (one that is to be packed and has one axis). `id` is the
 * marker's. What its preview does the option `shows` says (moods_preview.h). Of a pipe, dots are no
 * rows: they make its beginning as long as a probe wants it. The segmenter cuts a recording into
 * parts of two rows. Each function tells the host's progress its name ("open", "plan",
 * "preprocess", "encode" of how many items, "cut"), so that a test can act there. */
#include "moods_preview.h"

#include <math.h>

#define KIND "test.moods"
#define STREAM "test/moods"
#define HEAD 5
#define PART_ROWS 2
#define MAX_ROWS 64

typedef struct moods {
    const weft_if_ops  *ops;
    const weft_host    *host;
    int64_t             d;
    const weft_package *package; /* NULL where no directory was given */
} moods;

static void here(const weft_host *h, const char *what)
{
    h->log(h, WEFT_LOG_DEBUG, what);
    h->progress(h, what, 0, 0, "moods");
}

/* ---- decoder ---- */

typedef struct decoder {
    const weft_host *host;
    weft_source      src;
    uint64_t         at;
    char             mood;
} decoder;

static int32_t probe(const weft_probe *p)
{
    if (p->head_bytes < HEAD || memcmp(p->head, "MOOD", 4) != 0)
        return WEFT_PROBE_NO;
    return p->head[4] == 'q' ? WEFT_PROBE_CERTAIN : WEFT_PROBE_MAGIC;
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **out, weft_error *err)
{
    char head[HEAD];
    (void)kind;
    (void)lim;
    if (src->read_at(src->ctx, 0, head, HEAD) != HEAD)
        return weft_fail(err, WEFT_E_CORRUPT, "it ends too soon");
    decoder *d = (decoder *)h->alloc(h, sizeof *d, 16);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    *d = (decoder){h, *src, HEAD, head[4]};
    *out = d;
    here(h, "open");
    return WEFT_OK;
}

/* The letter travels as the width. */
static weft_status dec_info(void *self, weft_media_info *out, weft_error *err)
{
    decoder *d = (decoder *)self;
    int64_t  length = d->src.length(d->src.ctx);
    (void)err;
    out->width = d->mood;
    out->height = 1;
    out->channels = d->mood == 'c' ? 4000 : 1;
    out->n_samples = length < 0 || d->mood == 'l' ? -1 : length - HEAD;
    out->duration_us = -1;
    return WEFT_OK;
}

static weft_status dec_read(void *self, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err)
{
    decoder *d = (decoder *)self;
    float   *out = (float *)dst->data;
    for (*got = 0; *got < n; d->at++) {
        uint8_t byte;
        int64_t read = d->src.read_at(d->src.ctx, d->at, &byte, 1);
        if (read < 0)
            return weft_fail(err, (weft_status)read, "it cannot be read");
        if (read == 0)
            return WEFT_OK;
        if (byte == '.')
            continue;
        if (d->mood != 'w' && (d->mood != 'W' || *got < n / 2))
            out[*got] = byte;
        ++*got;
    }
    if (d->mood == 'p' || d->mood == 'P')
        out[d->mood == 'p' ? n : -1] = 1;
    return WEFT_OK;
}

static void dec_close(void *self)
{
    decoder *d = (decoder *)self;
    d->host->free(d->host, d);
}

/* ---- modality ---- */

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    moods *s = (moods *)h->alloc(h, sizeof *s, 16);
    if (s == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    *s =
        (moods){(const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS), h, mi->d_model, mi->package};
    *self = s;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    (void)self;
    (void)err;
    return WEFT_OK;
}

static void destroy(void *self)
{
    moods *s = (moods *)self;
    s->host->free(s->host, s);
}

static void spoil_declarations(const char *how, weft_hook_site *site, weft_marker *m)
{
    if (strcmp(how, "token") == 0)
        m->token = "";
    if (strcmp(how, "control") == 0)
        m->before = "a\nb";
    if (strcmp(how, "utf8") == 0)
        m->token = "\xff";
    if (strcmp(how, "id") == 0)
        m->token_id = -7;
    if (strcmp(how, "clash") == 0)
        m->token_id = 5000;
    if (strcmp(how, "end") == 0) {
        m->flags = WEFT_MARKER_ENDS;
        m->end_id = -1;
    }
    if (strcmp(how, "row") == 0) {
        m->embedding_weight = "table";
        m->embedding_row = -1;
    }
    if (strcmp(how, "kind") == 0)
        site->kind = 99;
    if (strcmp(how, "layer") == 0)
        site->layer = 0;
    if (strcmp(how, "alone") == 0)
        m->stream = "test/nobody";
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    weft_hook_site site = {
        WEFT_HDR(weft_hook_site), WEFT_HOOK_SOFT_TOKENS, -1, 0, 0, STREAM, NULL, "moods"};
    weft_marker            m = {.hdr = WEFT_HDR(weft_marker),
                                .token = "<|moods|>",
                                .stream = STREAM,
                                .token_id = -1,
                                .visibility = WEFT_VIS_UNTIL_END};
    const weft_host       *h = ((moods *)self)->host;
    const weft_if_options *o = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    const char            *how = o->str(h, "declares");
    spoil_declarations(how, &site, &m);
    weft_status status = sink->add_site(sink->ctx, &site, err);
    if (status == WEFT_OK && strcmp(how, "order") == 0)
        status = sink->add_site(sink->ctx, &site, err);
    if (status == WEFT_OK)
        status = sink->add_marker(sink->ctx, &m, err);
    if (status == WEFT_OK && strcmp(how, "clash") == 0)
        m.token = "<|clash|>";
    else if (strcmp(how, "twice") != 0)
        return status;
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &m, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self;
    (void)task;
    (void)err;
    *system = NULL;
    *user = "say it";
    return WEFT_OK;
}

static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    moods           *s = (moods *)self;
    int64_t          rows = mi->n_samples;
    weft_tensor_spec spec = {WEFT_F32, 2, {rows, s->d}};
    (void)rq;
    (void)lim;
    here(s->host, "plan");
    if (rows < 1 || rows > MAX_ROWS)
        return weft_fail(err, WEFT_E_LIMIT, "%lld rows are none or too many", (long long)rows);
    if (mi->width == 's')
        spec = (weft_tensor_spec){WEFT_F32, 3, {1, rows, s->d}};
    (void)weft_plan_input(out, "moods.input", spec);
    (void)weft_plan_output(out, "moods.output", STREAM, rows, spec);
    out->n_placeholders = mi->width == 'r' ? rows - 1 : rows;
    *(uint8_t *)out->carried = (uint8_t)(mi->width == 's' ? 'n' : mi->width);
    if (mi->width == 'k')
        out->scratch_bytes = (uint64_t)(rows * s->d) * sizeof(float);
    if (mi->width == 'g')
        out->scratch_bytes = (uint64_t)1 << 42;
    return WEFT_OK;
}

/* Spoils the place for samples as moods 1 to 8 say. */
static void spoil(char mood, const weft_tensor **place, weft_tensor *dst, int64_t *n)
{
    switch (mood) {
    case '1':
        dst->bytes -= 1;
        break;
    case '2':
        dst->dtype.code = WEFT_DT_INT;
        break;
    case '3':
        dst->stride[0] = 2;
        break;
    case '4':
        dst->data = NULL;
        break;
    case '5':
        *place = NULL;
        break;
    case '6':
        dst->ndim = 0;
        break;
    case '7':
        dst->device_type = WEFT_DEV_OTHER;
        break;
    case '8':
        *n = -1;
        break;
    }
}

/* Row r is made of small numbers that its byte alone decides. */
static weft_status preprocess(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const char         mood = *(const char *)p->carried;
    moods             *s = (moods *)self;
    float              value[MAX_ROWS], *out = (float *)inputs[0].data;
    int64_t            rows = p->n_placeholders, shape[2] = {rows, 1}, got = 0;
    weft_tensor        dst = weft_view(NULL, value, WEFT_F32, 2, shape);
    int64_t            want = rows;
    const weft_tensor *place = &dst;
    here(s->host, "preprocess");
    spoil(mood, &place, &dst, &want);
    weft_status status = m->read_audio(m->ctx, want, place, &got, err);
    if (status == WEFT_OK && got != rows)
        status = weft_fail(err, WEFT_E_CORRUPT, "it ends too soon");
    for (int64_t i = 0; i < rows * s->d && status == WEFT_OK; i++)
        out[i] = mood == 'N' ? NAN : value[i / s->d] * 0.001f * (float)(i % s->d % 7 + 1) - 0.1f;
    return status;
}

static weft_status add_scratch(moods *s, const weft_encode_item *item, weft_queue *q,
                               const weft_tensor *scratch, weft_error *err)
{
    const weft_tensor *in = &item->input[0];
    weft_tensor        found = weft_view(in, scratch->data, WEFT_F32, 2, in->shape);
    weft_status        status = s->ops->add(s->host, q, &item->output[0], in, &found, 1.0f, err);
    return status == WEFT_OK ? s->ops->copy(s->host, q, &found, in, err) : status;
}

static weft_status encode_one(moods *s, const weft_encode_item *item, weft_queue *q,
                              const weft_tensor *scratch, weft_error *err)
{
    const weft_tensor *in = &item->input[0], *out = &item->output[0];
    switch (*(const uint8_t *)item->plan->carried) {
    case 'f':
        return weft_fail(err, WEFT_E_CORRUPT, "the encoder is in a bad mood");
    case 'k':
        return add_scratch(s, item, q, scratch, err);
    case 'u':
        return WEFT_OK;
    case 'U': {
        weft_tensor half = *out, from = *in;
        half.shape[0] = from.shape[0] = in->shape[0] / 2;
        return s->ops->copy(s->host, q, &half, &from, err);
    }
    case 'o':
        return s->ops->add(s->host, q, out, in, in, 1.0f, err);
    default:
        return s->ops->copy(s->host, q, out, in, err);
    }
}

static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    moods      *s = (moods *)self;
    weft_status status = WEFT_OK;
    s->host->log(s->host, WEFT_LOG_DEBUG, "encode");
    s->host->progress(s->host, "encode", 0, n, "moods");
    if (s->host->cancelled(s->host))
        return weft_fail(err, WEFT_E_CANCELLED, "cancelled");
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++)
        status = encode_one(s, WEFT_AT(items, i), q, scratch, err);
    return status;
}

static uint64_t parameters(void *self)
{
    const weft_host       *h = ((moods *)self)->host;
    const weft_if_options *o = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    return strcmp(o->str(h, "declares"), "parameters") == 0 ? UINT64_MAX - 1 : 0;
}

static weft_status preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err)
{
    const weft_host       *h = ((moods *)self)->host;
    const weft_if_options *o = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    (void)p;
    (void)inputs;
    return moods_preview(o->str(h, "shows"), rgb, err);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const moods           *m = (const moods *)self;
    const weft_if_options *o =
        (const weft_if_options *)m->host->get_interface(m->host, WEFT_IF_OPTIONS);
    const weft_weight want = {WEFT_HDR(weft_weight), "rows", WEFT_USE_LINEAR, 1, {8}};
    if (strcmp(o->str(m->host, "declares"), "weights") != 0)
        return WEFT_OK;
    return sink->add(sink->ctx, m->package, &want, 1, err);
}

/* ---- segmenter ---- */

typedef struct part {
    float   value[PART_ROWS];
    int64_t n, at;
    char    mood;
} part;

static weft_status no_frames(void *ctx, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                             int64_t *at_us, weft_error *err)
{
    (void)ctx, (void)time_us, (void)n, (void)dst, (void)at_us;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "there are none");
}

static weft_status part_read(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    part *p = (part *)ctx;
    (void)err;
    *got = n < p->n - p->at ? n : p->n - p->at;
    if (p->mood != 'm')
        memcpy(dst->data, p->value + p->at, (size_t)*got * sizeof(float));
    p->at += *got;
    *got += p->mood == 'M';
    return WEFT_OK;
}

static weft_status cut(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err)
{
    weft_status status = WEFT_OK;
    (void)max_us;
    for (int64_t start = 0; status == WEFT_OK; start += PART_ROWS) {
        part            p = {.at = 0, .mood = (char)m->info->width};
        int64_t         shape[2] = {PART_ROWS, 1};
        weft_tensor     dst = weft_view(NULL, p.value, WEFT_F32, 2, shape);
        weft_media_info info = *m->info;
        weft_media      media = {WEFT_HDR(weft_media), &p, &info, no_frames, part_read, part_read};
        weft_segment    seg = {.hdr = WEFT_HDR(weft_segment),
                               .start_us = start,
                               .end_us = start + PART_ROWS,
                               .media = &media};
        here(h, "cut");
        if (p.mood == '9')
            dst.bytes = 4;
        if (p.mood == '0')
            info.channels = 0;
        status = m->read_audio(m->ctx, PART_ROWS, &dst, &p.n, err);
        if (status != WEFT_OK || p.n == 0)
            break;
        info.n_samples = p.n;
        status = sink->push(sink->ctx, &seg, err);
    }
    return status;
}

static const char *const    kinds[] = {KIND, NULL};
static const weft_decoder   the_decoder = {.hdr = WEFT_HDR(weft_decoder),
                                           .kinds = kinds,
                                           .probe = probe,
                                           .open = dec_open,
                                           .info = dec_info,
                                           .read_audio = dec_read,
                                           .close = dec_close};
static const weft_modality  the_modality = {.hdr = WEFT_HDR(weft_modality),
                                            .kinds = kinds,
                                            .create = create,
                                            .load = load,
                                            .destroy = destroy,
                                            .install = install,
                                            .prompt = prompt,
                                            .plan = plan,
                                            .preprocess = preprocess,
                                            .encode = encode,
                                            .parameters = parameters,
                                            .preview = preview,
                                            .weights = weights};
static const weft_segmenter the_segmenter = {
    .hdr = WEFT_HDR(weft_segmenter), .kinds = kinds, .run = cut};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "moods", &the_decoder},
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "moods", &the_modality},
    {WEFT_HDR(weft_component), WEFT_C_SEGMENTER, "moods", &the_segmenter}};
static const weft_option options[] = {
    {WEFT_HDR(weft_option), "declares", WEFT_OPT_STR, 0, "well", NULL,
     "what is wrong with its declarations"},
    {WEFT_HDR(weft_option), "shows", WEFT_OPT_STR, 0, "well", NULL,
     "what is wrong with its preview"},
};
static const char *const     needs[] = {WEFT_IF_OPTIONS, WEFT_IF_OPS, NULL};
static const weft_descriptor descriptor = {.hdr = WEFT_HDR(weft_descriptor),
                                           .id = "test.moods",
                                           .name = "moods",
                                           .version = "0.1.0",
                                           .vendor = "weft",
                                           .license_spdx = "Apache-2.0",
                                           .url = "",
                                           .needs_host = needs,
                                           .options = options,
                                           .n_options = 2,
                                           .components = components,
                                           .n_components = 3};

static weft_status init(const weft_host *h, weft_error *err)
{
    (void)h;
    (void)err;
    return WEFT_OK;
}

static void deinit(const weft_host *h)
{
    (void)h;
}

WEFT_PLUGIN("test.moods", "0.1.0", "components=decoder:moods,modality:moods,segmenter:moods\n",
            &descriptor, init, deinit)
