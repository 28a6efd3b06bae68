/* SPDX-License-Identifier: Apache-2.0 */
/* org.example.clip: a CLIP picture encoder, written with the ops of weft/ops.h and no kernel of its
 * own, whose patches stand in the text as soft tokens. The weights are those of transformers'
 * CLIPVisionModel under their own names, and a projector (README.md).
 *
 *   x      = LN_pre([class; conv(pixels)] + position)                          [1 + patches, d]
 *   x     += out(attention(q, k, v of LN_1(x))),  x += fc2(quickGELU(fc1(LN_2(x))))   each layer
 *   pooled = LN_post(x[0])                                                     [1, d]
 *   tokens = projector(mean of x[1..] over windows of 2 x 2 patches)           [tokens, text width]
 *
 * Source: Radford et al. 2021, section 2.4; transformers models/clip. */
#include "clip.h"

/* ---- weights ---- */

/* What the encoder is made of besides its layers, and what each layer is made of. */
static const clip_weight whole[CLIP_WHOLE] = {
    [CLASS] = {"vision_model.embeddings.class_embedding", WEFT_USE_PLAIN, {D}},
    [PATCH] = {"vision_model.embeddings.patch_embedding.weight", WEFT_USE_LINEAR, {D, THREE, P, P}},
    [POSITION] = {"vision_model.embeddings.position_embedding.weight", WEFT_USE_PLAIN, {ROWS, D}},
    [PRE_W] = {"vision_model.pre_layrnorm.weight", WEFT_USE_PLAIN, {D}},
    [PRE_B] = {"vision_model.pre_layrnorm.bias", WEFT_USE_PLAIN, {D}},
    [POST_W] = {"vision_model.post_layernorm.weight", WEFT_USE_PLAIN, {D}},
    [POST_B] = {"vision_model.post_layernorm.bias", WEFT_USE_PLAIN, {D}},
    [PROJ_W] = {"projector.weight", WEFT_USE_LINEAR, {TEXT, D}},
    [PROJ_B] = {"projector.bias", WEFT_USE_PLAIN, {TEXT}},
};
static const clip_weight layer[CLIP_LAYER] = {
    [LN1_W] = {"layer_norm1.weight", WEFT_USE_PLAIN, {D}},
    [LN1_B] = {"layer_norm1.bias", WEFT_USE_PLAIN, {D}},
    [Q_W] = {"self_attn.q_proj.weight", WEFT_USE_LINEAR, {D, D}},
    [Q_B] = {"self_attn.q_proj.bias", WEFT_USE_PLAIN, {D}},
    [K_W] = {"self_attn.k_proj.weight", WEFT_USE_LINEAR, {D, D}},
    [K_B] = {"self_attn.k_proj.bias", WEFT_USE_PLAIN, {D}},
    [V_W] = {"self_attn.v_proj.weight", WEFT_USE_LINEAR, {D, D}},
    [V_B] = {"self_attn.v_proj.bias", WEFT_USE_PLAIN, {D}},
    [OUT_W] = {"self_attn.out_proj.weight", WEFT_USE_LINEAR, {D, D}},
    [OUT_B] = {"self_attn.out_proj.bias", WEFT_USE_PLAIN, {D}},
    [LN2_W] = {"layer_norm2.weight", WEFT_USE_PLAIN, {D}},
    [LN2_B] = {"layer_norm2.bias", WEFT_USE_PLAIN, {D}},
    [FC1_W] = {"mlp.fc1.weight", WEFT_USE_LINEAR, {FFN, D}},
    [FC1_B] = {"mlp.fc1.bias", WEFT_USE_PLAIN, {FFN}},
    [FC2_W] = {"mlp.fc2.weight", WEFT_USE_LINEAR, {D, FFN}},
    [FC2_B] = {"mlp.fc2.bias", WEFT_USE_PLAIN, {D}},
};

static uint32_t n_weights(const clip *c)
{
    return CLIP_WHOLE + (uint32_t)c->size[LAYERS] * CLIP_LAYER;
}

/* The i-th weight: its use and shape, and its name in the CLIP_NAME bytes at `name`. */
static weft_weight weight_at(const clip *c, uint32_t i, char *name)
{
    const uint32_t    in_layers = i < CLIP_WHOLE ? 0 : i - CLIP_WHOLE;
    const clip_weight what = i < CLIP_WHOLE ? whole[i] : layer[in_layers % CLIP_LAYER];
    weft_weight       w = {.hdr = WEFT_HDR(weft_weight), .name = name, .use = what.use};
    if (i < CLIP_WHOLE)
        snprintf(name, CLIP_NAME, "%s", what.name);
    else
        snprintf(name, CLIP_NAME, "vision_model.encoder.layers.%u.%s", in_layers / CLIP_LAYER,
                 what.name);
    for (; w.ndim < 4 && what.shape[w.ndim] != NONE; w.ndim++)
        w.shape[w.ndim] = c->size[what.shape[w.ndim]];
    return w;
}

/* All weights, as `weights` tells them beforehand and `load` asks for them. The caller frees the
 * memory, which holds their names too. NULL: out of memory. */
static weft_weight *list_weights(const clip *c)
{
    const uint32_t n = n_weights(c);
    weft_weight   *list =
        (weft_weight *)c->host->alloc(c->host, n * (sizeof(weft_weight) + CLIP_NAME), 16);
    for (uint32_t i = 0; list != NULL && i < n; i++)
        list[i] = weight_at(c, i, (char *)(list + n) + (size_t)i * CLIP_NAME);
    return list;
}

static weft_status load(void *self, weft_error *err)
{
    clip        *c = (clip *)self;
    weft_weight *want = list_weights(c);
    weft_status  status = want == NULL
                              ? weft_fail(err, WEFT_E_NOMEM, "out of memory for the list of weights")
                              : c->weights->get(c->host, c->package, want, n_weights(c), c->w, err);
    c->host->free(c->host, want);
    return status;
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const clip  *c = (const clip *)self;
    weft_weight *want = list_weights(c);
    weft_status  status = want == NULL
                              ? weft_fail(err, WEFT_E_NOMEM, "out of memory for the list of weights")
                              : sink->add(sink->ctx, c->package, want, n_weights(c), err);
    c->host->free(c->host, want);
    return status;
}

static uint64_t parameters(void *self)
{
    const clip *c = (const clip *)self;
    uint64_t    sum = 0;
    char        name[CLIP_NAME];
    for (uint32_t i = 0; i < n_weights(c); i++) {
        const weft_weight w = weight_at(c, i, name);
        uint64_t          n = 1;
        for (int32_t d = 0; d < w.ndim; d++)
            n *= (uint64_t)w.shape[d];
        sum += n;
    }
    return sum;
}

/* ---- life ---- */

/* The numbers of config.json: under transformers' keys, and text_width, the projector's. */
static weft_status read_config(clip *c, const weft_model_info *mi, weft_error *err)
{
    static const struct {
        const char *key;
        int64_t     at, least, most;
    } numbers[] = {{"hidden_size", D, 1, 8192},
                   {"intermediate_size", FFN, 1, 32768},
                   {"patch_size", P, 1, 256},
                   {"image_size", IMAGE, 1, 2048},
                   {"num_hidden_layers", LAYERS, 1, 128},
                   {"num_attention_heads", HEADS, 1, 128},
                   {"text_width", TEXT, 1, 1 << 20}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int64_t    *v = &c->size[numbers[i].at];
        weft_status status =
            c->files->json_i64(c->host, c->package, "config.json", numbers[i].key, v, err);
        if (status != WEFT_OK)
            return status;
        if (*v < numbers[i].least || *v > numbers[i].most)
            return weft_fail(err, WEFT_E_CORRUPT, "config.json: %s is not %lld to %lld",
                             numbers[i].key, (long long)numbers[i].least,
                             (long long)numbers[i].most);
    }
    c->size[THREE] = 3;
    c->side = c->size[IMAGE] / c->size[P];
    c->size[ROWS] = 1 + c->side * c->side;
    if (c->side < 2 || c->size[D] % c->size[HEADS] != 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "config.json: there are fewer than 2 x 2 patches, or hidden_size is not "
                         "a multiple of num_attention_heads");
    if (mi->d_model > 0 && mi->d_model != c->size[TEXT])
        return weft_fail(err, WEFT_E_INVALID,
                         "the projector is for a text model %lld wide, and this one is %d wide",
                         (long long)c->size[TEXT], mi->d_model);
    return WEFT_OK;
}

static void destroy(void *self)
{
    clip *c = (clip *)self;
    c->host->free(c->host, c->w);
    c->host->free(c->host, c);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "no weights: give --set " CLIP_ID ".weights=DIR");
    clip *c = (clip *)h->alloc(h, sizeof *c, 16);
    if (c == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory");
    memset(c, 0, sizeof *c);
    c->host = h;
    c->package = mi->package;
    c->files = (const weft_if_package *)h->get_interface(h, WEFT_IF_PACKAGE);
    c->weights = (const weft_if_weights *)h->get_interface(h, WEFT_IF_WEIGHTS);
    c->ops = (const weft_if_ops *)h->get_interface(h, WEFT_IF_OPS);
    c->pool = (const weft_if_pool *)h->get_interface(h, WEFT_IF_POOL);
    weft_status status = read_config(c, mi, err);
    if (status == WEFT_OK) {
        c->w = (weft_tensor *)h->alloc(h, n_weights(c) * sizeof *c->w, 16);
        if (c->w == NULL)
            status = weft_fail(err, WEFT_E_NOMEM, "out of memory");
    }
    if (status == WEFT_OK)
        *self = c;
    else
        destroy(c);
    return status;
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const weft_hook_site site = {
        .hdr = WEFT_HDR(weft_hook_site),
        .kind = WEFT_HOOK_SOFT_TOKENS,
        .layer = -1, /* the token embedding */
        .stream = CLIP_STREAM,
        .name = "patches",
    };
    const weft_marker marker = {
        .hdr = WEFT_HDR(weft_marker),
        .token = "<|picture|>",
        .stream = CLIP_STREAM,
        .token_id = -1,
        .visibility = WEFT_VIS_UNTIL_END,
    };
    (void)self;
    weft_status status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self, (void)system, (void)err;
    if (strcmp(task, "describe") == 0)
        *user = "Describe this image.";
    return WEFT_OK;
}

static const char *const kinds[] = {"image", NULL};
const weft_modality      clip_modality = {.hdr = WEFT_HDR(weft_modality),
                                          .kinds = kinds,
                                          .create = create,
                                          .load = load,
                                          .destroy = destroy,
                                          .install = install,
                                          .prompt = prompt,
                                          .plan = clip_plan,
                                          .plan_inputs = clip_plan_inputs,
                                          .preprocess = clip_preprocess,
                                          .encode = clip_encode,
                                          .parameters = parameters,
                                          .weights = weights};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "image", &clip_modality}};
static const char *const     needs_host[] = {WEFT_IF_PACKAGE, WEFT_IF_WEIGHTS, WEFT_IF_OPS,
                                             WEFT_IF_POOL, NULL};
static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = CLIP_ID,
    .name = "CLIP pictures",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .url = "",
    .needs_host = needs_host,
    .components = components,
    .n_components = 1,
};
WEFT_PLUGIN(CLIP_ID, "0.1.0", "components=modality:image\n", &descriptor, NULL, NULL)
