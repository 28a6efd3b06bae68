/* SPDX-License-Identifier: Apache-2.0 */
/* What the adapter declares to the core: sites, marker, prompts; and what it refuses. */
#include "module.h"

#define SITES_MAX 32

typedef struct sink_log {
    int32_t     layer[SITES_MAX], order[SITES_MAX], n_sites, n_markers;
    char        w_q[SITES_MAX][160], gate_ffn[SITES_MAX][160];
    weft_xattn  last;
    weft_marker marker;
    char        embedding[160];
} sink_log;

static weft_status log_site(void *ctx, const weft_hook_site *s, weft_error *err)
{
    sink_log *l = ctx;
    (void)err;
    assert_true(l->n_sites < SITES_MAX);
    assert_int_equal(s->kind, WEFT_HOOK_XATTN);
    assert_string_equal(s->stream, "weft.vision/image");
    l->layer[l->n_sites] = s->layer;
    l->order[l->n_sites] = s->order;
    snprintf(l->w_q[l->n_sites], sizeof l->w_q[0], "%s", s->xattn->w_q);
    snprintf(l->gate_ffn[l->n_sites], sizeof l->gate_ffn[0], "%s", s->xattn->gate_ffn);
    l->last = *s->xattn;
    l->n_sites++;
    return WEFT_OK;
}

static weft_status log_marker(void *ctx, const weft_marker *m, weft_error *err)
{
    sink_log *l = ctx;
    (void)err;
    l->marker = *m;
    if (m->embedding_weight != NULL)
        snprintf(l->embedding, sizeof l->embedding, "%s", m->embedding_weight);
    l->n_markers++;
    return WEFT_OK;
}

static weft_status create(module *m, const char *config, const char *preprocessor, int32_t n_layers,
                          int32_t d_model, int32_t vocab, void **self)
{
    weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                          .package = module_package(m, config, preprocessor),
                          .n_layers = n_layers,
                          .d_model = d_model,
                          .vocab = vocab};
    return m->image->create(&m->host.host, &mi, self, &m->err);
}

static void install(module *m, void *self, sink_log *log)
{
    weft_hook_sink sink = {WEFT_HDR(weft_hook_sink), log, log_site, log_marker};
    memset(log, 0, sizeof *log);
    assert_int_equal(m->image->install(self, &sink, &m->err), WEFT_OK);
    assert_int_equal(log->n_markers, 1);
}

#define ARCH "\"architectures\": [\"MllamaForConditionalGeneration\"]"
#define SMALL(X)                                                                                   \
    "{" ARCH ", \"image_token_index\": 100, \"text_config\": {\"hidden_size\": 64, "               \
    "\"num_attention_heads\": 16, \"intermediate_size\": 48, \"vocab_size\": 96, " X "}}"

/* The released 11B, whose configuration is all defaults. */
static void test_released(void **state)
{
    module   m;
    void    *self;
    sink_log log;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, "{" ARCH "}", NULL, 32, 4096, 128256, &self), WEFT_OK);
    install(&m, self, &log);
    assert_int_equal(log.n_sites, 8);
    for (int i = 0; i < 8; i++) { /* file layers 3, 8, ...: before self blocks 3, 7, ... */
        char name[160];
        snprintf(name, sizeof name, "language_model.model.layers.%d.cross_attn.q_proj.weight",
                 3 + 5 * i);
        assert_string_equal(log.w_q[i], name);
        snprintf(name, sizeof name, "language_model.model.layers.%d.cross_attn_mlp_gate",
                 3 + 5 * i);
        assert_string_equal(log.gate_ffn[i], name);
        assert_int_equal(log.layer[i], 3 + 4 * i);
        assert_int_equal(log.order[i], 0);
    }
    assert_int_equal(log.last.n_heads, 32);
    assert_int_equal(log.last.n_kv_heads, 8);
    assert_int_equal(log.last.head_dim, 128);
    assert_int_equal(log.last.d_src, 4096);
    assert_int_equal(log.last.d_ffn, 14336);
    assert_int_equal(log.last.flags, WEFT_XATTN_QK_NORM | WEFT_XATTN_GATE_TANH);
    assert_true(log.last.norm_eps == 1e-5f);
    assert_string_equal(log.marker.token, "<|image|>");
    assert_string_equal(log.marker.stream, "weft.vision/image");
    assert_int_equal(log.marker.token_id, 128256);
    assert_int_equal(log.marker.embedding_row, 128256);
    assert_int_equal(log.marker.visibility, WEFT_VIS_UNTIL_NEXT_GROUP);
    assert_string_equal(log.embedding, "language_model.model.embed_tokens.weight");
    m.image->destroy(self);
    module_close(&m);
}

/* Cross layers before the first block, beside each other, and after the last block. */
static void test_edges(void **state)
{
    module   m;
    void    *self;
    sink_log log;
    (void)state;
    module_open(&m);
    module_has_name = "model.language_model.embed_tokens.weight";
    assert_int_equal(
        create(&m, SMALL("\"num_hidden_layers\": 6, \"cross_attention_layers\": [5, 0, 2, 3]"),
               NULL, 2, 64, 96, &self),
        WEFT_OK);
    install(&m, self, &log);
    static const int32_t layer[4] = {0, 1, 1, 2}, order[4] = {0, 0, 1, 0};
    assert_int_equal(log.n_sites, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(log.layer[i], layer[i]);
        assert_int_equal(log.order[i], order[i]); /* neighbours at one coordinate must not tie */
    }
    assert_string_equal(log.w_q[2], "model.language_model.layers.3.cross_attn.q_proj.weight");
    assert_string_equal(log.embedding, "model.language_model.embed_tokens.weight");
    m.image->destroy(self);
    module_close(&m);
}

static void test_hook_order_and_own_word(void **state)
{
    module   m;
    void    *self;
    sink_log log;
    (void)state;
    module_open(&m);
    assert_int_equal(
        create(&m,
               "{" ARCH ", \"hook_order\": 7, \"image_token_index\": 90, \"text_config\": "
               "{\"hidden_size\": 64, \"num_attention_heads\": 16, \"vocab_size\": 96, "
               "\"num_hidden_layers\": 3, \"cross_attention_layers\": [1]}}",
               NULL, 2, 64, 96, &self),
        WEFT_OK);
    install(&m, self, &log);
    assert_int_equal(log.order[0], 7);
    assert_int_equal(log.marker.token_id, 90);
    assert_null(log.marker.embedding_weight); /* within the vocabulary: the core has its row */
    m.image->destroy(self);
    module_close(&m);
}

static void test_prompt(void **state)
{
    module      m;
    void       *self;
    const char *system, *user;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, "{" ARCH "}", NULL, 0, 0, 0, &self),
                     WEFT_OK); /* no text core: preprocess */
    assert_int_equal(m.image->prompt(self, "describe", &system, &user, &m.err), WEFT_OK);
    assert_null(system);
    assert_string_equal(user, "Describe this picture.");
    assert_int_equal(m.image->prompt(self, "transcribe", &system, &user, &m.err), WEFT_OK);
    assert_null(user);
    m.image->destroy(self);
    assert_int_equal(create(&m, "{" ARCH ", \"weft_prompts\": {\"describe\": \"Name it.\"}}", NULL,
                            0, 0, 0, &self),
                     WEFT_OK);
    assert_int_equal(m.image->prompt(self, "describe", &system, &user, &m.err), WEFT_OK);
    assert_string_equal(user, "Name it.");
    m.image->destroy(self);
    module_close(&m);
}

#define VISION(X) "{" ARCH ", \"vision_config\": {" X "}}"
#define FIT "\"num_hidden_layers\": 3, \"cross_attention_layers\": [1]"

typedef struct refusal {
    const char *config, *preprocessor;
    weft_status status;
    const char *says;
} refusal;

static const refusal refusals[] = {
    {"{\"architectures\": [\"LlamaForCausalLM\"]}", NULL, WEFT_E_UNSUPPORTED, "LlamaForCausalLM"},
    {"{}", NULL, WEFT_E_UNSUPPORTED, "names nothing"},
    {VISION("\"patch_size\": 0"), NULL, WEFT_E_INVALID,
     "vision_config.patch_size is 0, and it must be 1 to 1024"},
    {VISION("\"patch_size\": 14.5"), NULL, WEFT_E_CORRUPT, "vision_config.patch_size"},
    {VISION("\"image_size\": 13"), NULL, WEFT_E_INVALID, "make 0 tokens"},
    {VISION("\"image_size\": 65536, \"patch_size\": 1"), NULL, WEFT_E_INVALID, "tokens"},
    {VISION("\"hidden_size\": 1281"), NULL, WEFT_E_INVALID, "no multiple of its 16"},
    {VISION("\"attention_heads\": 0"), NULL, WEFT_E_INVALID, "attention_heads is 0"},
    {VISION("\"num_channels\": 4"), NULL, WEFT_E_INVALID, "num_channels is 4"},
    {VISION("\"hidden_act\": \"mish\""), NULL, WEFT_E_UNSUPPORTED, "\"mish\""},
    {VISION("\"num_hidden_layers\": 30"), NULL, WEFT_E_INVALID, "intermediate_layers_indices"},
    {VISION("\"intermediate_layers_indices\": [32]"), NULL, WEFT_E_INVALID, "[0] is 32"},
    {VISION("\"intermediate_layers_indices\": [1, 2]"), NULL, WEFT_E_INVALID,
     "vision_output_dim is 7680"},
    {VISION("\"max_num_tiles\": 65"), NULL, WEFT_E_INVALID, "max_num_tiles is 65"},
    {VISION("\"supported_aspect_ratios\": [[1, 1], [3, 2]]"), NULL, WEFT_E_INVALID,
     "[1] is more than the 4"},
    {VISION("\"supported_aspect_ratios\": [[1, 1]]"), NULL, WEFT_E_INVALID, "in 8 ways"},
    {VISION("\"supported_aspect_ratios\": [[1]]"), NULL, WEFT_E_CORRUPT, "[0][1] is not a number"},
    {VISION("\"norm_eps\": -1"), NULL, WEFT_E_INVALID, "norm_eps is -1"},
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 560}}", WEFT_E_INVALID, "560 x 448"},
    {"{" ARCH "}", "{}", WEFT_E_INVALID, "224 x 224"}, /* the class's own default */
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 448}, \"max_image_tiles\": 2}",
     WEFT_E_INVALID, "2 tiles"},
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 448}, \"do_pad\": false}",
     WEFT_E_UNSUPPORTED, "do_pad"},
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 448}, \"resample\": 3}",
     WEFT_E_UNSUPPORTED, "bilinear"},
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 448}, \"image_std\": [1, 0, 1]}",
     WEFT_E_INVALID, "image_std[1] is 0"},
    {"{" ARCH "}", "{\"size\": {\"height\": 448, \"width\": 448}, \"image_mean\": [0.5]}",
     WEFT_E_INVALID, "image_mean has 1"},
};

static void test_refusals(void **state)
{
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        weft_status    status = create(&m, r->config, r->preprocessor, 0, 0, 0, &self);
        if (status != r->status || strstr(m.err.message, r->says) == NULL)
            fail_msg("case %zu: status %d, %s", i, status, m.err.message);
        assert_null(self);
    }
    module_close(&m);
}

/* An adapter on a core of another shape: the message names both. */
static void test_other_core(void **state)
{
    module m;
    void  *self;
    (void)state;
    module_open(&m);
    assert_int_equal(create(&m, SMALL(FIT), NULL, 3, 64, 96, &self), WEFT_E_INVALID);
    assert_non_null(strstr(m.err.message, "2 self-attention layers of width 64"));
    assert_non_null(strstr(m.err.message, "has 3 of width 64"));
    assert_int_equal(create(&m, SMALL(FIT), NULL, 2, 32, 96, &self), WEFT_E_INVALID);
    assert_non_null(strstr(m.err.message, "has 2 of width 32"));
    assert_int_equal(create(&m, SMALL(FIT), NULL, 2, 64, 101, &self), WEFT_E_INVALID);
    assert_non_null(strstr(m.err.message, "marker token 100"));
    module_close(&m);
}

/* The nth allocation fails, for every n until create succeeds: NOMEM and nothing kept. */
static void test_out_of_memory(void **state)
{
    module   m;
    void    *self;
    uint64_t n = 0;
    (void)state;
    module_open(&m);
    weft_status status = WEFT_E_NOMEM;
    while (status == WEFT_E_NOMEM) {
        uint64_t live = m.host.blocks_live;
        fake_host_fail_at(&m.host, ++n, 0);
        status = create(&m, SMALL(FIT), NULL, 2, 64, 96, &self);
        if (status == WEFT_E_NOMEM)
            assert_int_equal(m.host.blocks_live, live);
    }
    assert_int_equal(status, WEFT_OK);
    assert_true(n > 1);
    for (n = 1; n <= 2; n++) { /* of load: the blocks, then the list of names */
        fake_host_fail_at(&m.host, n, 0);
        assert_int_equal(m.image->load(self, &m.err), WEFT_E_NOMEM);
    }
    fake_host_fail_at(&m.host, 0, 0);
    assert_int_equal(m.image->load(self, &m.err), WEFT_E_NOTFOUND); /* as this host's weights say */
    m.image->destroy(self);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_hook_order_and_own_word),
        cmocka_unit_test(test_prompt),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_other_core),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
