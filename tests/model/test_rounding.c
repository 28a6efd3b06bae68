/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that leaves another rounding behind, in whatever call, changes no byte of any logits: of
 * a sequence with its item, and of one without. */
#include "expect.h"

#include <fenv.h>
#include <unistd.h>

/* Logits of the last row after ten tokens, the item and ten more, and of a text alone; malloc'ed.
 */
static float *logits_of(const char *fault, const char *path, size_t *bytes)
{
    const char *pairs[] = {"model=" FIXTURE("llama-untied"), "plugin=" WEFT_BAD_PLUGIN, "threads=2",
                           NULL};
    rig         r = {.n_items = 0};
    weft_error  err = WF_ERROR_INIT;
    weft_item  *item;
    weft_sequence    *s[2];
    weft_item_request rq = WEFT_ITEM_REQUEST(path);
    r.settings = settings_of(pairs);
    if (fault != NULL)
        rig_check(weft_settings_set_pair(r.settings, fault, &err), &err);
    rig_check(weft_engine_open(r.settings, 0, NULL, &r.e, &err), &err);
    rig_check(weft_item_open(r.e, &rq, &item, &err), &err);
    s[0] = rig_sequence(&r, (const int32_t[]){10, 0});
    s[1] = rig_sequence(&r, (const int32_t[]){70, 0});
    rig_check(weft_sequence_feed_item(s[0], item, &err), &err);
    for (int32_t i = 0; i < 10; i++)
        rig_check(weft_sequence_feed_ids(s[0], &i, 1, &err), &err);
    *bytes = 2 * (size_t)r.e->config.vocab * sizeof(float);
    float *logits = malloc(*bytes);
    rig_check(weft_step(r.e, s, 2, logits, &err), &err);
    for (int i = 0; i < 2; i++)
        weft_sequence_destroy(&s[i]);
    weft_item_release(&item);
    rig_close(&r);
    return logits;
}

static void test_every_call(void **state)
{
    static const char *const calls[] = {"init",       "create",     "load",       "install",
                                        "open",       "info",       "read_audio", "plan",
                                        "preprocess", "parameters", "encode",     "kernel"};
    char                     path[64], fault[64];
    size_t                   bytes;
    (void)state;
    snprintf(path, sizeof path, "/tmp/weft-rounding-%ld", (long)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs("BAD!now", f);
    assert_int_equal(fclose(f), 0);
    float *want = logits_of(NULL, path, &bytes);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        snprintf(fault, sizeof fault, "org.bad.fault=round:%s", calls[i]);
        float *got = logits_of(fault, path, &bytes);
        if (memcmp(want, got, bytes) != 0)
            fail_msg("another rounding in %s changed the logits", calls[i]);
        assert_int_equal(fegetround(), FE_TONEAREST);
        free(got);
    }
    free(want);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
