/* SPDX-License-Identifier: Apache-2.0 */
/* Reads config.json and preprocessor_config.json. The range of every value is checked before any
 * size is computed from it. Absent keys take the defaults of GraniteSpeechConfig,
 * GraniteSpeechEncoderConfig and Blip2QFormerConfig. */
#include "granite.h"

#define ENCODER_AT(field) offsetof(gsp_encoder_config, field)
#define PROJECTOR_AT(field) offsetof(gsp_projector_config, field)

static const plg_int_key encoder_keys[] = {
    {"input_dim", ENCODER_AT(d_in), 160, 2, 2048},
    {"hidden_dim", ENCODER_AT(d), 1024, 1, 1 << 16},
    {"num_layers", ENCODER_AT(n_layers), 10, 1, GSP_MAX_LAYERS},
    {"feedforward_mult", ENCODER_AT(ffn_factor), 4, 1, 64},
    {"num_heads", ENCODER_AT(n_heads), 8, 1, 4096},
    {"dim_head", ENCODER_AT(head_dim), 128, 1, 1024},
    {"output_dim", ENCODER_AT(n_ctc), 42, 1, 1 << 20},
    {"context_size", ENCODER_AT(context), 200, 1, GSP_MAX_CONTEXT},
    {"max_pos_emb", ENCODER_AT(positions), 512, 1, 1 << 16},
    {"conv_kernel_size", ENCODER_AT(kernel), 15, 1, 255},
    {"conv_expansion_factor", ENCODER_AT(conv_factor), 2, 1, 64},
};

static const plg_int_key projector_keys[] = {
    {"hidden_size", PROJECTOR_AT(d), 768, 1, 1 << 16},
    {"intermediate_size", PROJECTOR_AT(d_ffn), 3072, 1, 1 << 20},
    {"num_hidden_layers", PROJECTOR_AT(n_layers), 12, 1, GSP_MAX_LAYERS},
    {"num_attention_heads", PROJECTOR_AT(n_heads), 12, 1, 4096},
    {"cross_attention_frequency", PROJECTOR_AT(every), 2, 1, GSP_MAX_LAYERS},
};

/* cat_hidden_layers, which Granite Speech Plus has: 0 is the rows before the first block. */
static weft_status read_taps(const plg_keys *k, gsp_encoder_config *c)
{
    static const char list[] = "cat_hidden_layers";
    int64_t           n = 0;
    weft_status       status = plg_keys_count(k, list, GSP_MAX_TAPS, &n);
    for (int64_t i = 0, v = -1; i < n && status == WEFT_OK; i++) {
        const int64_t before = v;
        status = plg_keys_entry(k, list, i, 0, c->n_layers - 1, &v);
        if (status == WEFT_OK && v <= before)
            return weft_fail(k->err, WEFT_E_INVALID,
                             "%s: %s%s must ascend, and %lld stands behind %lld", k->file,
                             k->prefix, list, (long long)v, (long long)before);
        c->taps[i] = (int32_t)v;
        c->n_taps = (int32_t)i + 1;
    }
    c->d_out = c->d * (c->n_taps + 1);
    return status;
}

static weft_status read_encoder(const plg_keys *top, gsp_encoder_config *c)
{
    const plg_keys k = plg_keys_of(top->host, top->package, top->file, "encoder_config.", top->err);
    weft_status    status =
        plg_keys_ints(&k, encoder_keys, sizeof encoder_keys / sizeof *encoder_keys, c);
    if (status == WEFT_OK)
        status = read_taps(&k, c);
    if (status != WEFT_OK)
        return status;
    if (c->context > c->positions)
        return weft_fail(k.err, WEFT_E_INVALID,
                         "%s: encoder_config.context_size %d is more than max_pos_emb %d", k.file,
                         c->context, c->positions);
    if (c->d_in % GSP_STACK != 0)
        return weft_fail(k.err, WEFT_E_INVALID,
                         "%s: encoder_config.input_dim %d must be even: a row is two frames",
                         k.file, c->d_in);
    return WEFT_OK;
}

/* What of the Q-Former cannot be run, and what must fit the encoder. */
static weft_status check_projector(const plg_keys *k, const gsp_config *c)
{
    const gsp_projector_config *q = &c->projector;
    const char                 *positions = "absolute";
    int64_t                     d_rows = c->encoder.d_out;
    weft_status                 status = plg_keys_str(k, "position_embedding_type", &positions);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "encoder_hidden_size", 1, 1 << 24, &d_rows);
    if (status != WEFT_OK)
        return status;
    if (strcmp(positions, "absolute") != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %sposition_embedding_type is \"%.40s\", and only absolute is known",
                         k->file, k->prefix, positions);
    if (d_rows != c->encoder.d_out)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %sencoder_hidden_size is %lld, and the encoder gives rows of %d "
                         "(hidden_dim for its last block and for each of cat_hidden_layers)",
                         k->file, k->prefix, (long long)d_rows, c->encoder.d_out);
    if (q->d % q->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %shidden_size %d must be a multiple of its %d heads", k->file,
                         k->prefix, q->d, q->n_heads);
    return WEFT_OK;
}

static weft_status read_projector(const plg_keys *top, gsp_config *c)
{
    const plg_keys k =
        plg_keys_of(top->host, top->package, top->file, "projector_config.", top->err);
    gsp_projector_config *q = &c->projector;
    const char           *type = "blip_2_qformer";
    double                eps = 1e-12;
    q->act = WEFT_ACT_GELU;
    weft_status status = plg_keys_str(&k, "model_type", &type);
    if (status == WEFT_OK && strcmp(type, "blip_2_qformer") != 0)
        return weft_fail(k.err, WEFT_E_INVALID,
                         "%s: %smodel_type is \"%.40s\", and only blip_2_qformer is known", k.file,
                         k.prefix, type);
    if (status == WEFT_OK)
        status =
            plg_keys_ints(&k, projector_keys, sizeof projector_keys / sizeof *projector_keys, q);
    if (status == WEFT_OK)
        status = plg_keys_f64(&k, "layer_norm_eps", 0.0, 0.5, &eps);
    if (status == WEFT_OK)
        status = plg_keys_act(&k, "hidden_act", &q->act);
    q->eps = (float)eps;
    return status == WEFT_OK ? check_projector(&k, c) : status;
}

/* Windows, and the width and the token of what comes out. */
static weft_status read_top(const plg_keys *k, int32_t d_text, gsp_config *c)
{
    int64_t     window = 15, rate = 5, width = 2048, id = 49155;
    weft_status status = plg_keys_i64(k, "window_size", 1, 4096, &window);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "downsample_rate", 1, 4096, &rate);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "text_config.hidden_size", 1, 1 << 24, &width);
    if (status == WEFT_OK)
        status = plg_keys_i64(k, "audio_token_index", 0, INT32_MAX, &id);
    if (status != WEFT_OK)
        return status;
    if (window % rate != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: window_size %lld must be a multiple of downsample_rate %lld", k->file,
                         (long long)window, (long long)rate);
    if (d_text != 0 && d_text != width)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: the projector is for a text model of width %lld, and the one that is "
                         "open has width %d",
                         k->file, (long long)width, d_text);
    c->projector.window = (int32_t)window;
    c->projector.n_queries = (int32_t)(window / rate);
    c->projector.d_text = (int32_t)width;
    c->audio_id = (int32_t)id;
    return WEFT_OK;
}

/* GraniteSpeechFeatureExtractor: torchaudio's MelSpectrogram, log10, eight decades, halved rate. */
static spk_features_config front_of(int32_t n_mels)
{
    spk_features_config f = spk_features_whisper(n_mels);
    f.n_fft = 512;
    f.mel = SPK_MEL_HTK;
    f.drop_last = 0;
    return f;
}

/* The front end has one shape; a directory that says another was made with another one. */
static weft_status check_front(const weft_host *h, const weft_package *p, int32_t n_mels,
                               weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, GSP_PREPROCESSOR, "melspec_kwargs.", err);
    const struct {
        const char *key;
        int64_t     is;
    } fixed[] = {{"sample_rate", SPK_RATE},
                 {"n_fft", 512},
                 {"win_length", 400},
                 {"hop_length", GSP_HOP},
                 {"n_mels", n_mels}};
    int32_t     there = 0;
    weft_status status = plg_keys_has_file(&k, &there);
    for (size_t i = 0; there && i < sizeof fixed / sizeof *fixed && status == WEFT_OK; i++) {
        int64_t v = fixed[i].is;
        status = plg_keys_i64(&k, fixed[i].key, fixed[i].is, fixed[i].is, &v);
    }
    return status;
}

static weft_status read_architecture(const plg_keys *k, gsp_config *c)
{
    const char *name = "nothing";
    weft_status status = plg_keys_str(k, "architectures[0]", &name);
    if (status == WEFT_OK && strcmp(name, GSP_ARCH) != 0 && strcmp(name, GSP_ARCH_PLUS) != 0)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: architectures names %.80s, and %s reads " GSP_ARCH
                         " and " GSP_ARCH_PLUS,
                         k->file, name, GSP_ID);
    c->is_plus = strcmp(name, GSP_ARCH_PLUS) == 0;
    return status;
}

weft_status gsp_config_read(const weft_host *h, const weft_package *p, int32_t d_text,
                            gsp_config *out, weft_error *err)
{
    const plg_keys k = plg_keys_of(h, p, GSP_CONFIG, "", err);
    memset(out, 0, sizeof *out);
    weft_status status = read_architecture(&k, out);
    if (status == WEFT_OK)
        status = read_encoder(&k, &out->encoder);
    if (status == WEFT_OK)
        status = read_projector(&k, out);
    if (status == WEFT_OK)
        status = read_top(&k, d_text, out);
    if (status == WEFT_OK)
        status = check_front(h, p, out->encoder.d_in / GSP_STACK, err);
    if (status == WEFT_OK)
        out->front = front_of(out->encoder.d_in / GSP_STACK);
    return status;
}
