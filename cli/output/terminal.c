/* SPDX-License-Identifier: Apache-2.0 */
/* The owner of the terminal's state. */
#include "output/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weft/utf8.h"

#define INTERVAL_NS 100000000 /* ten times a second is as often as anybody reads */

static struct {
    bool            out, err, in;   /* is one */
    int32_t         quiet, verbose; /* how often it was asked for */
    bool            line;           /* a progress line stands there */
    struct timespec line_time;      /* since when */
} terminal;

/* A closed descriptor would be the number of the next file opened, and our output would land in it.
 * /dev/null the wrong way round keeps the number taken and still fails when used. */
static void hold_descriptor(int fd)
{
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
        return;
    int held = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (held != -1 && held != fd) {
        dup2(held, fd);
        close(held);
    }
}

void cli_terminal_init(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        hold_descriptor(fd);
    signal(SIGPIPE, SIG_IGN);
    terminal.in = isatty(STDIN_FILENO) == 1;
    terminal.out = isatty(STDOUT_FILENO) == 1;
    terminal.err = isatty(STDERR_FILENO) == 1;
}

void cli_verbosity(int32_t quiet, int32_t verbose)
{
    terminal.quiet = quiet;
    terminal.verbose = verbose;
}

bool cli_is_quiet(void)
{
    return terminal.quiet > 0;
}

int32_t cli_verbose(void)
{
    return terminal.verbose;
}

bool cli_err_is_terminal(void)
{
    return terminal.err && terminal.quiet == 0;
}

bool cli_err_can_edit(void)
{
    const char *kind = getenv("TERM");
    return terminal.err && kind != NULL && strcmp(kind, "dumb") != 0;
}

bool cli_in_is_terminal(void)
{
    return terminal.in;
}

bool cli_out_is_terminal(void)
{
    return terminal.out;
}

/* C0, DEL and C1: what moves the cursor, changes colours or answers back. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

void cli_write_clean(FILE *to, const char *text, size_t bytes, const char *allowed)
{
    size_t at = 0;
    while (at < bytes) {
        uint32_t c = 0;
        int32_t  n = weft_utf8_char(text + at, bytes - at, &c);
        bool     shown = n > 0 && (!is_control(c) || (c != 0 && strchr(allowed, (int)c) != NULL));
        if (shown)
            fwrite(text + at, 1, (size_t)n, to);
        else
            fputs(WEFT_UTF8_REPLACEMENT, to);
        at += n > 0 ? (size_t)n : 1;
    }
}

bool cli_line_due(void)
{
    struct timespec now;
    if (!cli_err_is_terminal())
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (now.tv_sec - terminal.line_time.tv_sec) * (int64_t)1000000000 +
                 (now.tv_nsec - terminal.line_time.tv_nsec);
    if (terminal.line && ns < INTERVAL_NS)
        return false;
    terminal.line_time = now;
    return true;
}

void cli_line_show(const char *text)
{
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    terminal.line = true;
}

void cli_line_clear(void)
{
    if (!terminal.line)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    terminal.line = false;
    terminal.line_time = (struct timespec){0, 0};
}
