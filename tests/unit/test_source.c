/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a pipe: given as they come, the kept ones again, what is past them forwards only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "core/media/source.h"

#define WAIT_S                                                                                     \
    20 /* a read that waits for bytes nobody sends would wait for ever: the alarm ends the program \
        */

static const wf_mark no_cancel;

/* The pipe is standard input for as long as the source is open; *to writes to it. */
static void pipe_open(wf_source *s, int *kept_in, int *to)
{
    int        end[2];
    weft_error err = WF_ERROR_INIT;
    *kept_in = dup(0);
    assert_int_equal(pipe(end), 0);
    assert_int_equal(dup2(end[0], 0), 0);
    close(end[0]);
    *to = end[1];
    assert_int_equal(wf_source_open("-", &no_cancel, s, &err), WEFT_OK);
    alarm(WAIT_S);
}

static void pipe_shut(wf_source *s, int kept_in)
{
    alarm(0);
    wf_source_close(s);
    assert_true(kept_in < 0 ? close(0) == 0 : dup2(kept_in, 0) == 0);
    close(kept_in);
}

static void send(int to, const char *text)
{
    assert_int_equal(write(to, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect(wf_source *s, uint64_t offset, uint64_t n, const char *text)
{
    char got[64] = "";
    assert_true(n < sizeof got);
    assert_int_equal(s->pub.read_at(s->pub.ctx, offset, got, n), (int64_t)strlen(text));
    assert_string_equal(got, text);
}

/* A live recording is heard as it is spoken: what is there is enough, however little. */
static void test_bytes_are_given_as_they_come(void **state)
{
    wf_source s;
    int       in, to;
    (void)state;
    pipe_open(&s, &in, &to);
    send(to, "RIFF....");
    expect(&s, 0, 4, "RIFF");
    expect(&s, 4, 4, "....");
    send(to, "WAVE");
    expect(&s, 8, 4, "WAVE");
    expect(&s, 0, 12, "RIFF....WAVE");
    send(to, "end");
    close(to);
    expect(&s, 12, 16, "end");
    expect(&s, 15, 1, "");
    expect(&s, 2, 3, "FF.");
    assert_int_equal(s.pub.length(s.pub.ctx), -1);
    pipe_shut(&s, in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes_are_given_as_they_come)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
