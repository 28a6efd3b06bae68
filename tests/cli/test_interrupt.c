/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for input beside signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "input/interrupt.h"

#define WAIT_MS 400

static int64_t spent_ms(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

/* A process that writes a byte after a while; returns what to read. */
static int written_later(pid_t *writer)
{
    int p[2];
    assert_int_equal(pipe(p), 0);
    *writer = fork();
    assert_true(*writer >= 0);
    if (*writer == 0) {
        nanosleep(&(struct timespec){0, WAIT_MS * 1000000}, NULL);
        _exit(write(p[1], "x", 1) == 1 ? 0 : 1);
    }
    close(p[1]);
    return p[0];
}

/* A bell whose reason has gone, as that of a program that went on before anybody waited, must not
 * wake the wait again and again. */
static void test_a_bell_without_a_reason(void **state)
{
    pid_t writer;
    int   status, fd;
    (void)state;
    cli_stops_hold();
    assert_int_equal(raise(SIGCONT), 0);
    assert_true(cli_stop_came());
    cli_stops_release();
    fd = written_later(&writer);
    int64_t before = spent_ms();
    assert_true(cli_interrupt_wait(fd));
    assert_true(spent_ms() - before < WAIT_MS / 4);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
    close(fd);
}

/* One that has a reason ends the wait, and every later one. */
static void test_a_bell_with_a_reason(void **state)
{
    (void)state;
    cli_stops_hold();
    assert_int_equal(raise(SIGCONT), 0);
    for (int i = 0; i < 2; i++)
        assert_false(cli_interrupt_wait(STDIN_FILENO));
    cli_stops_release();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bell_without_a_reason),
        cmocka_unit_test(test_a_bell_with_a_reason),
    };
    cli_interrupt_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
