/* SPDX-License-Identifier: Apache-2.0 */
/* Words, comments and strings. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lex.h"

static void skip(pt_reader *r)
{
    while (r->at < r->end) {
        const size_t left = (size_t)(r->end - r->at);
        if (isspace((unsigned char)*r->at)) {
            r->line += *r->at++ == '\n';
        } else if (left > 1 && r->at[0] == '/' && r->at[1] == '/') {
            const char *nl = memchr(r->at, '\n', left);
            r->at = nl != NULL ? nl : r->end;
        } else if (left > 1 && r->at[0] == '/' && r->at[1] == '*') {
            const char *close = memmem(r->at, left, "*/", 2);
            const char *to = close != NULL ? close + 2 : r->end;
            for (; r->at < to; r->at++)
                r->line += *r->at == '\n';
        } else {
            return;
        }
    }
}

static bool is_word(const pt_reader *r, const char *p)
{
    return isalnum((unsigned char)*p) || strchr("_$%.", *p) != NULL ||
           (*p == ':' && p + 1 < r->end && p[1] == ':') || (*p == ':' && p[-1] == ':' && p > r->at);
}

void pt_next(pt_reader *r)
{
    skip(r);
    r->token = (pt_token){r->at, 0, r->line, 0};
    if (r->failed || r->at >= r->end)
        return;
    if (*r->at == '"') {
        const char *close = memchr(r->at + 1, '"', (size_t)(r->end - r->at - 1));
        r->token.kind = 's';
        r->token.n = (uint32_t)((close != NULL ? close + 1 : r->end) - r->at);
    } else if (*r->at != 0 && is_word(r, r->at)) {
        const char *p = r->at;
        while (p < r->end && *p != 0 && is_word(r, p))
            p++;
        r->token.kind = 'w';
        r->token.n = (uint32_t)(p - r->at);
    } else {
        r->token.kind = *r->at != 0 ? *r->at : '?';
        r->token.n = 1;
    }
    r->at += r->token.n;
}

bool pt_is(const pt_reader *r, const char *word)
{
    return r->token.kind != 0 && r->token.kind != 's' && strlen(word) == r->token.n &&
           memcmp(word, r->token.at, r->token.n) == 0;
}

bool pt_take(pt_reader *r, const char *word)
{
    const bool is = pt_is(r, word);
    if (is)
        pt_next(r);
    return is;
}

void pt_wrong(pt_reader *r, const char *fmt, ...)
{
    va_list a;
    if (r->failed)
        return;
    const int n = snprintf(r->why, 256, "line %u: ", r->token.line);
    va_start(a, fmt);
    vsnprintf(r->why + n, 256 - (size_t)n, fmt, a);
    va_end(a);
    r->failed = true;
    r->token.kind = 0;
}

void pt_need(pt_reader *r, const char *word)
{
    if (!pt_take(r, word))
        pt_wrong(r, "`%s` should stand before `%.*s`", word, (int)r->token.n, r->token.at);
}

void pt_word(pt_reader *r, char *out, size_t room)
{
    out[0] = 0;
    if (r->token.kind != 'w' || r->token.n >= room) {
        pt_wrong(r, "`%.*s` is no name, or too long a one", (int)r->token.n, r->token.at);
        return;
    }
    memcpy(out, r->token.at, r->token.n);
    out[r->token.n] = 0;
    pt_next(r);
}

/* A number of one token; 0f and 0d are the bits of floating-point numbers. */
static bool parse(const char *s, uint64_t *out)
{
    char *end = NULL;
    if (!isdigit((unsigned char)s[0]))
        return false;
    if (s[0] == '0' && strchr("fFdD", s[1]) != NULL && s[1] != 0 && strlen(s) >= 10)
        *out = strtoull(s + 2, &end, 16);
    else if (s[0] == '0' && (s[1] == 'b' || s[1] == 'B'))
        *out = strtoull(s + 2, &end, 2);
    else
        *out = strtoull(s, &end, 0);
    return *end == 0 || strcmp(end, "U") == 0;
}

uint64_t pt_number(pt_reader *r)
{
    char       s[64];
    uint64_t   v = 0;
    const bool minus = pt_take(r, "-");
    pt_word(r, s, sizeof s);
    if (!r->failed && !parse(s, &v))
        pt_wrong(r, "`%s` is no number", s);
    return minus ? (uint64_t)0 - v : v;
}

bool pt_room(void **p, size_t each, size_t n, uint32_t *room)
{
    if (n < *room)
        return true;
    const uint32_t more = *room * 2 + 16;
    void          *grown = realloc(*p, each * more);
    if (grown == NULL)
        return false;
    *p = grown;
    *room = more;
    return true;
}
