/* SPDX-License-Identifier: Apache-2.0 */
/* The chat format beyond the vectors: system block, trimming, roles; stop sets; special names of
 * each release. Expected ids are made with encode itself, which the vectors prove. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

#define DATED "Cutting Knowledge Date: December 2023\nToday Date: "

typedef struct setup {
    fake_host      h;
    weft_package  *p;
    txt_tokenizer *t;
} setup;

static void setup_begin(setup *s, const fake_option *options, uint32_t n)
{
    fake_host_init(&s->h, options, n);
    s->p = fake_package_open(&s->h, NULL);
    fixture_put(s->p, "tokenizer.model", "tiny.model");
}

static void setup_end(setup *s)
{
    txt_tokenizer_destroy(s->t);
    assert_int_equal(s->h.blocks_live, 0);
    fake_host_deinit(&s->h);
}

/* Chat ids of m must be those of `rendered`, in which special tokens stand as text. No text that
 * touches another one merges with it here: the pieces end at line feeds and specials. */
static void chat_is(const setup *s, const weft_message *m, uint32_t n, const char *rendered)
{
    int32_t  got[512], want[512];
    uint64_t n_got, n_want;
    assert_int_equal(txt_chat(s->t, m, n, got, 512, &n_got, NULL), WEFT_OK);
    assert_int_equal(
        txt_encode(s->t, rendered, strlen(rendered), WEFT_TOK_SPECIAL, want, 512, &n_want, NULL),
        WEFT_OK);
    assert_true(n_got <= 512);
    assert_int_equal(n_got, n_want);
    assert_memory_equal(got, want, n_got * sizeof *got);
}

static weft_part text_part(const char *text)
{
    weft_part p = {WEFT_HDR(weft_part), text, strlen(text), -1, 0};
    return p;
}

#define ROLE(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"
#define END "<|eot_id|>"

static void test_system_block(void **state)
{
    (void)state;
    static const struct {
        const char *option, *template;
        bool        block;
    } cases[] = {
        {NULL, NULL, false},
        {"auto", NULL, false},
        {"auto", "\"... Cutting Knowledge Date: ...\"", true},
        {NULL, "\"Cutting Knowledge Date <|image|>\"", false},
        {"auto", "\"{{ bos_token }}\"", false},
        {"auto", "[{\"name\": \"default\", \"template\": \"Cutting Knowledge Date\"}]", true},
        {"always", NULL, true},
        {"never", "\"Cutting Knowledge Date\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup        s;
        char         config[256];
        weft_part    hi = text_part("Hi"), brief = text_part(" Be brief.\n");
        weft_message m[2] = {{WEFT_HDR(weft_message), "system", &brief, 1, 0},
                             {WEFT_HDR(weft_message), "user", &hi, 1, 0}};
        fake_option  options[3] = {{"system_block", 0, 0, cases[i].option},
                                   {"date", 0, 0, "1 Jan 2025"},
                                   {"chat_format", 0, 0, "built-in"}};
        setup_begin(&s, options, 3);
        snprintf(config, sizeof config, "{\"chat_template\": %s}", cases[i].template);
        if (cases[i].template != NULL)
            text_put(s.p, "tokenizer_config.json", config);
        s.t = tokenizer_open(&s.h, s.p);
        chat_is(&s, m + 1, 1,
                cases[i].block ? "<|begin_of_text|>" ROLE("system") DATED
                    "1 Jan 2025\n\n" END ROLE("user") "Hi" END             ROLE("assistant")
                               : "<|begin_of_text|>" ROLE("user") "Hi" END ROLE("assistant"));
        chat_is(&s, m, 2,
                cases[i].block ? "<|begin_of_text|>" ROLE("system") DATED
                    "1 Jan 2025\n\nBe brief." END ROLE("user") "Hi" END ROLE("assistant")
                               : "<|begin_of_text|>" ROLE("system") "Be brief." END ROLE(
                                     "user") "Hi" END ROLE("assistant"));
        setup_end(&s);
    }
}

static void test_template_in_other_files(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"chat_template.jinja", "{{ 'Cutting Knowledge Date' }}"},
        {"chat_template.json", "{\"chat_template\": \"Cutting Knowledge Date\"}"},
    };
    static const fake_option built_in = {"chat_format", 0, 0, "built-in"};
    for (int i = 0; i < 2; i++) {
        setup s;
        setup_begin(&s, &built_in, 1);
        text_put(s.p, files[i][0], files[i][1]);
        s.t = tokenizer_open(&s.h, s.p);
        chat_is(&s, NULL, 0,
                "<|begin_of_text|>" ROLE("system") DATED "26 Jul 2024\n\n" END ROLE("assistant"));
        setup_end(&s);
    }
}

static void test_trimming(void **state)
{
    (void)state;
    setup s;
    setup_begin(&s, NULL, 0);
    s.t = tokenizer_open(&s.h, s.p);
    weft_part    parts[] = {text_part(" \n"),
                            {WEFT_HDR(weft_part), NULL, 0, -1, 0},
                            text_part("\t\xc2\xa0 Hi\n"),
                            {WEFT_HDR(weft_part), NULL, 0, -1, 0},
                            text_part("\nyou\x1f\xe3\x80\x80"),
                            text_part("  ")};
    weft_message m = {WEFT_HDR(weft_message), "user", parts, 6, 0};
    /* Each part is encoded on its own, so the line feeds in the middle stay apart. */
    int32_t                        got[128], want[128];
    uint64_t                       n_got, n_want, more;
    const char                    *head = "<|begin_of_text|>" ROLE("user") "Hi\n",
               *tail = "\nyou" END ROLE("assistant");
    assert_int_equal(txt_chat(s.t, &m, 1, got, 128, &n_got, NULL), WEFT_OK);
    assert_int_equal(
        txt_encode(s.t, head, strlen(head), WEFT_TOK_SPECIAL, want, 128, &n_want, NULL), WEFT_OK);
    assert_int_equal(txt_encode(s.t, tail, strlen(tail), WEFT_TOK_SPECIAL, want + n_want,
                                128 - n_want, &more, NULL),
                     WEFT_OK);
    assert_int_equal(n_got, n_want + more);
    assert_memory_equal(got, want, n_got * sizeof *got);
    /* A message of nothing but white space, and one without parts, are empty. */
    weft_message blank[2] = {{WEFT_HDR(weft_message), "user", parts, 2, 0},
                             {WEFT_HDR(weft_message), "tool", NULL, 0, 0}};
    chat_is(&s, blank, 2,
            "<|begin_of_text|>" ROLE("user") END ROLE("ipython") END ROLE("assistant"));
    /* Beside a picture nothing is cut, and its id stands as given. */
    weft_part look[] = {
        text_part(" Look "), {WEFT_HDR(weft_part), NULL, 0, 609, 0}, text_part(" ")};
    weft_message picture = {WEFT_HDR(weft_message), "user", look, 3, 0};
    chat_is(&s, &picture, 1,
            "<|begin_of_text|>" ROLE("user") " Look <|eot_id|> " END ROLE("assistant"));
    setup_end(&s);
}

static void test_unknown_role(void **state)
{
    (void)state;
    setup        s;
    uint64_t     need;
    weft_error   err = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_message m = {WEFT_HDR(weft_message), "narrator", NULL, 0, 0};
    setup_begin(&s, NULL, 0);
    s.t = tokenizer_open(&s.h, s.p);
    assert_int_equal(txt_chat(s.t, &m, 1, NULL, 0, &need, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "narrator"));
    setup_end(&s);
}

static void test_stops(void **state)
{
    (void)state;
    static const struct {
        const char *generation, *config;
        uint32_t    n, stops[3];
    } cases[] = {
        {NULL, NULL, 3, {601, 608, 609}},
        {"{}", "{}", 3, {601, 608, 609}},
        {"{\"eos_token_id\": null}", "{\"eos_token_id\": null}", 3, {601, 608, 609}},
        {"{\"eos_token_id\": 609}", "{\"eos_token_id\": 601}", 1, {609}},
        {"{\"eos_token_id\": [609, 5]}", NULL, 2, {609, 5}},
        {NULL, "{\"eos_token_id\": [601]}", 1, {601}},
        {NULL, "{\"text_config\": {\"eos_token_id\": 608}}", 1, {608}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup s;
        setup_begin(&s, NULL, 0);
        if (cases[i].generation != NULL)
            text_put(s.p, "generation_config.json", cases[i].generation);
        if (cases[i].config != NULL)
            text_put(s.p, "config.json", cases[i].config);
        s.t = tokenizer_open(&s.h, s.p);
        assert_int_equal(s.t->n_stops, cases[i].n);
        assert_memory_equal(s.t->stops, cases[i].stops, cases[i].n * sizeof(uint32_t));
        setup_end(&s);
    }
}

/* architecture by architecture, from config.json alone; TXT_NONE: the release has no such name. */
static void test_release_names(void **state)
{
    (void)state;
    static const struct {
        const char *config, *name;
        uint32_t    id;
    } cases[] = {
        {"{\"max_position_embeddings\": 8192}", "<|eom_id|>", TXT_NONE},
        {"{\"max_position_embeddings\": 8192}", "<|reserved_special_token_3|>", 605},
        {"{\"max_position_embeddings\": 8192}", "<|reserved_special_token_250|>", 855},
        {"{\"max_position_embeddings\": 8192}", "<|eot_id|>", 609},
        {"{\"max_position_embeddings\": 8192, \"rope_scaling\": {}}", "<|eom_id|>", 608},
        {"{\"max_position_embeddings\": 8192, \"rope_parameters\": {\"rope_type\": \"llama3\"}}",
         "<|eom_id|>", 608},
        {"{}", "<|finetune_right_pad_id|>", 604},
        {"{}", "<|reserved_special_token_2|>", 605},
        {"{}", "<|reserved_special_token_247|>", 855},
        {"{}", "<|python_tag|>", 610},
        {"{}", "<|image|>", TXT_NONE},
        {"{\"vocab_size\": 700}", "<|reserved_special_token_91|>", 699},
        {"{\"vocab_size\": 700}", "<|reserved_special_token_92|>", TXT_NONE},
        {"{\"model_type\": \"mllama\", \"text_config\": {\"vocab_size\": 856}}", "<|image|>", 856},
        {"{\"model_type\": \"mllama\", \"text_config\": {\"vocab_size\": 856}}", "<|step_id|>",
         605},
        {"{\"model_type\": \"mllama\", \"text_config\": {\"vocab_size\": 856}}",
         "<|reserved_special_token_246|>", 855},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setup s;
        setup_begin(&s, NULL, 0);
        text_put(s.p, "config.json", cases[i].config);
        s.t = tokenizer_open(&s.h, s.p);
        if (txt_added_find(&s.t->vocab, cases[i].name) != cases[i].id)
            fail_msg("%s under %s", cases[i].name, cases[i].config);
        setup_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_block), cmocka_unit_test(test_template_in_other_files),
        cmocka_unit_test(test_trimming),     cmocka_unit_test(test_unknown_role),
        cmocka_unit_test(test_stops),        cmocka_unit_test(test_release_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
