/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of rows of letters: the CPU body alone, with a small tree of words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plugins/speech/ops/kernels.h"
#include "plugins/speech/ops/words.h"

/* Columns: blank, space, a, b. The words are 1 "a", 2 "ab", 3 "b", 4 "bb". */
enum { COLUMNS = 4, BEAM = 8, NODES = 5, WORDS = 5, PAIRS = 2, TOKENS = 6, FILL = 3 };
#define FRAMES 12

typedef struct tables {
    spk_words_head head;
    int32_t        first[NODES + 1], letter[NODES], word[NODES];
    float          best[NODES], alone[WORDS], rest[WORDS];
    int32_t        after[WORDS + 1], second[PAIRS];
    float          pair[PAIRS];
    int32_t        begin[WORDS + 1], token[TOKENS], fill[FILL];
} tables;

static const tables usual = {
    .head = {NODES, WORDS, PAIRS, TOKENS, FILL, COLUMNS, 1, BEAM, 1, 0.5f, 30},
    .first = {1, 3, 4, 5, 5, 5},
    .letter = {0, 2, 3, 3, 3},
    .word = {-1, 1, 3, 2, 4},
    .best = {-1, -1, -1.5f, -2, -2},
    .alone = {-1, -1, -2, -1.5f, -2},
    .rest = {-0.5f, -0.5f, -0.5f, -0.5f, -0.5f},
    .after = {0, 0, 2, 2, 2, 2}, /* behind "a" the word "ab" and the end are known */
    .second = {0, 2},
    .pair = {-0.1f, -0.2f},
    .begin = {0, 0, 1, 3, 4, 6},
    .token = {10, 20, 21, 30, 40, 41},
    .fill = {7, 8, 9},
};

static void spell(const tables *t, const float *x, int64_t n, int64_t places, int32_t *ids)
{
    float          nan = 0, *nan_at = &nan;
    const int32_t *cells = (const int32_t *)t;
    int32_t       *work = malloc((size_t)spk_search_cells(&t->head, n * places) * sizeof *work);
    void          *args[] = {&ids, &nan_at, &x, &cells, &work, &n, &places};
    assert_non_null(work);
    assert_int_equal(sizeof *t, spk_words_cells(&t->head) * (int64_t)sizeof *work);
    spk_k_spell(&(weft_range){1, 1, 1, 0}, args); /* a thread without an item */
    assert_true(nan == 0);
    spk_k_spell(&(weft_range){0, 1, 0, 0}, args);
    assert_true(isnan(nan));
    free(work);
}

/* Scores by which each frame is this letter ("-": the blank) and hardly another. */
static void heard(const char *frames, float *x)
{
    for (size_t i = 0; frames[i] != '\0'; i++)
        for (int c = 0; c < COLUMNS; c++)
            x[i * COLUMNS + (size_t)c] = frames[i] == "- ab"[c] ? 0 : -20;
}

typedef struct said {
    const char *frames; /* two a row */
    int32_t     ids[6];
} said;

static const said all[] = {
    {"------------", {9, 9, 9, 9, 8, 7}},       {"a-----------", {9, 9, 9, 8, 7, 10}},
    {"--aa--------", {9, 9, 9, 8, 7, 10}},    /* a letter that lasts */
    {"--bb-b------", {9, 9, 8, 7, 40, 41}},   /* the same twice, with a blank between */
    {"ab--- ------", {9, 9, 8, 7, 20, 21}},   /* a space behind the last word changes nothing */
    {"a b bb--- -b", {8, 7, 10, 30, 30, 30}}, /* "bb" without a blank is "b" */
    {"a ab b-b   a", {10, 20, 21, 40, 41, 10}}, {"a b a b a b ", {10, 30, 10, 30, 10, 30}},
    {"ab ab ab ab ", {20, 21, 20, 21, 20, 21}}, /* more tokens than rows: the last */
};

static void test_words(void **state)
{
    float   x[FRAMES * COLUMNS];
    int32_t ids[7];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ids[6] = 99;
        heard(all[i].frames, x);
        spell(&usual, x, 6, 2, ids);
        assert_memory_equal(ids, all[i].ids, sizeof all[i].ids);
        assert_int_equal(ids[6], 99);
        spell(&usual, x, 6, 2, ids); /* nothing is left of the search before */
        assert_memory_equal(ids, all[i].ids, sizeof all[i].ids);
    }
}

/* Letters that fit two words equally well: how often words are said, and behind which, decides. */
static void test_odds(void **state)
{
    float   x[FRAMES * COLUMNS];
    int32_t ids[6];
    tables  t = usual;
    (void)state;
    heard("a -----b----", x);
    x[3 * COLUMNS + 2] = -0.5f; /* perhaps an "a" before the "b" */
    spell(&t, x, 6, 2, ids);
    assert_int_equal(ids[5], 21); /* "a ab", which is likely in a row */
    t.head.share = 0;
    spell(&t, x, 6, 2, ids);
    assert_int_equal(ids[5], 30);
    t.head.share = 1;
    t.pair[1] = -9;
    spell(&t, x, 6, 2, ids);
    assert_int_equal(ids[5], 30);
}

static void test_a_narrow_beam(void **state)
{
    float   x[FRAMES * COLUMNS];
    int32_t ids[6];
    tables  t = usual;
    (void)state;
    heard("a ab b-b   a", x);
    for (t.head.beam = 1; t.head.beam <= BEAM; t.head.beam++) {
        t.head.width = t.head.beam % 2 ? 0 : 30;
        spell(&t, x, 6, 2, ids);
        assert_int_equal(ids[5], 10);
    }
}

/* Numbers that are none, and endless ones: no row, or any. */
static void test_what_is_no_score(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    float              x[FRAMES * COLUMNS];
    int32_t            ids[6];
    (void)state;
    for (int i = 0; i < 3; i++)
        for (size_t at = 0; at < FRAMES * COLUMNS; at += 7) {
            heard("a ab b-b   a", x);
            x[at] = odd[i];
            spell(&usual, x, 6, 2, ids);
            for (int row = 0; row < 6; row++)
                assert_true(i == 0 ? ids[row] == -1 : ids[row] >= 7 && ids[row] <= 41);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_odds),
                                       cmocka_unit_test(test_a_narrow_beam),
                                       cmocka_unit_test(test_what_is_no_score)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
