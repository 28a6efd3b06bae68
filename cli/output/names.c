/* SPDX-License-Identifier: Apache-2.0 */
/* A list of names; the next one is found by counting. */
#include "output/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_TRIES 100000u /* sources of one name in one folder */

static bool is_taken(const cli_names *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->taken[i], name) == 0)
            return true;
    return false;
}

/* Takes name. */
static bool take_name(cli_names *o, char *name)
{
    if (o->n == o->cap) {
        size_t cap = o->cap != 0 ? 2 * o->cap : 16;
        char **grown = realloc(o->taken, cap * sizeof *grown);
        if (grown == NULL)
            return false;
        o->taken = grown;
        o->cap = cap;
    }
    o->taken[o->n++] = name;
    return true;
}

/* "talk" of "a/talk.flac"; *n its length. */
static const char *base_of(const char *source, size_t *n)
{
    const char *slash = strrchr(source, '/'), *base = slash != NULL ? slash + 1 : source;
    const char *dot = strrchr(base, '.');
    if (strcmp(source, "-") == 0) {
        base = "stdin";
        dot = NULL;
    }
    *n = dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
    return base;
}

/* Without "-2" and the like at its end, however many. */
static size_t stem(const char *name, size_t n)
{
    for (size_t at = n; at > 0;) {
        while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9')
            at--;
        if (at == n || at == 0 || name[at - 1] != '-')
            break;
        n = --at;
    }
    return n;
}

bool cli_may_share_name(const char *a, const char *b)
{
    size_t      n, m;
    const char *of_a = base_of(a, &n), *of_b = base_of(b, &m);
    n = stem(of_a, n);
    return n == stem(of_b, m) && strncmp(of_a, of_b, n) == 0;
}

char *cli_names_next(const cli_names *o, const char *source)
{
    size_t      n;
    const char *base = base_of(source, &n);
    char       *name = strndup(base, n);
    for (unsigned i = 2; name != NULL && is_taken(o, name) && i < NAME_TRIES; i++) {
        free(name);
        if (asprintf(&name, "%.*s-%u", (int)n, base, i) < 0)
            name = NULL;
    }
    if (name != NULL && !is_taken(o, name))
        return name;
    free(name);
    return NULL;
}

const char *cli_names_for(cli_names *o, const char *source)
{
    char *name = cli_names_next(o, source);
    if (name != NULL && take_name(o, name))
        return name;
    free(name);
    return NULL;
}

void cli_names_deinit(cli_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->taken[i]);
    free(names->taken);
    *names = (cli_names){NULL, 0, 0};
}
