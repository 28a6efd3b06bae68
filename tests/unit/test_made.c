/* SPDX-License-Identifier: Apache-2.0 */
/* Packages that are in no directory: JSON out of texts, tensors that are there once they are
 * expected, and bytes that are the same whichever way they are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/mem.h"
#include "core/model/directory.h"
#include "core/model/made.h"

static const wf_package_text texts[] = {{"config.json", "{\"architectures\": [\"A\"]}"},
                                        {"other.json", "[1, 2]"}};

static weft_package *open_made(void)
{
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    assert_int_equal(wf_package_open_made("a shape", texts, 2, &p, &err), WEFT_OK);
    return p;
}

static void test_files(void **unused)
{
    weft_package *p = open_made();
    weft_error    err = WF_ERROR_INIT;
    const json_t *json;
    char          path[64];
    (void)unused;
    assert_string_equal(wf_package_dir(p), "a shape");
    assert_int_equal(wf_package_json(p, "other.json", &json, &err), WEFT_OK);
    assert_int_equal(json_array_size(json), 2);
    assert_int_equal(wf_package_json(p, "tokenizer.json", &json, &err), WEFT_E_NOTFOUND);
    assert_null(json);
    assert_int_equal(wf_package_path(p, "tokenizer.json", path, sizeof path, &err),
                     WEFT_E_NOTFOUND);
    wf_package_close(&p);
}

static void test_texts_that_are_no_package(void **unused)
{
    static const wf_package_text broken = {"config.json", "{"}, list = {"config.json", "[]"},
                                 other = {"other.json", "{}"};
    weft_package *p;
    weft_error    err = WF_ERROR_INIT;
    (void)unused;
    assert_int_equal(wf_package_open_made("x", &broken, 1, &p, &err), WEFT_E_CORRUPT);
    assert_null(p);
    assert_int_equal(wf_package_open_made("x", &list, 1, &p, &err), WEFT_E_CORRUPT);
    assert_int_equal(wf_package_open_made("x", &other, 1, &p, &err), WEFT_E_NOTFOUND);
}

static void test_tensors(void **unused)
{
    static const int64_t shape[] = {70000, 1000}, huge[] = {INT64_MAX, 4}, none[] = {0, 4};
    weft_package        *p = open_made();
    weft_error           err = WF_ERROR_INIT;
    const wf_st_file    *file;
    const wf_st_tensor  *t, *same;
    uint16_t             part[500], again[500];
    (void)unused;
    assert_int_equal(wf_package_find(p, "w", &file, &t, &err), WEFT_E_NOTFOUND);
    assert_int_equal(wf_package_tensor_bytes(p), 0);
    assert_int_equal(wf_package_expect(p, "w", 2, shape, &err), WEFT_OK);
    assert_int_equal(wf_package_find(p, "w", &file, &t, &err), WEFT_OK);
    assert_int_equal(t->shape[0], 70000);
    assert_int_equal(wf_package_tensor_bytes(p), 140000000);
    /* Expected again it stays; what is impossible is refused and leaves no trace. */
    assert_int_equal(wf_package_expect(p, "w", 2, shape, &err), WEFT_OK);
    assert_int_equal(wf_package_find(p, "w", &file, &same, &err), WEFT_OK);
    assert_ptr_equal(same, t);
    assert_int_equal(wf_package_expect(p, "h", 2, huge, &err), WEFT_E_LIMIT);
    assert_int_equal(wf_package_expect(p, "n", 2, none, &err), WEFT_E_LIMIT);
    assert_int_equal(wf_package_find(p, "h", &file, &same, &err), WEFT_E_NOTFOUND);
    assert_int_equal(wf_package_tensor_bytes(p), 140000000);
    assert_null(same);
    assert_int_equal(wf_package_find(p, "w", &file, &t, &err), WEFT_OK);
    /* Bytes are the same in one read and in two, across the end of the block too. */
    for (uint64_t at = 0; at + sizeof part <= t->bytes; at += 1000000) {
        assert_int_equal(wf_st_read(file, t, at, part, sizeof part, &err), WEFT_OK);
        assert_int_equal(wf_st_read(file, t, at, again, 300, &err), WEFT_OK);
        assert_int_equal(wf_st_read(file, t, at + 300, again + 150, sizeof part - 300, &err),
                         WEFT_OK);
        assert_memory_equal(part, again, sizeof part);
    }
    assert_int_equal(wf_st_read(file, t, t->bytes - 10, part, 12, &err), WEFT_E_INVALID);
    wf_package_close(&p);
}

/* bf16 as f32. */
static float widened(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float    f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static void check_between(const char *name, float low, float high)
{
    static const int64_t n[] = {4096};
    weft_package        *p = open_made();
    const wf_st_file    *file;
    const wf_st_tensor  *t;
    uint16_t             v[4096];
    weft_error           err = WF_ERROR_INIT;
    float                least = 1e9f, most = -1e9f;
    assert_int_equal(wf_package_expect(p, name, 1, n, &err), WEFT_OK);
    assert_int_equal(wf_package_find(p, name, &file, &t, &err), WEFT_OK);
    assert_int_equal(wf_st_read(file, t, 0, v, sizeof v, &err), WEFT_OK);
    for (int i = 0; i < 4096; i++) {
        least = widened(v[i]) < least ? widened(v[i]) : least;
        most = widened(v[i]) > most ? widened(v[i]) : most;
    }
    assert_true(least >= low && most <= high && most - least > 0.9f * (high - low));
    wf_package_close(&p);
}

static void test_values(void **unused)
{
    (void)unused;
    check_between("layers.0.mlp.bias", -0.036f, 0.036f);
    check_between("layers.0.input_layernorm.weight", 0.49f, 1.51f);
}

static void test_no_memory(void **unused)
{
    weft_status status = WEFT_E_NOMEM;
    (void)unused;
    for (uint64_t n = 1; status != WEFT_OK && n < 100; n++) {
        weft_package *p;
        weft_error    err = WF_ERROR_INIT;
        wf_mem_fail_at(n, true);
        status = wf_package_open_made("a shape", texts, 2, &p, &err);
        wf_mem_fail_at(0, false);
        assert_int_equal(p == NULL, status != WEFT_OK);
        wf_package_close(&p);
    }
    assert_int_equal(status, WEFT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_texts_that_are_no_package),
        cmocka_unit_test(test_tensors),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
