/* SPDX-License-Identifier: Apache-2.0 */
/* A test modality whose items are rows of the token stream: what it is given is what it gives. */
#include <weft/sdk.h>

typedef struct soft {
    const weft_if_ops *ops;
    const weft_host   *host;
    int64_t            d;
} soft;

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    soft *s = (soft *)h->alloc(h, sizeof *s, 16);
    if (s == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "no memory");
    s->host = h;
    s->ops = (const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS);
    s->d = mi->d_model;
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
    soft *s = (soft *)self;
    s->host->free(s->host, s);
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    weft_hook_site site = {
        WEFT_HDR(weft_hook_site), WEFT_HOOK_SOFT_TOKENS, -1, 0, 0, "test/soft", NULL, "soft"};
    weft_marker m = {WEFT_HDR(weft_marker),
                     "<|soft|>",
                     "test/soft",
                     -1,
                     WEFT_VIS_UNTIL_END,
                     NULL,
                     NULL,
                     NULL,
                     0,
                     0,
                     0};
    (void)self;
    weft_status status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &m, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self;
    (void)task;
    (void)err;
    *system = *user = NULL;
    return WEFT_OK;
}

static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    (void)self;
    (void)mi;
    (void)rq;
    (void)lim;
    (void)out;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "tensors only");
}

static weft_status plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                               uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                               weft_error *err)
{
    soft *s = (soft *)self;
    *n_items = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(names[i], "soft_rows") != 0)
            continue;
        if (inputs[i].ndim != 3 || inputs[i].shape[2] != s->d || inputs[i].shape[0] > (int64_t)cap)
            return weft_fail(err, WEFT_E_INVALID, "soft_rows is not [items, rows, d]");
        for (int64_t k = 0; k < inputs[i].shape[0]; k++) {
            weft_tensor_spec spec = {WEFT_F32, 2, {inputs[i].shape[1], s->d}};
            weft_plan       *p = WEFT_AT(out, k);
            (void)weft_plan_input(p, "soft_rows", spec);
            (void)weft_plan_output(p, "soft.output", "test/soft", spec.shape[0], spec);
            p->n_placeholders = spec.shape[0];
        }
        *n_items = (uint32_t)inputs[i].shape[0];
    }
    return WEFT_OK;
}

static weft_status preprocess(void *self, const weft_media *m, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    (void)self;
    (void)m;
    (void)p;
    (void)inputs;
    return weft_fail(err, WEFT_E_UNSUPPORTED, "tensors only");
}

static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    soft       *s = (soft *)self;
    weft_status status = WEFT_OK;
    (void)scratch;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++)
        status = s->ops->copy(s->host, q, &items[i].output[0], &items[i].input[0], err);
    return status;
}

static uint64_t parameters(void *self)
{
    (void)self;
    return 0;
}

static const char *const    kinds[] = {"test.rows", NULL};
static const weft_modality  modality = {.hdr = WEFT_HDR(weft_modality),
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
                                        .parameters = parameters};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "rows", &modality}};
static const char *const     needs[] = {WEFT_IF_OPS, NULL};
static const weft_descriptor descriptor = {WEFT_HDR(weft_descriptor),
                                           "test.soft",
                                           "soft rows",
                                           "0.1.0",
                                           "weft",
                                           "Apache-2.0",
                                           "",
                                           needs,
                                           NULL,
                                           NULL,
                                           NULL,
                                           components,
                                           0,
                                           1};

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

WEFT_PLUGIN("test.soft", "0.1.0", "components=modality:rows\n", &descriptor, init, deinit)
