/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what cannot be opened, ranges, a file that shrinks, and a writer that leaves the old file
 * or the whole new one and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

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

static void assert_content(const char *name, const char *want)
{
    char      *text;
    uint64_t   bytes;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_file_load(scratch_path(name), 1 << 20, &text, &bytes, &err), WEFT_OK);
    assert_string_equal(text, want);
    wf_free(text);
}

static void writer_replaces(void **state)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    scratch_put("out", "old", 3);
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, "brand ", 6, &err), WEFT_OK);
    assert_content("out", "old");
    assert_int_equal(wf_writer_write(w, "fresh", 5, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
    assert_null(w);
    assert_content("out", "brand fresh");
    assert_int_equal(scratch_empty(""), 1);
}

static void writer_aborts(void **state)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, "half", 4, &err), WEFT_OK);
    wf_writer_abort(&w);
    assert_null(w);
    wf_writer_abort(&w); /* nothing there: fine */
    assert_int_equal(scratch_empty(""), 0);
}

static void writer_refuses(void **state)
{
    wf_writer *w, *second;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_writer_open(scratch_path("no/such/out"), &w, &err), &err, WEFT_E_IO,
                   "no/such/out", "No such file");
    assert_null(w);
    /* As root, a rename would replace the device itself. */
    assert_failure(wf_writer_open("/dev/null", &w, &err), &err, WEFT_E_IO, "/dev/null", "regular");
    assert_failure(wf_writer_open(scratch, &w, &err), &err, WEFT_E_IO, scratch, "regular");
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    assert_failure(wf_writer_open(scratch_path("out"), &second, &err), &err, WEFT_E_IO, "out",
                   "another process");
    assert_int_equal(wf_writer_write(w, "first", 5, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
    assert_content("out", "first");
    assert_int_equal(scratch_empty(""), 1);
}

/* What a killed process left is taken over, its bytes are not. */
static void writer_takes_over(void **state)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    scratch_put("out.weft-part", "left behind, and long", 21);
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, "whole", 5, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
    assert_content("out", "whole");
    assert_int_equal(scratch_empty(""), 1);
    assert_int_equal(symlink("/dev/null", scratch_path("out.weft-part")), 0);
    assert_failure(wf_writer_open(scratch_path("out"), &w, &err), &err, WEFT_E_IO, "out",
                   "written");
    assert_int_equal(scratch_empty(""), 1);
}

/* A size limit of the process stands for a full disk. */
static void writer_on_full_disk(void **state)
{
    static const char block[4096];
    struct rlimit     was, small = {6000, 6000};
    wf_writer        *w;
    weft_error        err = WF_ERROR_INIT;
    (void)state;
    scratch_put("out", "old", 3);
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    weft_status first = wf_writer_write(w, block, sizeof(block), &err);
    weft_status second = wf_writer_write(w, block, sizeof(block), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(first, WEFT_OK);
    assert_failure(second, &err, WEFT_E_IO, "out", "cannot be written");
    assert_failure(wf_writer_commit(&w, &err), &err, WEFT_E_IO, "out", "not kept");
    assert_content("out", "old");
    assert_int_equal(scratch_empty(""), 1);
}

/* The name becomes a directory while the file is written: the rename fails. */
static void writer_cannot_rename(void **state)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_OK);
    assert_int_equal(mkdir(scratch_path("out"), 0700), 0);
    assert_failure(wf_writer_commit(&w, &err), &err, WEFT_E_IO, "out", "cannot be written");
    assert_int_equal(rmdir(scratch_path("out")), 0);
    assert_int_equal(scratch_empty(""), 0);
}

static void memory_runs_out(void **state)
{
    weft_error err = WF_ERROR_INIT;
    wf_writer *w;
    char      *text;
    uint64_t   bytes;
    (void)state;
    scratch_put("in", "text", 4);
    for (uint64_t n = 1; n <= 2; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_file_load(scratch_path("in"), 9, &text, &bytes, &err), WEFT_E_NOMEM);
        assert_null(text);
    }
    for (uint64_t n = 1; n <= 3; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_writer_open(scratch_path("out"), &w, &err), WEFT_E_NOMEM);
        assert_null(w);
    }
    wf_mem_fail_at(0, false);
    assert_int_equal(scratch_empty(""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses),        cmocka_unit_test(read_ranges),
        cmocka_unit_test(shrinking_file),      cmocka_unit_test(load_whole),
        cmocka_unit_test(writer_replaces),     cmocka_unit_test(writer_aborts),
        cmocka_unit_test(writer_refuses),      cmocka_unit_test(writer_takes_over),
        cmocka_unit_test(writer_on_full_disk), cmocka_unit_test(writer_cannot_rename),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
