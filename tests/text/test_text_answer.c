/* SPDX-License-Identifier: Apache-2.0 */
/* Which special tokens an answer shows: none of most models, those that mark up a page where the
 * vocabulary has them, and what the option says. Decoding shows none, whatever it says. */
#include "common.h"

#include <stdlib.h>

#define PAGES "../idefics3/docling/tokenizer.json"
#define OTHER "../idefics3/untied/tokenizer.json"
#define PLAIN "a b"

typedef struct answer_case {
    const char *option, *tokenizer, *text, *shown;
} answer_case;

#define PAGE "<doctag><title>" PLAIN "</title></doctag>"
#define TURN "<|start_of_role|>" PAGE "<key_<|end_of_text|>"
#define MARKS "<image><row_1_col_2>" PLAIN "<|im_end|>"

static const answer_case cases[] = {
    {NULL, PAGES, PAGE, PAGE},     {"auto", PAGES, TURN, PAGE "<key_"},
    {"show", PAGES, TURN, TURN},   {"hide", PAGES, TURN, PLAIN},
    {NULL, PAGES, PLAIN, PLAIN},   {"auto", OTHER, MARKS, PLAIN},
    {"show", OTHER, MARKS, MARKS}, {"hide", OTHER, MARKS, PLAIN},
    {"show", OTHER, "<a>", "<a>"},
};

/* Token by token, as answers come, and all at once. */
static void answer_is(txt_tokenizer *t, const int32_t *ids, uint64_t n, const char *want)
{
    char     got[256], one[64];
    uint64_t length = 0, need = 0;
    for (uint64_t i = 0; i < n; i++) {
        assert_int_equal(txt_answer(t, &ids[i], 1, one, sizeof one, &need, NULL), WEFT_OK);
        assert_true(need <= sizeof one && length + need < sizeof got);
        memcpy(got + length, one, need);
        length += need;
    }
    got[length] = '\0';
    assert_string_equal(got, want);
    assert_int_equal(txt_answer(t, ids, n, got, sizeof got, &need, NULL), WEFT_OK);
    assert_int_equal(need, length);
    assert_memory_equal(got, want, length);
}

static void test_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const answer_case *c = &cases[i];
        const fake_option  option = {"special", 0, 0, c->option};
        fake_host          h;
        uint64_t           n;
        fake_host_init(&h, &option, c->option != NULL);
        weft_package *p = fake_package_open(&h, NULL);
        fixture_put(p, "tokenizer.json", c->tokenizer);
        txt_tokenizer *t = tokenizer_open(&h, p);
        int32_t       *ids = encode_all(t, c->text, strlen(c->text), WEFT_TOK_SPECIAL, &n);
        assert_int_equal(
            txt_encode(t, c->text, strlen(c->text), WEFT_TOK_SPECIAL, ids, n, &n, NULL), WEFT_OK);
        answer_is(t, ids, n, c->shown);
        if (strstr(c->text, PLAIN) != NULL)
            decode_is(t, ids, n, PLAIN, strlen(PLAIN));
        free(ids);
        txt_tokenizer_destroy(t);
        assert_int_equal(h.blocks_live, 0);
        fake_host_deinit(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
