/* SPDX-License-Identifier: Apache-2.0 */
/* Fatal signals and exit() inside a plugin. What runs here may run with the heap in pieces: it uses
 * a stack of its own, write(2), and nothing that allocates or locks. */
#include "output/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit.h"
#include "output/out.h"

#define LINE_BYTES 1024u
#define STACK_BYTES 65536

/* One line, put together without stdio. */
typedef struct line {
    char   text[LINE_BYTES];
    size_t n;
} line;

/* What a file name may do to a terminal it does not do here. */
static void add(line *l, const char *text)
{
    for (; *text != '\0' && l->n < LINE_BYTES - 1; text++) {
        bool control = (unsigned char)*text < 0x20 || *text == 0x7f;
        l->text[l->n++] = control ? '?' : *text;
    }
}

/* "weft: org.bad crashed in encode of a.bad" */
static void say(const weft_running *r, const char *did, const char *how)
{
    line l = {.n = 0};
    add(&l, "weft: ");
    add(&l, r->plugin);
    add(&l, did);
    add(&l, r->function);
    if (r->file != NULL) {
        add(&l, " of ");
        add(&l, r->file);
    }
    add(&l, how);
    l.text[l.n++] = '\n';
    /* Nothing is left to do where even this cannot be written. */
    if (write(STDERR_FILENO, l.text, l.n) < 0)
        return;
}

static const char *name_of(int sig)
{
    switch (sig) {
    case SIGSEGV:
    case SIGBUS:
        return " (a bad address)";
    case SIGFPE:
        return " (arithmetic that has no result)";
    case SIGILL:
        return " (an instruction that this CPU does not have)";
    default:
        return " (it called abort)";
    }
}

/* A kernel runs on several threads and may crash on all of them: the first one tells it, and the
 * others wait for the end that it makes. */
static void first_one_only(void)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&told))
        pause();
}

static void on_fatal(int sig)
{
    weft_running r = {.hdr = WEFT_HDR(weft_running)};
    if (weft_plugin_running(&r) != 0) {
        first_one_only();
        say(&r, " crashed in ", name_of(sig));
        _exit(CLI_EXIT_PLUGIN);
    }
    /* The program's own crash: as if there were no handler, with its core file. */
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_exit_inside(void)
{
    weft_running r = {.hdr = WEFT_HDR(weft_running)};
    if (weft_plugin_running(&r) == 0)
        return;
    cli_out_flush();
    say(&r, " called exit() in ", "");
    _exit(CLI_EXIT_PLUGIN);
}

void cli_crash_init(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char      memory[STACK_BYTES];
    stack_t          stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_fatal;
    act.sa_flags = SA_ONSTACK;
    sigemptyset(&act.sa_mask); /* a crash of the handler itself is the end */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&act.sa_mask, signals[i]);
    (void)sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaction(signals[i], &act, NULL);
    (void)atexit(on_exit_inside);
}
