/* SPDX-License-Identifier: Apache-2.0 */
/* Process state around foreign code that sets things up. dlopen() of a library linked with
 * -ffast-math sets flush-to-zero in the loading thread (gcc's crtfastmath.o does it in a
 * constructor), and initialisers have been seen to set locales and signal handlers: what was there
 * before is put back and the plugin named. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/running.h"
#include "core/plugin/guard.h"

#define SIGNALS 65

struct wf_guard {
    wf_fpu           fpu;
    char            *locale;
    locale_t         thread_locale;
    int              cwd; /* fd, or -1 where the directory cannot be opened */
    mode_t           umask;
    struct sigaction actions[SIGNALS];
    sigset_t         blocked;
    char           **environment;
    size_t           n_environment;
};

static mode_t read_umask(void)
{
    /* umask can only be read by setting it: for a moment new files are private, which is the safe
     * choice. */
    mode_t m = umask(077);
    umask(m);
    return m;
}

static size_t count_environment(void)
{
    size_t n = 0;
    while (environ != NULL && environ[n] != NULL)
        n++;
    return n;
}

static bool copy_environment(wf_guard *g)
{
    size_t n = count_environment();
    g->environment = wf_zalloc_n(n + 1, sizeof *g->environment);
    if (g->environment == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        g->environment[i] = wf_strdup(environ[i]);
        if (g->environment[i] == NULL)
            return false;
        g->n_environment++;
    }
    return true;
}

static void guard_free(wf_guard *g)
{
    for (size_t i = 0; i < g->n_environment; i++)
        wf_free(g->environment[i]);
    wf_free(g->environment);
    wf_free(g->locale);
    if (g->cwd >= 0)
        close(g->cwd);
    wf_free(g);
}

wf_guard *wf_guard_take(void)
{
    wf_guard   *g = wf_zalloc(sizeof *g);
    const char *locale = setlocale(LC_ALL, NULL);
    if (g == NULL)
        return NULL;
    g->fpu = wf_fpu_read();
    g->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    g->umask = read_umask();
    g->thread_locale = uselocale((locale_t)0);
    for (int s = 1; s < SIGNALS; s++)
        (void)sigaction(s, NULL, &g->actions[s]); /* the two that libc keeps fail, and stay zero */
    pthread_sigmask(SIG_BLOCK, NULL, &g->blocked);
    g->locale = wf_strdup(locale != NULL ? locale : "C");
    if (g->locale == NULL || !copy_environment(g)) {
        guard_free(g);
        return NULL;
    }
    return g;
}

static void note(char *what, size_t cap, const char *name)
{
    size_t n = strlen(what);
    snprintf(what + n, cap - n, "%s%s", n != 0 ? ", " : "", name);
}

const char *wf_changed_fpu(uint32_t changed)
{
    return (changed & WF_CHANGED_MODE) != 0       ? "the floating-point mode"
           : (changed & WF_CHANGED_ROUNDING) != 0 ? "the rounding mode"
                                                  : NULL;
}

static void restore_fpu(const wf_guard *g, char *what, size_t cap)
{
    const char *changed = wf_changed_fpu(wf_fpu_restore(&g->fpu));
    if (changed != NULL)
        note(what, cap, changed);
}

static void restore_locale(const wf_guard *g, char *what, size_t cap)
{
    const char *now = setlocale(LC_ALL, NULL);
    if (uselocale((locale_t)0) != g->thread_locale || now == NULL || strcmp(now, g->locale) != 0) {
        note(what, cap, "the locale");
        uselocale(g->thread_locale);
        setlocale(LC_ALL, g->locale);
    }
}

static void restore_cwd(const wf_guard *g, char *what, size_t cap)
{
    struct stat was, is;
    if (g->cwd < 0 || fstat(g->cwd, &was) != 0)
        return;
    if (stat(".", &is) != 0 || is.st_dev != was.st_dev || is.st_ino != was.st_ino) {
        note(what, cap, "the working directory");
        if (fchdir(g->cwd) != 0)
            note(what, cap, "(which cannot be entered again)");
    }
}

static bool same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;
}

static void restore_signals(const wf_guard *g, char *what, size_t cap)
{
    bool     changed = false;
    sigset_t now;
    for (int s = 1; s < SIGNALS; s++) {
        struct sigaction is;
        memset(&is, 0, sizeof is);
        (void)sigaction(s, NULL, &is);
        if (!same_action(&is, &g->actions[s])) {
            changed = true;
            (void)sigaction(s, &g->actions[s], NULL);
        }
    }
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    for (int s = 1; s < SIGNALS; s++)
        changed = changed || sigismember(&now, s) != sigismember(&g->blocked, s);
    pthread_sigmask(SIG_SETMASK, &g->blocked, NULL);
    if (changed)
        note(what, cap, "signal handlers");
}

/* "NAME=VALUE" set again; a string without '=' was none of ours. */
static void set_again(const char *var)
{
    const char *equals = strchr(var, '=');
    char       *name = equals != NULL ? wf_strndup(var, (size_t)(equals - var)) : NULL;
    if (name != NULL)
        (void)setenv(name, equals + 1, 1);
    wf_free(name);
}

static void restore_environment(const wf_guard *g, char *what, size_t cap)
{
    bool same = count_environment() == g->n_environment;
    for (size_t i = 0; same && i < g->n_environment; i++)
        same = strcmp(environ[i], g->environment[i]) == 0;
    if (same)
        return;
    note(what, cap, "the environment");
    clearenv();
    for (size_t i = 0; i < g->n_environment; i++)
        set_again(g->environment[i]);
}

void wf_guard_restore(wf_guard *g, char *what, size_t cap)
{
    what[0] = '\0';
    restore_fpu(g, what, cap);
    restore_locale(g, what, cap);
    restore_cwd(g, what, cap);
    if (read_umask() != g->umask)
        note(what, cap, "the umask");
    umask(g->umask);
    restore_signals(g, what, cap);
    restore_environment(g, what, cap);
    guard_free(g);
}
