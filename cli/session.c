/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of a run, and what ends it from outside: Ctrl-C, SIGTERM, SIGHUP. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;
static weft_engine *volatile running; /* what a signal cancels */

/* weft_engine_cancel() is one atomic store, so it may be called here. Without an engine nothing has
 * been written yet that could be left in pieces. Only Ctrl-C is a person who has waited long enough
 * the second time: timeout(1) and a terminal that closes send their signal twice at once. */
static void on_interrupt(int sig)
{
    int saved = errno;
    if (running == NULL || (interrupted != 0 && sig == SIGINT))
        _exit(CLI_EXIT_INTERRUPTED);
    interrupted = 1;
    weft_engine_cancel(running);
    errno = saved;
}

void cli_interrupt_init(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction before, ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_handler = on_interrupt; /* no SA_RESTART: a read that waits for input ends */
    /* nohup and shells that start us in the background want them ignored. */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &ours, NULL);
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

/* A signal that came between two calls was cleared by the start of the second one: cancel again. */
static void report(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit)
{
    if (interrupted != 0 && running != NULL)
        weft_engine_cancel(running);
    cli_progress(ctx, what, done, total, unit);
}

weft_engine *cli_engine_open(cli *c, uint32_t flags, int32_t *code)
{
    weft_progress progress = {report, NULL};
    weft_error    err = CLI_ERROR_INIT;
    weft_engine  *e = NULL;
    if (weft_engine_open(c->settings, flags, &progress, &e, &err) != WEFT_OK)
        *code = cli_say_error(&err);
    cli_progress_clear();
    running = e;
    return e;
}

void cli_engine_close(weft_engine **e)
{
    running = NULL;
    weft_engine_close(e);
}

int32_t cli_worse(int32_t a, int32_t b)
{
    static const int32_t order[] = {CLI_EXIT_INTERRUPTED, 1, 6, 5, 4, 8, 7, 3, 9, 2};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return a != CLI_EXIT_OK ? a : b;
}
