/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "video": its life cycle and prompts, and the picture encoder
 * of weft.vision that it uses. A batch of items is handed to encode.c one by one. */
#include "video.h"

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const vid_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", VID_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++)
        status = vid_encode(m, WEFT_AT(items, i), q, scratch, err);
    return status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)err;
    *system = NULL;
    *user = strcmp(task, "describe") == 0 ? ((const vid_modality *)self)->config.describe : NULL;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    vid_modality *m = self;
    weft_status   status = m->eyes->load(m->encoder, err);
    if (status == WEFT_OK)
        status = vid_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const vid_modality *m = self;
    const uint64_t marker = m->config.marker_id >= m->core_vocab ? (uint64_t)m->config.d_text : 0;
    return vid_weights_count(m->host, &m->config) + m->sizes.parameters + marker;
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const vid_modality *m = self;
    weft_status         status = WEFT_OK;
    if (WEFT_HAS(m->eyes, weft_if_vision_encoder, weights) && m->eyes->weights != NULL)
        status = m->eyes->weights(m->encoder, sink, err);
    return status == WEFT_OK ? vid_weights_tell(m->host, m->package, &m->config, sink, err)
                             : status;
}

static void destroy(void *self)
{
    vid_modality *m = self;
    if (m == NULL)
        return;
    vid_weights_free(m->host, &m->weights);
    if (m->eyes != NULL)
        m->eyes->close(m->encoder);
    m->host->free(m->host, m);
}

/* Opens the picture encoder: that of the directory which the option `encoder` names, or else the
 * image adapter's. */
static weft_status open_encoder(vid_modality *m, weft_error *err)
{
    const weft_if_options  *options = m->host->get_interface(m->host, WEFT_IF_OPTIONS);
    const weft_if_services *services = m->host->get_interface(m->host, WEFT_IF_SERVICES);
    const weft_package     *p = options->package(m->host, VID_OPT_ENCODER);
    const void             *vtable = NULL;
    void                   *service = NULL;
    m->batch_bytes = (uint64_t)options->i64(m->host, VID_OPT_BATCH) << 20;
    weft_status status = services->acquire(m->host, WEFT_IF_VISION_ENCODER, &vtable, &service, err);
    if (status != WEFT_OK)
        return status;
    if (!WEFT_HAS((const weft_if_vision_encoder *)vtable, weft_if_vision_encoder, encode))
        return weft_fail(err, WEFT_E_VERSION,
                         "the picture encoder (%s) that another plugin gives is of an earlier "
                         "version than %s needs",
                         WEFT_IF_VISION_ENCODER, VID_ID);
    m->eyes = vtable;
    status = m->eyes->open(service, m->host, p, &m->encoder, err);
    if (status == WEFT_E_NOTFOUND && p == NULL)
        return weft_fail(err, WEFT_E_NOTFOUND,
                         "%s has no picture encoder: give weft.vision its weights, or %s its own "
                         "directory of one (option %s)",
                         VID_ID, VID_ID, VID_OPT_ENCODER);
    if (status ==
        WEFT_E_UNSUPPORTED) /* the user named the directory, so this is an error to report */
        status = WEFT_E_INVALID;
    m->sizes.hdr.size = (uint32_t)sizeof m->sizes;
    if (status == WEFT_OK)
        m->eyes->sizes(m->encoder, &m->sizes);
    return status;
}

/* Checks that the rows that this encoder makes of a frame suit this adapter. */
static weft_status check_encoder(const vid_modality *m, weft_error *err)
{
    const vid_config *c = &m->config;
    const int64_t     rows = (int64_t)m->sizes.max_tiles * m->sizes.rows;
    if (m->sizes.width != c->d_encoder)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: encoder_output_dim is %d, and the picture encoder gives rows of %d",
                         VID_CONFIG, c->d_encoder, m->sizes.width);
    if (rows * c->group > VID_MAX_ROWS)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: a group of %d frames of %lld rows is more than the %d rows that are "
                         "possible",
                         VID_CONFIG, c->group, (long long)rows, VID_MAX_ROWS);
    return WEFT_OK;
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, VID_ID, sizeof(vid_modality), self, err);
    if (status != WEFT_OK)
        return status;
    vid_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->core_layers = mi->n_layers;
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = vid_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = vid_hooks_check(m, err);
    if (status == WEFT_OK)
        status = open_encoder(m, err);
    if (status == WEFT_OK)
        status = check_encoder(m, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"video", NULL};

const weft_modality vid_modality_table = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = vid_hooks_install,
    .prompt = prompt,
    .plan = vid_plan,
    .plan_inputs = vid_plan_inputs,
    .preprocess = vid_preprocess,
    .encode = encode,
    .parameters = parameters,
    .preview = vid_preview,
    .weights = weights,
};
