/* SPDX-License-Identifier: Apache-2.0 */
/* The modality component for the kind "audio": its life cycle, hooks and prompts. A batch of items
 * is handed to encode.c one by one. */
#include "ultravox.h"

/* Enqueues the items one after another. The queue keeps that order, so all of them can use the same
 * scratch memory, and no item's bytes can depend on another item. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const vox_modality *m = self;
    weft_status         status = WEFT_OK;
    if (!m->loaded)
        return weft_fail(err, WEFT_E_STATE, "%s: encode was called before load", VOX_ID);
    for (uint32_t i = 0; status == WEFT_OK && i < n; i++) {
        const weft_encode_item *item = WEFT_AT(items, i);
        status = vox_encode(m, q, &item->input[0], item->output, scratch, err);
    }
    return status;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    return spk_clip_read(&((const vox_modality *)self)->mel, media, p, inputs[0].data, err);
}

/* The default prompts are those that the models were trained with, since they work best
 * (fixie-ai/ultravox ultravox/data). The prompt for transcripts changed in the same release as the
 * place of the projector's norm, which therefore tells which of the two to use; projectors with
 * layers came later. */
static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    const vox_config *c = &((const vox_modality *)self)->config;
    (void)err;
    *system = NULL;
    *user = VOX_MARKER;
    if (strcmp(task, "transcribe") == 0)
        *user = c->projector.ln_mid || c->projector.n_layers > 0
                    ? "Repeat the following text, without any explanation: " VOX_MARKER
                    : "Transcribe\n" VOX_MARKER;
    else if (strcmp(task, "translate") == 0)
        *user = "Please translate the text to {language}. Your response should only include the "
                "{language} translation, without any additional words:\n\n" VOX_MARKER;
    return WEFT_OK;
}

/* Declares the marker and the soft-token site. The host chooses the marker's id, because the
 * audio_token_index of a checkpoint need not fit the text model that is open. */
static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const weft_hook_site site = {.hdr = WEFT_HDR(weft_hook_site),
                                 .kind = WEFT_HOOK_SOFT_TOKENS,
                                 .layer = -1,
                                 .stream = VOX_STREAM,
                                 .name = "speech tokens"};
    const weft_marker    marker = {.hdr = WEFT_HDR(weft_marker),
                                   .token = VOX_MARKER,
                                   .stream = VOX_STREAM,
                                   .token_id = -1,
                                   .visibility = WEFT_VIS_UNTIL_END,
                                   .flags = WEFT_MARKER_LAST};
    (void)self;
    weft_status status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

/* An adapter may bring the prompt that it was trained with: the key weft_prompts.transcribe. */
static weft_status whole_prompt(void *self, const char *task, int32_t has_language,
                                const char **prompt, weft_error *err)
{
    const vox_modality *m = self;
    (void)has_language;
    (void)err;
    *prompt = strcmp(task, "transcribe") == 0 ? m->config.prompt : NULL;
    return WEFT_OK;
}

static weft_status load(void *self, weft_error *err)
{
    vox_modality *m = self;
    weft_status   status =
        vox_weights_load(m->host, m->package, &m->config, m->vocab, &m->weights, err);
    m->loaded = status == WEFT_OK;
    return status;
}

static uint64_t parameters(void *self)
{
    const vox_modality *m = self;
    return vox_weights_count(m->host, &m->config);
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const vox_modality *m = self;
    return vox_weights_tell(m->host, m->package, &m->config, sink, err);
}

static int64_t longest_us(void *self)
{
    (void)self;
    return VOX_MAX_SECONDS * (int64_t)1000000;
}

/* Of the speech that the encoder hears; what it is translated into is the text model's affair. */
static const char *languages(void *self, const char *task)
{
    const vox_modality *m = self;
    return strcmp(task, "transcribe") == 0 && m->config.languages[0] != '\0' ? m->config.languages
                                                                             : NULL;
}

static void destroy(void *self)
{
    vox_modality *m = self;
    if (m == NULL)
        return;
    vox_weights_free(m->host, &m->weights);
    spk_mel_deinit(&m->mel);
    m->host->free(m->host, m);
}

/* Whether the plugin has something to do: it needs a directory of its own and a text core. */
static weft_status check_use(const weft_model_info *mi, weft_error *err)
{
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "no directory was given (--set " VOX_ID ".weights=DIR)");
    if (mi->d_model == 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "there is no text model here: open the one that the adapter was made for "
                         "(-m DIR) and name this directory with --set " VOX_ID ".weights=DIR");
    return WEFT_OK;
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    *self = NULL;
    weft_status status = check_use(mi, err);
    if (status == WEFT_OK)
        status = plg_modality_new(h, mi, VOX_ID, sizeof(vox_modality), self, err);
    if (status != WEFT_OK)
        return status;
    vox_modality *m = *self;
    m->host = h;
    m->package = mi->package;
    m->ops = h->get_interface(h, WEFT_IF_OPS);
    m->vocab = mi->vocab;
    status = vox_config_read(h, mi->package, mi->d_model, &m->config, err);
    if (status == WEFT_E_UNSUPPORTED) /* else it would stay idle, though the user asked for it */
        status = WEFT_E_INVALID;
    if (status == WEFT_OK && m->config.projector.ctc.columns > 0)
        status = vox_words_find(h, m->ops, &m->speller, err);
    if (status == WEFT_OK)
        status = spk_mel_init(&m->mel, h, &m->config.front, err);
    if (status != WEFT_OK) {
        destroy(m);
        *self = NULL;
    }
    return status;
}

static const char *const kinds[] = {"audio", NULL};

const weft_modality vox_audio_modality = {
    .hdr = WEFT_HDR(weft_modality),
    .kinds = kinds,
    .create = create,
    .load = load,
    .destroy = destroy,
    .install = install,
    .prompt = prompt,
    .plan = vox_plan,
    .plan_inputs = vox_plan_inputs,
    .preprocess = preprocess,
    .encode = encode,
    .parameters = parameters,
    .longest_us = longest_us,
    .weights = weights,
    .languages = languages,
    .whole_prompt = whole_prompt,
};
