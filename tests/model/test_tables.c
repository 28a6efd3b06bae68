/* SPDX-License-Identifier: Apache-2.0 */
/* A step's tables stay where they are, over steps of every size, and steps that need more than they
 * hold run in several passes with the bytes of one. */
#include "rig.h"

#define DIR FIXTURE("mllama-1tile")
#define PARITY FIXTURE("mllama-1tile/parity-2images.safetensors")

static void open_async(rig *r, const char *parity)
{
    const char *pairs[] = {"model=" DIR,       "dtype=f32", "device=async-test",
                           "prefill_chunk=40", "threads=2", NULL};
    rig_open(r, pairs, parity);
}

static void run(rig *r, wf_step_part *parts, int32_t n, float *logits)
{
    weft_error err = WF_ERROR_INIT;
    rig_check(wf_step_run(&r->e->stepper, parts, n, logits, NULL, &err), &err);
    for (int32_t i = 0; i < n; i++)
        rig_check(parts[i].status, &parts[i].why);
}

/* One, a few and as many rows as go in, with and without media. */
static void test_addresses_stay(void **state)
{
    static const int32_t text[] = {90, 0}, media[] = {5, -1, 30, 0};
    rig                  r;
    (void)state;
    open_async(&r, PARITY);
    wf_tables *t = &r.e->stepper.tables;
    float     *logits = malloc((size_t)r.e->config.vocab * 2 * sizeof *logits);
    assert_null(t->data);
    uint8_t *data = NULL, *host = NULL;
    for (int round = 0; round < 30; round++) {
        weft_sequence *s[2] = {rig_sequence(&r, text), rig_sequence(&r, media)};
        while (s[0]->n_done < s[0]->n || s[1]->n_done < s[1]->n) {
            wf_step_part parts[2];
            int32_t      n = 0;
            for (int i = 0; i < 2; i++) {
                int64_t left = s[i]->n - s[i]->n_done, rows = 1 + (round * 7 + i * 3) % 20;
                if (left > 0)
                    parts[n++] = (wf_step_part){
                        .seq = s[i], .n_rows = rows < left ? rows : left, .n_out = 1};
            }
            run(&r, parts, n, logits);
            data = data == NULL ? t->data : data;
            host = host == NULL ? t->host : host;
            assert_ptr_equal(t->data, data);
            assert_ptr_equal(t->host, host);
        }
        weft_sequence_destroy(&s[0]);
        weft_sequence_destroy(&s[1]);
    }
    free(logits);
    rig_close(&r);
}

/* A recorded step finds its arrays again: the same number of rows stands at the same places,
 * however long its sequences are. */
static void test_places_depend_on_rows_alone(void **state)
{
    static const int32_t short_one[] = {3, 0}, long_one[] = {5, -1, 150, 0};
    rig                  r;
    weft_error           err = WF_ERROR_INIT;
    wf_tables_use        use[2];
    (void)state;
    open_async(&r, PARITY);
    float         *logits = malloc((size_t)r.e->config.vocab * sizeof *logits);
    weft_sequence *s[2] = {rig_sequence(&r, short_one), rig_sequence(&r, long_one)};
    for (int i = 0; i < 2; i++) {
        while (s[i]->n_done < s[i]->n - 1) {
            int64_t      left = s[i]->n - 1 - s[i]->n_done;
            wf_step_part part = {.seq = s[i], .n_rows = left < 40 ? left : 40};
            run(&r, &part, 1, logits);
        }
        wf_step_part part = {.seq = s[i], .n_rows = 1, .n_out = 1}, *list = &part;
        rig_check(wf_sequence_reserve(s[i], s[i]->n, &err), &err);
        rig_check(wf_tables_fill(&r.e->stepper.tables, &list, 1, r.e->config.d_model, r.e->queue,
                                 &use[i], &err),
                  &err);
        rig_check(wf_queue_wait(r.e->queue, &err), &err);
    }
    const wf_batch *a = &use[0].batch, *b = &use[1].batch;
    assert_true(a->ids == b->ids && a->pos == b->pos && a->slot == b->slot);
    assert_true(a->out_index == b->out_index && a->self.begin == b->self.begin);
    assert_true(a->self.spans == b->self.spans && a->streams[0].spans == b->streams[0].spans);
    assert_true(a->streams[0].index == b->streams[0].index);
    assert_true(a->streams[0].n == 0 && b->streams[0].n == 1);
    for (int i = 0; i < 2; i++) {
        wf_tables_done(&use[i]);
        weft_sequence_destroy(&s[i]);
    }
    free(logits);
    rig_close(&r);
}

/* Tables cut short: the parts of one step take several passes, and give the same. */
static void test_several_passes(void **state)
{
    static const int32_t scripts[3][4] = {{70, 0}, {5, -1, 80, 0}, {9, 0}};
    rig                  r;
    float               *logits[2];
    (void)state;
    for (int round = 0; round < 2; round++) {
        weft_sequence *s[3];
        wf_step_part   parts[3];
        open_async(&r, PARITY);
        size_t vocab = (size_t)r.e->config.vocab;
        logits[round] = calloc(3 * vocab, sizeof(float));
        for (int i = 0; i < 3; i++) {
            s[i] = rig_sequence(&r, scripts[i]);
            s[i]->no_cache = 1;
            while (s[i]->n_done < s[i]->n - 2) {
                int64_t      left = s[i]->n - 2 - s[i]->n_done;
                wf_step_part part = {.seq = s[i], .n_rows = left < 40 ? left : 40};
                run(&r, &part, 1, NULL);
            }
            parts[i] = (wf_step_part){.seq = s[i], .n_rows = 2, .n_out = 1};
        }
        if (round == 1)
            r.e->stepper.tables.self = 3; /* key blocks: two of one part, or two and one */
        run(&r, parts, 3, logits[round]);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(parts[i].first_out, i);
            weft_sequence_destroy(&s[i]);
        }
        if (round == 1)
            rig_same(logits[0], logits[1], 3, &r, "several passes");
        rig_close(&r);
    }
    free(logits[0]);
    free(logits[1]);
}

/* A part that has no room even alone fails alone, and says why. */
static void test_no_room(void **state)
{
    static const int32_t scripts[2][2] = {{70, 0}, {9, 0}};
    rig                  r;
    weft_error           err = WF_ERROR_INIT;
    (void)state;
    open_async(&r, NULL);
    float         *logits = malloc(2 * (size_t)r.e->config.vocab * sizeof *logits);
    weft_sequence *s[2] = {rig_sequence(&r, scripts[0]), rig_sequence(&r, scripts[1])};
    wf_step_part   parts[2] = {{.seq = s[0], .n_rows = 40}, {.seq = s[1], .n_rows = 1}};
    run(&r, parts, 1, logits);
    r.e->stepper.tables.self = 1;
    parts[0] = (wf_step_part){.seq = s[0], .n_rows = 30, .n_out = 1};
    parts[1] = (wf_step_part){.seq = s[1], .n_rows = 9, .n_out = 1};
    rig_check(wf_step_run(&r.e->stepper, parts, 2, logits, NULL, &err), &err);
    assert_int_equal(parts[0].status, WEFT_E_LIMIT);
    assert_non_null(strstr(parts[0].why.message, "than a step has room for"));
    assert_int_equal(parts[1].status, WEFT_OK);
    assert_true(s[0]->n_done == 40 && s[1]->n_done == 9 && parts[1].first_out == 0);
    for (int i = 0; i < 2; i++)
        weft_sequence_destroy(&s[i]);
    free(logits);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_stay),
        cmocka_unit_test(test_places_depend_on_rows_alone),
        cmocka_unit_test(test_several_passes),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
