/* SPDX-License-Identifier: Apache-2.0 */
/* Modality, descriptor and entry. Its encoder turns and mixes rows with an op of each struct, and
 * copies them with a kernel. */
#include "sizes.h"

#include <stdlib.h>

#define D 48 /* of the fixture llama-tied: 4 heads of 12 */
#define HEADS 4

/* ---- sizes ---- */

static const char *mode(void)
{
    const char *m = getenv("WEFT_TEST_SIZES");
    return m != NULL ? m : "zeros";
}

/* Is the mode "short NAME"? */
static int is_short(const char *name)
{
    const char *blank = strchr(mode(), ' ');
    return strncmp(mode(), "short ", 6) == 0 && blank != NULL && strcmp(blank + 1, name) == 0;
}

void sizes_grow(void *p, size_t known, const char *name)
{
    const int shorter = is_short(name);
    /* Of a modality the last functions may be missing; the host needs those up to encode. Of a
     * segment it needs the media. */
    const size_t less = strcmp(name, "weft_modality") == 0 ? known - offsetof(weft_modality, encode)
                        : strcmp(name, "weft_segment") == 0 ? known - offsetof(weft_segment, media)
                                                            : 8;
    weft_hdr     hdr = {(uint32_t)(shorter ? known - less : known + LATER), 0};
    memcpy(p, &hdr, sizeof hdr);
    memset((char *)p + known, strcmp(mode(), "wild") == 0 ? 0xA5 : 0, LATER);
}

void sizes_handed(const weft_host *h, const void *p, size_t size, const char *name)
{
    char     line[80];
    weft_hdr hdr = {0, 0};
    if (p != NULL)
        memcpy(&hdr, p, sizeof hdr);
    snprintf(line, sizeof line, "%s %s", hdr.size == size && hdr.zero == 0 ? "handed" : "wrong",
             name);
    h->log(h, WEFT_LOG_DEBUG, line);
}

/* ---- modality ---- */

typedef struct modality {
    const weft_host       *host;
    const weft_package    *package;
    const weft_if_ops     *ops;
    const weft_if_kernels *kernels;
    const weft_kernel     *copy;
    weft_tensor            norm, turn;
} modality;

static void copy_rows(const weft_range *r, void *const *args)
{
    float *to;
    float *from;
    memcpy(&to, args[0], sizeof to);
    memcpy(&from, args[1], sizeof from);
    memcpy(to + r->begin * D, from + r->begin * D, (size_t)((r->end - r->begin) * D) * sizeof *to);
}

static const uint32_t arg_bytes[] = {8, 8};
static GROWN(weft_kernel_decl) decls[2];
static GROWN(weft_fatbin) image;

static weft_status read_package(const modality *m, weft_error *err)
{
    const weft_host       *h = m->host;
    const weft_if_package *p = (const weft_if_package *)h->get_interface(h, WEFT_IF_PACKAGE);
    GROWN(weft_source) src;
    char head;
    memset(&src, 0, sizeof src);
    GROW(weft_source, &src);
    const uint32_t size = src.known.hdr.size;
    const uint8_t  fill = src.later[0];
    weft_status    status = p->open(h, m->package, "config.json", &src.known, err);
    if (status != WEFT_OK)
        return status;
    for (int i = 0; i < LATER; i++)
        if (src.known.hdr.size != size || src.later[i] != fill)
            return weft_fail(err, WEFT_E_INTERNAL, "what is behind a weft_source was changed");
    if (src.known.read_at(src.known.ctx, 0, &head, 1) != 1 || head != '{')
        return weft_fail(err, WEFT_E_INTERNAL, "the source does not read");
    return WEFT_OK;
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    HANDED(h, weft_model_info, mi);
    modality *m = (modality *)h->alloc(h, sizeof *m, 16);
    if (m == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    memset(m, 0, sizeof *m);
    m->host = h;
    m->package = mi->package;
    m->ops = (const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS);
    m->kernels = (const weft_if_kernels *)h->get_interface(h, WEFT_IF_KERNELS);
    weft_status status = read_package(m, err);
    if (status == WEFT_OK)
        *self = m;
    else
        h->free(h, m);
    return status;
}

static GROWN(weft_weight) want[2];

static void want_weights(void)
{
    want[0].known =
        (weft_weight){WEFT_HDR(weft_weight), "model.norm.weight", WEFT_USE_HOST, 1, {D}};
    want[1].known = (weft_weight){WEFT_HDR(weft_weight),
                                  "model.layers.0.self_attn.q_proj.weight",
                                  WEFT_USE_LINEAR,
                                  2,
                                  {D, D}};
    for (int i = 0; i < 2; i++)
        GROW(weft_weight, &want[i]);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const modality *m = (const modality *)self;
    HANDED(m->host, weft_weight_sink, sink);
    want_weights();
    return sink->add(sink->ctx, m->package, &want[0].known, 2, err);
}

static weft_status load(void *self, weft_error *err)
{
    static const char bytes[16] = "no real image";
    modality         *m = (modality *)self;
    const weft_host  *h = m->host;
    weft_tensor       got[2];
    want_weights();
    for (int i = 0; i < 2; i++) {
        decls[i].known = (weft_kernel_decl){.name = i == 0 ? "unused" : "copy",
                                            .cpu = copy_rows,
                                            .arg_bytes = arg_bytes,
                                            .n_args = 2};
        GROW(weft_kernel_decl, &decls[i]);
    }
    image.known = (weft_fatbin){.data = bytes, .bytes = sizeof bytes};
    GROW(weft_fatbin, &image);
    const weft_if_weights *w = (const weft_if_weights *)h->get_interface(h, WEFT_IF_WEIGHTS);
    weft_status            status = w->get(h, m->package, &want[0].known, 2, got, err);
    if (status != WEFT_OK)
        return status;
    m->norm = got[0];
    m->turn = got[1];
    status = m->kernels->add(h, &decls[0].known, 2, &image.known, err);
    m->copy = status == WEFT_OK ? m->kernels->find(h, "copy") : NULL;
    return status;
}

static void destroy(void *self)
{
    modality *m = (modality *)self;
    m->host->free(m->host, m);
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const weft_host *h = ((modality *)self)->host;
    GROWN(weft_xattn) x;
    GROWN(weft_hook_site) site;
    GROWN(weft_marker) marker;
    HANDED(h, weft_hook_sink, sink);
    site.known = (weft_hook_site){
        .kind = WEFT_HOOK_SOFT_TOKENS, .layer = -1, .stream = STREAM, .name = "soft"};
    marker.known = (weft_marker){
        .token = "<|sizes|>", .stream = STREAM, .token_id = -1, .visibility = WEFT_VIS_UNTIL_END};
    x.known = (weft_xattn){.n_heads = HEADS,
                           .n_kv_heads = 2,
                           .head_dim = D / HEADS,
                           .d_src = D,
                           .norm_eps = 1e-5f,
                           .w_q = "model.layers.0.self_attn.q_proj.weight",
                           .w_k = "model.layers.0.self_attn.k_proj.weight",
                           .w_v = "model.layers.0.self_attn.v_proj.weight",
                           .w_o = "model.layers.0.self_attn.o_proj.weight",
                           .norm_in = "model.norm.weight"};
    GROW(weft_hook_site, &site);
    GROW(weft_marker, &marker);
    GROW(weft_xattn, &x);
    weft_status status = sink->add_site(sink->ctx, &site.known, err);
    site.known.kind = WEFT_HOOK_XATTN;
    site.known.layer = 1;
    site.known.stream = STREAM_CROSS;
    site.known.xattn = &x.known;
    site.known.name = "cross";
    if (status == WEFT_OK)
        status = sink->add_site(sink->ctx, &site.known, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker.known, err) : status;
}

static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const weft_host       *h = ((modality *)self)->host;
    const int64_t          rows = mi->n_samples;
    const weft_tensor_spec values = {WEFT_F32, 2, {rows, D}}, bounds = {WEFT_I32, 1, {2}},
                           places = {WEFT_I32, 1, {rows}};
    HANDED(h, weft_request, rq);
    HANDED(h, weft_plan, out);
    HANDED(h, weft_plan_tensor, out->inputs);
    (void)lim;
    if (rows < 1 || rows > MAX_ROWS)
        return weft_fail(err, WEFT_E_LIMIT, "%lld rows are none or too many", (long long)rows);
    (void)weft_plan_input(out, "sizes.input", values);
    (void)weft_plan_input(out, "sizes.bounds", bounds);
    (void)weft_plan_input(out, "sizes.places", places);
    (void)weft_plan_output(out, "sizes.soft", STREAM, rows, values);
    (void)weft_plan_output(out, "sizes.cross", STREAM_CROSS, rows, values);
    out->n_placeholders = rows;
    out->scratch_bytes = (uint64_t)(rows * D) * sizeof(float);
    return WEFT_OK;
}

static weft_status preprocess(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    float         value[MAX_ROWS], *out = (float *)inputs[0].data;
    const int64_t rows = p->n_placeholders, shape[2] = {rows, 1};
    weft_tensor   dst = weft_view(NULL, value, WEFT_F32, 2, shape);
    int64_t       got = 0;
    HANDED(((modality *)self)->host, weft_media, m);
    weft_status status = m->read_audio(m->ctx, rows, &dst, &got, err);
    if (status == WEFT_OK && got != rows)
        return weft_fail(err, WEFT_E_CORRUPT, "it ends too soon");
    for (int64_t i = 0; i < rows * D && status == WEFT_OK; i++)
        out[i] = value[i / D] * (float)(i % D % 5 + 1) * 0.1f;
    ((int32_t *)inputs[1].data)[1] = (int32_t)rows;
    for (int32_t i = 0; i < (int32_t)rows; i++)
        ((int32_t *)inputs[2].data)[i] = i;
    return status;
}

static weft_status mix(modality *m, const weft_encode_item *item, weft_queue *q, weft_tensor *x,
                       weft_error *err)
{
    weft_tensor cross = weft_split(&item->output[1], 1, D / HEADS);
    GROWN(weft_rope) rope;
    GROWN(weft_attention) at;
    rope.known = (weft_rope){.x = x, .positions = &item->input[2], .base = 10000.0f};
    at.known = (weft_attention){.q = x,
                                .k = x,
                                .v = x,
                                .out = &cross,
                                .q_begin = &item->input[1],
                                .k_begin = &item->input[1],
                                .scale = 0.3f,
                                .n = 1};
    GROW(weft_rope, &rope);
    GROW(weft_attention, &at);
    weft_status status = m->ops->rope(m->host, q, &rope.known, err);
    return status == WEFT_OK ? m->ops->attention(m->host, q, &at.known, err) : status;
}

static weft_status encode_one(modality *m, const weft_encode_item *item, weft_queue *q,
                              void *scratch, weft_error *err)
{
    const weft_tensor *in = &item->input[0];
    weft_tensor        rows = weft_view(in, scratch, WEFT_F32, 2, in->shape);
    weft_tensor        x = weft_split(&rows, 1, D / HEADS);
    void              *to = item->output[0].data, *from = in->data;
    void              *args[] = {&to, &from};
    GROWN(weft_launch) l;
    HANDED(m->host, weft_encode_item, item);
    l.known = (weft_launch){.n = in->shape[0], .grain = 1};
    GROW(weft_launch, &l);
    weft_status status = m->kernels->launch(m->host, q, m->copy, &l.known, args, err);
    if (status == WEFT_OK)
        status = m->ops->copy(m->host, q, &rows, in, err);
    return status == WEFT_OK ? mix(m, item, q, &x, err) : status;
}

static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    weft_status status = WEFT_OK;
    char       *at = (char *)scratch->data;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const weft_encode_item *item = (const weft_encode_item *)WEFT_AT(items, i);
        status = encode_one((modality *)self, item, q, at, err);
        at += item->plan->scratch_bytes;
    }
    return status;
}

/* ---- plugin ---- */

static const char *const kinds[] = {KIND, NULL};
static GROWN(weft_modality) sizes_modality = {.known = {.kinds = kinds,
                                                        .create = create,
                                                        .load = load,
                                                        .destroy = destroy,
                                                        .install = install,
                                                        .plan = plan,
                                                        .preprocess = preprocess,
                                                        .encode = encode,
                                                        .weights = weights}};
static GROWN(weft_component) components[5] = {
    {.known = {.kind = WEFT_C_DECODER, .name = "sizes", .vtable = &sizes_decoder}},
    {.known = {.kind = WEFT_C_MODALITY, .name = "sizes", .vtable = &sizes_modality}},
    {.known = {.kind = WEFT_C_SEGMENTER, .name = "sizes", .vtable = &sizes_segmenter}},
    {.known = {.kind = WEFT_C_TOKENIZER, .name = "sizes", .vtable = &sizes_tokenizer}},
    {.known = {.kind = WEFT_C_CHECKPOINT, .name = "sizes", .vtable = &sizes_checkpoint}}};
static GROWN(weft_option) options[2] = {
    {.known = {.key = "first", .type = WEFT_OPT_I64, .dflt = "7", .range = "0..9", .doc = "one"}},
    {.known = {.key = "second", .type = WEFT_OPT_STR, .dflt = "x", .doc = "two"}}};
static const char *const needs[] = {WEFT_IF_OPTIONS, WEFT_IF_PACKAGE,  WEFT_IF_WEIGHTS, WEFT_IF_OPS,
                                    WEFT_IF_KERNELS, WEFT_IF_SERVICES, WEFT_IF_POOL,    NULL};
static GROWN(weft_descriptor) descriptor = {.known = {.id = KIND,
                                                      .name = "sizes",
                                                      .version = "1.0",
                                                      .needs_host = needs,
                                                      .options = &options[0].known,
                                                      .components = &components[0].known,
                                                      .n_options = 2,
                                                      .n_components = 5}};

static const weft_descriptor *grown(void)
{
    GROW(weft_decoder, &sizes_decoder);
    GROW(weft_segmenter, &sizes_segmenter);
    GROW(weft_tokenizer, &sizes_tokenizer);
    GROW(weft_checkpoint, &sizes_checkpoint);
    GROW(weft_modality, &sizes_modality);
    for (int i = 0; i < 5; i++)
        GROW(weft_component, &components[i]);
    for (int i = 0; i < 2; i++)
        GROW(weft_option, &options[i]);
    GROW(weft_descriptor, &descriptor);
    return &descriptor.known;
}

static weft_hello hello_seen;
static weft_hdr   plugin_seen;

static weft_status init(const weft_host *h, weft_error *err)
{
    const weft_if_options *o = (const weft_if_options *)h->get_interface(h, WEFT_IF_OPTIONS);
    HANDED(h, weft_host, h);
    HANDED(h, weft_hello, &hello_seen);
    HANDED(h, weft_plugin, &plugin_seen);
    HANDED(h, weft_if_options, o);
    HANDED(h, weft_if_package, h->get_interface(h, WEFT_IF_PACKAGE));
    HANDED(h, weft_if_weights, h->get_interface(h, WEFT_IF_WEIGHTS));
    HANDED(h, weft_if_ops, h->get_interface(h, WEFT_IF_OPS));
    HANDED(h, weft_if_kernels, h->get_interface(h, WEFT_IF_KERNELS));
    HANDED(h, weft_if_services, h->get_interface(h, WEFT_IF_SERVICES));
    HANDED(h, weft_if_pool, h->get_interface(h, WEFT_IF_POOL));
    if (o->i64(h, "first") != 7 || strcmp(o->str(h, "second"), "set") != 0)
        return weft_fail(err, WEFT_E_INTERNAL, "the options are others");
    return WEFT_OK;
}

/* The entry that every plugin has, below one that looks at what it is given. */
#define weft_plugin_entry known_entry
WEFT_PLUGIN(KIND, "1.0",
            "components=decoder:sizes,modality:sizes,segmenter:sizes,tokenizer:sizes,"
            "checkpoint:sizes\narchitectures=SizesForCausalLM\n",
            grown(), init, NULL)
#undef weft_plugin_entry

WEFT_EXPORT weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out,
                                          weft_error *err);
weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err)
{
    hello_seen = *hello;
    plugin_seen = out->hdr;
    return known_entry(hello, out, err);
}
