/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a small file whole. */
#include "input/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "input/stdin.h"
#include "output/say.h"

static int32_t fail(const char *path, const char *why, int32_t code)
{
    cli_say("%.600s: %s", path, why);
    return code;
}

static int32_t fail_long(const char *option, const char *path, size_t max)
{
    cli_say("%.600s: has more than %zu bytes, the most that %s takes: give it a part of that", path,
            max, option);
    return CLI_EXIT_LIMIT;
}

/* Whatever length the file is said to have: one that is not a regular file says none. */
static int32_t read_all(FILE *f, const cli_document *d, char **text, size_t *bytes)
{
    size_t cap = 0, n = 0, got = 1;
    char  *all = NULL;
    while (got > 0 && n <= d->max) {
        if (n == cap) {
            cap = cap * 2 + 65536;
            char *grown = realloc(all, cap);
            if (grown == NULL) {
                free(all);
                return fail(d->path, "out of memory", CLI_EXIT_MEMORY);
            }
            all = grown;
        }
        got = fread(all + n, 1, cap - n, f);
        n += got;
    }
    if (ferror(f) != 0 || n > d->max) {
        free(all);
        return ferror(f) != 0 ? fail(d->path, strerror(errno), CLI_EXIT_MEDIA)
                              : fail_long(d->option, d->path, d->max);
    }
    *text = all;
    *bytes = n;
    return CLI_EXIT_OK;
}

int32_t cli_read_document(const cli_document *d, char **text, size_t *bytes)
{
    *text = NULL;
    *bytes = 0;
    if (strcmp(d->path, "-") == 0)
        return cli_read_stdin(d->option, d->max, text, bytes);
    FILE *f = fopen(d->path, "re");
    if (f == NULL)
        return fail(d->path, strerror(errno), CLI_EXIT_USAGE);
    int32_t code = read_all(f, d, text, bytes);
    fclose(f);
    return code;
}
