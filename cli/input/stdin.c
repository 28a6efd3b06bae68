/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input. */
#include "input/stdin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "input/interrupt.h"
#include "output/say.h"
#include "output/terminal.h"

#define PATH_TOLD 400u

ptrdiff_t cli_read_some(char *buf, size_t cap)
{
    for (;;) {
        if (!cli_interrupt_wait(STDIN_FILENO))
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
    return cli_interrupt_wait(STDIN_FILENO);
}

int32_t cli_read_stdin(const char *option, size_t max, char **text, size_t *bytes)
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
            cli_say("standard input has more than %zu bytes, the most that %s takes: give it a "
                    "part of that",
                    max, option);
        return got >= 0            ? CLI_EXIT_LIMIT
               : cli_interrupted() ? CLI_EXIT_INTERRUPTED
                                   : CLI_EXIT_UNEXPECTED;
    }
    *text = all;
    *bytes = n;
    return CLI_EXIT_OK;
}

static weft_status fail_stdin(weft_error *err, weft_status code, const char *why)
{
    err->code = code;
    err->stage = WEFT_STAGE_USAGE;
    snprintf(err->message, sizeof err->message, "%s", why);
    return code;
}

/* What a path may have been meant as, where there is no such file. */
static const char *what_missing(const char *path)
{
    size_t n = strlen(path);
    bool   words = strchr(path, ' ') != NULL && strpbrk(path, "/.") == NULL;
    if (words || (n > 0 && path[n - 1] == '?'))
        return "; a question goes behind -p";
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0)
        return "; weft reads files alone: download it first, as by curl -O";
    return strpbrk(path, "*[") != NULL ? "; no file fits the pattern" : "";
}

static weft_status fail_missing(weft_error *err, const char *path)
{
    size_t n = strlen(path);
    size_t cut = n > PATH_TOLD ? n - PATH_TOLD : 0; /* the end of a path tells more */
    err->code = WEFT_E_NOTFOUND;
    err->stage = WEFT_STAGE_USAGE;
    snprintf(err->message, sizeof err->message, "%s%s: no such file%s", cut > 0 ? "..." : "",
             path + cut, what_missing(path));
    return err->code;
}

weft_status cli_media_ready(const char *path, weft_error *err)
{
    struct stat st;
    if (strcmp(path, "-") != 0 && stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail_missing(err, path);
    if (strcmp(path, "-") != 0)
        return WEFT_OK;
    if (cli_in_is_terminal())
        return fail_stdin(err, WEFT_E_INVALID, "standard input is a terminal; pipe a file into it");
    return cli_wait_stdin() ? WEFT_OK : fail_stdin(err, WEFT_E_CANCELLED, "interrupted");
}
