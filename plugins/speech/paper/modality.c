/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "audio": its life cycle and prompts. A batch of items is
 * handed to encode.c one by one. */
#include "adapter.h"
#include "encoder.h"

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const spk_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", SPK_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        const spk_sizes         s = spk_sizes_of(&m->config, item->input[0].shape[0]);
        status = spk_encode(m, q, &s, &item->input[0], item->output, scratch, err);
    }
    return status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    const spk_config *c = &((const spk_modality *)self)->config;
    (void)err;
    *system = *user = NULL;
    if (strcmp(task, "transcribe") == 0)
        *user = c->transcribe;
    else if (strcmp(task, "translate") == 0)
        *user = c->translate;
    else if (strcmp(task, "describe") == 0)
        *user = c->describe;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    spk_modality *m = self;
    weft_status   status = spk_kernels_find(m->host, &m->kernels, err);
    if (status == WEFT_OK)
        status = spk_weights_load(m->host, m->package, &m->config, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const spk_modality *m = self;
    return spk_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const spk_modality *m = self;
    return spk_weights_tell(m->host, m->package, &m->config, sink, err);
}

static int64_t longest_us(void *self)
{
    const spk_modality *m = self;
    return (int64_t)m->config.max_seconds * 1000000;
}

static const char *languages(void *self, const char *task)
{
    const spk_modality *m = self;
    (void)task;
    return m->config.languages;
}

static void destroy(void *self)
{
    spk_modality *m = self;
    if (m == NULL)
        return;
    spk_weights_free(m->host, &m->weights);
    spk_mel_deinit(&m->mel);
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    weft_status status = plg_modality_new(h, mi, SPK_ID, sizeof(spk_modality), self, err);
    if (status != WEFT_OK)
        return status;
    spk_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    m->core_d_model = mi->d_model;
    status = spk_config_read(h, mi->package, &m->config, err);
    if (status == WEFT_OK)
        status = spk_hooks_check(m, err);
    if (status == WEFT_OK)
        status = spk_mel_init(&m->mel, h, &m->config.front, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"audio", NULL};

const weft_modality spk_audio_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = spk_hooks_install,
    .prompt = prompt,
    .plan = spk_plan,
    .plan_inputs = spk_plan_inputs,
    .preprocess = spk_preprocess,
    .encode = encode,
    .parameters = parameters,
    .longest_us = longest_us,
    .weights = weights,
    .languages = languages,
};
