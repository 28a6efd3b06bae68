/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, output and error: what may be shown on a terminal, and what becomes of a write
 * that fails. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define LINE_MAX_BYTES 1024u

static struct {
    bool    out_terminal, err_terminal, in_terminal;
    int     out_error; /* errno of the first write that failed; 0: none */
    int32_t quiet, verbose;
} streams;

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

void cli_streams_init(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        hold_descriptor(fd);
    signal(SIGPIPE, SIG_IGN);
    streams.in_terminal = isatty(STDIN_FILENO) == 1;
    streams.out_terminal = isatty(STDOUT_FILENO) == 1;
    streams.err_terminal = isatty(STDERR_FILENO) == 1;
}

void cli_verbosity(int32_t quiet, int32_t verbose)
{
    streams.quiet = quiet;
    streams.verbose = verbose;
}

bool cli_is_verbose(void)
{
    return streams.verbose > 0;
}

bool cli_err_is_terminal(void)
{
    return streams.err_terminal && streams.quiet == 0;
}

bool cli_in_is_terminal(void)
{
    return streams.in_terminal;
}

/* Shortest form only, no surrogates: Unicode 15, table 3-7. */
size_t cli_utf8_char(const char *p, size_t n, uint32_t *code_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char  *u = (const unsigned char *)p;
    size_t                len = n == 0        ? 0
                                : u[0] < 0x80 ? 1
                                : u[0] < 0xC2 ? 0
                                : u[0] < 0xE0 ? 2
                                : u[0] < 0xF0 ? 3
                                : u[0] < 0xF5 ? 4
                                              : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? u[0] : u[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3F);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *code_point = c;
    return len;
}

/* C0, DEL and C1: what moves the cursor, changes colours or answers back. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

static void write_clean(FILE *to, const char *text, size_t bytes, const char *allowed)
{
    size_t at = 0;
    while (at < bytes) {
        uint32_t c = 0;
        size_t   n = cli_utf8_char(text + at, bytes - at, &c);
        bool     shown = n != 0 && (!is_control(c) || (c != 0 && strchr(allowed, (int)c) != NULL));
        if (shown)
            fwrite(text + at, 1, n, to);
        else
            fputs(REPLACEMENT, to);
        at += n != 0 ? n : 1;
    }
}

static void note_out_error(void)
{
    if (streams.out_error == 0 && ferror(stdout))
        streams.out_error = errno != 0 ? errno : EIO;
}

void cli_out(const char *text, size_t bytes)
{
    errno = 0;
    if (streams.out_error != 0)
        return;
    if (streams.out_terminal)
        write_clean(stdout, text, bytes, "\n\t");
    else
        fwrite(text, 1, bytes, stdout);
    note_out_error();
}

void cli_outf(const char *format, ...)
{
    char   *text;
    va_list ap;
    va_start(ap, format);
    int n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        streams.out_error = streams.out_error != 0 ? streams.out_error : ENOMEM;
        return;
    }
    cli_out(text, (size_t)n);
    free(text);
}

void cli_out_flush(void)
{
    errno = 0;
    if (streams.out_error == 0 && fflush(stdout) != 0)
        streams.out_error = errno != 0 ? errno : EIO;
}

bool cli_out_failed(void)
{
    return streams.out_error != 0;
}

int32_t cli_out_close(int32_t code)
{
    cli_out_flush();
    /* Some file systems report a full disk only here. A descriptor that was never open is no news
     * when nothing was to be written. */
    errno = 0;
    if (streams.out_error == 0 && fclose(stdout) != 0 && errno != EBADF)
        streams.out_error = errno != 0 ? errno : EIO;
    if (streams.out_error == 0 || streams.out_error == EPIPE)
        return code; /* the reader has what it wanted */
    cli_say("standard output could not be written: %s", strerror(streams.out_error));
    return cli_worse(code, CLI_EXIT_UNEXPECTED);
}

static void say(const char *prefix, const char *text)
{
    cli_progress_clear();
    fputs(prefix, stderr);
    /* File names can hold anything; the message stays one line. */
    write_clean(stderr, text, strlen(text), "\t");
    fputc('\n', stderr);
}

void cli_say(const char *format, ...)
{
    char    line[LINE_MAX_BYTES];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    say("weft: ", line);
}

int32_t cli_say_error(const weft_error *err)
{
    int32_t code = weft_exit_code(err);
    if (err->message[0] != '\0')
        cli_say("%s", err->message);
    else
        cli_say("failed: %s", weft_status_name(err->code));
    return code != CLI_EXIT_OK ? code : CLI_EXIT_UNEXPECTED;
}

int32_t cli_usage(const cli *c, const char *format, ...)
{
    char        line[LINE_MAX_BYTES];
    const char *name = c->command->name;
    va_list     ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    cli_say("%s (weft %s%s--help says more)", line, name, name[0] != '\0' ? " " : "");
    return CLI_EXIT_USAGE;
}

void cli_log(void *ctx, int32_t level, const char *utf8)
{
    int32_t least = streams.verbose > 1    ? WEFT_LOG_DEBUG
                    : streams.verbose == 1 ? WEFT_LOG_INFO
                                           : WEFT_LOG_WARN;
    (void)ctx;
    if (streams.quiet == 0 && level >= least)
        say(level >= WEFT_LOG_WARN ? "weft: warning: " : "weft: ", utf8);
}

ptrdiff_t cli_read_some(char *buf, size_t cap)
{
    for (;;) {
        if (cli_interrupted())
            return -1;
        ssize_t n = read(STDIN_FILENO, buf, cap);
        if (n >= 0)
            return n;
        if (errno != EINTR) {
            cli_say("standard input could not be read: %s", strerror(errno));
            return -1;
        }
    }
}

bool cli_wait_stdin(void)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    while (!cli_interrupted())
        if (poll(&in, 1, -1) >= 0 || errno != EINTR)
            return true;
    return false;
}

int32_t cli_read_stdin(size_t max, char **text, size_t *bytes)
{
    size_t    n = 0, cap = 0;
    ptrdiff_t got = 1;
    char     *all = NULL;
    while (got > 0 && n <= max) {
        if (n == cap) {
            cap = cap != 0 ? 2 * cap : 65536;
            char *grown = realloc(all, cap);
            if (grown == NULL) {
                free(all);
                cli_say("out of memory: %zu bytes for standard input", cap);
                return CLI_EXIT_MEMORY;
            }
            all = grown;
        }
        got = cli_read_some(all + n, cap - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (got < 0 || n > max) {
        free(all);
        if (got >= 0)
            cli_say("standard input holds more than %zu bytes, the most that a prompt may have",
                    max);
        return got >= 0            ? CLI_EXIT_LIMIT
               : cli_interrupted() ? CLI_EXIT_INTERRUPTED
                                   : CLI_EXIT_UNEXPECTED;
    }
    *text = all;
    *bytes = n;
    return CLI_EXIT_OK;
}
