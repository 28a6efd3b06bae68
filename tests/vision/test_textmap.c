/* SPDX-License-Identifier: Apache-2.0 */
/* The text map: which layers of a directory are the core's, under which names. */
#include "module.h"

#include <jansson.h>

static weft_status map_of(module *m, const char *config, weft_text_map *out)
{
    weft_text_map empty = {.hdr = WEFT_HDR(weft_text_map)};
    *out = empty;
    return m->checkpoint->text_map(&m->host.host, module_package(m, config, NULL), out, &m->err);
}

static void test_released_names(void **state)
{
    module        m;
    weft_text_map map;
    (void)state;
    module_open(&m);
    assert_int_equal(
        map_of(
            &m,
            "{\"text_config\": {\"num_hidden_layers\": 6, \"cross_attention_layers\": [4, 0, 5]}}",
            &map),
        WEFT_OK);
    assert_string_equal(map.prefix, "language_model.model.");
    assert_string_equal(map.head, "language_model.lm_head.weight");
    assert_string_equal(map.config_path, "text_config");
    assert_int_equal(map.n_layers, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(map.layers[i], i + 1);
    module_close(&m);
}

static void test_renamed(void **state)
{
    module        m;
    weft_text_map map;
    (void)state;
    module_open(&m);
    module_has_name = "model.language_model.embed_tokens.weight";
    assert_int_equal(
        map_of(&m, "{\"text_config\": {\"num_hidden_layers\": 3, \"cross_attention_layers\": [1]}}",
               &map),
        WEFT_OK);
    assert_string_equal(map.prefix, "model.language_model.");
    assert_string_equal(map.head, "lm_head.weight");
    module_close(&m);
}

/* A released 11B whose text_config holds defaults only: 32 self layers around 3, 8, ..., 38. */
static void test_defaults(void **state)
{
    module        m;
    weft_text_map map;
    (void)state;
    module_open(&m);
    assert_int_equal(map_of(&m, "{\"text_config\": {\"model_type\": \"mllama_text_model\"}}", &map),
                     WEFT_OK);
    assert_int_equal(map.n_layers, 32);
    for (int i = 0; i < 32; i++) {
        assert_int_not_equal(map.layers[i] % 5, 3);
        assert_int_equal(map.layers[i], i + (i + 1) / 4);
    }
    json_t *d = json_loads(map.defaults, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(d);
    assert_true(json_number_value(json_object_get(d, "rope_theta")) == 500000.0);
    assert_true(json_number_value(json_object_get(d, "rms_norm_eps")) == 1e-5);
    assert_int_equal(json_integer_value(json_object_get(d, "num_key_value_heads")), 8);
    assert_true(json_is_false(json_object_get(d, "tie_word_embeddings")));
    assert_null(json_object_get(d, "rope_scaling"));
    json_decref(d);
    module_close(&m);
}

static void test_no_cross_layers(void **state)
{
    module        m;
    weft_text_map map;
    (void)state;
    module_open(&m);
    assert_int_equal(
        map_of(&m, "{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": []}}",
               &map),
        WEFT_OK);
    assert_int_equal(map.n_layers, 2);
    module_close(&m);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *config, *says;
        weft_status status;
    } cases[] = {
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": [2]}}",
         "cross_attention_layers[0] is 2, and it must be 0 to 1", WEFT_E_INVALID},
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": [-1]}}",
         "0 to 1", WEFT_E_INVALID},
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": [0, 1]}}",
         "no self-attention layer", WEFT_E_INVALID},
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": [0, 1, 1]}}",
         "at most 2", WEFT_E_INVALID},
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": [null]}}",
         "not a number", WEFT_E_CORRUPT},
        {"{\"text_config\": {\"num_hidden_layers\": 2, \"cross_attention_layers\": \"3\"}}",
         "cross_attention_layers", WEFT_E_CORRUPT},
        {"{\"text_config\": {\"num_hidden_layers\": 100000}}", "num_hidden_layers is 100000",
         WEFT_E_INVALID},
        {"{\"text_config\": {\"num_hidden_layers\": 0}}", "num_hidden_layers is 0", WEFT_E_INVALID},
        {"{\"text_config\": {\"num_attention_heads\": 12}}", "8 key/value heads cannot share",
         WEFT_E_INVALID},
        {"{", "config.json", WEFT_E_CORRUPT},
    };
    module        m;
    weft_text_map map;
    (void)state;
    module_open(&m);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(map_of(&m, cases[i].config, &map), cases[i].status);
        if (strstr(m.err.message, cases[i].says) == NULL)
            fail_msg("case %zu says: %s", i, m.err.message);
    }
    module_close(&m);
}

/* The map of one engine stays as it was while another engine reads another directory. */
static void test_two_engines(void **state)
{
    module        a, b;
    weft_text_map map_a, map_b;
    (void)state;
    module_open(&a);
    module_open(&b);
    assert_int_equal(
        map_of(&a, "{\"text_config\": {\"num_hidden_layers\": 3, \"cross_attention_layers\": [0]}}",
               &map_a),
        WEFT_OK);
    assert_int_equal(
        map_of(&b, "{\"text_config\": {\"num_hidden_layers\": 3, \"cross_attention_layers\": [2]}}",
               &map_b),
        WEFT_OK);
    assert_int_equal(map_a.layers[0], 1);
    assert_int_equal(map_b.layers[0], 0);
    module_close(&a);
    assert_int_equal(map_b.layers[1], 1);
    module_close(&b);
}

static void test_out_of_memory(void **state)
{
    module m;
    (void)state;
    module_open(&m);
    m.plugin.deinit(&m.host.host);
    fake_host_fail_at(&m.host, 1, 1);
    assert_int_equal(m.plugin.init(&m.host.host, &m.err), WEFT_E_NOMEM);
    assert_int_equal(m.host.blocks_live, 0);
    fake_host_fail_at(&m.host, 0, 0);
    assert_int_equal(m.plugin.init(&m.host.host, &m.err), WEFT_OK);
    module_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_released_names), cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_no_cross_layers),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_two_engines),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
