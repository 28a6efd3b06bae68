/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of rows of letters: the CPU bodies alone, with a small tree of words, beside a search that
 * looks at all guesses one by one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plugins/speech/ops/kernels.h"
#include "plugins/speech/ops/search.h"

/* Columns: blank, space, a, b. The words are 1 "a", 2 "b", 3 "ab", 4 "bb", 5 "baa". */
enum { COLUMNS = 4, BEAM = 8, NODES = 7, WORDS = 6, PAIRS = 2, TOKENS = 7, FILL = 3, AGAIN = 4 };
enum { ROWS = 6, PLACES = 2, FRAMES = ROWS * PLACES };

typedef struct tables {
    spk_words_head head;
    int32_t        first[NODES + 1], letter[NODES], word[NODES];
    float          best[NODES], alone[WORDS], rest[WORDS];
    int32_t        after[WORDS + 1], second[PAIRS];
    float          pair[PAIRS];
    int32_t        begin[WORDS + 1], token[TOKENS], fill[FILL + AGAIN]; /* `again` first */
} tables;

static const tables usual = {
    .head = {NODES, WORDS, PAIRS, TOKENS, 0, FILL + AGAIN, COLUMNS, 1, BEAM, 1, 0.5f, 30},
    .first = {1, 3, 4, 6, 6, 7, 7, 7},
    .letter = {0, 2, 3, 3, 2, 3, 2},
    .word = {-1, 1, 2, 3, -1, 4, 5},
    .best = {-1, -1, -1.5f, -2, -3, -2, -3},
    .alone = {-1, -1, -1.5f, -2, -2, -3},
    .rest = {-0.5f, -0.5f, -0.5f, -0.5f, -0.5f, -0.5f},
    .after = {0, 0, 2, 2, 2, 2, 2}, /* behind "a" the end and the word "ab" are known */
    .second = {0, 3},
    .pair = {-0.1f, -0.2f},
    .begin = {0, 0, 1, 2, 4, 6, 7},
    .token = {10, 30, 20, 21, 40, 41, 50},
    .fill = {7, 8, 9, 9, 9, 9, 9},
};

/* In launches of so many rows; a second chunk begins at row `join`. */
static void spell_in(const tables *t, const float *x, int64_t step, int64_t join, int32_t *ids)
{
    float          nan = 0, *nan_at = &nan;
    const int32_t *cells = (const int32_t *)t;
    int32_t       *work = malloc((size_t)spk_search_cells(&t->head, FRAMES) * sizeof *work);
    int64_t        n = ROWS;
    assert_non_null(work);
    assert_int_equal(sizeof *t, spk_words_cells(&t->head) * (int64_t)sizeof *work);
    for (int64_t row = 0; row < n; row += step) {
        const float *from = x + row * PLACES * COLUMNS;
        int64_t      frames = PLACES * (n - row < step ? n - row : step);
        int64_t      where = row == 0 ? SPK_FIRST : row == join ? SPK_JOIN : SPK_GO_ON;
        void        *args[] = {&from, &cells, &work, &frames, &where};
        spk_k_hear(&(weft_range){1, 1, 1, 0}, args); /* a thread without an item */
        spk_k_hear(&(weft_range){0, 1, 0, 0}, args);
    }
    void *args[] = {&ids, &nan_at, &cells, &work, &n};
    spk_k_spell(&(weft_range){1, 1, 1, 0}, args);
    assert_true(nan == 0);
    spk_k_spell(&(weft_range){0, 1, 0, 0}, args);
    assert_true(isnan(nan));
    free(work);
}

static void spell(const tables *t, const float *x, int32_t *ids)
{
    spell_in(t, x, ROWS, -1, ids);
}

/* Scores by which each frame is this letter ("-": the blank) and hardly another. */
static void heard(const char *frames, float *x)
{
    for (size_t i = 0; i < FRAMES; i++)
        for (int c = 0; c < COLUMNS; c++)
            x[i * COLUMNS + (size_t)c] = frames[i] == "- ab"[c] ? 0 : -20;
}

typedef struct said {
    const char *frames; /* two a row */
    int32_t     ids[ROWS];
} said;

static const said all[] = {
    {"------------", {9, 9, 9, 9, 8, 7}},
    {"a-----------", {9, 9, 9, 8, 7, 10}},
    {"--aa--------", {9, 9, 9, 8, 7, 10}},      /* a letter that lasts */
    {"--bb-b------", {9, 9, 8, 7, 40, 41}},     /* the same twice, with a blank between */
    {"ab--- ------", {9, 9, 8, 7, 20, 21}},     /* a space behind the last word changes nothing */
    {"a b bb--- -b", {8, 7, 10, 30, 30, 30}},   /* "bb" without a blank is "b" */
    {"a ab b-b   a", {10, 20, 21, 40, 41, 10}}, /* a space that lasts */
    {"a b a b a b ", {10, 30, 10, 30, 10, 30}},
    {"ab ab ab ab ", {20, 21, 20, 21, 20, 21}}, /* more tokens than rows: the last */
};

static void test_words(void **state)
{
    float   x[FRAMES * COLUMNS];
    int32_t ids[ROWS + 1];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        heard(all[i].frames, x);
        for (int64_t step = 1; step <= ROWS; step++) {
            ids[ROWS] = 99;
            spell_in(&usual, x, step, -1, ids);
            assert_memory_equal(ids, all[i].ids, sizeof all[i].ids);
            assert_int_equal(ids[ROWS], 99);
        }
    }
}

/* What was heard once more before it, as far as there are rows: whole and with all that stands
 * behind it, or not at all. */
static void test_again(void **state)
{
    static const struct {
        const char *frames;
        int32_t     again[AGAIN], ids[ROWS];
    } cases[] = {
        {"------------", {60, -1, 61, 62}, {9, 9, 9, 9, 8, 7}}, /* nothing was heard */
        {"a-----------", {60, -1, 61, 62}, {7, 60, 10, 61, 62, 10}},
        {"--bb-b------", {60, -1, 61, 62}, {40, 41, 61, 62, 40, 41}},
        {"a b ab------", {60, -1, 61, 62}, {8, 7, 10, 30, 20, 21}}, /* no room */
        {"a-----------", {-1, 61, -1, 62}, {7, 10, 61, 10, 62, 10}},
        {"--bb-b------", {-1, 61, -1, 62}, {61, 40, 41, 62, 40, 41}},
        {"a b---------", {-1, 61, -1, 62}, {61, 10, 30, 62, 10, 30}},
        {"a b---------", {60, 61, 62, -1}, {61, 62, 10, 30, 10, 30}},
        {"a-----------", {-1, -1, -1, -1}, {7, 10, 10, 10, 10, 10}},
        {"a b---------", {61, -1, -1, -1}, {10, 30, 10, 30, 10, 30}},
        {"a b a b a b ", {60, -1, 61, 62}, {10, 30, 10, 30, 10, 30}}, /* as many as rows */
        {"ab ab ab ab ", {-1, -1, -1, -1}, {20, 21, 20, 21, 20, 21}}, /* more */
    };
    float   x[FRAMES * COLUMNS];
    int32_t ids[ROWS + 1];
    tables  t = usual;
    (void)state;
    t.head.again = AGAIN;
    t.head.fill = FILL;
    memcpy(t.fill + AGAIN, usual.fill, FILL * sizeof *t.fill);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(t.fill, cases[i].again, sizeof cases[i].again);
        heard(cases[i].frames, x);
        ids[ROWS] = 99;
        spell(&t, x, ids);
        assert_memory_equal(ids, cases[i].ids, sizeof cases[i].ids);
        assert_int_equal(ids[ROWS], 99);
    }
}

/* A recording that stops within a word, and no other guess is left: it is as if it had stopped
 * before. */
static void test_half_a_word(void **state)
{
    static const int32_t want[] = {9, 8, 7, 50, 20, 21};
    float                x[FRAMES * COLUMNS];
    int32_t              ids[ROWS];
    tables               t = usual;
    (void)state;
    t.head.width = 5;
    heard("ba-a ab -ba-", x);
    spell(&t, x, ids);
    assert_memory_equal(ids, want, sizeof want);
}

/* Between chunks a word may end without a space, or go on. */
static void test_join(void **state)
{
    static const int32_t two[] = {9, 9, 8, 7, 30, 10}, one[] = {9, 9, 9, 8, 7, 50};
    float                x[FRAMES * COLUMNS];
    int32_t              ids[ROWS];
    (void)state;
    heard("--b----a----", x);
    spell_in(&usual, x, 3, 3, ids);
    assert_memory_equal(ids, two, sizeof two);
    spell_in(&usual, x, 3, -1, ids); /* "ba" is no word */
    assert_memory_not_equal(ids, two, sizeof two);
    heard("----ba-a----", x);
    spell_in(&usual, x, 3, 3, ids);
    assert_memory_equal(ids, one, sizeof one);
}

/* Letters that fit two words equally well: how often words are said, and behind which, decides. */
static void test_odds(void **state)
{
    float   x[FRAMES * COLUMNS];
    int32_t ids[ROWS];
    tables  t = usual;
    (void)state;
    heard("a -----b----", x);
    x[3 * COLUMNS + 2] = -0.5f; /* perhaps an "a" before the "b" */
    spell(&t, x, ids);
    assert_int_equal(ids[5], 21); /* "a ab", which is likely in a row */
    for (int i = 0; i < FRAMES * COLUMNS; i++)
        x[i] += 3e6f; /* scores are odds beside each other */
    spell(&t, x, ids);
    assert_int_equal(ids[5], 21);
    for (int i = 0; i < FRAMES * COLUMNS; i++)
        x[i] -= 3e6f;
    t.head.share = 0;
    spell(&t, x, ids);
    assert_int_equal(ids[5], 30);
    t.head.share = 1;
    t.pair[1] = -9;
    spell(&t, x, ids);
    assert_int_equal(ids[5], 30);
}

/* ---- the same search without a hash, a heap or links ---- */

#define GUESSES 400

typedef struct guess {
    double  odds;
    int32_t node, before, last, n, words[FRAMES];
} guess;

typedef struct list {
    guess   at[GUESSES];
    int32_t n;
} list;

static void put(list *l, guess g, int32_t node, int32_t last, double odds)
{
    g.node = node;
    g.last = last;
    g.odds += odds;
    for (int32_t i = 0; i < l->n; i++) {
        guess *other = &l->at[i];
        if (other->node == node && other->before == g.before && other->last == last) {
            if (g.odds > other->odds)
                *other = g;
            return;
        }
    }
    assert_in_range(l->n, 0, GUESSES - 1);
    l->at[l->n++] = g;
}

static double odds_of(const tables *t, int32_t a, int32_t b)
{
    for (int32_t i = t->after[a]; i < t->after[a + 1]; i++)
        if (t->second[i] == b)
            return t->pair[i];
    return t->rest[a] + t->alone[b];
}

static void say(guess *g, int32_t word)
{
    g->words[g->n++] = word;
    g->before = word;
}

static void grow(const tables *t, const guess *g, const float *x, list *to)
{
    const double share = t->head.share;
    put(to, *g, g->node, 0, x[0]);
    if (g->last != 0)
        put(to, *g, g->node, g->last, x[g->last]);
    for (int32_t n = t->first[g->node]; n < t->first[g->node + 1]; n++)
        if (t->letter[n] != g->last)
            put(to, *g, n, t->letter[n], x[t->letter[n]] + share * (t->best[n] - t->best[g->node]));
    if (t->word[g->node] >= 0 && g->last != t->head.space) {
        guess  next = *g;
        double odds = odds_of(t, g->before, t->word[g->node]) - t->best[g->node] + t->best[0];
        say(&next, t->word[g->node]);
        put(to, next, 0, t->head.space, x[t->head.space] + share * odds + t->head.bonus);
    }
}

static int likelier(const void *a, const void *b)
{
    const double x = ((const guess *)a)->odds, y = ((const guess *)b)->odds;
    return (x < y) - (x > y);
}

static void slowly(const tables *t, const float *x, int32_t *ids)
{
    static list now, then;
    now.n = 1;
    memset(&now.at[0], 0, sizeof now.at[0]);
    for (int i = 0; i < FRAMES; i++) {
        then.n = 0;
        for (int32_t g = 0; g < now.n; g++)
            grow(t, &now.at[g], x + i * COLUMNS, &then);
        qsort(then.at, (size_t)then.n, sizeof *then.at, likelier);
        now.n = 0;
        for (int32_t g = 0; g < then.n && g < t->head.beam; g++)
            if (then.at[g].odds >= then.at[0].odds - t->head.width)
                now.at[now.n++] = then.at[g];
    }
    then.n = 0;
    for (int32_t i = 0; i < now.n; i++) {
        guess        g = now.at[i];
        const double ends = odds_of(t, g.before, t->word[g.node] >= 0 ? t->word[g.node] : 0);
        if (g.node == 0)
            g.odds += t->head.share * (ends - t->best[0]);
        else if (t->word[g.node] >= 0) {
            say(&g, t->word[g.node]);
            g.odds += t->head.bonus +
                      t->head.share * (ends - t->best[g.node] + odds_of(t, t->word[g.node], 0));
        } else
            g.odds -= 1e9; /* behind all that end */
        then.at[then.n++] = g;
    }
    qsort(then.at, (size_t)then.n, sizeof *then.at, likelier);
    int to = ROWS;
    for (int32_t i = then.at[0].n; i-- > 0;)
        for (int32_t k = t->begin[then.at[0].words[i] + 1]; k-- > t->begin[then.at[0].words[i]];)
            if (to > 0)
                ids[--to] = t->token[k];
    for (int i = 0; i < to; i++)
        ids[i] = t->fill[to - 1 - i < FILL ? to - 1 - i : FILL - 1];
}

/* Any scores, with beams from the narrowest to one that holds all guesses, and any width. */
static void test_beams(void **state)
{
    uint32_t seed = 1;
    int      other = 0;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        float   x[FRAMES * COLUMNS];
        int32_t ids[ROWS], want[ROWS], whole[ROWS];
        tables  t = usual;
        for (int i = 0; i < FRAMES * COLUMNS; i++) {
            seed = seed * 1664525u + 1013904223u;
            x[i] = -(float)(seed >> 8) / (float)(1 << 22);
        }
        t.head.beam = 1 + round % 40;
        t.head.width = (float)(round % 7);
        spell(&t, x, ids);
        slowly(&t, x, want);
        assert_memory_equal(ids, want, sizeof ids);
        t.head.beam = 300;
        t.head.width = 1000;
        spell(&t, x, whole);
        slowly(&t, x, want);
        assert_memory_equal(whole, want, sizeof whole);
        other += memcmp(whole, ids, sizeof ids) != 0;
    }
    assert_in_range(other, 100, 2900); /* both are of weight */
}

/* Scores that are no finite numbers: no row, wherever they stand. */
static void test_what_is_no_score(void **state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    float              x[FRAMES * COLUMNS];
    int32_t            ids[ROWS];
    (void)state;
    for (int i = 0; i < 3; i++)
        for (size_t at = 0; at < FRAMES * COLUMNS; at++) {
            heard("a ab b-b   a", x);
            x[at] = odd[i];
            spell_in(&usual, x, 4, -1, ids);
            for (int row = 0; row < ROWS; row++)
                assert_int_equal(ids[row], -1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_again),
                                       cmocka_unit_test(test_half_a_word),
                                       cmocka_unit_test(test_join),
                                       cmocka_unit_test(test_odds),
                                       cmocka_unit_test(test_beams),
                                       cmocka_unit_test(test_what_is_no_score)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
