/* SPDX-License-Identifier: Apache-2.0 */
/* The small vocabulary of the fixtures in its three spellings against the reference's ids; round
 * trips; special tokens. */
#include "common.h"

#include <stdlib.h>

static void check_form(const char *file, const char *fixture)
{
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fixture_put(p, file, fixture);
    txt_tokenizer *t = tokenizer_open(&h, p);
    vectors_check(t, "tiny-vectors.json");
    chats_check(t, "tiny-chat.json");
    assert_int_equal(t->bos, 600);
    txt_tokenizer_destroy(t);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

static void test_tokenizer_model(void **state)
{
    (void)state;
    check_form("tokenizer.model", "tiny.model");
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    check_form("tokenizer.json", "tiny.json");
}

static void test_tokenizer_json_with_pairs(void **state)
{
    (void)state;
    check_form("tokenizer.json", "tiny-pairs.json");
}

static void test_both_files(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fixture_put(p, "tokenizer.model", "tiny.model");
    fixture_put(p, "tokenizer.json", "tiny.json");
    txt_tokenizer *t = tokenizer_open(&h, p);
    vectors_check(t, "tiny-vectors.json");
    assert_int_equal(t->vocab.n_added, 256);
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

static txt_tokenizer *tiny(fake_host *h)
{
    fake_host_init(h, NULL, 0);
    weft_package *p = fake_package_open(h, NULL);
    fixture_put(p, "tokenizer.model", "tiny.model");
    return tokenizer_open(h, p);
}

/* decode(encode(x)) == x for any bytes: noise of all values, and noise that is nearly UTF-8. */
static void test_round_trip_of_noise(void **state)
{
    (void)state;
    static const uint8_t near[] = {'a',  ' ',  '\n', '\'', 's',  '1',  0xc3, 0xa9,
                                   0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xff};
    fake_host            h;
    txt_tokenizer       *t = tiny(&h);
    uint64_t             seed = 3, count;
    for (int round = 0; round < 600; round++) {
        uint8_t  text[300];
        uint64_t n = random_next(&seed) % sizeof text;
        for (uint64_t i = 0; i < n; i++) {
            uint32_t r = random_next(&seed);
            text[i] = round % 2 == 0 ? (uint8_t)r : near[r % sizeof near];
        }
        int32_t *ids = encode_all(t, text, n, 0, &count);
        decode_is(t, ids, count, text, n);
        free(ids);
    }
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

static void ids_are(txt_tokenizer *t, const char *text, uint32_t flags, const int32_t *want,
                    uint64_t n)
{
    uint64_t count;
    int32_t *ids = encode_all(t, text, strlen(text), flags, &count);
    assert_int_equal(count, n);
    assert_int_equal(txt_encode(t, text, strlen(text), flags, ids, count, &count, NULL), WEFT_OK);
    assert_memory_equal(ids, want, n * sizeof *ids);
    free(ids);
}

static void test_specials(void **state)
{
    (void)state;
    fake_host      h;
    txt_tokenizer *t = tiny(&h);
    const int32_t  parsed[] = {600, 39, 72, 609, 609, 27, 91}; /* H, i as in tiny-chat.json */
    ids_are(t, "<|begin_of_text|>Hi<|eot_id|><|eot_id|><|", WEFT_TOK_SPECIAL, parsed, 7);
    uint64_t count;
    int32_t *plain = encode_all(t, "<|eot_id|>", 10, 0, &count);
    assert_true(count > 1);
    free(plain);
    /* Specials decode to nothing, unnamed ids do not exist without config.json. */
    const int32_t mixed[] = {600, 39, 609, 72, 606};
    decode_is(t, mixed, 5, "Hi", 2);
    const int32_t beyond[] = {39, 856};
    uint64_t      need;
    weft_error    err = {WEFT_HDR(weft_error), 0, 0, {0}};
    assert_int_equal(txt_decode(t, beyond, 2, NULL, 0, &need, &err), WEFT_E_INVALID);
    assert_non_null(strstr(err.message, "856"));
    const int32_t negative[] = {-1};
    assert_int_equal(txt_decode(t, negative, 1, NULL, 0, &need, &err), WEFT_E_INVALID);
    assert_int_equal(txt_encode(t, "a", 1, 2u, NULL, 0, &need, &err), WEFT_E_INVALID);
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

/* Of two specials that begin alike the longer one wins; one that is not special is always found and
 * is text when decoded. */
static void test_added_tokens(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fixture_put(p, "tokenizer.model", "tiny.model");
    text_put(p, "tokenizer_config.json",
             "{\"added_tokens_decoder\": {"
             "\"700\": {\"content\": \"<a>\", \"special\": true, \"x\": [1, {\"y\": 2}]},"
             "\"701\": {\"content\": \"<a><b>\", \"special\": true},"
             "\"702\": {\"content\": \"<word>\", \"special\": false},"
             "\"703\": {\"content\": \"<a><bc>\", \"special\": true}}}");
    txt_tokenizer *t = tokenizer_open(&h, p);
    const int32_t  all[] = {701, 700, 700, 702, 703};
    ids_are(t, "<a><b><a><a><word><a><bc>", WEFT_TOK_SPECIAL, all, 5);
    const int32_t some[] = {72, 702, 72};
    ids_are(t, "i<word>i", 0, some, 3);
    decode_is(t, all, 5, "<word>", 6);
    assert_int_equal(txt_added_find(&t->vocab, "<a>"), 700);
    assert_int_equal(txt_added_find(&t->vocab, "<a><"), TXT_NONE);
    assert_int_equal(txt_added_find(&t->vocab, ""), TXT_NONE);
    uint64_t need;
    assert_int_equal(txt_chat(t, NULL, 0, NULL, 0, &need, NULL), WEFT_E_UNSUPPORTED);
    txt_tokenizer_destroy(t);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokenizer_model),
        cmocka_unit_test(test_tokenizer_json),
        cmocka_unit_test(test_tokenizer_json_with_pairs),
        cmocka_unit_test(test_both_files),
        cmocka_unit_test(test_round_trip_of_noise),
        cmocka_unit_test(test_specials),
        cmocka_unit_test(test_added_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
