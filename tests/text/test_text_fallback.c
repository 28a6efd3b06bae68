/* SPDX-License-Identifier: Apache-2.0 */
/* Llama 1's kind of tokenizer.json against the tokenizers library: 2000 texts and more (every
 * script, emoji, controls, runs of spaces, added tokens, what looks like one), both spellings of
 * white space, decoding, the chat form, and what is refused. Ids are compared exactly. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENIZER "../idefics/float/tokenizer.json"
#define VECTORS "../idefics/tokenizer-vectors.json"

static json_t *vectors(const char *list, size_t least)
{
    uint64_t n;
    char    *text = fixture_load(VECTORS, &n);
    json_t  *doc = json_loadb(text, (size_t)n, 0, NULL);
    assert_non_null(doc);
    free(text);
    json_t *found = json_incref(json_object_get(doc, list));
    json_decref(doc);
    assert_true(json_array_size(found) >= least);
    return found;
}

/* The fixture in which `from` is `to`; NULL: as it is. */
static txt_tokenizer *open_with(fake_host *h, const char *from, const char *to)
{
    fake_host_init(h, NULL, 0);
    weft_package *p = fake_package_open(h, NULL);
    char         *text = fixture_load(TOKENIZER, NULL);
    char         *with = from != NULL ? text_replaced(text, from, to) : strdup(text);
    text_put(p, "tokenizer.json", with);
    txt_tokenizer *t = tokenizer_open(h, p);
    free(with);
    free(text);
    return t;
}

static void close_all(fake_host *h, txt_tokenizer *t)
{
    txt_tokenizer_destroy(t);
    assert_int_equal(h->blocks_live, 0);
    fake_host_deinit(h);
}

static void ids_are(const char *what, const int32_t *ids, uint64_t n, const json_t *want)
{
    bool same = n == json_array_size(want);
    for (uint64_t i = 0; same && i < n; i++)
        same = ids[i] == json_integer_value(json_array_get(want, i));
    if (!same)
        fail_msg("%s: the ids differ", what);
}

static void check_list(txt_tokenizer *t, const char *list, size_t least)
{
    json_t *all = vectors(list, least), *one;
    size_t  i;
    json_array_foreach(all, i, one)
    {
        const char *b64 = json_string_value(json_object_get(one, "b64"));
        uint64_t    n, count;
        uint8_t    *text = bytes_of(b64, &n);
        int32_t    *ids = encode_all(t, text, n, WEFT_TOK_SPECIAL, &count);
        assert_int_equal(txt_encode(t, (char *)text, n, WEFT_TOK_SPECIAL, ids, count, &count, NULL),
                         WEFT_OK);
        ids_are(b64, ids, count, json_object_get(one, "ids"));
        free(ids);
        free(text);
    }
    json_decref(all);
}

static void test_prepend_and_replace(void **state)
{
    fake_host      h;
    txt_tokenizer *t = open_with(&h, NULL, NULL);
    (void)state;
    assert_int_equal(t->bos, 1);
    check_list(t, "legacy", 2000);
    close_all(&h, t);
}

#define NORMALIZER                                                                                 \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"    \
    "\"\xe2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":"          \
    "\"\xe2\x96\x81\"}]},\"pre_tokenizer\":null"
#define METASPACE(scheme, split)                                                                   \
    "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":"               \
    "\"\xe2\x96\x81\",\"prepend_scheme\":\"" scheme "\",\"split\":" split "}"

static void test_metaspace(void **state)
{
    fake_host      h;
    txt_tokenizer *t = open_with(&h, NORMALIZER, METASPACE("first", "false"));
    (void)state;
    check_list(t, "metaspace", 300);
    close_all(&h, t);
}

/* Special tokens that the file wants normalised take the mark before them along. */
static void test_normalised_specials(void **state)
{
    fake_host      h;
    txt_tokenizer *t =
        open_with(&h,
                  "\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                  "\"normalized\":false",
                  "\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                  "\"normalized\":true");
    (void)state;
    check_list(t, "normalised", 200);
    close_all(&h, t);
}

/* Without the flag the same strings are text; what encoding made of text decodes to it. */
static void test_user_text(void **state)
{
    static const char *const texts[] = {"<s>", "a <image> b", " two  spaces ",
                                        "\xf0\x9f\x98\x80\n"};
    fake_host                h;
    txt_tokenizer           *t = open_with(&h, NULL, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t n;
        int32_t *ids = encode_all(t, texts[i], strlen(texts[i]), 0, &n);
        assert_int_equal(txt_encode(t, texts[i], strlen(texts[i]), 0, ids, n, &n, NULL), WEFT_OK);
        assert_true(n > 1);
        for (uint64_t k = 0; k < n; k++)
            assert_true(ids[k] > 2 && ids[k] < 512);
        decode_is(t, ids, n, texts[i], strlen(texts[i]));
        free(ids);
    }
    close_all(&h, t);
}

static void test_decode(void **state)
{
    fake_host      h;
    txt_tokenizer *t = open_with(&h, NULL, NULL);
    json_t        *all = vectors("decoded", 150), *one;
    size_t         i;
    (void)state;
    json_array_foreach(all, i, one)
    {
        const json_t *list = json_object_get(one, "ids");
        int32_t       ids[16];
        uint64_t      n = json_array_size(list), bytes;
        uint8_t      *text = bytes_of(json_string_value(json_object_get(one, "b64")), &bytes);
        assert_true(n <= 16);
        for (uint64_t k = 0; k < n; k++)
            ids[k] = (int32_t)json_integer_value(json_array_get(list, k));
        decode_is(t, ids, n, text, bytes);
        free(text);
    }
    json_decref(all);
    close_all(&h, t);
}

/* One id keeps its space: an answer comes token by token. */
static void test_decode_one(void **state)
{
    fake_host      h;
    txt_tokenizer *t = open_with(&h, NULL, NULL);
    uint64_t       n;
    (void)state;
    int32_t *ids = encode_all(t, "a", 1, 0, &n);
    assert_int_equal(txt_encode(t, "a", 1, 0, ids, n, &n, NULL), WEFT_OK);
    assert_int_equal(n, 1);
    decode_is(t, ids, 1, " a", 2);
    free(ids);
    close_all(&h, t);
}

/* The base models continue what they are given: bos, then the parts. */
static void test_chat(void **state)
{
    fake_host          h;
    txt_tokenizer     *t = open_with(&h, NULL, NULL);
    const weft_part    parts[] = {{WEFT_HDR(weft_part), NULL, 0, 512, 0},
                                  {WEFT_HDR(weft_part), NULL, 0, 513, 0},
                                  {WEFT_HDR(weft_part), "a", 1, -1, 0}};
    const weft_message m = {WEFT_HDR(weft_message), "user", parts, 3, 0};
    int32_t            ids[8];
    uint64_t           n;
    (void)state;
    assert_int_equal(txt_chat(t, &m, 1, ids, 8, &n, NULL), WEFT_OK);
    assert_int_equal(n, 4);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 512);
    assert_int_equal(ids[2], 513);
    close_all(&h, t);
}

/* With <end_of_utterance> there are turns, and that token ends the answer. */
static void test_turns(void **state)
{
    fake_host      h;
    txt_tokenizer *t =
        open_with(&h, "\"content\":\"<image>\"", "\"content\":\"<end_of_utterance>\"");
    const weft_part    part = {WEFT_HDR(weft_part), "a", 1, -1, 0};
    const weft_message m = {WEFT_HDR(weft_message), "user", &part, 1, 0};
    int32_t            ids[64];
    uint64_t           n, a, b, k;
    (void)state;
    assert_int_equal(txt_chat(t, &m, 1, ids, 64, &n, NULL), WEFT_OK);
    int32_t *user = encode_all(t, "User:", 5, 0, &a);
    int32_t *end = encode_all(t, "\nAssistant:", 11, 0, &b);
    assert_int_equal(n, 1 + a + 1 + 1 + b);
    assert_int_equal(txt_encode(t, "\nAssistant:", 11, 0, end, b, &k, NULL), WEFT_OK);
    assert_int_equal(ids[1 + a + 1], 513);
    assert_memory_equal(ids + 1 + a + 2, end, b * sizeof *end);
    assert_int_equal(t->stops[t->n_stops - 1], 513);
    free(user);
    free(end);
    close_all(&h, t);
}

static void refused(const char *from, const char *to, weft_status status, const char *part)
{
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    char         *text = fixture_load(TOKENIZER, NULL), *with = text_replaced(text, from, to);
    text_put(p, "tokenizer.json", with);
    tokenizer_refused(&h, p, status, part);
    free(with);
    free(text);
    fake_host_deinit(&h);
}

/* What would encode otherwise is no tokenizer of ours; what is broken is said to be. */
static void test_refused(void **state)
{
    (void)state;
    refused("\"type\":\"Prepend\"", "\"type\":\"NFKC\"", WEFT_E_UNSUPPORTED, "tokenizer");
    refused("\"type\":\"Fuse\"", "\"type\":\"Strip\"", WEFT_E_UNSUPPORTED, "tokenizer");
    refused("\"start\":1", "\"start\":2", WEFT_E_UNSUPPORTED, "tokenizer");
    refused(NORMALIZER, METASPACE("last", "false"), WEFT_E_UNSUPPORTED, "tokenizer");
    refused(
        "\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
        "\"fuse_unk\":true,\"byte_fallback\":true",
        "\"unk_token\":\"<none>\",\"byte_fallback\":false", WEFT_E_CORRUPT, "<none>");
    refused("\"merges\":[", "\"merges\":[[\"\xe2\x96\x81\",\"nothing\"],", WEFT_E_CORRUPT,
            "not in the vocabulary");
    refused("\"merges\":[", "\"merges\":[[\"\xe2\x96\x81\",\"\xe2\x96\x81\"],", WEFT_E_CORRUPT,
            "second time");
}

/* A long text costs little more a character than a short one: no quadratic merging. */
static void test_linear(void **state)
{
    fake_host      h;
    txt_tokenizer *t = open_with(&h, NULL, NULL);
    uint64_t       work[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        uint64_t    n = i == 0 ? 10000 : 160000;
        char       *text = malloc((size_t)n);
        txt_scratch scratch;
        txt_sink    out = {NULL, 0, 0};
        assert_non_null(text);
        for (uint64_t k = 0; k < n; k++)
            text[k] = "the weaver "[k % 11];
        txt_scratch_init(&scratch, t->host);
        assert_int_equal(txt_encode_into(t, text, n, 0, &scratch, &out, NULL), WEFT_OK);
        work[i] = scratch.work;
        txt_scratch_free(&scratch);
        free(text);
    }
    assert_true(work[1] < work[0] * 16 * 2); /* log n grows by a third; a square would give 256 */
    close_all(&h, t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepend_and_replace),
        cmocka_unit_test(test_metaspace),
        cmocka_unit_test(test_normalised_specials),
        cmocka_unit_test(test_user_text),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_one),
        cmocka_unit_test(test_chat),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
