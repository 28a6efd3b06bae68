/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line, read from a terminal that is standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output/progress.h"
#include "output/terminal.h"

#define START "\r\033[K"
#define MINUTE INT64_C(60000000)

static int ours = -1, saved = -1;

static int open_terminal(void **state)
{
    (void)state;
    ours = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
        return -1;
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
    saved = dup(STDERR_FILENO);
    if (theirs < 0 || saved < 0 || dup2(theirs, STDERR_FILENO) < 0)
        return -1;
    close(theirs);
    cli_terminal_init();
    return cli_err_is_terminal() ? 0 : -1;
}

static int close_terminal(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ours);
    return 0;
}

/* What was written since the last call. */
static const char *shown(void)
{
    static char text[4096];
    ssize_t     n = read(ours, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_a_step_of_the_engine(void **state)
{
    (void)state;
    cli_progress(NULL, "weights", 1048576, 4194304, "bytes");
    assert_string_equal(shown(), START "weights  25 %: 1 of 4 MiB");
    cli_line_clear();
    assert_string_equal(shown(), START);
    cli_progress(NULL, "generate", 12, 0, "tokens");
    assert_string_equal(shown(), START "generate: 12 tokens");
    cli_progress(NULL, "generate", 13, 0, "tokens"); /* too soon */
    assert_string_equal(shown(), "");
    cli_line_clear();
    cli_line_clear(); /* nothing stands there */
    assert_string_equal(shown(), START);
}

static void test_one_recording(void **state)
{
    cli_progress_file f;
    (void)state;
    cli_progress_begin(&f);
    cli_progress(NULL, "encode", 0, 0, "items"); /* before it tells its time */
    assert_string_equal(shown(), START "encode");
    cli_line_clear();
    (void)shown();
    cli_progress_time(&f, 62 * MINUTE, 124 * MINUTE, 62 * 6.0);
    assert_string_equal(shown(), START "1:02:00 / 2:04:00, 10.0 times real time, ETA 6:12");
    cli_line_clear();
    (void)shown();
    cli_progress(NULL, "encode", 0, 0, "items"); /* the line is the recording's */
    assert_string_equal(shown(), "");
    cli_progress_time(&f, MINUTE, -1, 30.0); /* live: nobody knows how long */
    assert_string_equal(shown(), START "1:00, 2.0 times real time");
    cli_progress_end(&f);
    assert_string_equal(shown(), START);
    cli_progress(NULL, "encode", 0, 0, "items");
    assert_string_equal(shown(), START "encode");
    cli_line_clear();
    (void)shown();
}

static void test_several_files(void **state)
{
    cli_progress_file a, b, c;
    (void)state;
    cli_progress_begin(&a);
    cli_progress_end(&a); /* with the recording of the test above: two are done */
    cli_progress_begin(&a);
    cli_progress_begin(&b);
    cli_progress_begin(&c);
    cli_progress(NULL, "prefill", 5, 10, "tokens");
    assert_string_equal(shown(), START "3 files at work, 2 done");
    cli_line_clear();
    (void)shown();
    cli_progress_end(&b);
    cli_progress_time(&a, MINUTE, 4 * MINUTE, 30.0); /* of c nothing is known yet */
    assert_string_equal(shown(), START "2 files at work, 3 done: 1:00, 2.0 times real time");
    cli_line_clear();
    (void)shown();
    cli_progress_time(&c, 2 * MINUTE, 5 * MINUTE, 60.0);
    assert_string_equal(shown(), START "2 files at work, 3 done: 3:00 / 9:00, 4.0 times real time, "
                                       "ETA 1:30");
    cli_progress_end(&a);
    cli_progress_end(&a); /* is none any more */
    (void)shown();
    cli_progress_time(&c, 3 * MINUTE, 5 * MINUTE, 60.0);
    assert_string_equal(shown(), START "3:00 / 5:00, 3.0 times real time, ETA 0:40");
    cli_progress_end(&c);
    (void)shown();
}

/* Of a folder the line tells how many are done, and from the first one on how long the rest takes.
 */
static void test_files_that_were_counted(void **state)
{
    cli_progress_file a, b;
    (void)state;
    cli_progress_total(60);
    cli_progress_begin(&a);
    cli_progress(NULL, "prefill", 5, 10, "tokens");
    assert_string_equal(shown(), START "0 of 60");
    cli_progress_begin(&b);
    cli_progress_end(&a);
    (void)shown();
    cli_progress(NULL, "prefill", 6, 10, "tokens");
    assert_string_equal(shown(), START "1 of 60, ETA 0:00");
    cli_progress_end(&b);
    cli_progress_total(0);
    cli_line_clear();
    (void)shown();
}

/* A step of more than a second tells how long it will take; another step begins anew. */
static void test_time_left_of_a_step(void **state)
{
    const struct timespec pause = {1, 50000000};
    (void)state;
    cli_progress(NULL, "prefill", 0, 8000, "tokens");
    assert_string_equal(shown(), START "prefill   0 %: 0 of 8000 tokens");
    nanosleep(&pause, NULL);
    cli_progress(NULL, "prefill", 4000, 8000, "tokens");
    assert_non_null(strstr(shown(), "prefill  50 %: 4000 of 8000 tokens, ETA 0:0"));
    cli_line_clear();
    cli_progress(NULL, "weights", 10, 100, "tensors");
    assert_null(strstr(shown(), "ETA"));
    cli_line_clear();
    (void)shown();
}

static void test_quiet(void **state)
{
    cli_progress_file f;
    (void)state;
    cli_verbosity(1, 0);
    cli_progress_begin(&f);
    cli_progress_time(&f, MINUTE, MINUTE, 1.0);
    cli_progress(NULL, "weights", 1, 2, "bytes");
    cli_progress_end(&f);
    assert_string_equal(shown(), "");
    cli_verbosity(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_of_the_engine), cmocka_unit_test(test_one_recording),
        cmocka_unit_test(test_several_files),        cmocka_unit_test(test_files_that_were_counted),
        cmocka_unit_test(test_time_left_of_a_step),  cmocka_unit_test(test_quiet),
    };
    return cmocka_run_group_tests(tests, open_terminal, close_terminal);
}
