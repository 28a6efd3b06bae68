/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "audio": its life cycle. A batch of items is handed to
 * encode.c one by one. */
#include "voxtral.h"

_Static_assert(sizeof(vxt_carried) <= WEFT_PLAN_CARRIED, "every plan has room for it");

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const vxt_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", VXT_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++)
        status = vxt_encode(m, q, WEFT_AT(items, i), scratch, err);
    return status;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    return spk_clip_read(&((const vxt_modality *)self)->mel, media, p, inputs[0].data, err);
}

static weft_status load(void *self, weft_error *err)
{
    vxt_modality *m = self;
    weft_status   status = vxt_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const vxt_modality *m = self;
    return vxt_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const vxt_modality *m = self;
    return vxt_weights_tell(m->host, m->package, &m->config, sink, err);
}

static int64_t longest_us(void *self)
{
    (void)self;
    return VXT_MAX_SECONDS * (int64_t)1000000;
}

static void destroy(void *self)
{
    vxt_modality *m = self;
    if (m == NULL)
        return;
    vxt_weights_free(m->host, &m->weights);
    spk_mel_deinit(&m->mel);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, VXT_ID, sizeof(vxt_modality), self, err);
    if (status != WEFT_OK)
        return status;
    vxt_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->core_d_model = mi->d_model;
    m->core_vocab = mi->vocab;
    status = vxt_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = vxt_hooks_check(m, err);
    if (status == WEFT_OK)
        status = spk_mel_init(&m->mel, h, &m->config.front, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"audio", NULL};

const weft_modality vxt_audio_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = vxt_hooks_install,
    .prompt = vxt_hooks_prompt,
    .plan = vxt_plan,
    .plan_inputs = vxt_plan_inputs,
    .preprocess = preprocess,
    .encode = encode,
    .parameters = parameters,
    .longest_us = longest_us,
    .weights = weights,
    .whole_prompt = vxt_hooks_whole_prompt,
};
