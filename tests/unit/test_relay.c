/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads in turn: each runs only while the other waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/relay.h"

#define TURNS 1000

typedef struct pair {
    wf_relay r;
    int      count; /* of both, without a lock of its own */
} pair;

static void body(void *ctx)
{
    pair *p = ctx;
    for (int i = 0; i < TURNS; i++) {
        assert_int_equal(p->count, 2 * i + 1);
        p->count++;
        wf_relay_yield(&p->r);
    }
}

static void test_turns(void **state)
{
    pair       p = {.count = 0};
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_relay_start(&p.r, body, &p, &err), WEFT_OK);
    assert_int_equal(p.count, 0); /* nothing runs before the first turn */
    for (int i = 0; i < TURNS; i++) {
        assert_int_equal(p.count, 2 * i);
        p.count++;
        wf_relay_resume(&p.r);
        assert_false(p.r.ended);
    }
    wf_relay_resume(&p.r);
    assert_true(p.r.ended);
    wf_relay_resume(&p.r); /* nothing more to run */
    wf_relay_join(&p.r);
    assert_int_equal(p.count, 2 * TURNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
