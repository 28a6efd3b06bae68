/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder beside the steps of a scheduler: who goes on, who waits, and what may end meanwhile.
 */
#include "jobs.h"

/* Text goes on, token by token, while an encoder is at work; nobody waits for the encoder. Once the
 * text is done nothing else can go, and the encoder is waited for whatever it says. */
static void text_goes_on(rig *r)
{
    told            want_text, want;
    heard           text = {.ended = 0}, picture = {.ended = 0};
    weft_item      *item = open_item(r, 'n', "abc");
    weft_sequence  *a = rig_sequence(r, (const int32_t[]){20, 0}), *b = with_item(r, item);
    weft_scheduler *s = scheduler(r);
    generate(r, (const int32_t[]){20, 0}, 9, &want_text);
    a->no_cache = b->no_cache = 1;
    spy_zero();
    the_spy.refuse = 1000;
    weft_job *ja = add(s, a, 9, &text), *jb = add(s, b, 4, &picture);
    for (int i = 0; i < 9; i++) {
        step(s);
        assert_int_equal(the_spy.encoder_waits, 0);
        assert_non_null(item->encoding);
    }
    assert_true(text.ended == 1 && picture.t.n == 0);
    while (step(s) > 0)
        continue;
    assert_true(text.status == WEFT_OK && picture.status == WEFT_OK && picture.ended == 1);
    same_ids(&text.t, &want_text);
    the_spy.refuse = 0;
    alone(r, item, &want);
    same_ids(&picture.t, &want);
    weft_job_release(&ja);
    weft_job_release(&jb);
    weft_scheduler_destroy(&s);
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&b);
    weft_item_release(&item);
}

static void test_text_goes_on(void **state)
{
    (void)state;
    each(text_goes_on, MODEL, NULL);
}

/* Cancelled while its encoder is at work: its sequence and item go at once; another request with
 * the same picture has its bytes, and one whose encoder fails fails alone. */
static void cancelled(rig *r)
{
    told            want;
    heard           text = {.ended = 0}, first = {.ended = 0}, same = {.ended = 0};
    weft_item      *item = open_item(r, 'n', "abc");
    weft_sequence  *a = rig_sequence(r, (const int32_t[]){20, 0}), *b = with_item(r, item), *c;
    weft_scheduler *s = scheduler(r);
    the_spy.refuse = 2;
    weft_job *ja = add(s, a, 30, &text), *jb = add(s, b, 4, &first);
    step(s);
    assert_non_null(item->encoding);
    weft_job_cancel(jb);
    step(s);
    assert_true(first.ended == 1 && first.status == WEFT_E_CANCELLED);
    weft_job_release(&jb);
    weft_sequence_destroy(&b);
    c = with_item(r, item);
    weft_item_release(&item); /* the sequence and the scheduler hold it */
    weft_job *jc = add(s, c, 4, &same);
    while (step(s) > 0)
        continue;
    assert_true(same.status == WEFT_OK && text.status == WEFT_OK && text.t.n == 30);
    item = open_item(r, 'n', "abc");
    alone(r, item, &want);
    same_ids(&same.t, &want);
    weft_item_release(&item);
    weft_job_release(&ja);
    weft_job_release(&jc);
    weft_scheduler_destroy(&s);
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&c);
}

static void test_cancelled(void **state)
{
    (void)state;
    each(cancelled, MODEL, NULL);
}

/* A caller who steps by itself, and another item, between two steps of a scheduler. */
static void steps_between(rig *r)
{
    heard          text = {.ended = 0}, bad = {.ended = 0}, good = {.ended = 0};
    weft_error     err = WF_ERROR_INIT;
    weft_item     *nan = open_item(r, 'N', "abc"), *item = open_item(r, 'n', "xy");
    weft_sequence *a = rig_sequence(r, (const int32_t[]){20, 0}), *b = with_item(r, nan),
                  *c = with_item(r, item), *own = with_item(r, item);
    weft_scheduler *s = scheduler(r);
    float          *logits = malloc((size_t)r->e->config.vocab * sizeof *logits);
    the_spy.refuse = 3;
    weft_job *jobs[] = {add(s, a, 30, &text), add(s, b, 4, &bad), add(s, c, 4, &good)};
    step(s);
    assert_non_null(nan->encoding);
    rig_check(weft_step(r->e, &own, 1, logits, &err), &err); /* ends the other's encode */
    sound(item, "xy");
    while (step(s) > 0)
        continue;
    assert_true(text.status == WEFT_OK && bad.status == WEFT_E_NUMERIC && good.status == WEFT_OK);
    for (size_t i = 0; i < 3; i++)
        weft_job_release(&jobs[i]);
    weft_scheduler_destroy(&s);
    free(logits);
    weft_sequence_destroy(&a);
    weft_sequence_destroy(&b);
    weft_sequence_destroy(&c);
    weft_sequence_destroy(&own);
    weft_item_release(&nan);
    weft_item_release(&item);
}

static void test_steps_between(void **state)
{
    (void)state;
    each(steps_between, MODEL, NULL);
}

/* The scheduler goes with an encoder at work, and so does everything that the encoder uses. */
static void destroyed(rig *r)
{
    for (int cancel = 0; cancel < 2; cancel++) {
        heard           text = {.ended = 0}, picture = {.ended = 0};
        weft_item      *item = open_item(r, 'k', "abc");
        weft_sequence  *a = rig_sequence(r, (const int32_t[]){20, 0}), *b = with_item(r, item);
        weft_scheduler *s = scheduler(r);
        the_spy.refuse = 1000;
        weft_job *ja = add(s, a, 30, &text), *jb = add(s, b, 4, &picture);
        step(s);
        assert_non_null(item->encoding);
        weft_item_release(&item);
        if (cancel == 1) { /* nobody is left: nothing is left at work */
            weft_job_cancel(ja);
            weft_job_cancel(jb);
            assert_int_equal(step(s), 0);
            assert_null(r->e->items.under_way);
        }
        weft_scheduler_destroy(&s);
        assert_true(text.status == WEFT_E_CANCELLED && picture.status == WEFT_E_CANCELLED);
        weft_job_release(&ja);
        weft_job_release(&jb);
        weft_sequence_destroy(&a);
        weft_sequence_destroy(&b);
    }
}

static void test_destroyed(void **state)
{
    (void)state;
    each(destroyed, MODEL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_goes_on),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_steps_between),
        cmocka_unit_test(test_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
