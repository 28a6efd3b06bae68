/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of keys and values on a GPU with little shared memory (an RTX 4090): what attention could
 * not take is no page, so that opening says so and no step is the first to learn it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/device/registry.h"

static void test_pages(void **state)
{
    const wf_device_config c = {.module_dir = WEFT_BUILD_DIR};
    wf_device             *d = NULL;
    weft_error             err = {.hdr = WEFT_HDR(weft_error)};
    (void)state;
    if (wf_device_open("cuda", &c, &d, &err) != WEFT_OK)
        fail_msg("%s", err.message);
    assert_string_equal(d->isa, "sm_89");
    for (int32_t dtype = WF_F32; dtype <= WF_F16; dtype++) {
        assert_int_equal(wf_device_page_bytes(d, dtype, WF_KEY_BLOCK, 2, 128),
                         2 * WF_KEY_BLOCK * 2 * 128 * wf_dtype_bytes(dtype));
        assert_true(wf_device_page_bytes(d, dtype, WF_KEY_BLOCK, 2, 192) > 0);
        assert_int_equal(wf_device_page_bytes(d, dtype, WF_KEY_BLOCK, 2, 256), 0);
    }
    assert_int_equal(wf_device_page_bytes(d, WF_Q8, WF_KEY_BLOCK, 2, 64), 0);
    wf_device_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
