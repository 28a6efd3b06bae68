/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged, hostile and foreign files: each with its status and a sentence that says where, nothing
 * left behind; every allocation failed once; every read failed once. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

/* Opens one file of these bytes as the whole package, expecting refusal. */
static void refused(const char *file, const void *bytes, uint64_t n, weft_status status,
                    const char *part)
{
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fake_package_put(p, file, bytes, n);
    tokenizer_refused(&h, p, status, part);
    fake_host_deinit(&h);
}

/* Is refused with some status when opened; used where any truncation must do. */
static weft_status open_status(const char *file, const void *bytes, uint64_t n)
{
    fake_host h;
    void     *self;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fake_package_put(p, file, bytes, n);
    weft_status s = txt_tokenizer_create(&h.host, p, &self, NULL);
    if (s == WEFT_OK)
        txt_tokenizer_destroy(self);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
    return s;
}

typedef struct model_case {
    const char *from, *to; /* in tiny.model */
    weft_status status;
    const char *part;
} model_case;

/* The second line of tiny.model is "Ig== 1". */
static const model_case model_cases[] = {
    {"Ig== 1\n", "Ig== 2\n", WEFT_E_CORRUPT, "line 2 should end with rank 1"},
    {"Ig== 1\n", "Ig== 01\n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig== +1\n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig== 1 \n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig== 1\r\n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig== \n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig==  1\n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig== 4294967297\n", WEFT_E_CORRUPT, "line 2 should"},
    {"Ig== 1\n", "Ig==\t1\n", WEFT_E_CORRUPT, "line 2 has no space"},
    {"Ig== 1\n", "Ig==\n", WEFT_E_CORRUPT, "line 2 has no space"},
    {"Ig== 1\n", " 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "Ig= 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "Ig 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "Ih== 1\n", WEFT_E_CORRUPT,
     "line 2 does not begin"}, /* bits set that say nothing */
    {"Ig== 1\n", "I=== 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "==== 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "Ig==Ig== 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "I_== 1\n", WEFT_E_CORRUPT, "line 2 does not begin"},
    {"Ig== 1\n", "\nIg== 1\n", WEFT_E_CORRUPT, "line 2 is empty"},
    {"Ig== 1\n", "IQ== 1\n", WEFT_E_CORRUPT, "line 2 repeats the token of line 1"},
    {"Ig== 1\n", "Iko= 1\n", WEFT_E_CORRUPT, "single byte 0x22"},
};

static void test_model_lines(void **state)
{
    (void)state;
    char *good = fixture_load("tiny.model", NULL);
    assert_memory_equal(good, "IQ== 0\nIg== 1\n", 14);
    for (size_t i = 0; i < sizeof model_cases / sizeof model_cases[0]; i++) {
        char *bad = text_replaced(good, model_cases[i].from, model_cases[i].to);
        refused("tokenizer.model", bad, strlen(bad), model_cases[i].status, model_cases[i].part);
        free(bad);
    }
    free(good);
}

static void test_model_whole(void **state)
{
    (void)state;
    uint64_t n;
    char    *good = fixture_load("tiny.model", &n);
    refused("tokenizer.model", "", 0, WEFT_E_CORRUPT, "is empty");
    refused("tokenizer.model", "\n", 1, WEFT_E_CORRUPT, "line 1 is empty");
    /* What a SentencePiece model begins with. */
    refused("tokenizer.model", "\n\x0e\n\x05<unk>\x15", 10, WEFT_E_CORRUPT, "is too long");
    good[n] = '\n';
    refused("tokenizer.model", good, n + 1, WEFT_E_CORRUPT, "line 601 is empty");
    /* The line feed at the very end may be missing; a line may not be cut anywhere else. */
    assert_int_equal(open_status("tokenizer.model", good, n - 1), WEFT_OK);
    for (uint64_t cut = n - 2; cut > n - 40; cut--)
        assert_true(open_status("tokenizer.model", good, cut) == WEFT_E_CORRUPT ||
                    good[cut] == '\n' || good[cut - 1] == '\n');
    for (uint64_t cut = 0; cut < 256 * 4; cut++) /* all bytes are not there yet */
        assert_int_equal(open_status("tokenizer.model", good, cut), WEFT_E_CORRUPT);
    char *line = malloc(8000);
    memset(line, 'A', 8000);
    refused("tokenizer.model", line, 8000, WEFT_E_CORRUPT, "line 1 is longer");
    free(line);
    free(good);
}

static void test_json_rules(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"\"normalizer\": null", "\"normalizer\": {\"type\": \"NFKC\"}", "normalizer \"NFKC\""},
        {"\"Isolated\"", "\"Somehow\"", "behavior"},
        {"\"use_regex\": false", "\"use_words\": true", "use_words"},
        {"\"continuing_subword_prefix\": ", "\"continuing_subword_prefix\": \"##\", \"x\": ",
         "continuing_subword_prefix"},
        {"\"type\": \"BPE\"", "\"type\": \"Unigram\"", "a model of the kind Unigram"},
        {"\"type\": \"BPE\"", "\"type\": \"WordPiece\"", "a model of the kind WordPiece"},
        {"\"type\": \"BPE\"", "\"type\": null", "a model.type that is not a text"},
        {"\"type\": \"BPE\"", "\"type\": [\"BPE\"]", "a model.type that is not a text"},
        {"\"type\": \"BPE\",", "\"vocab\": [[\"<unk>\", 0.0], [\"a\", -1.5]],",
         "a model of the kind Unigram"},
        {"\"dropout\": null", "\"dropout\": 0.1", "dropout"},
        {"\"type\": \"Split\"", "\"type\": \"Whitespace\"", "pre_tokenizer \"Whitespace\""},
        {"\"type\": \"Split\"", "\"type\": \"ByteLevel\"", "after ByteLevel"},
        {"\"decoder\": {", "\"decoder\": {\"prefix\": \"x\", ", "decoder.prefix"},
    };
    char *good = fixture_load("tiny.json", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bad = text_replaced(good, cases[i][0], cases[i][1]);
        refused("tokenizer.json", bad, strlen(bad), WEFT_E_UNSUPPORTED, cases[i][2]);
        free(bad);
    }
    free(good);
}

static void test_json_damage(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"\"!\": 0", "\"!\": -1", "not negative"},
        {"\"!\": 0", "\"!\": 1.0", "not negative"},
        {"\"!\": 0", "\"!\": 00", "no number"},
        {"\"!\": 0", "\"!\": \"0\"", "whole number"},
        {"\"!\": 0", "\"!\": 1048576", "larger than"},
        {"\"!\": 0", "\"!\": 99999999999999999999", "larger than"},
        {"\"!\": 0", "\"!\": 1", "id 1 to two"},
        {"\"!\": 0", "\"\": 0", "empty"},
        {"\"!\": 0", "\"#\": 0", "same token"},
        {"\"id\": 600,", "\"id\": 3,", "another token's"},
        {"\"id\": 600,", "\"id\": 601,", "another token's"},
        {"\"id\": 600,", "", "no content or no id"},
        {"\"id\": 600,", "\"id\": -600,", "not negative"},
        {"\"id\": 600,", "\"id\": 1114112,", "larger"},
        {"\"<|begin_of_text|>\"", "\"\"", "1 to 256"},
        {"\"<|begin_of_text|>\"", "\"<|end_of_text|>\"", "same added token"},
        {"\"type\": \"BPE\",", "\"vocab\": \"BPE\",", "the vocabulary is not an object"},
        {"\"type\": \"BPE\",", "\"vocab\": null,", "the vocabulary is not an object"},
        {"\"version\"", "\"added_tokens\": [], \"version\"", "second time"},
        {"\"normalizer\": null", "\"normalizer\": null, \"normalizer\": null", "second time"},
    };
    char *good = fixture_load("tiny.json", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bad = text_replaced(good, cases[i][0], cases[i][1]);
        refused("tokenizer.json", bad, strlen(bad), WEFT_E_CORRUPT, cases[i][2]);
        free(bad);
    }
    free(good);
}

static void test_json_merges(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"merges\": [", "\"merges\": [\"nospace\", "},
        {"\"merges\": [", "\"merges\": [\"! \xc4\xa0\xc4\xa0\xc4\xa0\", "},
        {"\"merges\": [", "\"merges\": [7, "},
        {"\"merges\": [", "\"merges\": [[\"!\"], "},
        {"\"merges\": [", "\"merges\": [[\"a\", \"b\", \"c\"], "},
        {"\"merges\": [", "\"merges\": [[\"a\", 1], "},
    };
    char *good = fixture_load("tiny.json", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bad = text_replaced(good, cases[i][0], cases[i][1]);
        refused("tokenizer.json", bad, strlen(bad), WEFT_E_CORRUPT, "a merge");
        free(bad);
    }
    free(good);
}

static void test_json_cut_anywhere(void **state)
{
    (void)state;
    uint64_t n;
    char    *good = fixture_load("tiny.json", &n);
    while (good[n - 1] == '\n')
        n--;
    for (uint64_t cut = 0; cut < n; cut += cut < 2048 ? 1 : 211)
        assert_int_equal(open_status("tokenizer.json", good, cut), WEFT_E_CORRUPT);
    assert_int_equal(open_status("tokenizer.json", good, n), WEFT_OK);
    free(good);
}

static void test_vocab_size(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        weft_status status;
        const char *part;
    } cases[] = {
        {"{\"vocab_size\": 599}", WEFT_E_CORRUPT, "vocab_size 599"},
        {"{\"text_config\": {\"vocab_size\": 599}}", WEFT_E_CORRUPT, "vocab_size 599"},
        {"{\"vocab_size\": 0}", WEFT_E_CORRUPT, "vocab_size is 0"},
        {"{\"vocab_size\": \"many\"}", WEFT_E_CORRUPT, "vocab_size"},
        {"{\"eos_token_id\": -1}", WEFT_E_CORRUPT, "-1"},
        {"{\"eos_token_id\": [1, \"x\"]}", WEFT_E_CORRUPT, "eos_token_id"},
        {"{\"eos_token_id\": [1, null]}", WEFT_E_CORRUPT, "eos_token_id[1]"},
        {"{\"eos_token_id\": \"x\"}", WEFT_E_CORRUPT, "eos_token_id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_host h;
        fake_host_init(&h, NULL, 0);
        weft_package *p = fake_package_open(&h, NULL);
        fixture_put(p, "tokenizer.model", "tiny.model");
        text_put(p, "config.json", cases[i].config);
        tokenizer_refused(&h, p, cases[i].status, cases[i].part);
        fake_host_deinit(&h);
    }
}

static void test_nothing_there(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    tokenizer_refused(&h, fake_package_open(&h, NULL), WEFT_E_NOTFOUND, "neither");
    /* A file that is another plugin's falls back on the other one. */
    weft_package *p = fake_package_open(&h, NULL);
    text_put(p, "tokenizer.model", "\n\x0e\n\x05<unk>");
    fixture_put(p, "tokenizer.json", "tiny.json");
    txt_tokenizer *t = tokenizer_open(&h, p);
    assert_int_equal(t->vocab.n_base, 600);
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

/* Everything a directory may hold, so that every path is walked. */
static weft_package *full_package(fake_host *h)
{
    weft_package *p = fake_package_open(h, NULL);
    fixture_put(p, "tokenizer.json", "tiny.json");
    text_put(p, "config.json", "{\"vocab_size\": 856}");
    text_put(p, "generation_config.json", "{\"eos_token_id\": [601, 609]}");
    text_put(p, "tokenizer_config.json", "{\"chat_template\": \"Cutting Knowledge Date\"}");
    text_put(p, "chat_template.jinja", "{{ text }}");
    return p;
}

/* Opens, chats and encodes something long. */
static weft_status whole_life(fake_host *h, weft_package *p)
{
    static char  text[400];
    weft_part    part = {WEFT_HDR(weft_part), text, sizeof text, -1, 0};
    weft_message m = {WEFT_HDR(weft_message), "user", &part, 1, 0};
    void        *self;
    uint64_t     need;
    memset(text, 'x', sizeof text);
    weft_status s = txt_tokenizer_create(&h->host, p, &self, NULL);
    if (s != WEFT_OK) {
        assert_null(self);
        return s;
    }
    s = txt_chat(self, &m, 1, NULL, 0, &need, NULL);
    if (s == WEFT_OK)
        s = txt_encode(self, text, sizeof text, WEFT_TOK_SPECIAL, NULL, 0, &need, NULL);
    txt_tokenizer_destroy(self);
    return s;
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        fake_host h;
        fake_host_init(&h, NULL, 0);
        weft_package *p = full_package(&h);
        uint64_t      n = 0;
        weft_status   s;
        do {
            fake_host_fail_at(&h, ++n, forever);
            s = whole_life(&h, p);
            assert_true(s == WEFT_OK || s == WEFT_E_NOMEM);
            assert_int_equal(h.blocks_live, 0);
        } while (s != WEFT_OK);
        assert_true(n > 20);
        fake_host_deinit(&h);
    }
}

static void test_every_read_fails_once(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = full_package(&h);
    weft_status   s;
    uint64_t      n = 0;
    do {
        h.read_fail_at = h.reads + ++n;
        s = whole_life(&h, p);
        assert_true(s == WEFT_OK || s == WEFT_E_IO);
        assert_int_equal(h.blocks_live, 0);
    } while (s != WEFT_OK);
    assert_true(n > 4);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_lines),
        cmocka_unit_test(test_model_whole),
        cmocka_unit_test(test_json_rules),
        cmocka_unit_test(test_json_damage),
        cmocka_unit_test(test_json_merges),
        cmocka_unit_test(test_json_cut_anywhere),
        cmocka_unit_test(test_vocab_size),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_every_read_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
