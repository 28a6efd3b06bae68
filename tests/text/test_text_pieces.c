/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece's own file: cut anywhere, with every byte changed, of kinds that are not read, and
 * with the added tokens that other files of the directory name. Its ids are compared with the
 * reference's in test_text_families.c. */
#include "common.h"

#include <stdlib.h>

#define MODEL "../tokenizers/pieces.model"

static weft_status open_bytes(const void *bytes, uint64_t n, weft_error *err)
{
    fake_host h;
    void     *self;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fake_package_put(p, "tokenizer.model", bytes, n);
    weft_status s = txt_tokenizer_create(&h.host, p, &self, err);
    if (s == WEFT_OK)
        txt_tokenizer_destroy(self);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
    return s;
}

static void refused(const void *bytes, uint64_t n, weft_status status, const char *part)
{
    weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
    assert_int_equal(open_bytes(bytes, n, &err), status);
    if (strstr(err.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

/* The trainer's settings come behind the pieces: without them the kind is the default, unigram. */
static void test_cut_anywhere(void **state)
{
    uint64_t n;
    char    *good = fixture_load(MODEL, &n);
    (void)state;
    assert_int_equal(open_bytes(good, n, NULL), WEFT_OK);
    for (uint64_t cut = 0; cut < n; cut += cut < 512 || cut > n - 256 ? 1 : 37) {
        const weft_status s = open_bytes(good, cut, NULL);
        assert_true(s == WEFT_E_CORRUPT || s == WEFT_E_UNSUPPORTED);
    }
    free(good);
}

/* No byte that is changed makes more than another tokenizer or a refusal. */
static void test_every_byte_changed(void **state)
{
    uint64_t n, seed = 11;
    char    *good = fixture_load(MODEL, &n);
    (void)state;
    for (uint64_t at = 0; at < n; at += at < 256 || at > n - 256 ? 1 : 23) {
        const char before = good[at];
        good[at] = (char)(before ^ (char)(1 + random_next(&seed) % 255));
        const weft_status s = open_bytes(good, n, NULL);
        assert_true(s == WEFT_OK || s == WEFT_E_CORRUPT || s == WEFT_E_UNSUPPORTED ||
                    s == WEFT_E_LIMIT || s == WEFT_E_NOTFOUND);
        good[at] = before;
    }
    free(good);
}

/* Fields that say more than one model may: appended, the last one counts. */
static void test_other_kinds(void **state)
{
    static const struct {
        const char *more;
        uint64_t    n;
        weft_status status;
        const char *part;
    } cases[] = {
        {"\x12\x02\x18\x01", 4, WEFT_E_UNSUPPORTED, "unigram"},
        {"\x12\x02\x18\x03", 4, WEFT_E_UNSUPPORTED, "whole words"},
        {"\x12\x02\x18\x04", 4, WEFT_E_UNSUPPORTED, "characters"},
        {"\x12\x02\x18\x07", 4, WEFT_E_UNSUPPORTED, "unknown kind"},
        {"\x12\x03\xc0\x01\x01", 5, WEFT_E_UNSUPPORTED, "white space"},
        {"\x1a\x03\x12\x01x", 5, WEFT_E_UNSUPPORTED, "table"},
        {"\x1a\x02\x20\x01", 4, WEFT_E_UNSUPPORTED, "leaves out"},
        {"\x1a\x02\x28\x00", 4, WEFT_E_UNSUPPORTED, "white space"},
        {"\x0a\x02\x18\x01", 4, WEFT_E_CORRUPT, "empty"},
        {"\x0a\x08\x0a\x01z\x15\x00\x00\xc0\x7f", 10, WEFT_E_CORRUPT, "score"},
        {"\x0a\x03\x0a\x04z", 5, WEFT_E_CORRUPT, "too long"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, WEFT_E_CORRUPT, "too long"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, WEFT_E_CORRUPT, "no end"},
        {"\x0b", 1, WEFT_E_CORRUPT, "cut short"},
        {"\x0a\x05\x0a\x03<s>", 7, WEFT_E_CORRUPT, "same token"},
    };
    uint64_t n;
    char    *good = fixture_load(MODEL, &n);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *with = malloc(n + cases[i].n);
        assert_non_null(with);
        memcpy(with, good, n);
        memcpy(with + n, cases[i].more, cases[i].n);
        refused(with, n + cases[i].n, cases[i].status, cases[i].part);
        free(with);
    }
    free(good);
    good = fixture_load("../tokenizers/unigram.model", &n);
    refused(good, n, WEFT_E_UNSUPPORTED, "unigram");
    free(good);
}

static void id_is(txt_tokenizer *t, const char *text, uint32_t flags, int32_t id)
{
    uint64_t n;
    int32_t *ids = encode_all(t, text, strlen(text), flags, &n);
    bool     found = false;
    assert_int_equal(txt_encode(t, text, strlen(text), flags, ids, n, &n, NULL), WEFT_OK);
    for (uint64_t i = 0; i < n; i++)
        found |= ids[i] == id;
    free(ids);
    assert_int_equal(found, id >= 0);
}

/* Vicuna's directories name a <pad> of their own beside the 32,000 pieces. */
static void test_added_elsewhere(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fixture_put(p, "tokenizer.model", MODEL);
    text_put(p, "added_tokens.json", "{\"<pad>\": 700, \"<late>\": 702}");
    text_put(p, "tokenizer_config.json",
             "{\"bos_token\": \"<s>\", \"added_tokens_decoder\": {"
             "\"1\": {\"content\": \"<s>\", \"special\": true},"
             "\"700\": {\"content\": \"<pad>\", \"special\": true},"
             "\"701\": {\"content\": \"<image>\", \"special\": true}}}");
    txt_tokenizer *t = tokenizer_open(&h, p);
    assert_int_equal(t->bos, 1);
    assert_true(t->adds_bos);
    id_is(t, "a<pad>b", WEFT_TOK_SPECIAL, 700);
    id_is(t, "a<image>b", WEFT_TOK_SPECIAL, 701);
    id_is(t, "a<late>b", WEFT_TOK_SPECIAL, 702);
    id_is(t, "a<tool>b", 0, 3); /* the model's own, which is no special one */
    static const char *const never[] = {"a<pad>b", "<late>", "<image>", "<s>", "</s>"};
    static const int32_t     ids[] = {700, 702, 701, 1, 2};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        uint64_t n;
        int32_t *got = encode_all(t, never[i], strlen(never[i]), 0, &n);
        assert_int_equal(txt_encode(t, never[i], strlen(never[i]), 0, got, n, &n, NULL), WEFT_OK);
        for (uint64_t k = 0; k < n; k++)
            assert_int_not_equal(got[k], ids[i]);
        free(got);
    }
    txt_tokenizer_destroy(t);
    assert_int_equal(h.blocks_live, 0);
    text_put(p, "added_tokens.json", "{\"<pad>\": \"x\"}");
    tokenizer_refused(&h, p, WEFT_E_CORRUPT, "added_tokens.json");
    text_put(p, "added_tokens.json", "{\"<pad>\": 5}"); /* a piece of the model has it */
    tokenizer_refused(&h, p, WEFT_E_CORRUPT, "another token's");
    fake_host_deinit(&h);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    fixture_put(p, "tokenizer.model", MODEL);
    text_put(p, "added_tokens.json", "{\"<pad>\": 700}");
    weft_status s;
    uint64_t    n = 0;
    do {
        void *self = NULL;
        fake_host_fail_at(&h, ++n, 0);
        s = txt_tokenizer_create(&h.host, p, &self, NULL);
        txt_tokenizer_destroy(self);
        assert_true(s == WEFT_OK || s == WEFT_E_NOMEM);
        assert_int_equal(h.blocks_live, 0);
    } while (s != WEFT_OK);
    assert_true(n > 20);
    fake_host_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_added_elsewhere),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
