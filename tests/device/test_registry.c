/* SPDX-License-Identifier: Apache-2.0 */
/* Devices by name: the built-in ones, and a module in every state that it may be found in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/device/registry.h"

static char said[600];

static void hear(int32_t level, const char *fmt, ...)
{
    va_list ap;
    (void)level;
    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

static wf_device_config config_of(const char *module_case)
{
    static char dir[400];
    snprintf(dir, sizeof dir, "%s/%s", WEFT_DEVICE_MODULES, module_case);
    said[0] = '\0';
    return (wf_device_config){.cpu_flags = wf_cpu_detect(), .module_dir = dir, .log = hear};
}

static void contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", text, part);
}

static void opens(const wf_device_config *c, const char *name, const char *expected)
{
    wf_device *d = NULL;
    weft_error err = WF_ERROR_INIT;
    if (wf_device_open(name, c, &d, &err) != WEFT_OK)
        fail_msg("%s: %s", name, err.message);
    assert_string_equal(d->name, expected);
    wf_device_destroy(&d);
}

static void fails(const wf_device_config *c, const char *name, weft_status status, const char *part)
{
    wf_device *d = (wf_device *)(uintptr_t)1;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_device_open(name, c, &d, &err), status);
    assert_int_equal(err.code, status);
    assert_null(d);
    contains(err.message, part);
}

static void test_built_in(void **unused)
{
    wf_device_config c = config_of("absent");
    (void)unused;
    opens(&c, "cpu", "cpu");
    opens(&c, "async-test", "async-test");
    contains(said, "WEFT_TEST_SEED=");
    said[0] = '\0';
    opens(&c, "auto", "cpu");
    assert_string_equal(said, ""); /* a module that is not installed is nothing to speak of */
    fails(&c, "cpu2", WEFT_E_INVALID, "no device cpu2; known are auto|cpu|cuda|async-test");
    fails(&c, "cuda", WEFT_E_DEVICE, "absent/libweft-cuda.so is not installed");
    c.module_dir = NULL;
    fails(&c, "cuda", WEFT_E_DEVICE, "no folder of device modules");
}

/* The test device is no CPU to whoever asks, and the CPU is. */
static void test_types(void **unused)
{
    wf_device_config c = config_of("absent");
    wf_device       *d;
    (void)unused;
    assert_int_equal(wf_device_open("async-test", &c, &d, NULL), WEFT_OK);
    assert_int_equal(d->type, WEFT_DEV_OTHER);
    wf_device_destroy(&d);
    assert_int_equal(wf_device_open("cpu", &c, &d, NULL), WEFT_OK);
    assert_int_equal(d->type, WEFT_DEV_CPU);
    wf_device_destroy(&d);
}

static void test_fit_module(void **unused)
{
    wf_device_config c = config_of("good");
    (void)unused;
    opens(&c, "cuda", "cuda");
    opens(&c, "auto", "cuda");
    opens(&c, "cpu", "cpu");
    assert_string_equal(wf_device_auto(&c), "cuda");
}

static void test_unfit_modules(void **unused)
{
    static const struct {
        const char *module_case, *part;
    } cases[] = {
        {"old", "is no device module of version 2"},
        {"other_build", "was built with weft 0.0.9 and not with this"},
        {"left_over", "is left over from another build of weft"},
        {"no_symbol", "it has no weft_device_module"},
        {"other_name", "is no module of the device cuda"},
        {"refuses", "the driver is of 1999 and has no device 0"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wf_device_config c = config_of(cases[i].module_case);
        fails(&c, "cuda", WEFT_E_DEVICE, cases[i].part);
        opens(&c, "auto", "cpu");
        contains(said, "the CPU is used: ");
        contains(said, cases[i].part);
        assert_string_equal(wf_device_auto(&c), "cpu");
    }
}

static void test_list(void **unused)
{
    static const char *const names[] = {"cpu", "cuda", "async-test"};
    wf_device_info           info;
    wf_device_config         c = config_of("refuses");
    (void)unused;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(wf_device_at(i, &c, &info));
        assert_string_equal(info.name, names[i]);
        assert_int_equal(info.usable, i != 1);
        assert_true(info.usable ? info.free_bytes > 0 && info.free_bytes <= info.total_bytes
                                : info.total_bytes == 0);
    }
    assert_false(wf_device_at(3, &c, &info));
    assert_true(wf_device_at(1, &c, &info));
    contains(info.why.message, "the driver is of 1999");
    c = config_of("good");
    assert_true(wf_device_at(1, &c, &info));
    assert_true(info.usable && info.total_bytes == (uint64_t)3 << 30 &&
                info.free_bytes == (uint64_t)1 << 30);
}

/* What a device says of formats and pages that it cannot hold. */
static void test_sizes(void **unused)
{
    wf_device_config c = config_of("absent");
    wf_device       *d;
    weft_error       err = WF_ERROR_INIT;
    uint64_t         bytes;
    (void)unused;
    assert_int_equal(wf_device_open("cpu", &c, &d, NULL), WEFT_OK);
    for (int32_t f = WF_F32; f < WF_FORMATS; f++)
        assert_int_equal(wf_device_weight_bytes(d, f, 7, 9, &bytes, &err), WEFT_OK);
    assert_int_equal(wf_device_weight_bytes(d, WF_FORMATS, 32, 32, &bytes, &err),
                     WEFT_E_UNSUPPORTED);
    contains(err.message, wf_format_name(WF_FORMATS));
    assert_int_equal(bytes, 0);
    assert_int_equal(wf_device_weight_bytes(d, WF_F32, INT64_MAX, 2, &bytes, &err), WEFT_E_LIMIT);
    assert_int_equal(wf_device_page_bytes(d, WF_F32, WF_KEY_BLOCK, 2, 8), 2 * 64 * 2 * 8 * 4);
    assert_int_equal(wf_device_page_bytes(d, WF_BF16, WF_KEY_BLOCK, 1, 1), 256);
    assert_int_equal(wf_device_page_bytes(d, WF_F32, 2 * WF_KEY_BLOCK, 2, 8), 0);
    assert_int_equal(wf_device_page_bytes(d, WF_Q8, WF_KEY_BLOCK, 2, 8), 2 * 64 * 2 * (8 + 4));
    assert_int_equal(wf_device_page_bytes(d, WF_Q4, WF_KEY_BLOCK, 2, 8), 0);
    assert_int_equal(wf_device_page_bytes(d, WF_F32, WF_KEY_BLOCK, 0, 8), 0);
    assert_true(wf_device_page_bytes(d, WF_F32, WF_KEY_BLOCK, INT32_MAX, INT32_MAX) == 0);
    wf_device_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in),   cmocka_unit_test(test_types),
        cmocka_unit_test(test_fit_module), cmocka_unit_test(test_unfit_modules),
        cmocka_unit_test(test_list),       cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
