/* SPDX-License-Identifier: Apache-2.0 */
/* A writer leaves the old file or the whole new one and nothing else; through links, with the mode
 * of the old one, and to what is no file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/writer.h"
#include "tests/unit/scratch.h"

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
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
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
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, "half", 4, &err), WEFT_OK);
    wf_writer_abort(&w);
    assert_null(w);
    wf_writer_abort(&w); /* nothing there: fine */
    assert_int_equal(scratch_empty(""), 0);
}

static void writer_refuses(void **state)
{
    wf_writer *w, *second;
    int32_t    busy = 0;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_failure(wf_writer_open(scratch_path("no/such/out"), NULL, &w, &err), &err, WEFT_E_IO,
                   "no/such/out", "No such file");
    assert_null(w);
    assert_failure(wf_writer_open(scratch, NULL, &w, &err), &err, WEFT_E_INVALID, scratch,
                   "is a folder");
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
    assert_failure(wf_writer_open(scratch_path("out"), &busy, &second, &err), &err, WEFT_E_IO,
                   "out", "another process");
    assert_int_equal(busy, 1);
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
    scratch_put(".weft-out", "left behind, and long", 21);
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, "whole", 5, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
    assert_content("out", "whole");
    assert_int_equal(scratch_empty(""), 1);
    assert_int_equal(symlink("/dev/null", scratch_path(".weft-out")), 0);
    assert_failure(wf_writer_open(scratch_path("out"), NULL, &w, &err), &err, WEFT_E_IO, "out",
                   "in the way");
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
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
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
    assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
    assert_int_equal(mkdir(scratch_path("out"), 0700), 0);
    assert_failure(wf_writer_commit(&w, &err), &err, WEFT_E_IO, "out", "cannot be written");
    assert_int_equal(rmdir(scratch_path("out")), 0);
    assert_int_equal(scratch_empty(""), 0);
}

static void write_all(const char *path, const char *text)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_writer_open(path, NULL, &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_write(w, text, strlen(text), &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
}

/* Links stay links, of files that are there and of files that are not, one behind the other. */
static void writer_follows_links(void **state)
{
    struct stat st;
    (void)state;
    scratch_put("real", "old", 3);
    assert_int_equal(mkdir(scratch_path("in"), 0700), 0);
    assert_int_equal(symlink("../real", scratch_path("in/one")), 0);
    assert_int_equal(symlink("in/one", scratch_path("two")), 0);
    assert_int_equal(symlink("in/new", scratch_path("three")), 0);
    write_all(scratch_path("two"), "fresh");
    write_all(scratch_path("three"), "first");
    assert_content("real", "fresh");
    assert_content("in/new", "first");
    assert_int_equal(lstat(scratch_path("two"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(scratch_empty("in"), 2);
    assert_int_equal(rmdir(scratch_path("in")), 0);
    assert_int_equal(scratch_empty(""), 3);
}

static void writer_ends_at_circles(void **state)
{
    wf_writer *w;
    weft_error err = WF_ERROR_INIT;
    (void)state;
    assert_int_equal(symlink("b", scratch_path("a")), 0);
    assert_int_equal(symlink("a", scratch_path("b")), 0);
    assert_failure(wf_writer_open(scratch_path("a"), NULL, &w, &err), &err, WEFT_E_IO, "",
                   "symbolic links");
    assert_int_equal(scratch_empty(""), 2);
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(scratch_path(name), &st), 0);
    return st.st_mode & 0777;
}

/* A new file has the mode that the umask leaves, whatever a leftover had; an old one keeps its own,
 * and what grows beside it is as closed. */
static void writer_keeps_the_mode(void **state)
{
    static const mode_t modes[] = {0600, 0640, 0644, 0666, 0755};
    wf_writer          *w;
    weft_error          err = WF_ERROR_INIT;
    mode_t              was = umask(022);
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        scratch_put("out", "old", 3);
        assert_int_equal(chmod(scratch_path("out"), modes[i]), 0);
        assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_OK);
        assert_int_equal(mode_of(".weft-out"), modes[i]);
        assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
        assert_int_equal(mode_of("out"), modes[i]);
    }
    scratch_put(".weft-new", "left", 4);
    assert_int_equal(chmod(scratch_path(".weft-new"), 0600), 0);
    write_all(scratch_path("new"), "x");
    assert_int_equal(mode_of("new"), 0644);
    umask(was);
    assert_int_equal(scratch_empty(""), 2);
}

/* A device keeps its name, and a descriptor goes on where it stands: nothing is cut or replaced,
 * though a regular file is behind it. */
static void writer_streams(void **state)
{
    char name[64];
    (void)state;
    write_all("/dev/null", "gone");
    int fd = open(scratch_put("log", "before ", 7), O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    snprintf(name, sizeof name, "/dev/fd/%d", fd);
    write_all(name, "and ");
    assert_int_equal(symlink(name, scratch_path("link")), 0);
    write_all(scratch_path("link"), "after");
    close(fd);
    assert_content("log", "before and after");
    assert_int_equal(scratch_empty(""), 2);
    weft_error err = WF_ERROR_INIT;
    wf_writer *w;
    assert_failure(wf_writer_open("/dev/fd/999999", NULL, &w, &err), &err, WEFT_E_IO, "/dev/fd/",
                   "descriptor");
}

static void writer_takes_long_names(void **state)
{
    char a[256], b[256];
    (void)state;
    memset(a, 'n', 255);
    a[255] = '\0';
    memcpy(b, a, sizeof a);
    b[254] = 'm';
    wf_writer *w, *v;
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_writer_open(scratch_path(a), NULL, &w, &err), WEFT_OK);
    assert_int_equal(wf_writer_open(scratch_path(b), NULL, &v, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&w, &err), WEFT_OK);
    assert_int_equal(wf_writer_commit(&v, &err), WEFT_OK);
    assert_int_equal(scratch_empty(""), 2);
}

static void memory_runs_out(void **state)
{
    weft_error err = WF_ERROR_INIT;
    wf_writer *w;
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        wf_mem_fail_at(n, false);
        assert_int_equal(wf_writer_open(scratch_path("out"), NULL, &w, &err), WEFT_E_NOMEM);
        assert_null(w);
    }
    wf_mem_fail_at(0, false);
    assert_int_equal(scratch_empty(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_replaces),         cmocka_unit_test(writer_aborts),
        cmocka_unit_test(writer_refuses),          cmocka_unit_test(writer_takes_over),
        cmocka_unit_test(writer_on_full_disk),     cmocka_unit_test(writer_cannot_rename),
        cmocka_unit_test(writer_follows_links),    cmocka_unit_test(writer_ends_at_circles),
        cmocka_unit_test(writer_keeps_the_mode),   cmocka_unit_test(writer_streams),
        cmocka_unit_test(writer_takes_long_names), cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
