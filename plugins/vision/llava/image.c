/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "image": its life cycle and prompt. */
#include "llava.h"

static const llv_grid *carried(const weft_plan *p)
{
    return p->carried;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const llv_modality *m = self;
    return llv_picture_read(&m->pool, media, &m->config, carried(p), inputs[0].data, err);
}

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const llv_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", LLV_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item  *item = WEFT_AT(items, i);
        static const weft_tensor none = {.ndim = 0};
        const weft_tensor       *out = item->output;
        status = llv_encode(m, q, carried(item->plan), &item->input[0], &out[0], &out[1],
                            m->config.is_next ? &out[2] : &none, scratch, err);
    }
    return status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe") == 0 ? ((const llv_modality *)self)->config.describe : NULL;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    llv_modality *m = self;
    weft_status   status = llv_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const llv_modality *m = self;
    return llv_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const llv_modality *m = self;
    return llv_weights_tell(m->host, m->package, &m->config, sink, err);
}

/* Shows the tiles in their order, the base one first. */
static weft_status preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err)
{
    const llv_config *c = &((const llv_modality *)self)->config;
    const int64_t     side = c->tower.tile, n = llv_grid_tiles(carried(p));
    const int64_t     shape[4] = {n, side, side, 3};
    const weft_tensor want = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    if (rgb->data != NULL && rgb->bytes < want.bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: the tiles do not fit where they are to go",
                         LLV_ID);
    for (int64_t i = 0; rgb->data != NULL && i < n; i++)
        vis_show_tile(&c->image, (const float *)inputs[0].data + i * 3 * side * side,
                      (uint8_t *)rgb->data + i * 3 * side * side, 3 * side);
    *rgb = want;
    return WEFT_OK;
}

static void destroy(void *self)
{
    llv_modality *m = self;
    if (m == NULL)
        return;
    llv_weights_free(m->host, &m->weights);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, LLV_ID, sizeof(llv_modality), self, err);
    if (status != WEFT_OK)
        return status;
    llv_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->pool = plg_pool_of(h);
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = llv_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = llv_hooks_check(m, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"image", NULL};

const weft_modality llv_image_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = llv_hooks_install,
    .prompt = prompt,
    .plan = llv_plan,
    .plan_inputs = llv_plan_inputs,
    .preprocess = preprocess,
    .encode = encode,
    .parameters = parameters,
    .preview = preview,
    .weights = weights,
};
