/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a model from config.json alone: the released shapes in numbers, sizes past every
 * machine, and that an engine with weights says the same. */
#include "expect.h"

#include "tests/unit/scratch.h"

#define PICTURE FIXTURE("images/rgb8.png")
#define LLAMA(sizes)                                                                               \
    "{\"architectures\": [\"LlamaForCausalLM\"], \"torch_dtype\": \"bfloat16\", "                  \
    "\"rms_norm_eps\": 1e-5,"                                                                      \
    " \"rope_theta\": 500000.0, \"max_position_embeddings\": 131072, " sizes "}"
#define MLLAMA(text)                                                                               \
    "{\"architectures\": [\"MllamaForConditionalGeneration\"], \"torch_dtype\": \"bfloat16\","     \
    " \"text_config\": {" text "}, \"vision_config\": {\"image_size\": 560}}"

/* Opens a directory that holds this config.json and nothing else. */
static void open_config(rig *r, const char *config, const char *more)
{
    char        model[300];
    weft_error  err = WF_ERROR_INIT;
    const char *pairs[] = {model, more, NULL};
    snprintf(model, sizeof model, "model=%s", scratch);
    scratch_put("config.json", config, strlen(config));
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, WEFT_OPEN_CONFIG, NULL, &r->e, &err), &err);
}

static weft_engine_info describe(const rig *r)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_error       err = WF_ERROR_INIT;
    rig_check(weft_engine_describe(r->e, &d, &err), &err);
    return d;
}

/* Parameters as transformers 4.49 counts them; Mllama's 8 rows of embed_tokens that are no tokens
 * count with the encoder. */
static const struct {
    const char *config;
    uint64_t    core, sites, encoders, kv_of_token;
    int32_t     n_layers, n_sites;
} shapes[] = {
    {LLAMA("\"hidden_size\": 2048, \"intermediate_size\": 8192, \"num_attention_heads\": 32,"
           " \"num_key_value_heads\": 8, \"num_hidden_layers\": 16, \"vocab_size\": 128256, "
           "\"head_dim\": 64,"
           " \"tie_word_embeddings\": true"),
     1235814400, 0, 0, 32768, 16, 0},
    {LLAMA("\"hidden_size\": 4096, \"intermediate_size\": 14336, \"num_attention_heads\": 32,"
           " \"num_key_value_heads\": 8, \"num_hidden_layers\": 32, \"vocab_size\": 128256"),
     8030261248, 0, 0, 131072, 32, 0},
    {LLAMA("\"hidden_size\": 8192, \"intermediate_size\": 28672, \"num_attention_heads\": 64,"
           " \"num_key_value_heads\": 8, \"num_hidden_layers\": 80, \"vocab_size\": 128256"),
     70553706496, 0, 0, 327680, 80, 0},
    {LLAMA("\"hidden_size\": 16384, \"intermediate_size\": 53248, \"num_attention_heads\": 128,"
           " \"num_key_value_heads\": 8, \"num_hidden_layers\": 126, \"vocab_size\": 128256"),
     405853388800, 0, 0, 516096, 126, 0},
    {MLLAMA("\"model_type\": \"mllama_text_model\""), 8030261248, 1744898064, 895061523, 131072, 32,
     8},
    {MLLAMA("\"hidden_size\": 8192, \"intermediate_size\": 28672, \"num_attention_heads\": 64,"
            " \"num_hidden_layers\": 100, \"cross_attention_layers\": [3, 8, 13, 18, 23, 28, 33, "
            "38, 43, 48, 53, 58,"
            " 63, 68, 73, 78, 83, 88, 93, 98]"),
     70553706496, 17113093160, 926555667, 327680, 80, 20},
};

static void test_released_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        rig r;
        open_config(&r, shapes[i].config, "context=131072");
        weft_engine_info d = describe(&r);
        assert_int_equal(d.core_parameters, shapes[i].core);
        assert_int_equal(d.site_parameters, shapes[i].sites);
        assert_int_equal(d.encoder_parameters, shapes[i].encoders);
        assert_int_equal(d.n_layers, shapes[i].n_layers);
        assert_int_equal(d.n_sites, shapes[i].n_sites);
        assert_string_equal(d.dtype, "bf16");
        /* bf16 but for the norms and an encoder's tables of positions, which are f32, and what
         * packing pads; test_price.c has it to the byte where there are weights */
        uint64_t halves = 2 * (shapes[i].core + shapes[i].sites + shapes[i].encoders);
        uint64_t tables = d.encoder_parameters / 10 * 2;
        assert_true(d.weight_bytes > halves && d.weight_bytes - halves < halves / 1000 + tables);
        assert_int_equal(d.context, 131072);
        assert_int_equal(d.kv_bytes, 131072 * shapes[i].kv_of_token);
        assert_int_equal(d.total_bytes, d.weight_bytes + d.kv_bytes + d.step_bytes);
        rig_close(&r);
    }
}

/* The largest sizes that are read at all: sums stick at the top, they do not wrap. */
static void test_past_every_machine(void **state)
{
    rig r;
    (void)state;
    open_config(
        &r,
        LLAMA("\"hidden_size\": 16777216, \"intermediate_size\": 16777216, "
              "\"num_attention_heads\": 65536,"
              " \"num_key_value_heads\": 65536, \"head_dim\": 4096, \"num_hidden_layers\": 1024,"
              " \"vocab_size\": 16777216"),
        "dtype=f32");
    weft_engine_info d = describe(&r);
    assert_true(d.core_parameters == UINT64_MAX);
    assert_true(d.weight_bytes == UINT64_MAX);
    assert_true(d.total_bytes == UINT64_MAX);
    rig_close(&r);
}

/* A picture planned for the released 11B: 1 of 4 tiles, each a class token and 40 x 40 patches. */
static void test_plan_of_a_picture(void **state)
{
    static const int64_t pixels[4] = {4, 3, 560, 560};
    rig                  r;
    weft_item           *item;
    weft_tensor          t;
    const char          *name;
    weft_error           err = WF_ERROR_INIT;
    weft_item_info       d = {.hdr = WEFT_HDR(weft_item_info)};
    weft_item_request    rq = WEFT_ITEM_REQUEST(PICTURE);
    (void)state;
    open_config(&r, shapes[4].config, "context=0");
    rq.plan_only = 1;
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    rig_check(weft_item_describe(item, &d, &err), &err);
    assert_int_equal(d.width, 13);
    assert_int_equal(d.n_placeholders, 1);
    assert_int_equal(d.n_rows, 1601);
    assert_int_equal(d.n_parts, 1);
    assert_int_equal(d.max_parts, 4);
    /* 26 pages of 64 rows for each of 8 sites; a page is K and V of 8 heads of 128 in bf16. */
    assert_int_equal(d.kv_bytes, 26 * 8 * (2 * 64 * 8 * 128 * 2));
    assert_int_equal(weft_item_input(item, 0, &name, &t), 1);
    assert_string_equal(name, "pixel_values");
    assert_null(t.data);
    assert_int_equal(t.ndim, 4);
    assert_memory_equal(t.shape, pixels, sizeof pixels);
    assert_int_equal(t.bytes, 4 * 3 * 560 * 560 * 4);
    assert_int_equal(weft_item_input(item, 3, &name, &t), 0);
    refused(weft_item_encode(item, &err), &err, WEFT_E_STATE, 1, "without weights");
    weft_item_release(&item);
    weft_site_info s = {.hdr = WEFT_HDR(weft_site_info)};
    for (int32_t i = 0; i < 8; i++) { /* before each fourth self-attention block */
        assert_int_equal(weft_engine_site(r.e, (uint32_t)i, &s), 1);
        assert_int_equal(s.layer, 3 + 4 * i);
        assert_int_equal(s.parameters * 8, shapes[4].sites);
    }
    assert_int_equal(weft_engine_site(r.e, 8, &s), 0);
    rig_close(&r);
}

static void test_markers(void **state)
{
    static const struct {
        const char *model, *token, *stream, *seen;
        int32_t     token_id, end_id;
    } cases[] = {
        {"model=" FIXTURE("mllama-1tile"), "<|image|>", "weft.vision/image", "until the next group",
         128, -1},
        {"model=" FIXTURE("idefics/plain"), "<image>", "weft.idefics/image", "until the next", 97,
         2},
    };
    (void)state;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char      *pairs[] = {cases[i].model, NULL};
        rig              r = {.n_items = 0};
        weft_error       err = WF_ERROR_INIT;
        weft_marker_info m = {.hdr = WEFT_HDR(weft_marker_info)};
        r.settings = settings_of(pairs);
        rig_check(weft_engine_open(r.settings, WEFT_OPEN_CONFIG, NULL, &r.e, &err), &err);
        assert_int_equal(weft_engine_marker(r.e, 0, &m), 1);
        assert_int_equal(m.hdr.size, sizeof m);
        assert_string_equal(m.token, cases[i].token);
        assert_string_equal(m.stream, cases[i].stream);
        assert_string_equal(m.seen, cases[i].seen);
        assert_int_equal(m.token_id, cases[i].token_id);
        assert_int_equal(m.end_id, cases[i].end_id);
        assert_int_equal(weft_engine_marker(r.e, 1, &m), 0);
        rig_close(&r);
    }
}

/* Where config.json does not name a type, the stored weights do; what they take is what is said. */
static void test_the_stored_type_counts(void **state)
{
    static const char *const models[] = {FIXTURE("llama-bf16"), FIXTURE("llama-untied"),
                                         FIXTURE("llama-f16")};
    static const char *const types[] = {"bf16", "f32", "f16"};
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char        said[300], file[400], model[300];
        const char *key;
        size_t      n;
        rig         r = {.n_items = 0};
        weft_error  err = WF_ERROR_INIT;
        snprintf(file, sizeof file, "%s/config.json", models[i]);
        FILE *f = fopen(file, "rb");
        assert_non_null(f);
        static char text[8192];
        n = fread(text, 1, sizeof text - 1, f);
        text[n] = '\0';
        fclose(f);
        while ((key = strstr(text, "dtype")) != NULL)
            memcpy(text + (key - text), "other", 5); /* a key of no meaning */
        scratch_put("config.json", text, n);
        snprintf(said, sizeof said, "%s/model.safetensors", scratch);
        unlink(said);
        snprintf(file, sizeof file, "%s/model.safetensors", models[i]);
        assert_int_equal(symlink(file, said), 0);
        snprintf(model, sizeof model, "model=%s", scratch);
        const char *pairs[] = {model, "safe=true", NULL};
        r.settings = settings_of(pairs);
        rig_check(weft_engine_open(r.settings, WEFT_OPEN_CONFIG, NULL, &r.e, &err), &err);
        weft_engine_info d = describe(&r);
        assert_string_equal(d.dtype, types[i]);
        uint64_t priced = d.weight_bytes;
        rig_close(&r);
        r = (rig){.n_items = 0};
        r.settings = settings_of(pairs);
        rig_check(weft_engine_open(r.settings, 0, NULL, &r.e, &err), &err);
        assert_int_equal(r.e->model->buffers.bytes, priced);
        rig_close(&r);
        unlink(said);
    }
}

/* With and without weights an engine describes itself alike. */
static void test_same_with_weights(void **state)
{
    const char       *pairs[] = {"model=" FIXTURE("mllama-1tile"), NULL};
    rig               full, plan = {.n_items = 0};
    weft_error        err = WF_ERROR_INIT;
    weft_item        *a, *b;
    weft_tensor       ta, tb;
    const char       *name;
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    (void)state;
    rig_open(&full, pairs, NULL);
    plan.settings = settings_of(pairs);
    rig_check(weft_engine_open(plan.settings, WEFT_OPEN_CONFIG, NULL, &plan.e, &err), &err);
    weft_engine_info x = describe(&full), y = describe(&plan);
    x.model = y.model = NULL; /* strings of two engines */
    x.architecture = y.architecture = NULL;
    assert_string_equal(x.dtype, y.dtype);
    assert_memory_equal(&x.n_threads, &y.n_threads,
                        sizeof x - offsetof(weft_engine_info, n_threads));
    rig_check(weft_item_open(full.e, &rq, &a, &err), &err);
    rq.plan_only = 1;
    rig_check(weft_item_open(plan.e, &rq, &b, &err), &err);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(weft_item_input(a, i, &name, &ta), 1);
        assert_int_equal(weft_item_input(b, i, &name, &tb), 1);
        assert_true(ta.data != NULL && tb.data == NULL && ta.bytes == tb.bytes);
        assert_memory_equal(ta.shape, tb.shape, sizeof ta.shape);
    }
    weft_item_release(&a);
    weft_item_release(&b);
    rig_close(&full);
    rig_close(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released_shapes),   cmocka_unit_test(test_past_every_machine),
        cmocka_unit_test(test_plan_of_a_picture), cmocka_unit_test(test_markers),
        cmocka_unit_test(test_same_with_weights), cmocka_unit_test(test_the_stored_type_counts),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
