/* SPDX-License-Identifier: Apache-2.0 */
/* What an encoder is given beside its inputs: outputs and scratch of zeros each time, whatever an
 * earlier encode has left there. */
#include "moods.h"

#define MODEL "model=" FIXTURE("llama-untied")
#define ROWS 3

/* The output of an item whose file is of that mood; malloc'ed. */
static float *encoded(rig *r, char mood, size_t *n)
{
    weft_item *item;
    weft_error err = WF_ERROR_INIT;
    mood_item(r->e, mood, "abc", &item);
    *n = ROWS * (size_t)r->e->config.d_model;
    float *out = malloc(*n * sizeof *out), *copies[WF_MAX_OUTPUTS] = {out};
    memset(out, 0xFF, *n * sizeof *out);
    rig_check(wf_item_encode(item, copies, &err), &err);
    weft_item_release(&item);
    return out;
}

static void on(const char *device)
{
    rig    r;
    size_t n;
    moods_open(&r, MODEL, device, NULL);
    float *plain = encoded(&r, 'n', &n);
    for (int round = 0; round < 3; round++) {
        float *with_scratch = encoded(&r, 'k', &n), *nothing = encoded(&r, 'u', &n);
        assert_memory_equal(with_scratch, plain, n * sizeof *plain);
        for (size_t i = 0; i < n; i++)
            assert_true(nothing[i] == 0.0f);
        free(with_scratch);
        free(nothing);
    }
    assert_true(wf_arena_bytes(&r.e->items.arena) > 0); /* kept for the next */
    free(plain);
    rig_close(&r);
}

static void test_cpu(void **state)
{
    (void)state;
    on("device=cpu");
}

/* Here what nobody has written is a failure. */
static void test_async(void **state)
{
    (void)state;
    on("device=async-test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cpu), cmocka_unit_test(test_async)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
