/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with the origin of each byte: building, cutting, finding. */
#include "unicode.h"

#include "weft/utf8.h"

#include "value.h"

const tpl_text tpl_empty = {(const uint8_t *)"", (const uint8_t *)"", 0};

static bool reserve(tpl_build *b, uint64_t more)
{
    if (tpl_failed(b->s) || more <= b->cap - b->n)
        return !tpl_failed(b->s);
    if (more > TPL_MAX_MEMORY) {
        tpl_fail(b->s, WEFT_E_LIMIT, "the template makes a text of more than %llu MB",
                 (unsigned long long)(TPL_MAX_MEMORY >> 20));
        return false;
    }
    uint64_t cap = b->n + more > 2 * b->cap ? b->n + more : 2 * b->cap;
    uint8_t *p = tpl_alloc(b->s, 2 * cap);
    if (p == NULL)
        return false;
    if (b->n != 0) {
        memcpy(p, b->p, b->n);
        memcpy(p + cap, b->origin, b->n);
    }
    b->p = p;
    b->origin = p + cap;
    b->cap = cap;
    return true;
}

void tpl_add(tpl_build *b, const void *p, uint64_t n, uint8_t origin)
{
    if (n == 0 || !tpl_work(b->s, n / 64) || !reserve(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    memset(b->origin + b->n, origin, n);
    b->n += n;
}

void tpl_add_part(tpl_build *b, const tpl_text *t, uint64_t from, uint64_t to)
{
    uint64_t n = to - from;
    if (to <= from || !tpl_work(b->s, n / 64) || !reserve(b, n))
        return;
    memcpy(b->p + b->n, t->p + from, n);
    memcpy(b->origin + b->n, t->origin + from, n);
    b->n += n;
}

void tpl_add_text(tpl_build *b, const tpl_text *t)
{
    tpl_add_part(b, t, 0, t->n);
}

void tpl_add_str(tpl_build *b, const char *literal, uint8_t origin)
{
    tpl_add(b, literal, strlen(literal), origin);
}

void tpl_add_char(tpl_build *b, uint32_t cp, uint8_t origin)
{
    uint8_t utf8[4];
    tpl_add(b, utf8, txt_utf8_put(cp, utf8), origin);
}

const tpl_text *tpl_built(const tpl_build *b)
{
    tpl_text *t = b->n != 0 ? tpl_alloc(b->s, sizeof *t) : NULL;
    if (t == NULL)
        return &tpl_empty;
    *t = (tpl_text){b->p, b->origin, b->n};
    return t;
}

const tpl_text *tpl_text_of(tpl_state *s, const void *p, uint64_t n, uint8_t origin)
{
    tpl_build b = {.s = s};
    tpl_add(&b, p, n, origin);
    return tpl_built(&b);
}

const tpl_text *tpl_str(tpl_state *s, const char *literal)
{
    return tpl_text_of(s, literal, strlen(literal), TPL_OWN);
}

const tpl_text *tpl_part(tpl_state *s, const tpl_text *t, uint64_t from, uint64_t to)
{
    if (from >= to)
        return &tpl_empty;
    if (from == 0 && to == t->n)
        return t;
    tpl_text *part = tpl_alloc(s, sizeof *part);
    if (part == NULL)
        return &tpl_empty;
    *part = (tpl_text){t->p + from, t->origin + from, to - from};
    return part;
}

bool tpl_is(const tpl_text *t, const char *literal)
{
    return t->n == strlen(literal) && memcmp(t->p, literal, t->n) == 0;
}

bool tpl_same(const tpl_text *a, const tpl_text *b)
{
    return a->n == b->n && (a->p == b->p || memcmp(a->p, b->p, a->n) == 0);
}

uint32_t tpl_char(const tpl_text *t, uint64_t at, uint32_t *bytes)
{
    return txt_utf8(t->p + at, t->n - at, bytes);
}

uint64_t tpl_length(const tpl_text *t)
{
    uint64_t chars = 0;
    uint32_t bytes;
    for (uint64_t at = 0; at < t->n; at += bytes, chars++)
        (void)tpl_char(t, at, &bytes);
    return chars;
}

uint64_t tpl_offset(const tpl_text *t, uint64_t chars)
{
    uint64_t at = 0;
    uint32_t bytes;
    for (; at < t->n && chars > 0; at += bytes, chars--)
        (void)tpl_char(t, at, &bytes);
    return at;
}

bool tpl_is_space(uint32_t cp)
{
    return txt_is_space(cp) || (cp >= 0x1c && cp <= 0x1f);
}

/* What is counted is what was searched, not what might have been: a text is cut at each of its many
 * lines in linear time. Where the pattern is long, a place may take that many bytes to look at. */
uint64_t tpl_find(tpl_state *s, const tpl_text *t, const tpl_text *what, uint64_t at)
{
    if (at > t->n || !tpl_work(s, 1))
        return t->n;
    if (what->n == 0)
        return at;
    const uint8_t *found = memmem(t->p + at, t->n - at, what->p, what->n);
    const uint64_t end = found != NULL ? (uint64_t)(found - t->p) : t->n;
    return tpl_work(s, (end - at) / 64 * (1 + (what->n < 256 ? what->n : 256) / 32)) ? end : t->n;
}

uint64_t tpl_find_last(tpl_state *s, const tpl_text *t, const tpl_text *what, uint64_t end)
{
    if (what->n > end || !tpl_work(s, 1))
        return t->n;
    if (what->n == 0)
        return end;
    for (uint64_t at = end - what->n + 1; at-- > 0;) {
        if (t->p[at] != what->p[0])
            continue;
        if (!tpl_work(s, 1 + what->n / 64))
            break;
        if (memcmp(t->p + at, what->p, what->n) == 0)
            return tpl_work(s, (end - at) / 64) ? at : t->n;
    }
    (void)tpl_work(s, end / 64);
    return t->n;
}
