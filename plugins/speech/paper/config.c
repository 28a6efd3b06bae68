/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json and preprocessor_config.json into structs. The range of every value is checked
 * before any size is computed from it. There are two kinds of directory: our own
 * (docs/SPEECH_LAYOUT.md: encoder_config, adapter_config, the special tokens) and Wav2Vec2BertModel
 * as transformers writes it. */
#include "adapter.h"
#include "encoder.h"
#include "features_config.h"

static int has_file(const weft_host *h, const weft_package *p, const char *file)
{
    const weft_if_package *from = h->get_interface(h, WEFT_IF_PACKAGE);
    weft_source            source = {.hdr = WEFT_HDR(weft_source)};
    return from->open(h, p, file, &source, NULL) == WEFT_OK;
}

/* Reads the front end's configuration. Where the directory has no preprocessor_config.json, it is
 * the encoder family's usual one. */
static weft_status read_front(const weft_host *h, const weft_package *p, spk_config *c,
                              weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, SPK_PREPROCESSOR, "", err);
    weft_status    status = WEFT_OK;
    c->front = c->encoder.family->front();
    if (has_file(h, p, SPK_PREPROCESSOR))
        status = spk_features_config_read(&k, &c->front);
    else
        c->front.n_mels = c->encoder.d_in / c->front.stack;
    if (status != WEFT_OK)
        return status;
    c->stack = c->front.stack;
    c->bins = c->front.n_mels;
    c->pad = c->front.pad_value;
    if (c->bins * c->stack != c->encoder.d_in)
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: %d frames of %d values are no row of the encoder's "
                         "feature_projection_input_dim %d",
                         k.file, c->stack, c->bins, c->encoder.d_in);
    return WEFT_OK;
}

static weft_status read_tokens(const plg_keys *k, spk_config *c)
{
    const plg_int_key keys[] = {
        {"hook_order", offsetof(spk_config, hook_order), 0, -1000000, 1000000},
        {"audio_token_index", offsetof(spk_config, marker_id), -1, 0, 1 << 24},
        {"max_seconds", offsetof(spk_config, max_seconds), 60, 1, 600},
    };
    const struct {
        const char  *key, *dflt;
        const char **to;
    } strings[] = {
        {"audio_token", "<|audio|>", &c->marker},
        {"begin_token", NULL, &c->begin},
        {"end_token", NULL, &c->end},
        {"weft_prompts.transcribe", "Repeat after me in {language}: ", &c->transcribe},
        {"weft_prompts.translate",
         "Translate the following sentence into {language}: ", &c->translate},
        {"weft_prompts.describe", NULL, &c->describe},
        {"languages", NULL, &c->languages},
    };
    weft_status status = plg_keys_ints(k, keys, sizeof keys / sizeof *keys, c);
    for (size_t i = 0; status == WEFT_OK && i < sizeof strings / sizeof *strings; i++) {
        *strings[i].to = strings[i].dflt;
        status = plg_keys_str(k, strings[i].key, strings[i].to);
    }
    return status;
}

static weft_status read_own(const plg_keys *top, spk_config *c)
{
    const char *type = spk_conformer.model_type;
    int64_t     d_text = 4096;
    plg_keys    encoder = *top, adapter = *top;
    encoder.prefix = "encoder_config.";
    adapter.prefix = "adapter_config.";
    weft_status status = plg_keys_str(&encoder, "model_type", &type);
    if (status == WEFT_OK)
        status = plg_keys_i64(top, "text_hidden_size", 1, 65536, &d_text);
    if (status != WEFT_OK)
        return status;
    c->encoder.family = spk_encoder_find(type);
    if (c->encoder.family == NULL)
        return weft_fail(top->err, WEFT_E_UNSUPPORTED,
                         "%s: encoder_config.model_type \"%.40s\" is no encoder of %s", top->file,
                         type, SPK_ID);
    c->encoder_prefix = "speech_encoder.";
    c->adapter_prefix = "speech_adapter.";
    status = c->encoder.family->config(&encoder, &c->encoder);
    if (status != WEFT_OK)
        return status;
    c->adapter.family = &spk_paper_adapter;
    c->adapter.d_in = c->encoder.d;
    c->adapter.d_out = (int32_t)d_text;
    return c->adapter.family->config(&adapter, &c->adapter);
}

static weft_status read_w2v(const plg_keys *k, spk_config *c)
{
    int32_t     has_adapter = 0;
    weft_status status = spk_w2vbert.config(k, &c->encoder);
    c->encoder.family = &spk_w2vbert;
    c->encoder_prefix = c->adapter_prefix = "";
    if (status == WEFT_OK)
        status = plg_keys_bool(k, "add_adapter", &has_adapter);
    if (status != WEFT_OK || !has_adapter)
        return status;
    c->adapter.family = &spk_w2vbert_adapter;
    c->adapter.d_in = c->encoder.d;
    return c->adapter.family->config(k, &c->adapter);
}

weft_status spk_config_read(const weft_host *h, const weft_package *p, spk_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, SPK_CONFIG, "", err);
    const char    *name = "nothing";
    memset(out, 0, sizeof *out);
    weft_status status = plg_keys_str(&k, "architectures[0]", &name);
    if (status != WEFT_OK)
        return status;
    if (strcmp(name, SPK_ARCH_OWN) == 0)
        status = read_own(&k, out);
    else if (strcmp(name, SPK_ARCH_W2V) == 0)
        status = read_w2v(&k, out);
    else
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads %s and %s", SPK_CONFIG, name,
                         SPK_ID, SPK_ARCH_OWN, SPK_ARCH_W2V);
    if (status == WEFT_OK)
        status = read_tokens(&k, out);
    return status == WEFT_OK ? read_front(h, p, out, err) : status;
}

spk_sizes spk_sizes_of(const spk_config *c, int64_t n_frames)
{
    spk_sizes s = {.n_frames = n_frames};
    s.n_rows = (n_frames + c->stack - 1) / c->stack;
    s.n_real = c->encoder.family->masks_padding ? n_frames / c->stack : s.n_rows;
    s.n_tokens = s.n_rows;
    s.n_real_tokens = s.n_real;
    if (c->adapter.family != NULL)
        c->adapter.family->sizes(&c->adapter, &s);
    return s;
}
