/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of places; a place holds what was written and said in it as records one behind the other.
 */
#include "output/ordered.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

enum kind { RESULT, SAID, WARNING };

/* Before its bytes, at any address. */
typedef struct record {
    enum kind kind;
    size_t    bytes;
} record;

struct cli_place {
    cli_ordered *order;
    cli_place   *next;
    char        *held;
    size_t       bytes, cap;
    bool         ended, no_memory;
};

cli_place *cli_place_begin(cli_ordered *order)
{
    cli_place *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->order = order;
    if (order->last != NULL)
        order->last->next = p;
    else
        order->first = p;
    order->last = p;
    return p;
}

static bool is_turn(const cli_place *p)
{
    return p == NULL || p->order->first == p;
}

static void write_out(enum kind kind, const char *text, size_t bytes)
{
    if (kind == RESULT) {
        cli_line_clear();
        cli_out(text, bytes);
    } else if (kind == SAID) {
        cli_say("%.*s", (int)bytes, text);
    } else {
        cli_log(NULL, WEFT_LOG_WARN, text);
    }
}

static bool reserve(cli_place *p, size_t more)
{
    if (p->cap - p->bytes >= more)
        return true;
    if (more > SIZE_MAX / 2 - p->bytes)
        return false;
    size_t cap = 2 * (p->bytes + more);
    char  *grown = realloc(p->held, cap);
    if (grown == NULL)
        return false;
    p->held = grown;
    p->cap = cap;
    return true;
}

/* Held text ends with a zero, which its size leaves out. */
static void hold(cli_place *p, enum kind kind, const char *text, size_t bytes)
{
    const record r = {kind, bytes};
    if (bytes >= SIZE_MAX - sizeof r || !reserve(p, sizeof r + bytes + 1)) {
        p->no_memory = true;
        return;
    }
    memcpy(p->held + p->bytes, &r, sizeof r);
    if (bytes > 0)
        memcpy(p->held + p->bytes + sizeof r, text, bytes);
    p->held[p->bytes + sizeof r + bytes] = '\0';
    p->bytes += sizeof r + bytes + 1;
}

static void add(cli_place *p, enum kind kind, const char *text, size_t bytes)
{
    if (p != NULL && p->no_memory && kind == RESULT)
        return; /* a result with a gap would pass for one */
    if (is_turn(p))
        write_out(kind, text, bytes);
    else
        hold(p, kind, text, bytes);
}

void cli_place_put(cli_place *p, const char *text, size_t bytes)
{
    add(p, RESULT, text, bytes);
}

void cli_place_flush(cli_place *p)
{
    if (is_turn(p))
        cli_out_flush();
}

static void add_line(cli_place *p, enum kind kind, const char *format, va_list ap)
{
    char line[CLI_LINE_BYTES];
    vsnprintf(line, sizeof line, format, ap);
    add(p, kind, line, strlen(line));
}

void cli_place_say(cli_place *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add_line(p, SAID, format, ap);
    va_end(ap);
}

void cli_place_warn(cli_place *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    add_line(p, WARNING, format, ap);
    va_end(ap);
}

int32_t cli_place_error(cli_place *p, const weft_error *err)
{
    char line[CLI_LINE_BYTES];
    cli_error_line(err, line, sizeof line);
    add(p, SAID, line, strlen(line));
    return cli_error_code(err);
}

/* It is the place's turn: what it holds goes out. */
static void release(cli_place *p)
{
    record r;
    for (size_t at = 0; at < p->bytes; at += sizeof r + r.bytes + 1) {
        memcpy(&r, p->held + at, sizeof r);
        if (r.kind != RESULT || !p->no_memory)
            write_out(r.kind, p->held + at + sizeof r, r.bytes);
    }
    if (p->no_memory)
        cli_say("out of memory: results of a file that wait for those of another");
    cli_out_flush();
    free(p->held);
    p->held = NULL;
    p->bytes = p->cap = 0;
}

int32_t cli_place_end(cli_place **p)
{
    cli_ordered *order = (*p)->order;
    int32_t      code = (*p)->no_memory ? CLI_EXIT_MEMORY : CLI_EXIT_OK;
    (*p)->ended = true;
    *p = NULL;
    while (order->first != NULL && order->first->ended) {
        cli_place *next = order->first->next;
        free(order->first);
        order->first = next;
        if (next == NULL)
            order->last = NULL;
        else
            release(next);
    }
    return code;
}
