/* SPDX-License-Identifier: Apache-2.0 */
/* A small tokenizer of every family on 3,100 texts (every script, digits, cases, marks out of
 * order, white space, added tokens that take white space or must be words): as many ids as the
 * reference gives, and the same by their hash, with special tokens in the text and without.
 * tools/gen_tokenizers.py made the fixtures. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

/* FNV-1a of the ids as little-endian numbers, as the script takes it. */
static uint32_t hash_of(const int32_t *ids, uint64_t n)
{
    uint32_t x = 0x811c9dc5u;
    for (uint64_t i = 0; i < n; i++)
        for (int k = 0; k < 32; k += 8)
            x = (x ^ ((uint32_t)ids[i] >> k & 0xff)) * 0x01000193u;
    return x;
}

static void ids_check(txt_tokenizer *t, const char *name, const char *base64, uint32_t flags,
                      char **want)
{
    uint64_t n, count;
    uint8_t *text = bytes_of(base64, &n);
    int32_t *ids = encode_all(t, text, n, flags, &count);
    assert_int_equal(txt_encode(t, (char *)text, n, flags, ids, count, &count, NULL), WEFT_OK);
    uint64_t must = strtoull(*want, want, 10);
    uint64_t hash = strtoull(*want, want, 16);
    if (must != count || hash != hash_of(ids, count)) {
        for (uint64_t i = 0; i < count; i++)
            print_message("%d ", ids[i]);
        fail_msg("%s, flags %u: %s (%.*s) gives %llu ids, not %llu, or others", name, flags, base64,
                 (int)n, (const char *)text, (unsigned long long)count, (unsigned long long)must);
    }
    free(ids);
    free(text);
}

static txt_tokenizer *family_open(fake_host *h, const char *name, const char *as)
{
    char file[64];
    fake_host_init(h, NULL, 0);
    weft_package *p = fake_package_open(h, NULL);
    snprintf(file, sizeof file, "../tokenizers/%s%s", name, strchr(as, '.'));
    fixture_put(p, as, file);
    return tokenizer_open(h, p);
}

/* both: the ids are there with special tokens and without. */
static void family_check(const char *name, const char *as, bool both)
{
    fake_host      h;
    txt_tokenizer *t = family_open(&h, name, as);
    char           file[64], *rest = NULL;
    uint32_t       n = 0;
    snprintf(file, sizeof file, "../tokenizers/%s.ids", name);
    char *texts = fixture_load("../tokenizers/texts.txt", NULL), *ids = fixture_load(file, NULL),
         *want = ids;
    for (char *line = strtok_r(texts, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest), n++) {
        if (both)
            ids_check(t, name, line, WEFT_TOK_SPECIAL, &want);
        ids_check(t, name, line, 0, &want);
    }
    assert_true(n >= 3000);
    free(ids);
    free(texts);
    txt_tokenizer_destroy(t);
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

#define FAMILY(test, name)                                                                         \
    static void test(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        family_check(name, "tokenizer.json", true);                                                \
    }
FAMILY(test_gpt2, "gpt2")
FAMILY(test_gpt2_prefix, "gpt2-prefix")
FAMILY(test_smollm, "smollm")
FAMILY(test_llama3, "llama3")
FAMILY(test_qwen2, "qwen2")
FAMILY(test_tekken_hf, "tekken-hf")
FAMILY(test_gpt4o, "gpt4o")
FAMILY(test_llama2, "llama2")
FAMILY(test_mistral, "mistral")
FAMILY(test_metaspace, "metaspace")
FAMILY(test_unknown, "unknown")

/* SentencePiece's own file, without a tokenizer.json. */
static void test_pieces(void **state)
{
    (void)state;
    family_check("pieces", "tokenizer.model", true);
}

#ifdef WEFT_TEXT_PCRE2
FAMILY(test_other, "other")
FAMILY(test_behaviors, "behaviors")

/* An expression that backtracks without end is stopped by the limit, with a sentence. */
static void test_expression_without_end(void **state)
{
    static const char pattern[] = "(?:(?:(?:a+)+)+)+(?:b|c)";
    (void)state;
    fake_host h;
    fake_host_init(&h, NULL, 0);
    txt_steps         steps;
    txt_pieces        pieces[2] = {{.own.host = &h.host, .spans.host = &h.host},
                                   {.own.host = &h.host, .spans.host = &h.host}};
    weft_error        err = {WEFT_HDR(weft_error), 0, 0, {0}};
    const txt_pieces *out;
    char              text[400];
    memset(text, 'a', sizeof text);
    txt_steps_init(&steps, &h.host);
    assert_int_equal(txt_steps_split(&steps, pattern, strlen(pattern), &err), WEFT_OK);
    assert_int_equal(txt_pieces_cut(&steps, (uint8_t *)text, sizeof text, true, pieces, &out, &err),
                     WEFT_E_LIMIT);
    assert_non_null(strstr(err.message, "too many steps"));
    txt_steps_free(&steps);
    for (int i = 0; i < 2; i++) {
        txt_buf_free(&pieces[i].own);
        txt_buf_free(&pieces[i].spans);
    }
    assert_int_equal(h.blocks_live, 0);
    fake_host_deinit(&h);
}

/* Expressions that PCRE2 reads otherwise than the reference, or not at all, are refused. */
static void test_expressions_refused(void **state)
{
    static const char *const patterns[] = {"\\h+", "(?m).", "(", "a{2,1}", "\\R", "(?R)a\\"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        weft_error err = {WEFT_HDR(weft_error), 0, 0, {0}};
        txt_regex *r = NULL;
        assert_int_equal(
            txt_regex_make((const uint8_t *)patterns[i], strlen(patterns[i]), &r, &err),
            WEFT_E_UNSUPPORTED);
        assert_null(r);
        assert_non_null(strstr(err.message, patterns[i]));
    }
}
#endif

static void test_tekken(void **state)
{
    (void)state;
    family_check("tekken", "tekken.json", false);
    fake_host      h;
    txt_tokenizer *t = family_open(&h, "tekken", "tekken.json");
    const int32_t  names[] = {1, 3};
    uint64_t       n;
    int32_t       *ids = encode_all(t, "<s>[INST]", 9, WEFT_TOK_SPECIAL, &n);
    assert_int_equal(n, 2);
    assert_int_equal(txt_encode(t, "<s>[INST]", 9, WEFT_TOK_SPECIAL, ids, n, &n, NULL), WEFT_OK);
    assert_memory_equal(ids, names, sizeof names);
    assert_true(t->adds_bos);
    assert_int_equal(t->bos, 1);
    free(ids);
    txt_tokenizer_destroy(t);
    fake_host_deinit(&h);
}

/* Ten times the text takes about ten times the work, whatever the text: runs of one letter, marks
 * in the wrong order, capitals and letters without case, white space after tokens that take it. */
static void test_linear(void **state)
{
    static const char *const names[] = {"gpt2", "qwen2", "tekken-hf", "llama2", "llama3"};
    static const char *const units[] = {"a", "\xcc\x81\xcc\xa3", "A\xe4\xb8\x96", " ", "<tail>  "};
    (void)state;
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        fake_host      h;
        txt_tokenizer *t = family_open(&h, names[f], "tokenizer.json");
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            uint64_t work[2];
            for (int big = 0; big < 2; big++) {
                const uint64_t repeats = big != 0 ? 100000 : 10000, unit = strlen(units[u]);
                char          *text = malloc((size_t)(repeats * unit));
                txt_scratch    scratch;
                txt_sink       out = {NULL, 0, 0};
                assert_non_null(text);
                for (uint64_t i = 0; i < repeats * unit; i++)
                    text[i] = units[u][i % unit];
                txt_scratch_init(&scratch, t->host);
                assert_int_equal(txt_encode_into(t, text, repeats * unit, WEFT_TOK_SPECIAL,
                                                 &scratch, &out, NULL),
                                 WEFT_OK);
                work[big] = scratch.work + out.n;
                txt_scratch_free(&scratch);
                free(text);
            }
            assert_true(work[1] <= work[0] * 10 * 2); /* log n grows by a third */
        }
        txt_tokenizer_destroy(t);
        fake_host_deinit(&h);
    }
}

/* Where a special token is one that merging or a whole piece would give, text that may not have
 * special tokens does not become it. */
static void test_special_is_not_merged(void **state)
{
    static const char *const names[] = {"gpt2", "llama3", "llama2"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fake_host      h;
        char           file[64], entry[200];
        txt_tokenizer *t = family_open(&h, names[i], "tokenizer.json");
        uint32_t       id = txt_vocab_find(&t->vocab, (const uint8_t *)"in", 2);
        uint64_t       n;
        assert_int_not_equal(id, TXT_NONE);
        txt_tokenizer_destroy(t);
        snprintf(file, sizeof file, "../tokenizers/%s.json", names[i]);
        snprintf(entry, sizeof entry,
                 "\"added_tokens\":[{\"id\":%u,\"content\":\"in\",\"special\":true},", id);
        char         *text = fixture_load(file, NULL);
        char         *with = text_replaced(text, "\"added_tokens\":[", entry);
        weft_package *p = fake_package_open(&h, NULL);
        text_put(p, "tokenizer.json", with);
        t = tokenizer_open(&h, p);
        int32_t *asked = encode_all(t, "in", 2, WEFT_TOK_SPECIAL, &n);
        assert_int_equal(txt_encode(t, "in", 2, WEFT_TOK_SPECIAL, asked, n, &n, NULL), WEFT_OK);
        assert_int_equal(n, 1);
        assert_int_equal(asked[0], id);
        int32_t *ids = encode_all(t, "in", 2, 0, &n);
        assert_int_equal(txt_encode(t, "in", 2, 0, ids, n, &n, NULL), WEFT_OK);
        assert_true(n >= 2);
        for (uint64_t k = 0; k < n; k++)
            assert_int_not_equal(ids[k], id);
        free(asked);
        free(ids);
        free(text);
        free(with);
        txt_tokenizer_destroy(t);
        fake_host_deinit(&h);
    }
}

/* With what a text begins: as the tokenizer says. */
static void test_bos(void **state)
{
    static const struct {
        const char *name, *post, *config;
        bool        adds;
    } cases[] = {
        {"llama2", NULL, NULL, true},
        {"llama2", NULL, "{\"add_bos_token\": false}", false},
        {"llama2", NULL, "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}", false},
        {"llama2", NULL, "{\"tokenizer_class\": \"LlamaTokenizer\"}", true},
        {"smollm", NULL, "{\"tokenizer_class\": \"GPT2Tokenizer\", \"bos_token\": \"<s>\"}", false},
        {"smollm", NULL, NULL, false},
        {"smollm", NULL, "{\"bos_token\": {\"content\": \"<s>\"}, \"add_bos_token\": true}", true},
        {"smollm",
         "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
         "{\"id\":\"<s>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]}",
         NULL, true},
        {"llama2",
         "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":"
         "{\"id\":\"A\",\"type_id\":0}}]}",
         NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_host h;
        char      file[64];
        fake_host_init(&h, NULL, 0);
        weft_package *p = fake_package_open(&h, NULL);
        snprintf(file, sizeof file, "../tokenizers/%s.json", cases[i].name);
        char *text = fixture_load(file, NULL);
        char *with = cases[i].post != NULL
                         ? text_replaced(text, "\"post_processor\":null", cases[i].post)
                         : strdup(text);
        text_put(p, "tokenizer.json", with);
        if (cases[i].config != NULL)
            text_put(p, "tokenizer_config.json", cases[i].config);
        txt_tokenizer *t = tokenizer_open(&h, p);
        assert_int_equal(t->adds_bos, cases[i].adds);
        if (t->adds_bos)
            assert_int_equal(t->bos, txt_added_find(&t->vocab, "<s>"));
        txt_tokenizer_destroy(t);
        free(with);
        free(text);
        fake_host_deinit(&h);
    }
}

static void tekken_refused(const char *from, const char *to, weft_status status, const char *part)
{
    fake_host h;
    fake_host_init(&h, NULL, 0);
    weft_package *p = fake_package_open(&h, NULL);
    char         *text = fixture_load("../tokenizers/tekken.json", NULL);
    char         *with = text_replaced(text, from, to);
    text_put(p, "tekken.json", with);
    tokenizer_refused(&h, p, status, part);
    free(with);
    free(text);
    fake_host_deinit(&h);
}

static void test_tekken_damage(void **state)
{
    (void)state;
    tekken_refused("\"rank\":7,", "\"rank\":8,", WEFT_E_CORRUPT, "rank");
    tekken_refused("\"AA==\"", "\"AA=\"", WEFT_E_CORRUPT, "base64");
    tekken_refused("\"AA==\"", "\"AQ==\"", WEFT_E_CORRUPT, "same token");
    tekken_refused("\"AA==\"", "\"AQEB\"", WEFT_E_CORRUPT, "single byte 0x00");
    tekken_refused("\"default_vocab_size\":400", "\"default_vocab_size\":20", WEFT_E_CORRUPT,
                   "sizes");
    tekken_refused("\"default_vocab_size\":400", "\"default_vocab_size\":99999999", WEFT_E_CORRUPT,
                   "larger");
    tekken_refused("\"pattern\"", "\"patterns\"", WEFT_E_CORRUPT, "pattern");
    tekken_refused("\"vocab\"", "\"words\"", WEFT_E_CORRUPT, "no vocab");
    tekken_refused("\"version\":\"v3\"}", "\"version\":\"v3\"},\"special_tokens\":[{\"rank\":1}]",
                   WEFT_E_CORRUPT, "special token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_gpt2_prefix),
        cmocka_unit_test(test_smollm),
        cmocka_unit_test(test_llama3),
        cmocka_unit_test(test_qwen2),
        cmocka_unit_test(test_tekken_hf),
        cmocka_unit_test(test_gpt4o),
        cmocka_unit_test(test_llama2),
        cmocka_unit_test(test_mistral),
        cmocka_unit_test(test_metaspace),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_pieces),
#ifdef WEFT_TEXT_PCRE2
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_behaviors),
        cmocka_unit_test(test_expression_without_end),
        cmocka_unit_test(test_expressions_refused),
#endif
        cmocka_unit_test(test_tekken),
        cmocka_unit_test(test_tekken_damage),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_special_is_not_merged),
        cmocka_unit_test(test_bos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
