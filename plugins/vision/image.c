/* SPDX-License-Identifier: Apache-2.0 */
/* The modality "image": from pixels to the encoder's inputs, from those to rows for the
 * cross-attention sites. The arithmetic is in preprocess.c and vit.c, the plan in plan.c. */
#include "vision.h"

/* Pixels as they come from the decoder into RGB, and through preprocess.c into the first input. */
static weft_status prepare(const vis_modality *m, const weft_media *media, const vis_carried *what,
                           uint8_t *px, void *scratch, const weft_tensor *inputs, weft_error *err)
{
    const int64_t channels = media->info->has_alpha ? 4 : 3, now = 0;
    const int64_t shape[4] = {1, what->height, what->width, channels};
    weft_tensor   frame = weft_view(NULL, px, WEFT_U8, 4, shape);
    int64_t       at;
    weft_status   status = media->read_frames(media->ctx, &now, 1, &frame, &at, err);
    if (status != WEFT_OK)
        return status;
    if (channels == 4)
        vis_flatten_alpha(px, (uint64_t)(shape[1] * shape[2]));
    vis_preprocess(&m->config.image, &what->grid, px, what->width, what->height,
                   inputs[VIS_PIXELS].data, scratch);
    *(int64_t *)inputs[VIS_RATIO_ID].data = what->grid.aspect_ratio_id;
    *(int64_t *)inputs[VIS_NUM_TILES].data = what->grid.num_tiles;
    return WEFT_OK;
}

static weft_status image_preprocess(void *self, const weft_media *media, const weft_plan *p,
                                    const weft_tensor *inputs, weft_error *err)
{
    const vis_modality *m = self;
    const weft_host    *h = m->host;
    vis_carried         what;
    memcpy(&what, p->opaque, sizeof what);
    if (what.width < 1 || media->info->width != what.width || media->info->height != what.height)
        return weft_fail(err, WEFT_E_STATE, "%s: the plan is not this picture's", VIS_ID);
    uint64_t scratch_bytes = vis_preprocess_scratch(what.width, what.height, &what.grid);
    if (scratch_bytes == 0)
        return weft_fail(err, WEFT_E_LIMIT,
                         "a picture of %d x %d pixels is too large: scale it down", what.width,
                         what.height);
    /* sides are at most VIS_MAX_SIDE: the grid was chosen for them */
    uint64_t bytes =
        (uint64_t)what.width * (uint64_t)what.height * (media->info->has_alpha ? 4u : 3u);
    uint8_t *px = h->alloc(h, bytes, 64);
    void    *scratch = h->alloc(h, scratch_bytes, 64);

    weft_status status = WEFT_OK;
    if (px == NULL || scratch == NULL)
        status = weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of pixels",
                           (unsigned long long)(bytes + scratch_bytes));
    else
        status = prepare(m, media, &what, px, scratch, inputs, err);
    h->free(h, scratch);
    h->free(h, px);
    return status;
}

/* One after the other: the queue keeps the order, so all of them use the same scratch, and no
 * item's bytes can depend on another's. */
static weft_status image_encode(void *self, const weft_encode_item *items, uint32_t n,
                                weft_queue *q, const weft_tensor *scratch, weft_error *err)
{
    const vis_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", VIS_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = &items[i];
        int64_t                 id = *(const int64_t *)item->input_host[VIS_RATIO_ID].data;
        int64_t                 tiles = *(const int64_t *)item->input_host[VIS_NUM_TILES].data;
        status = vis_plan_check_ids(&m->config, id, tiles, err);
        if (status == WEFT_OK && tiles * m->config.n != item->plan->stream_rows[0])
            status = weft_fail(err, WEFT_E_STATE, "%s: num_tiles is not the plan's", VIS_ID);
        if (status == WEFT_OK)
            status = vis_vit_encode(m, q, &item->input[VIS_PIXELS], (int32_t)id, (int32_t)tiles,
                                    &item->output[0], scratch, err);
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
    /* With the marker's table: rows beyond the vocabulary in embed_tokens, of which one is read. */
    return vis_weights_count(m->host, &m->config) + (uint64_t)VIS_EXTRA_ROWS * (uint64_t)m->config.text.d_model;
}

static void image_destroy(void *self)
{
    vis_modality *m = self;
    if (m == NULL)
        return;
    vis_weights_free(m->host, &m->weights);
    m->host->free(m->host, m);
}

static weft_status image_create(const weft_host *h, const weft_model_info *mi, void **self,
                                weft_error *err)
{
    *self = NULL;
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "%s was given no model directory", VIS_ID);
    vis_modality *m = h->alloc(h, sizeof *m, 16);
    if (m == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %s", VIS_ID);
    memset(m, 0, sizeof *m);
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    m->core_layers = mi->n_layers;
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    weft_status status = vis_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = vis_adapter_check(m, err);
    if (status != WEFT_OK) {
        image_destroy(m);
        return status;
    }
    *self = m;
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
};
