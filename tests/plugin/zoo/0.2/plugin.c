/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of ABI 0.2 that uses every interface of it: a decoder of files that begin with "ZOO2",
 * whose further bytes are readings, two in a row, and its modality, whose rows are those readings
 * times the option `times`, repeated over the width of the text model; a tokenizer whose ids are
 * bytes, a checkpoint, a segmenter and a service. */
#include <weft/sdk.h>

#define KIND "org.example.zoo"
#define STREAM "org.example.zoo/rows"
#define SERVICE "org.example.zoo.number/1"
#define MAX_ROWS 64
#define WIDTH 2

/* ---- decoder ---- */

typedef struct decoder {
    const weft_host *host;
    weft_source      src;
    int64_t          rows, at;
} decoder;

static int32_t probe(const weft_probe *in)
{
    return in->head_bytes >= 4 && memcmp(in->head, "ZOO2", 4) == 0 ? WEFT_PROBE_MAGIC
                                                                   : WEFT_PROBE_NO;
}

static weft_status dec_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **out, weft_error *err)
{
    int64_t length = src->length(src->ctx);
    (void)kind;
    if (length < 4 || (uint64_t)length > lim->max_samples)
        return weft_fail(err, WEFT_E_LIMIT, "%lld bytes are none or too many", (long long)length);
    decoder *d = (decoder *)h->alloc(h, sizeof *d, 16);
    if (d == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    d->host = h;
    d->src = *src;
    d->rows = (length - 4) / WIDTH;
    d->at = 0;
    *out = d;
    return WEFT_OK;
}

static weft_status dec_info(void *dec, weft_media_info *out, weft_error *err)
{
    (void)err;
    out->n_rows = ((decoder *)dec)->rows;
    out->row_width = WIDTH;
    return WEFT_OK;
}

static weft_status dec_frames(void *dec, const int64_t *time_us, uint32_t n, const weft_tensor *dst,
                              int64_t *at_us, weft_error *err)
{
    (void)dec, (void)time_us, (void)n, (void)dst, (void)at_us;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "there are no frames");
}

static weft_status dec_audio(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    (void)dec, (void)n, (void)dst, (void)got;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "there is no sound");
}

static weft_status dec_rows(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                            weft_error *err)
{
    decoder *d = (decoder *)dec;
    float   *out = (float *)dst->data;
    *got = n < d->rows - d->at ? n : d->rows - d->at;
    for (int64_t i = 0; i < *got * WIDTH; i++) {
        uint8_t  byte;
        uint64_t place = (uint64_t)(4 + d->at * WIDTH + i);
        if (d->src.read_at(d->src.ctx, place, &byte, 1) != 1)
            return weft_fail(err, WEFT_E_IO, "it cannot be read");
        out[i] = byte;
    }
    d->at += *got;
    return WEFT_OK;
}

static void dec_close(void *dec)
{
    decoder *d = (decoder *)dec;
    d->host->free(d->host, d);
}

/* ---- modality ---- */

typedef struct zoo {
    const weft_host       *host;
    const weft_if_ops     *ops;
    const weft_if_kernels *kernels;
    const weft_if_pool    *pool;
    const weft_kernel     *widen;
    const weft_package    *package;
    weft_tensor            norm;
    float                  times;
    int32_t                d;
} zoo;

/* y[r, c] = x[r, c % WIDTH] */
static void widen(const weft_range *r, void *const *args)
{
    float       *y = *(float *const *)args[0];
    const float *x = *(const float *const *)args[1];
    int32_t      d = *(const int32_t *)args[2];
    for (int64_t i = r->begin; i < r->end; i++)
        for (int32_t c = 0; c < d; c++)
            y[i * d + c] = x[i * WIDTH + c % WIDTH];
}

static const uint32_t         widen_args[] = {sizeof(float *), sizeof(float *), sizeof(int32_t)};
static const weft_kernel_decl widen_decl = {
    WEFT_HDR(weft_kernel_decl), "widen", widen, NULL, widen_args, 3, 0};

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    const weft_if_options *o = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    const weft_if_package *p = (const weft_if_package *)h->get_interface(h, WEFT_IF_PACKAGE);
    double                 b = 0;
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "no weights");
    weft_status status = p->json_f64(h, mi->package, "config.json", "a.b[1]", &b, err);
    if (status != WEFT_OK)
        return status;
    zoo *z = (zoo *)h->alloc(h, sizeof *z, 16);
    if (z == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    memset(z, 0, sizeof *z);
    z->host = h;
    z->ops = (const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS);
    z->kernels = (const weft_if_kernels *)h->get_interface(h, WEFT_IF_KERNELS);
    z->pool = (const weft_if_pool *)h->get_interface(h, WEFT_IF_POOL);
    z->package = mi->package;
    z->times = (float)o->f64(h, "times");
    z->d = mi->d_model;
    *self = z;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    zoo                   *z = (zoo *)self;
    const weft_if_weights *w =
        (const weft_if_weights *)z->host->get_interface(z->host, WEFT_IF_WEIGHTS);
    weft_weight want = {WEFT_HDR(weft_weight), "norm.weight", WEFT_USE_HOST, 1, {4}};
    weft_status status = w->get(z->host, z->package, &want, 1, &z->norm, err);
    if (status == WEFT_OK)
        status = z->kernels->add(z->host, &widen_decl, 1, NULL, err);
    z->widen = status == WEFT_OK ? z->kernels->find(z->host, "widen") : NULL;
    return status;
}

static void destroy(void *self)
{
    zoo *z = (zoo *)self;
    z->host->free(z->host, z);
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    weft_xattn     x = {.hdr = WEFT_HDR(weft_xattn),
                        .n_heads = 1,
                        .n_kv_heads = 1,
                        .head_dim = 4,
                        .d_src = 4,
                        .norm_eps = 1e-5f,
                        .w_q = "q",
                        .w_k = "k",
                        .w_v = "v",
                        .w_o = "o",
                        .norm_in = "n"};
    weft_hook_site soft = {
        WEFT_HDR(weft_hook_site), WEFT_HOOK_SOFT_TOKENS, -1, 0, 0, STREAM, NULL, "soft"};
    weft_hook_site cross = {
        WEFT_HDR(weft_hook_site), WEFT_HOOK_XATTN, 0, 0, 0, STREAM "2", &x, "cross"};
    weft_marker m = {.hdr = WEFT_HDR(weft_marker),
                     .token = "<|zoo|>",
                     .stream = STREAM,
                     .token_id = -1,
                     .visibility = WEFT_VIS_UNTIL_END};
    weft_status status = sink->add_site(sink->ctx, &soft, err);
    (void)self;
    if (status == WEFT_OK)
        status = sink->add_site(sink->ctx, &cross, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &m, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self, (void)task, (void)system, (void)err;
    *user = "which animal";
    return WEFT_OK;
}

static weft_status plan_rows(const zoo *z, int64_t rows, weft_plan *out, weft_error *err)
{
    const weft_tensor_spec in = {WEFT_F32, 2, {rows, WIDTH}}, given = {WEFT_F32, 2, {rows, z->d}};
    if (rows < 1 || rows > MAX_ROWS)
        return weft_fail(err, WEFT_E_LIMIT, "%lld rows are none or too many", (long long)rows);
    if (weft_plan_input(out, "zoo.input", in) == NULL ||
        weft_plan_output(out, "zoo.output", STREAM, rows, given) == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "the plan has no room");
    out->n_placeholders = rows;
    out->scratch_bytes = (uint64_t)rows * WIDTH * sizeof(float);
    memcpy(out->carried, &rows, sizeof rows);
    return WEFT_OK;
}

static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    (void)rq, (void)lim;
    return plan_rows((const zoo *)self, mi->n_rows, out, err);
}

static weft_status plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                               uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                               weft_error *err)
{
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < n; i++)
        for (int64_t k = 0; strcmp(names[i], "zoo.input") == 0 && k < inputs[i].shape[0]; k++) {
            if (*n_items == cap)
                return weft_fail(err, WEFT_E_LIMIT, "too many items");
            status = plan_rows((const zoo *)self, inputs[i].shape[1],
                               (weft_plan *)WEFT_AT(out, *n_items), err);
            if (status != WEFT_OK)
                return status;
            ++*n_items;
        }
    return status;
}

typedef struct scaling {
    float *v, times;
} scaling;

static void scale(void *ctx, int64_t begin, int64_t end)
{
    const scaling *s = (const scaling *)ctx;
    for (int64_t i = begin; i < end; i++)
        s->v[i] *= s->times;
}

static weft_status preprocess(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const zoo *z = (const zoo *)self;
    int64_t    rows = weft_plan_input_at(p, 0)->spec.shape[0], carried, got = 0;
    scaling    s = {(float *)inputs[0].data, z->times};
    memcpy(&carried, p->carried, sizeof carried);
    weft_status status = m->read_rows(m->ctx, rows, &inputs[0], &got, err);
    if (status == WEFT_OK && (got != rows || carried != rows))
        return weft_fail(err, WEFT_E_CORRUPT, "it ends too soon");
    if (status == WEFT_OK)
        z->pool->run(z->host, rows * WIDTH, 3, scale, &s);
    return status;
}

static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const zoo  *z = (const zoo *)self;
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const weft_encode_item *item = (const weft_encode_item *)WEFT_AT(items, i);
        int64_t                 rows = weft_plan_output_at(item->plan, 0)->stream_rows;
        weft_tensor x = weft_view(scratch, scratch->data, WEFT_F32, 2, item->input[0].shape);
        void       *y = item->output[0].data, *from = x.data;
        int32_t     d = z->d;
        void       *args[] = {&y, &from, &d};
        weft_launch l = {.hdr = WEFT_HDR(weft_launch), .n = rows, .grain = 1};
        status = z->ops->copy(z->host, q, &x, &item->input[0], err);
        if (status == WEFT_OK)
            status = z->kernels->launch(z->host, q, z->widen, &l, args, err);
    }
    return status;
}

static uint64_t parameters(void *self)
{
    (void)self;
    return 4;
}

static weft_status preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err)
{
    const int64_t shape[4] = {1, 1, 1, 3};
    (void)self, (void)p, (void)inputs, (void)err;
    *rgb = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    if (rgb->data != NULL)
        memset(rgb->data, 7, 3);
    return WEFT_OK;
}

static int64_t longest_us(void *self)
{
    (void)self;
    return 5000000;
}

/* ---- tokenizer, checkpoint, segmenter, service ---- */

static weft_status tok_create(const weft_host *h, const weft_package *p, void **self,
                              weft_error *err)
{
    (void)p, (void)err;
    *self = (void *)(uintptr_t)h;
    return WEFT_OK;
}

static void tok_destroy(void *self)
{
    (void)self;
}

static weft_status tok_encode(void *self, const char *text, uint64_t bytes, uint32_t flags,
                              int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    (void)self, (void)flags, (void)err;
    for (uint64_t i = 0; i < bytes && i < cap; i++)
        ids[i] = (uint8_t)text[i];
    *need = bytes;
    return WEFT_OK;
}

static weft_status tok_chat(void *self, const weft_message *m, uint32_t n, int32_t *ids,
                            uint64_t cap, uint64_t *need, weft_error *err)
{
    uint64_t all = 0, one = 0;
    for (uint32_t i = 0; i < n; i++) {
        const weft_message *msg = (const weft_message *)WEFT_AT(m, i);
        for (uint32_t k = 0; k < msg->n_parts; k++) {
            const weft_part *p = (const weft_part *)WEFT_AT(msg->parts, k);
            if (p->id < 0)
                (void)tok_encode(self, p->text, p->bytes, 0, ids + (all < cap ? all : 0),
                                 all < cap ? cap - all : 0, &one, err);
            else if (all < cap)
                ids[all] = p->id;
            all += p->id < 0 ? one : 1;
        }
    }
    *need = all;
    return WEFT_OK;
}

static weft_status tok_decode(void *self, const int32_t *ids, uint64_t n, char *text, uint64_t cap,
                              uint64_t *need, weft_error *err)
{
    (void)self, (void)err;
    for (uint64_t i = 0; i < n && i < cap; i++)
        text[i] = (char)ids[i];
    *need = n;
    return WEFT_OK;
}

static int32_t tok_special(void *self, const char *token)
{
    (void)self, (void)token;
    return -1;
}

static int32_t tok_bos(void *self)
{
    (void)self;
    return 1;
}

static int32_t tok_is_stop(void *self, int32_t id)
{
    (void)self;
    return id == 0;
}

static weft_status text_map(const weft_host *h, const weft_package *p, weft_text_map *out,
                            weft_error *err)
{
    static const int32_t layers[] = {0, 2};
    (void)h, (void)p, (void)err;
    out->config_path = "text_config";
    out->prefix = "text.";
    out->head = "text.head";
    out->layers = layers;
    out->n_layers = 2;
    return WEFT_OK;
}

static weft_status cut(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err)
{
    weft_segment s = {WEFT_HDR(weft_segment), 0, max_us, 0, 0, m};
    (void)h;
    return sink->push(sink->ctx, &s, err);
}

typedef struct number {
    weft_hdr hdr;
    int32_t (*get)(void *self);
} number;

static int32_t get_number(void *self)
{
    (void)self;
    return 42;
}

static const number the_number = {WEFT_HDR(number), get_number};

/* ---- plugin ---- */

static const char *const     kinds[] = {KIND, NULL};
static const weft_decoder    the_decoder = {.hdr = WEFT_HDR(weft_decoder),
                                            .kinds = kinds,
                                            .probe = probe,
                                            .open = dec_open,
                                            .info = dec_info,
                                            .read_frames = dec_frames,
                                            .read_audio = dec_audio,
                                            .close = dec_close,
                                            .read_rows = dec_rows};
static const weft_modality   the_modality = {.hdr = WEFT_HDR(weft_modality),
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
                                             .preview = preview,
                                             .longest_us = longest_us};
static const weft_tokenizer  the_tokenizer = {WEFT_HDR(weft_tokenizer),
                                              tok_create,
                                              tok_destroy,
                                              tok_encode,
                                              tok_chat,
                                              tok_decode,
                                              tok_special,
                                              tok_bos,
                                              tok_is_stop};
static const weft_checkpoint the_checkpoint = {WEFT_HDR(weft_checkpoint), text_map};
static const weft_segmenter  the_segmenter = {WEFT_HDR(weft_segmenter), kinds, cut};
static const weft_component  components[] = {
     {WEFT_HDR(weft_component), WEFT_C_DECODER, "zoo", &the_decoder},
     {WEFT_HDR(weft_component), WEFT_C_MODALITY, "zoo", &the_modality},
     {WEFT_HDR(weft_component), WEFT_C_TOKENIZER, "zoo", &the_tokenizer},
     {WEFT_HDR(weft_component), WEFT_C_CHECKPOINT, "zoo", &the_checkpoint},
     {WEFT_HDR(weft_component), WEFT_C_SEGMENTER, "zoo", &the_segmenter},
};
static const weft_option options[] = {
    {WEFT_HDR(weft_option), "times", WEFT_OPT_F64, 0, "2.0", "0..9", "what readings are times"},
    {WEFT_HDR(weft_option), "second", WEFT_OPT_PACKAGE, 0, NULL, NULL, "a second directory"},
};
static const char *const needs[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE,  WEFT_IF_WEIGHTS, WEFT_IF_OPS,
                                    WEFT_IF_KERNELS, WEFT_IF_SERVICES, WEFT_IF_POOL,    NULL};
static const char *const gives[] = {SERVICE, NULL};
static const weft_descriptor descriptor = {.hdr = WEFT_HDR(weft_descriptor),
                                           .id = KIND,
                                           .name = "zoo",
                                           .version = "0.2.0",
                                           .vendor = "weft",
                                           .license_spdx = "Apache-2.0",
                                           .url = "",
                                           .needs_host = needs,
                                           .gives_service = gives,
                                           .options = options,
                                           .components = components,
                                           .n_options = 2,
                                           .n_components = 5};

static weft_status init(const weft_host *h, weft_error *err)
{
    const weft_if_services *s = (const weft_if_services *)h->get_interface(h, WEFT_IF_SERVICES);
    *h->slot = (void *)(uintptr_t)h;
    if (h->abi_minor < WEFT_ABI_MINOR || h->get_interface(h, "org.example.nothing/1") != NULL)
        return weft_fail(err, WEFT_E_VERSION, "this is no such host");
    h->log(h, WEFT_LOG_DEBUG, "open");
    return s->publish(h, SERVICE, &the_number, NULL, err);
}

static void deinit(const weft_host *h)
{
    *h->slot = NULL;
}

WEFT_PLUGIN(KIND, "0.2.0",
            "components=decoder:zoo,modality:zoo,tokenizer:zoo,checkpoint:zoo,segmenter:zoo\n"
            "kinds=" KIND "\nmagic=0:5a4f4f32\narchitectures=ZooForCausalLM\ngives=" SERVICE "\n",
            &descriptor, init, deinit)
