/* SPDX-License-Identifier: Apache-2.0 */
/* The state of compiling or running: its first failure, its memory, and how much work it has done.
 */
#include "value.h"

#define BLOCK 32768u

void tpl_fail(tpl_state *s, weft_status status, const char *fmt, ...)
{
    char    what[320];
    va_list ap;
    if (tpl_failed(s))
        return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    s->status = status;
    if (s->line != 0)
        weft_fail(s->err, status, "%s, line %u: %s", s->from, s->line, what);
    else
        weft_fail(s->err, status, "%s: %s", s->from, what);
}

static tpl_block *block_new(tpl_state *s, uint64_t n)
{
    uint64_t cap = n > BLOCK / 4 ? n : BLOCK;
    if (cap > TPL_MAX_MEMORY - s->memory) {
        tpl_fail(s, WEFT_E_LIMIT, "the template needs more than the %llu MB of memory it may have",
                 (unsigned long long)(TPL_MAX_MEMORY >> 20));
        return NULL;
    }
    tpl_block *b = s->host->alloc(s->host, sizeof *b + cap, 16);
    if (b == NULL) {
        tpl_fail(s, WEFT_E_NOMEM, "out of memory: %llu bytes", (unsigned long long)cap);
        return NULL;
    }
    *b = (tpl_block){NULL, 0, cap};
    s->memory += cap;
    return b;
}

/* The first block is the one that small pieces are taken from; large ones have their own behind it.
 */
void *tpl_alloc(tpl_state *s, uint64_t n)
{
    tpl_block *b = s->blocks;
    if (tpl_failed(s) || n > TPL_MAX_MEMORY)
        tpl_fail(s, WEFT_E_LIMIT, "the template needs more than the %llu MB of memory it may have",
                 (unsigned long long)(TPL_MAX_MEMORY >> 20));
    if (tpl_failed(s))
        return NULL;
    n = (n + 15u) & ~(uint64_t)15;
    if (b == NULL || n > b->cap - b->n) {
        b = block_new(s, n);
        if (b == NULL)
            return NULL;
        const bool own = n > BLOCK / 4 && s->blocks != NULL;
        b->next = own ? s->blocks->next : s->blocks;
        *(own ? &s->blocks->next : &s->blocks) = b;
    }
    void *p = (uint8_t *)(b + 1) + b->n;
    b->n += n;
    memset(p, 0, n);
    return p;
}

void tpl_release(tpl_state *s)
{
    while (s->blocks != NULL) {
        tpl_block *next = s->blocks->next;
        s->host->free(s->host, s->blocks);
        s->blocks = next;
    }
}

bool tpl_work(tpl_state *s, uint64_t steps)
{
    if (steps <= TPL_MAX_STEPS - s->steps)
        s->steps += steps;
    else
        tpl_fail(s, WEFT_E_LIMIT, "the template takes more than the %llu steps it may take",
                 (unsigned long long)TPL_MAX_STEPS);
    return !tpl_failed(s);
}

bool tpl_enter(tpl_state *s)
{
    if (s->depth >= TPL_MAX_DEPTH)
        tpl_fail(s, WEFT_E_LIMIT, "the template is nested deeper than the %u levels allowed",
                 TPL_MAX_DEPTH);
    s->depth++;
    return !tpl_failed(s);
}

void tpl_leave(tpl_state *s)
{
    s->depth--;
}
