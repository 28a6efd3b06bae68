/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a model directory's JSON files, each ended by a NUL (config.json,
 * preprocessor_config.json, processor_config.json, adapter_config.json; an empty one is not there),
 * and then bytes that say what a medium is like. The adapter that is linked in opens it, declares
 * its sites, tells its weights, plans the medium and, where that is small, reads it. What it gives
 * must be what weft/modality.h promises, and nothing may be left when it is closed. */
#include "tests/support/fake_host.h"
#include "weft/checkpoint.h"
#include "weft/services.h"
#include "weft/sdk.h"

#include <stdlib.h>

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

#define ZEROS ((uint64_t)1 << 20) /* numbers of the largest tensor that the directory has */
#define SMALL ((uint64_t)1 << 20) /* bytes of inputs, and pixels, that are really made */
#define MAX_SIDE 65535

weft_status weft_plugin_entry(const weft_hello *hello, weft_plugin *out, weft_error *err);
int         LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"config.json", "preprocessor_config.json",
                                    "processor_config.json", "adapter_config.json"};
#define N_FILES (sizeof files / sizeof *files)

/* ---- the host's side ---- */

static uint32_t salt; /* of the input: which tensors there are */

static int32_t has(const weft_host *h, const weft_package *p, const char *name)
{
    uint32_t hash = salt;
    (void)h, (void)p;
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return (hash >> 16 & 3) != 0;
}

static weft_status get(const weft_host *h, const weft_package *p, const weft_weight *want,
                       uint32_t n, weft_tensor *out, weft_error *err)
{
    static float zeros[ZEROS];
    CHECK(n > 0);
    for (uint32_t i = 0; i < n; i++) {
        const weft_weight *w = WEFT_AT(want, i);
        uint64_t           all = 1;
        for (int32_t d = 0; d < w->ndim; d++)
            if (w->shape[d] < 1 || __builtin_mul_overflow(all, (uint64_t)w->shape[d], &all))
                all = ZEROS + 1;
        if (all > ZEROS || w->use != WEFT_USE_HOST || !has(h, p, w->name))
            return weft_fail(err, WEFT_E_CORRUPT, "%s does not fit", w->name);
        out[i] = weft_view(NULL, zeros, WEFT_F32, w->ndim, w->shape);
    }
    return WEFT_OK;
}

static weft_status publish(const weft_host *h, const char *id, const void *vtable, void *self,
                           weft_error *err)
{
    (void)h, (void)id, (void)vtable, (void)self, (void)err;
    return WEFT_OK;
}

static weft_status acquire(const weft_host *h, const char *id, const void **vtable, void **self,
                           weft_error *err)
{
    (void)h, (void)vtable, (void)self;
    return weft_fail(err, WEFT_E_NOTFOUND, "nobody gives %s", id);
}

static weft_status kernels_add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                               const weft_fatbin *gpu, weft_error *err)
{
    (void)h, (void)k, (void)n, (void)gpu, (void)err;
    return WEFT_OK;
}

static const weft_kernel *kernels_find(const weft_host *h, const char *name)
{
    (void)h;
    return (const weft_kernel *)(const void *)name;
}

static weft_status add_weights(void *ctx, const weft_package *p, const weft_weight *want,
                               uint32_t n, weft_error *err)
{
    (void)ctx, (void)p, (void)err;
    for (uint32_t i = 0; i < n; i++) {
        const weft_weight *w = WEFT_AT(want, i);
        CHECK(w->name != NULL && w->name[0] != '\0' && w->ndim >= 1 && w->ndim <= WEFT_MAX_DIMS);
        for (int32_t d = 0; d < w->ndim; d++)
            CHECK(w->shape[d] >= 1);
    }
    return WEFT_OK;
}

static weft_status add_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    (void)ctx, (void)err;
    CHECK(s->stream != NULL && s->layer >= -1);
    return WEFT_OK;
}

static weft_status add_marker(void *ctx, const weft_marker *m, weft_error *err)
{
    (void)ctx, (void)err;
    CHECK(m->token != NULL && m->stream != NULL && m->token_id >= -1);
    return WEFT_OK;
}

static const weft_if_ops      ops = {.hdr = WEFT_HDR(weft_if_ops)};
static const weft_if_weights  weights = {WEFT_HDR(weft_if_weights), get, has};
static const weft_if_services services = {WEFT_HDR(weft_if_services), publish, acquire};
static const weft_if_kernels kernels = {WEFT_HDR(weft_if_kernels), kernels_add, kernels_find, NULL};

/* ---- the medium ---- */

typedef struct medium {
    weft_media_info info;
    weft_request    rq;
    int64_t         left; /* samples that come, whatever info says */
} medium;

static int64_t take(const uint8_t **p, size_t *n, size_t bytes)
{
    uint64_t v = 0;
    for (; bytes > 0 && *n > 0; bytes--, (*n)--)
        v = v << 8 | *(*p)++;
    return (int64_t)v;
}

/* Within what a host lets through. */
static medium medium_of(const char *kind, const uint8_t *p, size_t n)
{
    medium m = {.info = {.hdr = WEFT_HDR(weft_media_info), .kind = kind},
                .rq = {WEFT_HDR(weft_request), -1, -1, -1, 0}};
    m.info.width = 1 + (int32_t)(take(&p, &n, 2) % MAX_SIDE);
    m.info.height = 1 + (int32_t)(take(&p, &n, 2) % MAX_SIDE);
    m.info.has_alpha = (int32_t)(take(&p, &n, 1) & 1);
    if (strcmp(kind, "audio") == 0) {
        m.info.channels = 1 + (int32_t)(take(&p, &n, 1) & 7);
        m.info.sample_rate = 1 + (int32_t)(take(&p, &n, 3) % 768000);
        m.info.n_samples = take(&p, &n, 5) - 1;
    }
    if (strcmp(kind, "image") != 0)
        m.info.duration_us = take(&p, &n, 5);
    m.info.fps_num = (int32_t)take(&p, &n, 2);
    m.info.fps_den = (int32_t)take(&p, &n, 2);
    m.rq.max_frames = (int32_t)take(&p, &n, 1) - 1;
    m.left = take(&p, &n, 2);
    return m;
}

static weft_status read_frames(void *ctx, const int64_t *time_us, uint32_t n,
                               const weft_tensor *dst, int64_t *at_us, weft_error *err)
{
    (void)ctx, (void)err;
    memset(dst->data, 0x5a, (size_t)dst->bytes);
    for (uint32_t i = 0; i < n; i++)
        at_us[i] = time_us[i];
    return WEFT_OK;
}

static weft_status read_audio(void *ctx, int64_t n, const weft_tensor *dst, int64_t *got,
                              weft_error *err)
{
    medium *m = ctx;
    (void)err;
    *got = n < m->left ? n : m->left;
    m->left -= *got;
    memset(dst->data, 0, (size_t)dst->bytes);
    return WEFT_OK;
}

/* ---- what is asked of the adapter ---- */

typedef struct room {
    weft_plan_tensor input[WEFT_PLAN_TENSORS], output[WEFT_PLAN_TENSORS];
    _Alignas(16) uint8_t carried[WEFT_PLAN_CARRIED];
    char      layout[WEFT_PLAN_LAYOUT];
    weft_plan plan;
} room;

static void room_begin(room *r)
{
    memset(r, 0, sizeof *r);
    for (int k = 0; k < WEFT_PLAN_TENSORS; k++)
        r->input[k].hdr.size = r->output[k].hdr.size = (uint32_t)sizeof(weft_plan_tensor);
    r->plan = (weft_plan){.hdr = WEFT_HDR(weft_plan),
                          .max_inputs = WEFT_PLAN_TENSORS,
                          .max_outputs = WEFT_PLAN_TENSORS,
                          .inputs = r->input,
                          .outputs = r->output,
                          .carried = r->carried,
                          .carried_bytes = WEFT_PLAN_CARRIED,
                          .layout = r->layout,
                          .layout_bytes = WEFT_PLAN_LAYOUT};
}

/* Bytes; traps where a size is none or the product does not fit. */
static uint64_t bytes_of(const weft_plan_tensor *t)
{
    uint64_t n = t->spec.dtype.bits / 8u;
    CHECK(t->name != NULL && n > 0 && t->spec.ndim >= 1 && t->spec.ndim <= WEFT_MAX_DIMS);
    for (int32_t d = 0; d < t->spec.ndim; d++)
        CHECK(t->spec.shape[d] >= 1 && !__builtin_mul_overflow(n, (uint64_t)t->spec.shape[d], &n));
    return n;
}

/* The bytes of all inputs. */
static uint64_t check_plan(const room *r)
{
    const weft_plan *p = &r->plan;
    uint64_t         all = 0;
    CHECK(p->n_inputs <= WEFT_PLAN_TENSORS && p->n_outputs >= 1 &&
          p->n_outputs <= WEFT_PLAN_TENSORS);
    CHECK(p->n_placeholders >= 1 && memchr(r->layout, '\0', sizeof r->layout) != NULL);
    for (uint32_t i = 0; i < p->n_inputs; i++)
        CHECK(!__builtin_add_overflow(all, bytes_of(&p->inputs[i]), &all));
    for (uint32_t i = 0; i < p->n_outputs; i++)
        (void)bytes_of(&p->outputs[i]);
    return all;
}

static void read_medium(const weft_modality *vt, void *self, const room *r, medium *m)
{
    weft_tensor inputs[WEFT_PLAN_TENSORS];
    void       *data[WEFT_PLAN_TENSORS];
    weft_error  err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_media  media = {WEFT_HDR(weft_media), m, &m->info, read_frames, read_audio, NULL};
    for (uint32_t i = 0; i < r->plan.n_inputs; i++) {
        const weft_plan_tensor *t = &r->plan.inputs[i];
        data[i] = calloc(1, (size_t)bytes_of(t)); /* of its own, so that a step beyond it is seen */
        CHECK(data[i] != NULL);
        inputs[i] = weft_view(NULL, data[i], t->spec.dtype, t->spec.ndim, t->spec.shape);
    }
    (void)vt->preprocess(self, &media, &r->plan, inputs, &err);
    for (uint32_t i = 0; i < r->plan.n_inputs; i++)
        free(data[i]);
}

static void plan_medium(const weft_modality *vt, void *self, medium *m)
{
    static const weft_limits lim = {.hdr = WEFT_HDR(weft_limits),
                                    .max_pixels = (uint64_t)1 << 28,
                                    .max_side = MAX_SIDE,
                                    .max_frames = 64,
                                    .max_samples = (uint64_t)1 << 30,
                                    .max_decoded_bytes = (uint64_t)1 << 30,
                                    .max_tokens = (uint64_t)1 << 20};
    static room              r;
    weft_error               err = {WEFT_HDR(weft_error), 0, 0, {0}};
    room_begin(&r);
    if (vt->plan(self, &m->info, &m->rq, &lim, &r.plan, &err) != WEFT_OK) {
        CHECK(err.message[0] != '\0');
        return;
    }
    const uint64_t pixels = (uint64_t)m->info.width * (uint64_t)m->info.height;
    if (check_plan(&r) <= SMALL && pixels <= SMALL)
        read_medium(vt, self, &r, m);
}

static void ask_all(const weft_modality *vt, void *self, const uint8_t *data, size_t n)
{
    const weft_hook_sink   hooks = {WEFT_HDR(weft_hook_sink), NULL, add_site, add_marker};
    const weft_weight_sink sink = {WEFT_HDR(weft_weight_sink), NULL, add_weights};
    weft_error             err = {WEFT_HDR(weft_error), 0, 0, {0}};
    const char            *system = NULL, *user = NULL;
    (void)vt->install(self, &hooks, &err);
    if (vt->parameters != NULL)
        (void)vt->parameters(self);
    if (vt->weights != NULL)
        (void)vt->weights(self, &sink, &err);
    if (vt->prompt != NULL)
        (void)vt->prompt(self, "describe", &system, &user, &err);
    for (int k = 0; vt->kinds[k] != NULL; k++) {
        medium m = medium_of(vt->kinds[k], data, n);
        plan_medium(vt, self, &m);
    }
}

/* Of the text core, by the length of the medium's bytes: the seeds' are 32 wide; 0: there is none.
 */
static const int32_t widths[] = {0, 32, 32, 64};

static void open_directory(const weft_plugin *me, fake_host *h, const weft_package *p,
                           const uint8_t *data, size_t n)
{
    for (uint32_t i = 0; i < me->desc->n_components; i++) {
        const weft_component *c = &me->desc->components[i];
        weft_error            err = {WEFT_HDR(weft_error), 0, 0, {0}};
        weft_text_map         map = {.hdr = WEFT_HDR(weft_text_map)};
        void                 *self = NULL;
        if (strcmp(c->kind, WEFT_C_CHECKPOINT) == 0) {
            const weft_checkpoint *vt = c->vtable;
            CHECK(vt->text_map(&h->host, p, &map, &err) == WEFT_OK || err.message[0] != '\0');
        }
        if (strcmp(c->kind, WEFT_C_MODALITY) != 0)
            continue;
        const weft_modality  *vt = c->vtable;
        const weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                                    .package = p,
                                    .n_layers = widths[n & 3] > 0 ? 3 : 0,
                                    .d_model = widths[n & 3],
                                    .n_heads = 4,
                                    .n_kv_heads = 2,
                                    .head_dim = widths[n & 3] / 4,
                                    .vocab = 512,
                                    .norm_eps = 1e-5f};
        if (vt->create(&h->host, &mi, &self, &err) != WEFT_OK) {
            CHECK(self == NULL && err.message[0] != '\0');
            continue;
        }
        ask_all(vt, self, data, n);
        vt->destroy(self);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weft_hello hello = {
        WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0, "fuzz", "0"};
    weft_plugin me = {.hdr = WEFT_HDR(weft_plugin)};
    fake_host   h;
    salt = 2166136261u ^ (uint32_t)size;
    fake_host_init(&h, NULL, 0);
    fake_host_provide(&h, WEFT_IF_OPS, &ops);
    fake_host_provide(&h, WEFT_IF_WEIGHTS, &weights);
    fake_host_provide(&h, WEFT_IF_KERNELS, &kernels);
    fake_host_provide(&h, WEFT_IF_SERVICES, &services);
    weft_package *p = fake_package_open(&h, NULL);
    for (size_t i = 0; i < N_FILES; i++) {
        const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
        const size_t   n = end != NULL ? (size_t)(end - data) : size;
        fake_package_put(p, files[i], n > 0 ? data : NULL, n);
        data += end != NULL ? n + 1 : n;
        size -= end != NULL ? n + 1 : n;
    }
    CHECK(weft_plugin_entry(&hello, &me, NULL) == WEFT_OK);
    CHECK(me.init == NULL || me.init(&h.host, NULL) == WEFT_OK);
    open_directory(&me, &h, p, data, size);
    if (me.deinit != NULL)
        me.deinit(&h.host);
    CHECK(h.blocks_live == 0);
    fake_host_deinit(&h);
    return 0;
}
