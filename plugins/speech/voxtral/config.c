/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json into structs. The range of every value is checked before any size is computed
 * from it. Absent keys take the defaults of VoxtralConfig and VoxtralEncoderConfig. */
#include "voxtral.h"

#define AUDIO "audio_config."
#define AT(field) offsetof(spk_whisper_config, field)

static const plg_int_key encoder_keys[SPK_WHISPER_KEYS] = {
    {"hidden_size", AT(d), 1280, 1, 1 << 16},
    {"intermediate_size", AT(d_ffn), 5120, 1, 1 << 20},
    {"num_attention_heads", AT(n_heads), 20, 1, 4096},
    {"num_hidden_layers", AT(n_layers), 32, 1, SPK_WHISPER_MAX_LAYERS},
    {"num_mel_bins", AT(bins), 128, 1, 1024},
    {"max_source_positions", AT(positions), 1500, 1, 1 << 16},
};

static const plg_int_key text_keys[] = {
    {"text_config.hidden_size", offsetof(vxt_config, d_text), 3072, 1, 1 << 16},
    {"audio_token_id", offsetof(vxt_config, audio_id), 24, 0, 1 << 24},
};

/* UNSUPPORTED where the directory is of another architecture, and so not for this plugin. */
static weft_status check_architecture(const plg_keys *k)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, VXT_ARCHITECTURE) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads " VXT_ARCHITECTURE, k->file,
                         name, VXT_ID);
    return status;
}

/* The reference reads a chunk's rows [positions, d] as [tokens, d_ffn]: so many rows side by side
 * as the feed-forward is wider than the model. */
static weft_status read_stack(const plg_keys *k, vxt_config *c)
{
    const spk_whisper_config *e = &c->encoder;
    if (e->d_ffn % e->d != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: " AUDIO "intermediate_size %d must be a multiple of hidden_size %d: "
                         "the projector takes so many rows at once",
                         k->file, e->d_ffn, e->d);
    c->stack = e->d_ffn / e->d;
    if (e->positions % c->stack != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: " AUDIO "max_source_positions %d must be a multiple of the %d rows "
                         "that make a token",
                         k->file, e->positions, c->stack);
    c->tokens = e->positions / c->stack;
    c->frames = 2 * e->positions;
    return WEFT_OK;
}

static void set_front(vxt_config *c)
{
    c->front = spk_features_whisper(c->encoder.bins);
    c->front.fill = c->frames * c->front.hop;
}

weft_status vxt_config_read(const weft_host *h, const weft_package *p, vxt_config *out,
                            weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, VXT_CONFIG, "", err);
    const plg_keys audio = plg_keys_of(h, p, VXT_CONFIG, AUDIO, err);
    memset(out, 0, sizeof *out);
    out->act = WEFT_ACT_GELU;
    weft_status status = check_architecture(&k);
    if (status == WEFT_OK)
        status = spk_whisper_config_read(&audio, "voxtral_encoder", encoder_keys, &out->encoder);
    if (status == WEFT_OK)
        status = plg_keys_ints(&k, text_keys, sizeof text_keys / sizeof *text_keys, out);
    if (status == WEFT_OK)
        status = plg_keys_act(&k, "projector_hidden_act", &out->act);
    if (status == WEFT_OK)
        status = read_stack(&k, out);
    if (status == WEFT_OK)
        set_front(out);
    return status;
}
