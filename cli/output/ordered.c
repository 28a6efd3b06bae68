/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of places; a place holds what was written and said in it as records one behind the other.
 * The library's warnings may come from any of its threads, so whatever touches a place holds a
 * lock.
 */
#include "output/ordered.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "output/out.h"
#include "output/say.h"
#include "output/terminal.h"

#define STDIN_NAME "standard input" /* what the library calls "-" */

enum kind { RESULT, SAID, WARNING };

/* Before its bytes, at any address. */
typedef struct record {
    enum kind kind;
    size_t    bytes;
} record;

struct cli_place {
    cli_ordered *order;
    cli_place   *next;
    char        *file; /* NULL: of none */
    char        *held;
    size_t       bytes, cap;
    bool         ended, no_memory, dropped;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cli_ordered    *listening; /* whose files the library's warnings may be about */

cli_place *cli_place_begin(cli_ordered *order, const char *file)
{
    cli_place *p = calloc(1, sizeof *p);
    char      *name = file != NULL ? strdup(file) : NULL;
    if (p == NULL || (file != NULL && name == NULL)) {
        free(p);
        free(name);
        return NULL;
    }
    p->order = order;
    p->file = name;
    pthread_mutex_lock(&lock);
    if (order->last != NULL)
        order->last->next = p;
    else
        order->first = p;
    order->last = p;
    pthread_mutex_unlock(&lock);
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
        cli_log_now(WEFT_LOG_WARN, text);
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

static void add_locked(cli_place *p, enum kind kind, const char *text, size_t bytes)
{
    if (p != NULL && (p->no_memory || p->dropped) && kind == RESULT)
        return; /* a result with a gap would pass for one */
    if (is_turn(p))
        write_out(kind, text, bytes);
    else
        hold(p, kind, text, bytes);
}

static void add(cli_place *p, enum kind kind, const char *text, size_t bytes)
{
    pthread_mutex_lock(&lock);
    add_locked(p, kind, text, bytes);
    pthread_mutex_unlock(&lock);
}

void cli_place_put(cli_place *p, const char *text, size_t bytes)
{
    add(p, RESULT, text, bytes);
}

void cli_place_path(cli_place *p, const char *path)
{
    static const char letters[] = "\n\t\r\\", names[] = "ntr\\";
    for (const char *at = path; *at != '\0'; at++) {
        const unsigned char c = (unsigned char)*at;
        const char         *letter = strchr(letters, *at);
        char                escape[8] = {'\\', letter != NULL ? names[letter - letters] : 'x'};
        if (letter == NULL && c >= 0x20 && c != 0x7F) {
            cli_place_put(p, at, 1);
            continue;
        }
        if (letter == NULL)
            snprintf(escape + 1, sizeof escape - 1, "x%02x", c);
        cli_place_put(p, escape, strlen(escape));
    }
}

void cli_place_flush(cli_place *p)
{
    pthread_mutex_lock(&lock);
    if (is_turn(p))
        cli_out_flush();
    pthread_mutex_unlock(&lock);
}

void cli_place_drop(cli_place *p)
{
    pthread_mutex_lock(&lock);
    if (!is_turn(p))
        p->dropped = true;
    pthread_mutex_unlock(&lock);
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
        if (r.kind != RESULT || (!p->no_memory && !p->dropped))
            write_out(r.kind, p->held + at + sizeof r, r.bytes);
    }
    if (p->no_memory)
        cli_say("out of memory: results of a file that wait for those of another");
    cli_out_flush();
    free(p->held);
    p->held = NULL;
    p->bytes = p->cap = 0;
}

/* Writes what it was the last to hold back, and frees the places that are done with. */
static void advance(cli_ordered *order)
{
    while (order->first != NULL && order->first->ended) {
        cli_place *next = order->first->next;
        free(order->first->file);
        free(order->first);
        order->first = next;
        if (next == NULL)
            order->last = NULL;
        else
            release(next);
    }
}

int32_t cli_place_end(cli_place **p)
{
    cli_ordered *order = (*p)->order;
    pthread_mutex_lock(&lock);
    int32_t code = (*p)->no_memory ? CLI_EXIT_MEMORY : CLI_EXIT_OK;
    (*p)->ended = true;
    if (order->starting == *p)
        order->starting = NULL;
    *p = NULL;
    advance(order);
    pthread_mutex_unlock(&lock);
    return code;
}

void cli_ordered_listen(cli_ordered *order)
{
    pthread_mutex_lock(&lock);
    listening = order;
    pthread_mutex_unlock(&lock);
}

void cli_ordered_starting(cli_ordered *order, cli_place *p)
{
    pthread_mutex_lock(&lock);
    order->starting = p;
    pthread_mutex_unlock(&lock);
}

/* The place of a file that is still at work, the earliest where it was given twice; else that of
 * the file that is being started. */
static cli_place *place_of(const char *file)
{
    if (listening == NULL)
        return NULL;
    for (cli_place *p = file != NULL ? listening->first : NULL; p != NULL; p = p->next) {
        const char *name = p->file != NULL && strcmp(p->file, "-") == 0 ? STDIN_NAME : p->file;
        if (!p->ended && name != NULL && strcmp(name, file) == 0)
            return p;
    }
    return listening->starting;
}

void cli_log(void *ctx, int32_t level, const char *utf8)
{
    (void)ctx;
    if (level < WEFT_LOG_WARN) {
        cli_log_now(level, utf8);
        return;
    }
    pthread_mutex_lock(&lock);
    add_locked(place_of(weft_log_file()), WARNING, utf8, strlen(utf8));
    pthread_mutex_unlock(&lock);
}
