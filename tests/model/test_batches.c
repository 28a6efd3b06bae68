/* SPDX-License-Identifier: Apache-2.0 */
/* An item's rows do not depend on what is encoded with it: alone, of two and of five, for every
 * modality of the demo model and for one whose files are told apart by a byte each. */
#include "core/media/item.h"
#include "moods.h"

#define N 5
#define SAMPLES WEFT_SOURCE_DIR "/models/demo/samples/"

/* Five items of one kind. */
typedef struct five {
    const char *file[N];
    int64_t     end_us[N];
} five;

/* What was encoded: the first output of each item. */
typedef struct encoded {
    float   *rows[N];
    uint64_t bytes[N];
} encoded;

static bool open_five(weft_engine *e, const five *f, weft_item **items)
{
    weft_error err = WF_ERROR_INIT;
    for (int i = 0; i < N; i++) {
        weft_item_request rq = WEFT_ITEM_REQUEST(f->file[i]);
        rq.end_us = f->end_us[i];
        weft_status status = weft_item_open(e, &rq, &items[i], &err);
        if (status == WEFT_E_NOTFOUND && i == 0)
            return false; /* its decoder is not built here */
        rig_check(status, &err);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(items[i], items[k]); /* different content */
    }
    return true;
}

/* The items in an engine of their own, `together` of them in one call of the encoder. */
static bool encode_five(const char *const *pairs, const five *f, uint32_t together, encoded *out)
{
    weft_error     err = WF_ERROR_INIT;
    weft_settings *settings = settings_of(pairs);
    weft_engine   *e = open_engine(settings);
    weft_item     *items[N];
    bool           there = open_five(e, f, items);
    if (there && together > 1)
        wf_items_encode_ahead(items, together);
    for (uint32_t i = 0; there && i < N; i++) {
        float *copies[WF_MAX_OUTPUTS] = {NULL};
        assert_int_equal(items[i]->encoded, together > 1 && i < together);
        out->bytes[i] = wf_spec_bytes(&items[i]->plan.outputs[0].spec);
        copies[0] = out->rows[i] = malloc((size_t)out->bytes[i]);
        assert_non_null(copies[0]);
        rig_check(wf_item_encode(items[i], copies, &err), &err);
        weft_item_release(&items[i]);
    }
    weft_engine_close(&e);
    weft_settings_destroy(&settings);
    return there;
}

static void drop(encoded *x)
{
    for (int i = 0; i < N; i++)
        free(x->rows[i]);
}

static void same_in_batches(const char *const *pairs, const five *f)
{
    static const uint32_t sizes[] = {2, N};
    encoded               alone;
    if (!encode_five(pairs, f, 1, &alone))
        return;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        encoded x;
        assert_true(encode_five(pairs, f, sizes[s], &x));
        for (int i = 0; i < N; i++) {
            assert_int_equal(x.bytes[i], alone.bytes[i]);
            assert_memory_equal(x.rows[i], alone.rows[i], (size_t)x.bytes[i]);
        }
        drop(&x);
    }
    drop(&alone);
}

static const char *const demo[] = {"threads=2", NULL};

static void test_pictures(void **state)
{
    const five f = {{SAMPLES "1.png", SAMPLES "2.jpg", SAMPLES "3.png", SAMPLES "4.jpg",
                     FIXTURE("images/rgb8.png")},
                    {-1, -1, -1, -1, -1}};
    (void)state;
    same_in_batches(demo, &f);
}

static void test_sound(void **state)
{
    const char *w = SAMPLES "6.wav";
    const five  f = {{w, w, w, w, w}, {-1, 900000, 700000, 500000, 300000}};
    (void)state;
    same_in_batches(demo, &f);
}

static void test_clips(void **state)
{
    const char *c = SAMPLES "5.mp4";
    const five  f = {{c, c, c, c, c}, {-1, 1500000, 1100000, 700000, 400000}};
    (void)state;
    same_in_batches(demo, &f);
}

/* One that fails in a batch keeps the others from nothing. */
static void test_one_fails(void **state)
{
    static const char moods[] = "nNnfn";
    weft_error        err = WF_ERROR_INIT;
    weft_item        *items[N];
    rig               r;
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, NULL, NULL);
    for (int i = 0; i < N; i++)
        mood_item(r.e, moods[i], (const char[]){(char)('a' + i), 'x', '\0'}, &items[i]);
    wf_items_encode_ahead(items, 3); /* no failure, but numbers that are none */
    assert_true(items[0]->encoded && !items[1]->encoded && items[2]->encoded);
    wf_items_encode_ahead(items + 3, 2);
    assert_true(!items[3]->encoded && !items[4]->encoded);
    assert_int_equal(weft_item_encode(items[1], &err), WEFT_E_NUMERIC);
    assert_int_equal(weft_item_encode(items[3], &err), WEFT_E_CORRUPT);
    rig_check(weft_item_encode(items[4], &err), &err);
    for (int i = 0; i < N; i++)
        weft_item_release(&items[i]);
    rig_close(&r);
}

/* The limits of a batch, and who goes alone. */
static void test_limits(void **state)
{
    rig           r;
    wf_item_batch b = {.n = 0}, c = {.n = 0};
    weft_item    *items[4];
    (void)state;
    moods_open(&r, "model=" MOODS_MODEL, NULL, NULL);
    for (int i = 0; i < 4; i++)
        mood_item(r.e, 'n', (const char[]){(char)('a' + i), '\0'}, &items[i]);
    weft_item     *first = items[0], *large = items[1], *huge = items[2], *small = items[3];
    const uint64_t own = small->plan.scratch_bytes;
    large->plan.scratch_bytes = (uint64_t)200 << 20;
    huge->plan.scratch_bytes = UINT64_MAX;
    assert_true(wf_item_batch_add(&b, first) && wf_item_batch_add(&b, large));
    assert_false(wf_item_batch_add(&b, first));
    assert_false(wf_item_batch_add(&b, huge));
    small->plan.scratch_bytes = (uint64_t)56 << 20;
    assert_false(wf_item_batch_add(&b, small));
    small->plan.scratch_bytes = own;
    assert_true(wf_item_batch_add(&b, small) && b.n == 3);
    assert_true(wf_item_batch_add(&c, huge)); /* alone, whatever its size */
    assert_false(wf_item_batch_add(&c, small));
    c = (wf_item_batch){.n = 0};
    small->spoils = true;
    assert_true(wf_item_batch_add(&c, small) && !wf_item_batch_add(&c, first));
    c = (wf_item_batch){.n = 0};
    assert_true(wf_item_batch_add(&c, first) && !wf_item_batch_add(&c, small));
    for (int i = 0; i < 4; i++)
        weft_item_release(&items[i]);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pictures), cmocka_unit_test(test_sound),
        cmocka_unit_test(test_clips),    cmocka_unit_test(test_one_fails),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
