/* SPDX-License-Identifier: Apache-2.0 */
/* The modality components for pictures, and for pictures and clips: life cycle and prompts. */
#include "idefics3.h"

static const id3_carried *carried(const weft_plan *p)
{
    return p->carried;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    const id3_modality *m = self;
    const id3_carried  *what = carried(p);
    int64_t             at[ID3_MAX_FRAMES] = {0};
    int32_t             n = 1;
    if (what->clip.asked > 0)
        n = id3_clip_frames(&what->clip, at);
    for (int32_t i = 0; i < n && what->clip.asked > 0; i++)
        at[i] = id3_clip_time(&what->clip, at[i]);
    return id3_frames_read(&m->pool, media, &m->config, &what->grid, at, n, inputs[0].data, err);
}

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const id3_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", ID3_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        const id3_carried      *what = carried(item->plan);
        status = id3_encode(m, q, what->n_tiles, &item->input[0],
                            what->masked ? item->input_host[1].data : NULL, &item->output[0],
                            &item->output[1], scratch, err);
    }
    return status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    const id3_config *c = &((const id3_modality *)self)->config;
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe video") == 0 ? c->describe_clip
            : strcmp(task, "describe") == 0     ? c->describe
                                                : NULL;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    id3_modality *m = self;
    weft_status   status = id3_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const id3_modality *m = self;
    return id3_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const id3_modality *m = self;
    return id3_weights_tell(m->host, m->package, &m->config, sink, err);
}

/* Shows the tiles in their order, the global one last. */
static weft_status preview(void *self, const weft_plan *p, const weft_tensor *inputs,
                           weft_tensor *rgb, weft_error *err)
{
    const id3_config *c = &((const id3_modality *)self)->config;
    const int64_t     side = c->tower.tile, n = carried(p)->n_tiles;
    const int64_t     shape[4] = {n, side, side, 3};
    const weft_tensor want = weft_view(NULL, rgb->data, WEFT_U8, 4, shape);
    if (rgb->data != NULL && rgb->bytes < want.bytes)
        return weft_fail(err, WEFT_E_INVALID, "%s: the tiles do not fit where they are to go",
                         ID3_ID);
    for (int64_t i = 0; rgb->data != NULL && i < n; i++)
        vis_show_tile(&c->image, (const float *)inputs[0].data + i * 3 * side * side,
                      (uint8_t *)rgb->data + i * 3 * side * side, 3 * side);
    *rgb = want;
    return WEFT_OK;
}

static void destroy(void *self)
{
    id3_modality *m = self;
    if (m == NULL)
        return;
    id3_weights_free(m->host, &m->weights);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, int clips, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, ID3_ID, sizeof(id3_modality), self, err);
    if (status != WEFT_OK)
        return status;
    id3_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->pool = plg_pool_of(h);
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = id3_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK && clips != (m->config.clip.max_frames > 0))
        status = weft_fail(err, WEFT_E_UNSUPPORTED,
                           clips ? "this model knows no clips: " ID3_PREPROCESSOR
                                   " has no video_sampling"
                                 : "this model knows clips too");
    if (status == WEFT_OK)
        status = id3_hooks_check(m, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static weft_status create_pictures(const weft_host *h, const weft_model_info *mi, void **self,
                                   weft_error *err)
{
    return create(h, mi, 0, self, err);
}

static weft_status create_clips(const weft_host *h, const weft_model_info *mi, void **self,
                                weft_error *err)
{
    return create(h, mi, 1, self, err);
}

static const char *const pictures[] = {"image", NULL}, *const clips[] = {"image", "video", NULL};

#define TABLE(KINDS, CREATE)                                                                       \
    {                                                                                              \
        .hdr = WEFT_HDR(weft_modality), .kinds = KINDS, .create = CREATE, .load = load,            \
        .destroy = destroy, .install = id3_hooks_install, .prompt = prompt, .plan = id3_plan,      \
        .plan_inputs = id3_plan_inputs, .preprocess = preprocess, .encode = encode,                \
        .parameters = parameters, .preview = preview, .weights = weights,                          \
    }
const weft_modality id3_image_modality = TABLE(pictures, create_pictures);
const weft_modality id3_clip_modality = TABLE(clips, create_clips);
