/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a recording: what is read is what was written, whatever bytes a text has, and a
 * file that fails keeps the parts before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/journal.h"

#define PARTS 4

static const char *const texts[PARTS] = {"plain", "a \xe2\x82\xac and half of one: \xe2\x82",
                                         "\xff\xfe", ""};
static char              folder[] = "/tmp/weft-journal-XXXXXX";
static char              path[64];
static json_t           *head;

static weft_part_result part_of(int i)
{
    weft_part_result p = {.hdr = WEFT_HDR(weft_part_result)};
    static int32_t   ids[] = {7, 8, 9};
    p.start_us = p.speech_start_us = 1000 * i;
    p.end_us = p.speech_end_us = 1000 * i + 900;
    p.text = texts[i];
    p.text_bytes = strlen(texts[i]);
    p.ids = ids;
    p.n_ids = 3;
    p.stopped = 1;
    return p;
}

static void add(cli_journal *j, int i)
{
    weft_part_result p = part_of(i);
    assert_true(cli_journal_add(j, &p));
}

/* The parts from 0 to n - 1, and no more; parts can be added then. */
static void check_parts(cli_journal *j, int n)
{
    json_t          *then;
    weft_part_result p;
    assert_int_equal(cli_journal_open(j, path, &then), CLI_JOURNAL_THERE);
    assert_true(json_equal(then, head));
    json_decref(then);
    for (int i = 0; i < n; i++) {
        assert_true(cli_journal_next(j, &p));
        assert_int_equal(p.start_us, 1000 * i);
        assert_int_equal(p.n_ids, 3);
        assert_int_equal(p.text_bytes, strlen(texts[i]));
        assert_memory_equal(p.text, texts[i], strlen(texts[i]));
    }
    assert_false(cli_journal_next(j, &p));
    assert_int_equal(j->n_parts, n);
}

static void test_bytes_of_a_text(void **state)
{
    cli_journal j;
    (void)state;
    assert_true(cli_journal_begin(&j, path, head));
    for (int i = 0; i < PARTS; i++)
        add(&j, i);
    cli_journal_close(&j, true);
    check_parts(&j, PARTS);
    assert_int_equal(j.error, 0);
    cli_journal_close(&j, false);
    assert_int_equal(access(path, F_OK), -1);
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void test_bad_digits(void **state)
{
    static const char *const bad[] = {"\"f\"", "\"fg\"", "\"FF\"", "\"f\\u0000\"", "7", "null"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char             line[400];
        cli_journal      j;
        json_t          *then;
        weft_part_result p;
        snprintf(line, sizeof line,
                 "{}\n{\"start_us\":0,\"end_us\":9,\"speech_start_us\":0,\"speech_end_us\":9,"
                 "\"text\":\"a\",\"hex\":%s,\"ids\":[],\"avg_logprob\":0.0,\"temperature\":0.0,"
                 "\"stopped\":true}\n",
                 bad[i]);
        write_text(line);
        assert_int_equal(cli_journal_open(&j, path, &then), CLI_JOURNAL_THERE);
        json_decref(then);
        assert_false(cli_journal_next(&j, &p));
        assert_int_equal(j.error, 0);
        cli_journal_close(&j, false);
    }
}

/* As on a full disk, from so many bytes of a file on. */
static void limit_files(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void test_a_part_that_cannot_be_written(void **state)
{
    cli_journal      j;
    weft_part_result p = part_of(2);
    (void)state;
    assert_true(cli_journal_begin(&j, path, head));
    add(&j, 0);
    add(&j, 1);
    limit_files((rlim_t)j.whole + 20); /* half a line has room */
    assert_false(cli_journal_add(&j, &p));
    limit_files(RLIM_INFINITY);
    assert_int_equal(j.error, EFBIG);
    cli_journal_close(&j, true);
    check_parts(&j, 2);
    add(&j, 2);
    cli_journal_close(&j, true);
    check_parts(&j, 3);
    cli_journal_close(&j, false);
}

static void test_a_head_that_cannot_be_written(void **state)
{
    cli_journal j;
    json_t     *then;
    (void)state;
    limit_files(4);
    assert_false(cli_journal_begin(&j, path, head));
    limit_files(RLIM_INFINITY);
    assert_int_equal(j.error, EFBIG);
    assert_non_null(j.file);
    cli_journal_close(&j, true);
    /* What was begun is not as if there were none: then documents that are there would be whole. */
    assert_int_equal(cli_journal_open(&j, path, &then), CLI_JOURNAL_EMPTY);
    limit_files(4);
    assert_false(cli_journal_begin(&j, path, head));
    limit_files(RLIM_INFINITY);
    cli_journal_close(&j, false);
    assert_int_equal(cli_journal_open(&j, path, &then), CLI_JOURNAL_NONE);
}

static void test_a_tail_that_cannot_be_cut_off(void **state)
{
    cli_journal      j;
    json_t          *then;
    weft_part_result p;
    (void)state;
    assert_true(cli_journal_begin(&j, path, head));
    add(&j, 0);
    cli_journal_close(&j, true);
    assert_int_equal(cli_journal_open(&j, path, &then), CLI_JOURNAL_THERE);
    json_decref(then);
    assert_true(cli_journal_next(&j, &p));
    int fd = open(path, O_RDONLY); /* what cannot be written cannot be cut either */
    assert_true(fd >= 0);
    assert_true(dup2(fd, fileno(j.file)) >= 0);
    close(fd);
    assert_false(cli_journal_next(&j, &p));
    assert_int_not_equal(j.error, 0);
    assert_null(j.file);
    check_parts(&j, 1);
    cli_journal_close(&j, false);
}

static int begin(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/.weft-a.resume", folder);
    head = json_pack("{s:s}", "weft", "1");
    return head != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    json_decref(head);
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_a_text),
        cmocka_unit_test(test_bad_digits),
        cmocka_unit_test(test_a_part_that_cannot_be_written),
        cmocka_unit_test(test_a_head_that_cannot_be_written),
        cmocka_unit_test(test_a_tail_that_cannot_be_cut_off),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
