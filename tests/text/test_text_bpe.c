/* SPDX-License-Identifier: Apache-2.0 */
/* Merging against the plain quadratic rule, and its cost counted. */
#include "common.h"

#include <stdlib.h>

typedef struct fixture {
    fake_host h;
    txt_vocab vocab;
} fixture;

static void put(txt_vocab *v, const char *token, uint32_t n)
{
    assert_int_equal(txt_vocab_put(v, v->n_ids, token, n, 0, NULL), WEFT_OK);
}

static void fixture_begin(fixture *f)
{
    fake_host_init(&f->h, NULL, 0);
    txt_vocab_init(&f->vocab, &f->h.host);
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        put(&f->vocab, &byte, 1);
    }
}

static void fixture_index(fixture *f)
{
    uint32_t twice, first;
    assert_int_equal(txt_vocab_index(&f->vocab, &twice, &first, NULL), WEFT_OK);
}

static void fixture_end(fixture *f)
{
    txt_vocab_free(&f->vocab);
    assert_int_equal(f->h.blocks_live, 0);
    fake_host_deinit(&f->h);
}

/* The rule as it is stated, with the parts' ends in an array. */
static uint64_t plain_bpe(const txt_vocab *v, const uint8_t *piece, uint32_t n, int32_t *ids)
{
    uint32_t begin[601], parts = n;
    if (txt_vocab_find(v, piece, n) != TXT_NONE) {
        ids[0] = (int32_t)txt_vocab_find(v, piece, n);
        return 1;
    }
    for (uint32_t i = 0; i <= n; i++)
        begin[i] = i;
    for (;;) {
        uint32_t best = TXT_NONE, at = 0;
        for (uint32_t i = 0; i + 1 < parts; i++) {
            uint32_t rank = txt_vocab_find(v, piece + begin[i], begin[i + 2] - begin[i]);
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == TXT_NONE)
            break;
        memmove(begin + at + 1, begin + at + 2, (parts - at - 1) * sizeof *begin);
        parts--;
    }
    for (uint32_t i = 0; i < parts; i++)
        ids[i] = (int32_t)txt_vocab_find(v, piece + begin[i], begin[i + 1] - begin[i]);
    return parts;
}

/* Over two letters and random vocabularies, ties and odd orders abound. Lengths on both sides of
 * the one (256) where bpe_long.c takes over, one scratch for all pieces of a vocabulary. */
static void test_equals_the_plain_rule(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 24; round++) {
        fixture     f;
        txt_scratch scratch;
        fixture_begin(&f);
        txt_scratch_init(&scratch, &f.h.host);
        for (int i = 0; i < 40; i++) {
            char     token[8];
            uint32_t n = 2 + random_next(&seed) % 6, twice = 0;
            for (uint32_t k = 0; k < n; k++)
                token[k] = (char)('a' + random_next(&seed) % 2);
            for (uint32_t id = 0; id < f.vocab.n_ids; id++) {
                const txt_token *t = txt_vocab_token(&f.vocab, id);
                twice |= t->length == n && memcmp(txt_vocab_bytes(&f.vocab, t), token, n) == 0;
            }
            if (!twice)
                put(&f.vocab, token, n);
        }
        fixture_index(&f);
        for (int i = 0; i < 40; i++) {
            uint8_t  piece[600];
            int32_t  got[600], want[600];
            uint32_t n = 1 + random_next(&seed) % sizeof piece;
            txt_sink out = {got, 600, 0};
            for (uint32_t k = 0; k < n; k++)
                piece[k] = (uint8_t)('a' + random_next(&seed) % (i % 10 == 0 ? 1 : 2));
            assert_int_equal(txt_bpe(&f.vocab, piece, n, &scratch, &out, NULL), WEFT_OK);
            assert_int_equal(out.n, plain_bpe(&f.vocab, piece, n, want));
            assert_memory_equal(got, want, out.n * sizeof *got);
        }
        txt_scratch_free(&scratch);
        fixture_end(&f);
    }
}

/* A token that no merge leads to is found as a whole piece, and only so. */
static void test_whole_piece_first(void **state)
{
    (void)state;
    fixture     f;
    int32_t     ids[8];
    txt_scratch scratch;
    txt_sink    out = {ids, 8, 0};
    fixture_begin(&f);
    txt_scratch_init(&scratch, &f.h.host);
    put(&f.vocab, "abc", 3);
    fixture_index(&f);
    assert_int_equal(txt_bpe(&f.vocab, (const uint8_t *)"abc", 3, &scratch, &out, NULL), WEFT_OK);
    assert_int_equal(out.n, 1);
    assert_int_equal(ids[0], 256);
    assert_int_equal(txt_bpe(&f.vocab, (const uint8_t *)"abcd", 4, &scratch, &out, NULL), WEFT_OK);
    assert_int_equal(out.n, 5);
    fixture_end(&f);
}

static uint64_t work_of(fixture *f, const uint8_t *text, uint32_t n)
{
    txt_scratch scratch;
    txt_sink    out = {NULL, 0, 0};
    txt_scratch_init(&scratch, &f->h.host);
    assert_int_equal(txt_bpe(&f->vocab, text, n, &scratch, &out, NULL), WEFT_OK);
    txt_scratch_free(&scratch);
    return scratch.work;
}

/* 16 times the text may cost 20 times the work (16 and the growth of a logarithm); the quadratic
 * rule would cost 256 times. One letter, and noise of two letters under the same tokens. */
static void test_cost_is_linear(void **state)
{
    (void)state;
    enum { SMALL = 1 << 16, LARGE = 1 << 20 };
    static uint8_t text[LARGE];
    uint64_t       seed = 5;
    fixture        f;
    fixture_begin(&f);
    for (uint32_t n = 2; n <= 64; n *= 2) {
        memset(text, 'a', n);
        put(&f.vocab, (const char *)text, n);
    }
    put(&f.vocab, "ab", 2);
    put(&f.vocab, "ba", 2);
    put(&f.vocab, "abba", 4);
    fixture_index(&f);
    memset(text, 'a', sizeof text);
    assert_true(work_of(&f, text, LARGE) <= 20 * work_of(&f, text, SMALL));
    for (uint32_t i = 0; i < LARGE; i++)
        text[i] = (uint8_t)('a' + random_next(&seed) % 2);
    assert_true(work_of(&f, text, LARGE) <= 20 * work_of(&f, text, SMALL));
    fixture_end(&f);
}

static void test_no_memory_for_a_long_piece(void **state)
{
    (void)state;
    fixture     f;
    uint8_t     text[257];
    weft_error  err = {WEFT_HDR(weft_error), 0, 0, {0}};
    txt_sink    out = {NULL, 0, 0};
    txt_scratch scratch;
    fixture_begin(&f);
    fixture_index(&f);
    memset(text, 'x', sizeof text);
    txt_scratch_init(&scratch, &f.h.host);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        fake_host_fail_at(&f.h, nth, 0);
        assert_int_equal(txt_bpe(&f.vocab, text, 257, &scratch, &out, &err), WEFT_E_NOMEM);
        txt_scratch_free(&scratch);
    }
    fake_host_fail_at(&f.h, 1, 1);
    assert_int_equal(txt_bpe(&f.vocab, text, 256, &scratch, &out, &err), WEFT_OK);
    fake_host_fail_at(&f.h, 0, 0);
    assert_int_equal(txt_bpe(&f.vocab, text, 257, &scratch, &out, &err), WEFT_OK);
    txt_scratch_free(&scratch);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_plain_rule),
        cmocka_unit_test(test_whole_piece_first),
        cmocka_unit_test(test_cost_is_linear),
        cmocka_unit_test(test_no_memory_for_a_long_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
