/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of whole warps and blocks in the interpreter, five orders of running each. */
#include "text_rig.h"
#include "warps.h"

/* A copy that takes more than is there is reported. */
static void test_async_past_the_end(void **state)
{
    (void)state;
    assert_true(run("setp.ne.u32 %p1, %r0, 0;\n@%p1 bra End;\ncp.async.cg.shared.global [%r2], "
                    "[%q1+2048], 16, 8;\nEnd:",
                    32, 0));
    assert_int_equal(report.n[PTX_NEW_GLOBAL], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WARP_TESTS, cmocka_unit_test(test_async_past_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
