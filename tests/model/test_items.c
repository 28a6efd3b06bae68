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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_tell_items_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
