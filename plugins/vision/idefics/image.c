/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "image": its life cycle and prompt. A batch of pictures is
 * handed to encoder.c one by one. */
#include "idefics.h"

#include "../shared/picture.h"

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const idf_modality *m = self;
    const vis_grid      grid = idf_grid(&m->config);
    (void)p;
    return vis_picture_read(&m->pool, media, &m->config.image, &grid, inputs[0].data, err);
}

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    static const weft_tensor none = {.ndim = 0};
    const idf_modality      *m = self;
    weft_status              status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", IDF_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        const weft_tensor      *out = item->output;
        status = idf_encode(m, q, &item->input[0], &out[0],
                            m->config.use_resampler ? &out[1] : &none, scratch, err);
    }
    return status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe") == 0 ? ((const idf_modality *)self)->config.describe : NULL;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    idf_modality *m = self;
    weft_status   status = idf_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const idf_modality *m = self;
    /* post_layernorm is counted too: it is in the file, though it is not read. */
    return idf_weights_count(m->host, &m->config) + 2 * (uint64_t)m->config.d;
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const idf_modality *m = self;
    return idf_weights_tell(m->host, m->package, &m->config, sink, err);
}

/* Shows the one tile as a picture. */
static weft_status preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err)
{
    const idf_config *c = &((const idf_modality *)self)->config;
    const int64_t     shape[4] = {1, c->tile, c->tile, 3};
    const weft_tensor want = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    (void)p;
    if (rgb->data != NULL && rgb->bytes < want.bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: a tile does not fit where it is to go", IDF_ID);
    if (rgb->data != NULL)
        vis_show_tile(&c->image, inputs[0].data, rgb->data, 3 * (int64_t)c->tile);
    *rgb = want;
    return WEFT_OK;
}

static void destroy(void *self)
{
    idf_modality *m = self;
    if (m == NULL)
        return;
    idf_weights_free(m->host, &m->weights);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, IDF_ID, sizeof(idf_modality), self, err);
    if (status != WEFT_OK)
        return status;
    idf_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->pool = plg_pool_of(h);
    m->core_layers = mi->n_layers;
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = idf_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = idf_adapter_check(m, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"image", NULL};

const weft_modality idf_image_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = idf_adapter_install,
    .prompt = prompt,
    .plan = idf_plan,
    .plan_inputs = idf_plan_inputs,
    .preprocess = preprocess,
    .encode = encode,
    .parameters = parameters,
    .preview = preview,
    .weights = weights,
};
