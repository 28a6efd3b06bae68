/* SPDX-License-Identifier: Apache-2.0 */
/* Items: which are the same, and what stands between a plugin and the memory that it is lent. */
#include "moods.h"

#define MODEL "model=" FIXTURE("llama-untied")

/* Logits after 60 tokens, the item and 60 more; *cached: rows that the prefix cache gave. */
static float *with_item(rig *r, weft_item *item, int64_t *cached)
{
    weft_error     err = WF_ERROR_INIT;
    weft_sequence *s = rig_sequence(r, (const int32_t[]){60, 0});
    float         *logits = malloc((size_t)r->e->config.vocab * sizeof *logits);
    rig_check(weft_sequence_feed_item(s, item, &err), &err);
    for (int32_t i = 0; i < 60; i++)
        rig_check(weft_sequence_feed_ids(s, &i, 1, &err), &err);
    rig_check(weft_step(r->e, &s, 1, logits, &err), &err);
    *cached = s->n_cached;
    weft_sequence_destroy(&s);
    return logits;
}

/* Two items of equal input bytes and different plans are two items, also in the prefix cache: what
 * each gives is what it gives alone. */
static void other_plans(char mood, bool same_rows)
{
    rig        r;
    weft_item *n, *same, *other;
    int64_t    cached[4];
    size_t     bytes;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    bytes = (size_t)r.e->config.vocab * sizeof(float);
    mood_item(r.e, 'n', "abcdefgh", &n);
    mood_item(r.e, 'n', "abcdefgh", &same);
    mood_item(r.e, mood, "abcdefgh", &other);
    assert_ptr_equal(n, same);
    assert_ptr_not_equal(n, other);
    float *first = with_item(&r, n, &cached[0]);
    float *second = with_item(&r, other, &cached[1]);
    float *again = with_item(&r, same, &cached[2]);
    assert_int_equal(cached[0], 0);
    assert_int_equal(cached[1], 0); /* the item stands in the first block */
    assert_true(cached[2] >= 64);
    weft_item_release(&n);
    weft_item_release(&same);
    weft_item_release(&other);
    rig_close(&r);
    moods_open(&r, MODEL, "dtype=f32", NULL);
    mood_item(r.e, mood, "abcdefgh", &other);
    float *alone = with_item(&r, other, &cached[3]);
    assert_memory_equal(second, alone, bytes);
    assert_memory_equal(first, again, bytes);
    assert_int_equal(memcmp(first, second, bytes) == 0, same_rows);
    weft_item_release(&other);
    rig_close(&r);
    free(first);
    free(second);
    free(again);
    free(alone);
}

static void test_plans_tell_items_apart(void **state)
{
    (void)state;
    other_plans('o', false);
    other_plans('s', true);
}

static void fails(weft_engine *e, char mood, weft_status status, int32_t code, const char *what)
{
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item = NULL;
    weft_item_request rq = WEFT_ITEM_REQUEST(mood_file(mood, "abcdefgh"));
    weft_status       got = weft_item_open(e, &rq, &item, &err);
    if (got == WEFT_OK)
        got = weft_item_encode(item, &err);
    refused(got, &err, status, code, what);
    weft_item_release(&item);
    unlink(rq.path);
}

/* A place that cannot take the samples is refused before the decoder sees it. */
static void test_where_samples_cannot_go(void **state)
{
    static const char *const why[] = {
        "it is too small", "it is not of f32",    "it has strides",           "it has no data",
        "it is NULL",      "its shape cannot be", "it is not in host memory", "n is negative"};
    rig r;
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    for (int i = 0; i < 8; i++)
        fails(r.e, (char)('1' + i), WEFT_E_INVALID, 5, why[i]);
    fails(r.e, '3', WEFT_E_INVALID, 5,
          "does not take [8, 1]: it has strides, and C order is what is filled (test.moods in "
          "preprocess)");
    fails(r.e, 'c', WEFT_E_INVALID, 5, "its last axis is not the number of channels");
    rig_close(&r);
}

/* Nothing is made of parts that cannot be read. */
static void test_parts(void **state)
{
    static const struct {
        char        mood;
        weft_status status;
        const char *what;
    } cases[] = {{'9', WEFT_E_INVALID, "does not take [2, 1]: it is too small (test.moods in run)"},
                 {'0', WEFT_E_INTERNAL, "test.moods gave a segment whose sizes cannot be in run"},
                 {'M', WEFT_E_INTERNAL, "gave 3 samples where 2 were asked for in read_audio"}};
    rig           r;
    weft_error    err = WF_ERROR_INIT;
    weft_sampling p = greedy(1);
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weft_long_request rq = {.hdr = WEFT_HDR(weft_long_request),
                                .path = mood_file(cases[i].mood, "abcd")};
        refused(weft_run_long(r.e, &rq, &p, NULL, &err), &err, cases[i].status, 5, cases[i].what);
        unlink(rq.path);
    }
    rig_close(&r);
}

/* What a decoder or an encoder leaves unwritten is the same every time. */
static void test_what_is_not_written(void **state)
{
    static const char moods[] = "wWuU";
    size_t            bytes = 0;
    (void)state;
    for (const char *mood = moods; *mood != '\0'; mood++) {
        float *got[2];
        for (int i = 0; i < 2; i++) {
            rig        r;
            weft_item *item;
            int64_t    cached;
            void      *spoilt = malloc(1 << 16);
            memset(spoilt, i == 0 ? 0x3c : 0x3d, 1 << 16); /* what malloc may hand out next */
            free(spoilt);
            moods_open(&r, MODEL, "dtype=f32", NULL);
            mood_item(r.e, i == 0 ? 'n' : 'o', i == 0 ? "abcdefgh" : "ijklmnop", &item);
            free(with_item(&r, item, &cached));
            weft_item_release(&item);
            mood_item(r.e, *mood, "abcdefgh", &item);
            got[i] = with_item(&r, item, &cached);
            bytes = (size_t)r.e->config.vocab * sizeof(float);
            weft_item_release(&item);
            rig_close(&r);
        }
        assert_memory_equal(got[0], got[1], bytes);
        free(got[0]);
        free(got[1]);
    }
}

/* Under validation it is told by name, as is what is written where nothing belongs. */
static void test_validation(void **state)
{
    static const char *const pairs[] = {"model=" FIXTURE("llama-untied"),
                                        "plugin=" WEFT_MOODS_PLUGIN, "dtype=f32", "validate=true",
                                        NULL};
    rig                      r = {.n_items = 0};
    weft_error               err = WF_ERROR_INIT;
    weft_item               *item;
    (void)state;
    r.settings = settings_of(pairs);
    rig_check(weft_engine_open(r.settings, 0, NULL, &r.e, &err), &err);
    mood_item(r.e, 'n', "abcdefgh", &item);
    rig_check(weft_item_encode(item, &err), &err);
    weft_item_release(&item);
    fails(
        r.e, 'w', WEFT_E_INTERNAL, 5,
        "test.moods gave OK without writing byte 0 of the 32 that it says it filled in read_audio");
    fails(r.e, 'W', WEFT_E_INTERNAL, 5, "OK without writing byte 16 of the 32");
    fails(r.e, 'p', WEFT_E_INTERNAL, 5, "gave bytes behind the 32 that it was to fill");
    fails(r.e, 'P', WEFT_E_INTERNAL, 5, "gave bytes before the 32 that it was to fill");
    fails(r.e, 'u', WEFT_E_INTERNAL, 5,
          "test.moods gave OK without writing moods.output at element 0 in encode");
    fails(r.e, 'U', WEFT_E_INTERNAL, 5, "OK without writing moods.output at element ");
    rig_close(&r);
}

/* Rows of a kind without a rate, whose decoder does not know how many there are, are counted. */
static void test_rows_of_unknown_number(void **state)
{
    rig               r;
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item;
    weft_item_info    d = {.hdr = WEFT_HDR(weft_item_info)};
    weft_item_request rq = WEFT_ITEM_REQUEST(mood_file('l', "abcdefg"));
    (void)state;
    moods_open(&r, MODEL, "dtype=f32", NULL);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    rig_check(weft_item_describe(item, &d, &err), &err);
    assert_int_equal(d.n_samples, 7);
    assert_int_equal(d.n_placeholders, 7);
    weft_item_release(&item);
    rig_close(&r);
    moods_open(&r, MODEL, "max_samples=6", NULL);
    refused(weft_item_open(r.e, &rq, &item, &err), &err, WEFT_E_LIMIT, 7, "--max-samples");
    unlink(rq.path);
    rig_close(&r);
}

/* How often a callback came, and how often while a plugin was said to be running. */
static int32_t heard, blamed;

static void hear(void *ctx, int32_t level, const char *text)
{
    weft_running who = {.hdr = WEFT_HDR(weft_running)};
    (void)ctx, (void)level, (void)text;
    heard++;
    blamed += weft_plugin_running(&who);
}

static void hear_progress(void *ctx, const char *what, uint64_t done, uint64_t total,
                          const char *unit)
{
    (void)done, (void)total, (void)unit;
    hear(ctx, 0, what);
}

/* What the program's own callbacks do is not the plugin's doing. */
static void test_callbacks(void **state)
{
    rig           r;
    weft_item    *item;
    weft_error    err = WF_ERROR_INIT;
    weft_progress progress = {hear_progress, NULL};
    (void)state;
    weft_set_log(hear, NULL);
    moods_open(&r, MODEL, "dtype=f32", &progress);
    heard = blamed = 0;
    mood_item(r.e, 'n', "abc", &item);
    rig_check(weft_item_encode(item, &err), &err);
    weft_item_release(&item);
    weft_set_log(NULL, NULL);
    assert_true(heard >= 8); /* open, plan, preprocess and encode, each twice */
    assert_int_equal(blamed, 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_tell_items_apart),
        cmocka_unit_test(test_where_samples_cannot_go),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_what_is_not_written),
        cmocka_unit_test(test_validation),
        cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_rows_of_unknown_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
