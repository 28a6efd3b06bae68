/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin does to its process: state that is put back, an end that can be named, memory left
 * behind. */
#include <locale.h>
#include <signal.h>
#include <sys/wait.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "core/base/running.h"
#include "tests/plugin/loader_bench.h"

/* ---- process state ----------------------------------------------------------------------------
 */

static void load_and_expect_warning(const char *fixture, const char *pattern)
{
    bench        b;
    weft_error   err = WF_ERROR_INIT;
    char         path[512];
    const char  *paths[] = {path, NULL};
    wf_candidate c;
    fixture_path(path, fixture);
    bench_open(&b, paths);
    if (wf_registry_load_named(b.registry, &err) != WEFT_OK)
        fail_msg("%s: %s", fixture, err.message);
    wf_registry_candidate(b.registry, 0, &c);
    assert_int_equal(c.state, WF_PLUGIN_LOADED);
    assert_matches(logged, pattern);
    if (strcmp(fixture, "does_leak") != 0)
        assert_matches(c.reason, pattern);
    bench_close(&b);
}

#if defined(__x86_64__)
static void floating_point_mode(void **state)
{
    unsigned before = _mm_getcsr() & ~0x3fu; /* without the sticky exception flags */
    (void)state;
    load_and_expect_warning(
        "does_fpu", "does_fpu\\.so: plugin org\\.example\\.fpu changed the floating-point mode");
    assert_int_equal(_mm_getcsr() & ~0x3fu, before);
}
#endif

static void other_state(void **state)
{
    char             before[256], after[256];
    mode_t           mask = umask(022), now;
    struct sigaction usr1;
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    setenv("WEFT_FIXTURE_MINE", "kept", 1);
    load_and_expect_warning("does_state", "changed the locale, the working directory, the umask, "
                                          "signal handlers, the environment while it was loaded");
    assert_non_null(getcwd(after, sizeof after));
    assert_string_equal(before, after);
    assert_string_equal(setlocale(LC_ALL, NULL), "C");
    now = umask(mask);
    assert_int_equal(now, 022);
    assert_int_equal(sigaction(SIGUSR1, NULL, &usr1), 0);
    assert_true(usr1.sa_handler == SIG_DFL);
    assert_null(getenv("WEFT_FIXTURE_WAS_HERE"));
    assert_string_equal(getenv("WEFT_FIXTURE_MINE"), "kept");
}

/* ---- what cannot be survived in one process, but can be named ---- */

static void say_who(void)
{
    const char *who = wf_running_now() != NULL ? wf_running_now()->plugin : NULL;
    /* Not through stdio: this runs at exit and in a signal handler. */
    if (who != NULL && write(STDOUT_FILENO, who, strlen(who)) < 0)
        _exit(99);
}

static void on_abort(int signal_number)
{
    (void)signal_number;
    say_who();
    _exit(42);
}

static void in_child(const char *fixture, const char *expected)
{
    int   pipe_fd[2];
    char  said[128] = "";
    pid_t child;
    assert_int_equal(pipe(pipe_fd), 0);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char       path[512];
        wf_plugin *p;
        dup2(pipe_fd[1], STDOUT_FILENO);
        close(pipe_fd[0]);
        signal(SIGABRT, on_abort);
        atexit(say_who);
        bench b;
        fixture_path(path, fixture);
        bench_open(&b, NULL);
        const char *paths[] = {path, NULL};
        bench_close(&b);
        bench_open(&b, paths);
        (void)wf_registry_load(b.registry, path, &p, NULL);
        _exit(7); /* not reached: the constructor ends the process */
    }
    close(pipe_fd[1]);
    ssize_t n = read(pipe_fd[0], said, sizeof said - 1);
    int     status;
    close(pipe_fd[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 7);
    assert_true(n > 0);
    assert_string_equal(said, expected);
}

static void breadcrumb(void **state)
{
    (void)state;
    in_child("does_exit", "org.example.exit");
    in_child("does_crash", "org.example.crash");
    assert_null(wf_running_now());
}

static void left_memory(void **state)
{
    bench       b;
    weft_error  err = WF_ERROR_INIT;
    char        path[512];
    const char *paths[] = {path, NULL};
    (void)state;
    fixture_path(path, "does_leak");
    bench_open(&b, paths);
    assert_int_equal(wf_registry_load_named(b.registry, &err), WEFT_OK);
    bench_close(&b);
    assert_matches(logged,
                   "does_leak\\.so: plugin org\\.example\\.leak left 1 blocks of memory behind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
        cmocka_unit_test(floating_point_mode),
#endif
        cmocka_unit_test(other_state),
        cmocka_unit_test(breadcrumb),
        cmocka_unit_test(left_memory)
    };
    wf_log_set(on_log, NULL);
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
