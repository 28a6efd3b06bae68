/* SPDX-License-Identifier: Apache-2.0 */
/* Signals. */
#include "input/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"

#define PATIENCE 3 /* Ctrl-C that a patient program takes for one call */

static volatile sig_atomic_t interrupted; /* how often */
static volatile sig_atomic_t ends;        /* one of them was no Ctrl-C */
static volatile sig_atomic_t patient;
static weft_engine *volatile running; /* what a signal cancels */
static int bell[2] = {-1, -1};        /* a pipe that the handlers ring, for those who wait */
static volatile sig_atomic_t stop;    /* SIGTSTP or SIGCONT, which came last while held; 0: none */
static struct sigaction      on_stop_before, on_cont_before;

static void ring(void)
{
    ssize_t rung = write(bell[1], "", 1); /* a full pipe has rung already */
    (void)rung;
}

static void quiet_bell(void)
{
    for (char rung[16]; read(bell[0], rung, sizeof rung) > 0;)
        ;
}

/* weft_engine_cancel() is one atomic store, so it may be called here. Without an engine nothing has
 * been written yet that could be left in pieces. Only Ctrl-C is a person who has waited long enough
 * the second time: timeout(1) and a terminal that closes send their signal twice at once. */
static void on_interrupt(int sig)
{
    int saved = errno, most = patient ? PATIENCE : 1;
    if (running == NULL || (interrupted >= most && sig == SIGINT))
        _exit(CLI_EXIT_INTERRUPTED);
    interrupted = interrupted < PATIENCE ? interrupted + 1 : PATIENCE;
    ends |= sig != SIGINT;
    weft_engine_cancel(running);
    ring();
    errno = saved;
}

void cli_interrupt_init(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction before, ours;
    if (pipe2(bell, O_CLOEXEC | O_NONBLOCK) != 0)
        bell[0] = bell[1] = -1; /* poll() passes over them, and a signal still ends it */
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

void cli_interrupt_engine(weft_engine *e)
{
    running = e;
}

void cli_interrupt_pass_on(void)
{
    if (interrupted != 0 && running != NULL)
        weft_engine_cancel(running);
}

void cli_interrupt_patient(void)
{
    patient = 1;
}

bool cli_interrupt_forget(void)
{
    if (ends)
        return false;
    interrupted = 0; /* before the bell: one that comes in between rings and is seen */
    quiet_bell();
    return true;
}

bool cli_interrupt_wait(int fd)
{
    struct pollfd p[2] = {{fd, POLLIN, 0}, {bell[0], POLLIN, 0}};
    while (!cli_interrupted() && stop == 0) {
        int n = poll(p, 2, -1);
        if (n > 0 && p[1].revents != 0) /* what it was rung for is asked next */
            quiet_bell();
        if ((n > 0 && p[0].revents != 0) || (n < 0 && errno != EINTR))
            return !cli_interrupted() && stop == 0;
    }
    return false;
}

static void on_stop(int sig)
{
    int saved = errno;
    stop = sig;
    ring();
    errno = saved;
}

static void take(int sig, struct sigaction *before)
{
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_handler = on_stop;
    if (sigaction(sig, NULL, before) == 0 && before->sa_handler != SIG_IGN)
        sigaction(sig, &ours, NULL);
}

void cli_stops_hold(void)
{
    stop = 0;
    take(SIGTSTP, &on_stop_before);
    take(SIGCONT, &on_cont_before);
}

void cli_stops_release(void)
{
    sigaction(SIGTSTP, &on_stop_before, NULL);
    sigaction(SIGCONT, &on_cont_before, NULL);
    if (stop == SIGTSTP)
        raise(SIGTSTP);
    stop = 0;
}

bool cli_stop_came(void)
{
    return stop != 0;
}

void cli_stop(void)
{
    cli_stops_release();
    quiet_bell();
    cli_stops_hold();
}
