/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "audio": its life cycle, hooks and prompts. A batch of items
 * is handed to encode.c one by one. */
#include "granite.h"

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const gsp_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", GSP_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        gsp_carried             what;
        memcpy(&what, item->plan->carried, sizeof what);
        status = gsp_encode(m, q, what.n_frames, &item->input[0], item->output, scratch, err);
    }
    return status;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    return spk_clip_read(&((const gsp_modality *)self)->mel, media, p, inputs[0].data, err);
}

/* The questions of the model's own page (huggingface.co/ibm-granite/granite-speech-3.3-8b), those
 * of Granite Speech Plus with a space before them; what stands around them is the directory's chat
 * template's. */
static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    const int32_t spaced = ((const gsp_modality *)self)->config.is_plus;
    (void)err;
    *system = NULL;
    *user = GSP_MARKER;
    if (strcmp(task, "transcribe") == 0)
        *user = spaced ? GSP_MARKER " can you transcribe the speech into a written format?"
                       : GSP_MARKER "can you transcribe the speech into a written format?";
    else if (strcmp(task, "translate") == 0)
        *user = spaced ? GSP_MARKER " translate the speech to {language}"
                       : GSP_MARKER "translate the speech to {language}";
    return WEFT_OK;
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const gsp_modality  *m = self;
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .stream = GSP_STREAM,
                                 .name = "speech tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = GSP_MARKER,
                                   .stream = GSP_STREAM,
                                   .token_id = m->config.audio_id,
                                   .visibility = WEFT_VIS_UNTIL_END};
    weft_status          status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

static weft_status load(void *self, weft_error *err)
{
    gsp_modality *m = self;
    weft_status   status = gsp_kernels_find(m->host, &m->kernels, err);
    if (status == WEFT_OK)
        status = gsp_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const gsp_modality *m = self;
    return gsp_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const gsp_modality *m = self;
    return gsp_weights_tell(m->host, m->package, &m->config, sink, err);
}

static int64_t longest_us(void *self)
{
    (void)self;
    return GSP_MAX_SECONDS * (int64_t)1000000;
}

static void destroy(void *self)
{
    gsp_modality *m = self;
    if (m == NULL)
        return;
    gsp_weights_free(m->host, &m->weights);
    spk_mel_deinit(&m->mel);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, GSP_ID, sizeof(gsp_modality), self, err);
    if (status != WEFT_OK)
        return status;
    gsp_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    status = gsp_config_read(h, mi->package, mi->d_model, &m->config, err);
    if (status == WEFT_OK)
        status = spk_mel_init(&m->mel, h, &m->config.front, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"audio", NULL};

const weft_modality gsp_audio_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = install,
    .prompt = prompt,
    .plan = gsp_plan,
    .plan_inputs = gsp_plan_inputs,
    .preprocess = preprocess,
    .encode = encode,
    .parameters = parameters,
    .longest_us = longest_us,
    .weights = weights,
};
