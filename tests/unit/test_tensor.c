/* SPDX-License-Identifier: Apache-2.0 */
/* Views in C order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/tensor.h"

static void c_order(void **state)
{
    float         x[24];
    const int64_t shape[] = {2, 3, 4};
    weft_dtype    f32 = {WEFT_DT_FLOAT, 32, 1};
    weft_tensor   t = wf_tensor_view(x, f32, 3, shape);
    (void)state;
    assert_ptr_equal(t.data, x);
    assert_int_equal(t.bytes, sizeof x);
    assert_int_equal(t.device_type, WEFT_DEV_CPU);
    assert_int_equal(t.device_id, 0);
    assert_int_equal(t.flags, 0);
    assert_int_equal(t.ndim, 3);
    assert_memory_equal(&t.dtype, &f32, sizeof f32);
    assert_memory_equal(t.shape, shape, sizeof shape);
    assert_memory_equal(t.stride, ((int64_t[]){12, 4, 1}), sizeof shape);
}

static void a_single_value_and_an_empty_axis(void **state)
{
    const weft_dtype i64 = {WEFT_DT_INT, 64, 1};
    (void)state;
    assert_int_equal(wf_tensor_view(NULL, i64, 0, NULL).bytes, 8);
    assert_int_equal(wf_tensor_view(NULL, i64, 2, (int64_t[]){0, 5}).bytes, 0);
    assert_int_equal(wf_tensor_view(NULL, i64, 2, (int64_t[]){0, 5}).stride[0], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c_order),
        cmocka_unit_test(a_single_value_and_an_empty_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
