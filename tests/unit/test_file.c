/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what cannot be opened, ranges, and a file that shrinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "tests/unit/scratch.h"

static void open_refuses(void **state)
{
    wf_file    f;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_file_open(scratch_path("none"), &f, &err), &err, WEFT_E_NOTFOUND, "none",
                   "no such file");
    assert_int_equal(f.fd, -1);
    assert_failure(wf_file_open(scratch, &f, &err), &err, WEFT_E_IO, scratch, "directory");
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    /* Hangs here if the open waits for a writer. */
    assert_failure(wf_file_open(scratch_path("pipe"), &f, &err), &err, WEFT_E_IO, "pipe",
                   "regular");
    assert_failure(wf_file_open("/dev/zero", &f, &err), &err, WEFT_E_IO, "/dev/zero", "regular");
    scratch_put("file", "x", 1);
    assert_failure(wf_file_open(scratch_path("file/in"), &f, &err), &err, WEFT_E_NOTFOUND,
                   "file/in", "no such file");
    scratch_empty("");
}

static void read_ranges(void **state)
{
    wf_file    f;
    weft_error err = WF_ERROR_INIT;
    char       got[8] = {0};
    (void)state;
    assert_int_equal(wf_file_open(scratch_put("ten", "0123456789", 10), &f, &err), WEFT_OK);
    assert_int_equal(f.bytes, 10);
    assert_int_equal(wf_file_read(&f, 3, got, 4, &err), WEFT_OK);
    assert_string_equal(got, "3456");
    assert_int_equal(wf_file_read(&f, 10, got, 0, &err), WEFT_OK);
    assert_failure(wf_file_read(&f, 7, got, 4, &err), &err, WEFT_E_CORRUPT, "ten",
                   "4 bytes at 7 reach past its end at 10");
    assert_failure(wf_file_read(&f, UINT64_MAX, got, 2, &err), &err, WEFT_E_CORRUPT, "ten", "past");
    assert_failure(wf_file_read(&f, 1, got, UINT64_MAX, &err), &err, WEFT_E_CORRUPT, "ten", "past");
    wf_file_close(&f);
    wf_file_close(&f); /* closed already: fine */
    scratch_empty("");
}

static void shrinking_file(void **state)
{
    wf_file    f;
    weft_error err = WF_ERROR_INIT;
    char       got[10];
    (void)state;
    assert_int_equal(wf_file_open(scratch_put("ten", "0123456789", 10), &f, &err), WEFT_OK);
    assert_int_equal(truncate(scratch_path("ten"), 6), 0);
    assert_failure(wf_file_read(&f, 2, got, 8, &err), &err, WEFT_E_IO, "ten",
                   "ended early at byte 6");
    assert_int_equal(wf_file_read(&f, 2, got, 4, &err), WEFT_OK);
    wf_file_close(&f);
    scratch_empty("");
}

static void load_whole(void **state)
{
    char      *text;
    uint64_t   bytes;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    scratch_put("three", "a\0b", 3);
    assert_int_equal(wf_file_load(scratch_path("three"), 3, &text, &bytes, &err), WEFT_OK);
    assert_int_equal(bytes, 3);
    assert_memory_equal(text, "a\0b\0", 4);
    wf_free(text);
    assert_failure(wf_file_load(scratch_path("three"), 2, &text, &bytes, &err), &err, WEFT_E_LIMIT,
                   "three", "limit of 2");
    assert_null(text);
    scratch_put("none", "", 0);
    assert_int_equal(wf_file_load(scratch_path("none"), 0, &text, &bytes, &err), WEFT_OK);
    assert_string_equal(text, "");
    wf_free(text);
    scratch_empty("");
}

static void memory_runs_out(void **state)
{
    weft_error err = WF_ERROR_INIT;
    char      *text;
    uint64_t   bytes;
    (void)state;
    scratch_put("in", "text", 4);
    for (uint64_t n = 1; n <= 2; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_file_load(scratch_path("in"), 9, &text, &bytes, &err), WEFT_E_NOMEM);
        assert_null(text);
    }
    wf_mem_fail_at(0, false);
    assert_int_equal(scratch_empty(""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses),    cmocka_unit_test(read_ranges),
        cmocka_unit_test(shrinking_file),  cmocka_unit_test(load_whole),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
