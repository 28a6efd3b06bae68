/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of adapters are read once a medium needs them, where the device works in the host's
 * memory; text runs without them, and what media then give has the bytes that it has where all was
 * read at first. */
#include "rig.h"

#include "core/host/host.h"

#define VISION FIXTURE("mllama-1tile")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")

static const int32_t media[] = {33, -1, 20, -2, 7, 0};
static const int32_t text[] = {60, 0};

static wf_modality *vision(const rig *r)
{
    return wf_modality_of(&r->e->modalities, "image");
}

/* Bytes of the encoder and of its sites that are in memory. */
static uint64_t held(const rig *r)
{
    return wf_host_weight_bytes(wf_plugin_host(vision(r)->plugin)) + r->e->hooks.buffers.bytes;
}

static void open_on(rig *r, const char *device)
{
    const char *pairs[] = {"model=" VISION, device, "dtype=f32", NULL};
    rig_open(r, pairs, PARITY);
    assert_int_equal(r->n_items, 2);
}

static void test_text_reads_none(void **state)
{
    rig r;
    (void)state;
    open_on(&r, "device=cpu");
    free(rig_run(&r, text, 0, NULL));
    assert_int_equal(held(&r), 0);
    free(rig_run(&r, media, 0, NULL));
    assert_true(wf_host_weight_bytes(wf_plugin_host(vision(&r)->plugin)) > 0);
    assert_true(r.e->hooks.buffers.bytes > 0);
    rig_close(&r);
}

static void test_bytes_are_the_same(void **state)
{
    weft_error err = WF_ERROR_INIT;
    rig        late, early;
    int64_t    n, n_early;
    (void)state;
    open_on(&late, "device=cpu");
    open_on(&early, "device=cpu");
    rig_check(wf_modality_ready(vision(&early), &err), &err);
    float *a = rig_run(&late, media, 0, &n), *b = rig_run(&early, media, 0, &n_early);
    assert_int_equal(n, n_early);
    rig_same(a, b, n, &late, "weights that were read late");
    assert_int_equal(held(&late), held(&early));
    free(a);
    free(b);
    rig_close(&late);
    rig_close(&early);
}

/* Such a device has to know what memory is left before keys and values get theirs. */
static void test_other_memory_reads_at_first(void **state)
{
    rig r;
    (void)state;
    open_on(&r, "device=async-test");
    assert_true(vision(&r)->loaded && vision(&r)->sited);
    rig_close(&r);
}

/* Layers that every text runs through cannot wait. */
static void test_layers_of_text_are_read_at_first(void **state)
{
    const char *pairs[] = {"model=" FIXTURE("idefics/float"), NULL};
    rig         r;
    (void)state;
    rig_open(&r, pairs, NULL);
    assert_non_null(wf_hooks_blind_owner(&r.e->hooks));
    assert_true(r.e->modalities.n > 0 && r.e->modalities.v[0].sited);
    rig_close(&r);
}

/* Sites may read what the encoder of another plugin gives: then their owner's are read too. */
static void test_by_owner(void **state)
{
    weft_error err = WF_ERROR_INIT;
    rig        r;
    (void)state;
    open_on(&r, "device=cpu");
    rig_check(wf_modalities_ready(&r.e->modalities, "org.nobody", &err), &err);
    assert_int_equal(held(&r), 0);
    rig_check(wf_modalities_ready(&r.e->modalities, r.e->hooks.sites[0].owner, &err), &err);
    assert_true(vision(&r)->sited && held(&r) > 0);
    rig_close(&r);
}

/* Cancels when the weights of weft.vision begin to be read, as often as `times` says. */
typedef struct ear {
    weft_engine *e;
    int32_t      times, heard;
} ear;

static void listen(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    ear *k = ctx;
    (void)done, (void)total;
    if (strcmp(what, "weft.vision") != 0 || strcmp(unit, "weights") != 0)
        return;
    if (k->heard++ < k->times)
        weft_engine_cancel(k->e);
}

/* Nothing is kept of a load that was cancelled, and the next medium begins it anew. */
static void test_a_cancel_in_between(void **state)
{
    const char       *pairs[] = {"model=" VISION, "device=cpu", NULL};
    ear               k = {NULL, 2, 0};
    weft_progress     progress = {listen, &k};
    weft_item_request rq = WEFT_ITEM_REQUEST(FIXTURE("images/rgb8.png"));
    weft_error        err = WF_ERROR_INIT;
    rig               r = {.settings = settings_of(pairs)};
    (void)state;
    rig_check(weft_engine_open(r.settings, 0, &progress, &r.e, &err), &err);
    assert_int_equal(k.heard, 0);
    k.e = r.e;
    rig_check(weft_item_open(r.e, &rq, &r.items[0], &err), &err);
    r.n_items = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(weft_item_encode(r.items[0], &err), WEFT_E_CANCELLED);
        assert_int_equal(held(&r), 0);
    }
    rig_check(weft_item_encode(r.items[0], &err), &err);
    assert_int_equal(k.heard, 3);
    assert_true(held(&r) > 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_reads_none),
        cmocka_unit_test(test_bytes_are_the_same),
        cmocka_unit_test(test_other_memory_reads_at_first),
        cmocka_unit_test(test_layers_of_text_are_read_at_first),
        cmocka_unit_test(test_by_owner),
        cmocka_unit_test(test_a_cancel_in_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
