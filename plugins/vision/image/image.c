/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "image". It makes the encoder's inputs from pixels, and from
 * those the rows that the cross-attention sites read. The arithmetic is in ../shared/preprocess.c
 * and vit.c, the plan in plan.c. */
#include "../shared/picture.h"
#include "vision.h"

static weft_status image_preprocess(void *self, const weft_media *media, const weft_plan *p,
                                    const weft_tensor *inputs, weft_error *err)
{
    const vis_modality *m = self;
    vis_carried         what;
    memcpy(&what, p->carried, sizeof what);
    if (what.width < 1 || media->info->width != what.width || media->info->height != what.height)
        return weft_fail(err, WEFT_E_STATE, "%s: the plan is not this picture's", VIS_ID);
    weft_status status = vis_picture_read(&m->pool, media, &m->config.image, &what.grid,
                                          inputs[VIS_PIXELS].data, err);
    if (status != WEFT_OK)
        return status;
    *(int64_t *)inputs[VIS_RATIO_ID].data = what.grid.aspect_ratio_id;
    *(int64_t *)inputs[VIS_NUM_TILES].data = what.grid.num_tiles;
    return WEFT_OK;
}

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status image_encode(void *self, const weft_encode_item *items, uint32_t n,
                                weft_queue *q, const weft_tensor *scratch, weft_error *err)
{
    const vis_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", VIS_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        int64_t                 id = *(const int64_t *)item->input_host[VIS_RATIO_ID].data;
        int64_t                 tiles = *(const int64_t *)item->input_host[VIS_NUM_TILES].data;
        status = vis_plan_check_ids(&m->config, id, tiles, err);
        if (status == WEFT_OK &&
            tiles * m->config.n != weft_plan_output_at(item->plan, 0)->stream_rows)
            status = weft_fail(err, WEFT_E_STATE, "%s: num_tiles is not the plan's", VIS_ID);
        const vis_batch one = {&item->input[VIS_PIXELS],
                               &item->input_host[VIS_PIXELS],
                               1,
                               (int32_t)id,
                               (int32_t)tiles,
                               0};
        if (status == WEFT_OK)
            status = vis_vit_encode(m, q, &one, &item->output[0], scratch, err);
    }
    return status;
}

static weft_status image_prompt(void *self, const char *task, const char **system,
                                const char **user, weft_error *err)
{
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe") == 0 ? ((const vis_modality *)self)->config.describe : NULL;
    return WEFT_OK;
}

static weft_status image_load(void *self, weft_error *err)
{
    vis_modality *m = self;
    weft_status   status = vis_kernels_find(m->host, &m->kernels, err);
    if (status == WEFT_OK)
        status = vis_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t image_parameters(void *self)
{
    const vis_modality *m = self;
    /* The marker's table is counted too: the rows of embed_tokens beyond the vocabulary, of which
     * only one is read. */
    return vis_weights_count(m->host, &m->config) +
           (uint64_t)VIS_EXTRA_ROWS * (uint64_t)m->config.text.d_model;
}

static weft_status image_weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const vis_modality *m = self;
    return vis_weights_tell(m->host, m->package, &m->config, sink, err);
}

/* Shows every tile that holds pixels as a picture. */
static weft_status image_preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                                 weft_tensor *rgb, weft_error *err)
{
    const vis_config *c = &((const vis_modality *)self)->config;
    const int64_t     n = weft_plan_output_at(p, 0)->stream_rows / c->n, side = c->tile;
    const int64_t     shape[4] = {n, side, side, 3};
    const weft_tensor want = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    if (rgb->data != NULL && rgb->bytes < want.bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: %lld tiles do not fit where they are to go",
                         VIS_ID, (long long)n);
    for (int64_t i = 0; rgb->data != NULL && i < n; i++)
        vis_show_tile(&c->image, (const float *)inputs[VIS_PIXELS].data + i * 3 * side * side,
                      (uint8_t *)rgb->data + i * 3 * side * side, 3 * side);
    *rgb = want;
    return WEFT_OK;
}

static void image_destroy(void *self)
{
    vis_modality *m = self;
    if (m == NULL)
        return;
    if (((vis_engine *)*m->host->slot)->live == m)
        ((vis_engine *)*m->host->slot)->live = NULL;
    vis_weights_free(m->host, &m->weights);
    m->host->free(m->host, m);
}

static weft_status image_create(const weft_host *h, const weft_model_info *mi, void **self,
                                weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, VIS_ID, sizeof(vis_modality), self, err);
    if (status != WEFT_OK)
        return status;
    vis_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->pool = plg_pool_of(h);
    m->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    m->core_layers = mi->n_layers;
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = vis_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = vis_adapter_check(m, err);
    if (status != WEFT_OK) {
        image_destroy(m);
        *self = NULL;
        return status;
    }
    ((vis_engine *)*h->slot)->live = m;
    return WEFT_OK;
}

static const char *const kinds[] = {"image", NULL};

const weft_modality vis_image_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = image_create,
    .load = image_load,
    .destroy = image_destroy,
    .install = vis_adapter_install,
    .prompt = image_prompt,
    .plan = vis_plan,
    .plan_inputs = vis_plan_inputs,
    .preprocess = image_preprocess,
    .encode = image_encode,
    .parameters = image_parameters,
    .preview = image_preview,
    .weights = image_weights,
};
