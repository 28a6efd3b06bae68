/* SPDX-License-Identifier: Apache-2.0 */
/* Messages. */
#include "output/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "output/terminal.h"

static void say(const char *prefix, const char *text)
{
    cli_line_clear();
    fputs(prefix, stderr);
    /* File names can hold anything; the message stays one line. */
    cli_write_clean(stderr, text, strlen(text), "\t");
    fputc('\n', stderr);
}

void cli_say(const char *format, ...)
{
    char    line[CLI_LINE_BYTES];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    say("weft: ", line);
}

void cli_error_line(const weft_error *err, char *buf, size_t cap)
{
    if (err->message[0] != '\0')
        snprintf(buf, cap, "%s", err->message);
    else
        snprintf(buf, cap, "failed: %s", weft_status_name(err->code));
}

int32_t cli_error_code(const weft_error *err)
{
    int32_t code = weft_exit_code(err);
    return code != CLI_EXIT_OK ? code : CLI_EXIT_UNEXPECTED;
}

int32_t cli_say_error(const weft_error *err)
{
    char line[CLI_LINE_BYTES];
    cli_error_line(err, line, sizeof line);
    cli_say("%s", line);
    return cli_error_code(err);
}

int32_t cli_usage(const cli *c, const char *format, ...)
{
    char        line[CLI_LINE_BYTES];
    const char *name = c->command->name;
    va_list     ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    cli_say("%s (weft %s%s--help says more)", line, name, name[0] != '\0' ? " " : "");
    return CLI_EXIT_USAGE;
}

void cli_log_now(int32_t level, const char *utf8)
{
    int32_t least = cli_verbose() > 1    ? WEFT_LOG_DEBUG
                    : cli_verbose() == 1 ? WEFT_LOG_INFO
                                         : WEFT_LOG_WARN;
    if (!cli_is_quiet() && level >= least)
        say(level >= WEFT_LOG_WARN ? "weft: warning: " : "weft: ", utf8);
}
