/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for text alone: it reads no weights that only media need, and its text has the same
 * bytes. */
#include "expect.h"

#include "core/host/host.h"

#define VISION FIXTURE("mllama-1tile")
#define PICTURE FIXTURE("images/rgb8.png")

static const int32_t text[] = {60, 33, 20, 0};

static void open_with(rig *r, const char *model, uint32_t flags)
{
    const char *pairs[] = {model, "device=cpu", "dtype=f32", NULL};
    weft_error  err = WF_ERROR_INIT;
    memset(r, 0, sizeof *r);
    r->settings = settings_of(pairs);
    rig_check(weft_engine_open(r->settings, flags, NULL, &r->e, &err), &err);
}

/* Bytes of the encoders and of their sites that are in memory. */
static uint64_t held(const rig *r)
{
    const wf_modalities *m = &r->e->modalities;
    uint64_t             sum = r->e->hooks.buffers.bytes;
    for (int32_t i = 0; i < m->n; i++)
        sum += wf_host_weight_bytes(wf_plugin_host(m->v[i].plugin));
    return sum;
}

static void test_text_reads_no_adapter(void **state)
{
    rig     all, alone;
    int64_t n, n_alone;
    (void)state;
    open_with(&all, "model=" VISION, 0);
    open_with(&alone, "model=" VISION, WEFT_OPEN_TEXT);
    assert_true(held(&all) > 0);
    assert_int_equal(held(&alone), 0);
    float *a = rig_run(&all, text, 0, &n), *b = rig_run(&alone, text, 0, &n_alone);
    assert_int_equal(n, n_alone);
    rig_same(a, b, n, &alone, "an engine for text alone");
    free(a);
    free(b);
    rig_close(&all);
    rig_close(&alone);
}

static void test_media_are_refused(void **state)
{
    weft_item_request rq = WEFT_ITEM_REQUEST(PICTURE);
    weft_long_request recording = {.hdr = WEFT_HDR(weft_long_request), .path = "talk.wav"};
    weft_sampling     p = {.hdr = WEFT_HDR(weft_sampling), .max_new_tokens = 1};
    weft_error        err = WF_ERROR_INIT;
    weft_item        *item = NULL;
    rig               r;
    (void)state;
    open_with(&r, "model=" VISION, WEFT_OPEN_TEXT);
    refused(weft_item_open(r.e, &rq, &item, &err), &err, WEFT_E_STATE, 1, "opened for text alone");
    assert_null(item);
    refused(weft_run_long(r.e, &recording, &p, NULL, &err), &err, WEFT_E_STATE, 1,
            "opened for text alone");
    rig_close(&r);
}

/* Text runs through Idefics' layers, so they are read. */
static void test_layers_of_text_are_read(void **state)
{
    rig r;
    (void)state;
    open_with(&r, "model=" FIXTURE("idefics/float"), WEFT_OPEN_TEXT);
    assert_true(held(&r) > 0);
    free(rig_run(&r, text, 0, NULL));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_reads_no_adapter),
        cmocka_unit_test(test_media_are_refused),
        cmocka_unit_test(test_layers_of_text_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
