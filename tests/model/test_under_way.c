/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes that are under way: what comes back of them, everything that may meet one, and the keys
 * and values that are computed behind one. */
#include "under_way.h"

#define PICTURES "model=" FIXTURE("mllama-1tile")

/* ---- what comes back ---- */

static void little_comes_back(rig *r)
{
    weft_error err = WF_ERROR_INIT;
    weft_item *items[3] = {open_item(r, 'n', "abc"), open_item(r, 'n', "de"),
                           open_item(r, 'n', "fghi")};
    uint64_t   bytes = wf_spec_bytes(&items[0]->plan.outputs[0].spec);
    float     *out = malloc(bytes), *copies[WF_MAX_OUTPUTS] = {out};
    spy_zero();
    rig_check(wf_item_encode(items[0], NULL, &err), &err);
    assert_true(the_spy.downloaded == 3 * sizeof(int64_t) && the_spy.waits == 1);
    spy_zero();
    rig_check(wf_item_encode(items[0], copies, &err), &err);
    assert_true(the_spy.downloaded == bytes && the_spy.waits == 1);
    spy_zero();
    wf_items_encode_ahead(items + 1, 2);
    assert_true(the_spy.downloaded == 6 * sizeof(int64_t) && the_spy.waits == 1);
    for (int i = 0; i < 3; i++)
        weft_item_release(&items[i]);
    items[0] = open_item(r, 'n', "abc");
    spy_zero();
    rig_check(wf_item_encode(items[0], copies, &err), &err); /* all of it with one wait */
    assert_true(the_spy.downloaded == 3 * sizeof(int64_t) + bytes && the_spy.waits == 1);
    weft_item_release(&items[0]);
    free(out);
}

static void test_little_comes_back(void **state)
{
    (void)state;
    each(little_comes_back, MODEL, NULL);
}

/* The first place that was not written, and the first that is no number, to the element. */
static void test_the_element(void **state)
{
    static const char *const devices[] = {"device=cpu", "device=async-test"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        const char *pairs[] = {MODEL,      "threads=2",     "plugin=" WEFT_MOODS_PLUGIN,
                               devices[k], "validate=true", NULL};
        rig         r;
        weft_error  err = WF_ERROR_INIT;
        char        want[160];
        rig_open(&r, pairs, NULL);
        weft_item *half = open_item(&r, 'U', "abcd"), *nan = open_item(&r, 'N', "ab");
        snprintf(want, sizeof want, "gave OK without writing moods.output at element %d in encode",
                 2 * r.e->config.d_model);
        spy_on(r.e);
        refused(weft_item_encode(half, &err), &err, WEFT_E_INTERNAL, 5, want);
        assert_true(the_spy.downloaded == 4 * sizeof(int64_t) + sizeof(float));
        refused(weft_item_encode(nan, &err), &err, WEFT_E_NUMERIC, 8,
                "the encoder's moods.output holds NaN at element 0: its weights or this item are");
        spy_off(r.e);
        weft_item_release(&half);
        weft_item_release(&nan);
        rig_close(&r);
    }
}

/* ---- what may meet an encode ---- */

static void meets_others(rig *r)
{
    weft_error err = WF_ERROR_INIT;
    weft_item *a = open_item(r, 'n', "abc"), *b = open_item(r, 'n', "xy"),
              *c = open_item(r, 'n', "pqrs"), *d = open_item(r, 'n', "tuv");
    begin(a);
    begin(b); /* ends a's */
    sound(a, "abc");
    wf_items_encode_ahead((weft_item *[]){c, d}, 2); /* ends b's */
    sound(b, "xy");
    sound(c, "pqrs");
    sound(d, "tuv");
    weft_item *e = open_item(r, 'n', "e"), *f = open_item(r, 'n', "ff"),
              *g = open_item(r, 'n', "g");
    begin(f);
    wf_items_encode_ahead((weft_item *[]){e, f, g}, 3); /* one of them is under way */
    rig_check(wf_item_encode(e, NULL, &err), &err);
    rig_check(wf_item_encode(f, NULL, &err), &err);
    rig_check(wf_item_encode(g, NULL, &err), &err);
    sound(e, "e");
    sound(f, "ff");
    sound(g, "g");
    weft_item *all[] = {a, b, c, d, e, f, g};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        weft_item_release(&all[i]);
}

static void test_meets_others(void **state)
{
    (void)state;
    each(meets_others, MODEL, NULL);
}

/* A failure is told of the item that has it, whichever of the two is waited for first. */
static void failures_stay_apart(rig *r)
{
    weft_error err = WF_ERROR_INIT;
    weft_item *nan = open_item(r, 'N', "abc"), *good = open_item(r, 'n', "xy"),
              *bad = open_item(r, 'f', "pqr"), *last = open_item(r, 'n', "z");
    begin(nan);
    rig_check(wf_item_encode(good, NULL, &err), &err);
    sound(good, "xy");
    assert_true(!nan->encoded && nan->encoding == NULL && nan->output[0] == NULL);
    refused(wf_item_encode(nan, NULL, &err), &err, WEFT_E_NUMERIC, 8, nan->file);
    begin(last);
    wf_items_encode_ahead((weft_item *[]){nan, bad}, 2); /* the second fails in the call itself */
    sound(last, "z");
    assert_true(!nan->encoded && !bad->encoded && bad->output[0] == NULL);
    refused(wf_item_encode_begin(bad, &err), &err, WEFT_E_CORRUPT, 3, "in a bad mood");
    assert_null(bad->encoding);
    weft_item *all[] = {nan, good, bad, last};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        weft_item_release(&all[i]);
}

static void test_failures_stay_apart(void **state)
{
    (void)state;
    each(failures_stay_apart, MODEL, NULL);
}

/* The last reference goes while the encoder works on the item's memory; the engine and its plugins
 * go after that. */
static void released(rig *r)
{
    weft_item *a = open_item(r, 'k', "abc"), *b = open_item(r, 'n', "xy");
    begin(a);
    weft_item_release(&a);
    assert_null(r->e->items.under_way);
    begin(b);
    weft_item_release(&b);
}

static void test_released(void **state)
{
    (void)state;
    each(released, MODEL, NULL);
}

/* ---- keys and values behind the encoder ---- */

static float *first_logits; /* of the first engine */

static void same_as_first(rig *r)
{
    int64_t n;
    float  *now = rig_run(r, (const int32_t[]){5, -1, 9, 0}, 0, &n);
    if (first_logits == NULL) {
        first_logits = now;
        return;
    }
    rig_same(first_logits, now, n, r, "projected behind the encoder");
    free(now);
}

/* The projection is ordered behind the encoder by the device: two waits in all. */
static void projected(rig *r)
{
    weft_error err = WF_ERROR_INIT;
    weft_item *item = r->items[0];
    uint64_t   rows = 0;
    free(rig_run(r, (const int32_t[]){5, 0}, 0, NULL)); /* there are pages */
    for (uint32_t i = 0; i < item->plan.n_outputs; i++) {
        const weft_tensor_spec *o = &item->plan.outputs[i].spec;
        rows += wf_spec_numel(o) / (uint64_t)o->shape[o->ndim - 1];
    }
    spy_zero();
    rig_check(wf_item_project(item, &err), &err);
    assert_true(the_spy.afters == 1 && the_spy.waits == 2 && the_spy.encoder_waits == 1);
    assert_int_equal(the_spy.downloaded, rows * sizeof(int64_t));
    assert_true(item->encoded && wf_item_pages_needed(item) == 0);
    wf_item_drop_kv(item);
    assert_true(wf_item_pages_needed(item) > 0);
    spy_zero();
    rig_check(wf_item_project(item, &err), &err); /* of outputs that are there */
    assert_true(the_spy.afters == 0 && the_spy.waits == 1 && the_spy.downloaded == 0);
    same_as_first(r);
}

static void test_projected(void **state)
{
    (void)state;
    each(projected, PICTURES, FIXTURE("mllama-1tile/parity.safetensors"));
    free(first_logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_comes_back), cmocka_unit_test(test_the_element),
        cmocka_unit_test(test_meets_others),      cmocka_unit_test(test_failures_stay_apart),
        cmocka_unit_test(test_released),          cmocka_unit_test(test_projected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
