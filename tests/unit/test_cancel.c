/* SPDX-License-Identifier: Apache-2.0 */
/* Marks and the one in force: what began before a cancel is cancelled, what begins after is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/cancel.h"

static void test_marks(void **state)
{
    wf_cancel engine = {0}, request = {0};
    (void)state;
    wf_mark nothing = wf_mark_take(NULL, NULL), early = wf_mark_take(&engine, NULL);
    wf_mark both = wf_mark_take(&engine, &request);
    wf_cancel_now(&request);
    assert_true(wf_mark_is_cancelled(&both));
    assert_false(wf_mark_is_cancelled(&early));
    wf_mark later = wf_mark_take(&engine, &request);
    assert_false(wf_mark_is_cancelled(&later));
    wf_cancel_now(&engine);
    assert_true(wf_mark_is_cancelled(&early) && wf_mark_is_cancelled(&later));
    assert_false(wf_mark_is_cancelled(&nothing));
    assert_false(wf_mark_is_cancelled(NULL));
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_mark_check(&early, &err), WEFT_E_CANCELLED);
    assert_string_equal(err.message, "cancelled");
    assert_int_equal(wf_mark_check(&nothing, &err), WEFT_OK);
}

/* What is done for several is cancelled once all of them are, in whatever order. */
static void test_marks_of_several(void **state)
{
    wf_cancel engine = {0}, requests[3] = {{0}, {0}, {0}};
    (void)state;
    for (int last = 0; last < 3; last++) {
        wf_mark marks[3];
        for (int i = 0; i < 3; i++)
            marks[i] = wf_mark_take(&engine, &requests[i]);
        marks[0].also = &marks[1];
        marks[1].also = &marks[2];
        wf_cancel_now(&requests[(last + 1) % 3]);
        assert_false(wf_mark_is_cancelled(&marks[0]));
        wf_cancel_now(&requests[(last + 2) % 3]);
        assert_false(wf_mark_is_cancelled(&marks[0]));
        wf_cancel_now(&requests[last]);
        assert_true(wf_mark_is_cancelled(&marks[0]));
        for (int i = 0; i < 3; i++)
            marks[i] = (wf_mark){.engine = &engine,
                                 .request = &requests[i],
                                 .engine_epoch = marks[i].engine_epoch,
                                 .request_epoch = marks[i].request_epoch + 1,
                                 .also = marks[i].also};
        assert_false(wf_mark_is_cancelled(&marks[0]));
        wf_cancel_now(&engine); /* is all of them */
        assert_true(wf_mark_is_cancelled(&marks[0]));
    }
}

/* A nested call keeps the mark of the outer one, a request brings its own, and each end restores
 * what was before. */
static void test_scope(void **state)
{
    wf_cancel engine = {0}, request = {0};
    wf_scope  s;
    (void)state;
    wf_scope_init(&s, &engine);
    wf_cancel_now(&engine);
    assert_false(wf_scope_is_cancelled(&s)); /* nothing is in progress */
    wf_mark waiting = wf_mark_take(&engine, &request);
    wf_mark before = wf_scope_begin(&s);
    assert_false(wf_scope_is_cancelled(&s));
    wf_cancel_now(&engine);
    wf_mark outer = wf_scope_begin(&s);
    assert_true(wf_scope_is_cancelled(&s));
    wf_scope_end(&s, &outer);
    assert_true(wf_scope_is_cancelled(&s));
    wf_scope_end(&s, &before);
    assert_false(wf_scope_is_cancelled(&s));

    before = wf_scope_begin(&s); /* the next call */
    assert_false(wf_scope_is_cancelled(&s));
    outer = wf_scope_enter(&s, &waiting); /* which serves a request of before the second cancel */
    assert_int_equal(wf_scope_check(&s, NULL), WEFT_E_CANCELLED);
    wf_scope_end(&s, &outer);
    assert_int_equal(wf_scope_check(&s, NULL), WEFT_OK);
    waiting = wf_mark_take(&engine, &request);
    outer = wf_scope_enter(&s, &waiting);
    wf_cancel_now(&request);
    assert_true(wf_scope_is_cancelled(&s));
    wf_scope_end(&s, &outer);
    assert_false(wf_scope_is_cancelled(&s)); /* one request is not the others */
    wf_scope_end(&s, &before);
    wf_scope_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_marks),
                                       cmocka_unit_test(test_marks_of_several),
                                       cmocka_unit_test(test_scope)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
