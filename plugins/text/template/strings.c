/* SPDX-License-Identifier: Apache-2.0 */
/* What methods and filters of strings have in common: stripping, replacing, splitting. */
#include "strings.h"

#include "weft/utf8.h"

static bool strips(const tpl_text *set, const tpl_text *t, uint64_t at, uint32_t bytes)
{
    uint32_t length;
    if (set == NULL)
        return tpl_is_space(tpl_char(t, at, &length));
    for (uint64_t i = 0; i < set->n; i += length) {
        (void)tpl_char(set, i, &length);
        if (length == bytes && memcmp(set->p + i, t->p + at, bytes) == 0)
            return true;
    }
    return false;
}

/* The place of the character that ends at `end`. */
static uint64_t char_before(const tpl_text *t, uint64_t end, uint32_t *bytes)
{
    uint64_t at = end - 1;
    while (at > 0 && end - at < 4 && weft_utf8_continues((char)t->p[at]))
        at--;
    (void)tpl_char(t, at, bytes);
    if (at + *bytes == end)
        return at;
    *bytes = 1;
    return end - 1;
}

const tpl_text *tpl_strip(tpl_state *s, const tpl_text *t, const tpl_text *set, int ends)
{
    uint64_t from = 0, to = t->n;
    uint32_t bytes;
    if (!tpl_work(s, 1 + t->n / 8))
        return t;
    while ((ends & TPL_LEFT) != 0 && from < to) {
        (void)tpl_char(t, from, &bytes);
        if (!strips(set, t, from, bytes) || !tpl_work(s, set != NULL ? set->n / 4 : 0))
            break;
        from += bytes;
    }
    while ((ends & TPL_RIGHT) != 0 && to > from) {
        const uint64_t at = char_before(t, to, &bytes);
        if (!strips(set, t, at, bytes) || !tpl_work(s, set != NULL ? set->n / 4 : 0))
            break;
        to = at;
    }
    return tpl_part(s, t, from, to);
}

const tpl_text *tpl_replace(tpl_state *s, const tpl_text *t, const tpl_text *what,
                            const tpl_text *with, int64_t most)
{
    tpl_build b = {.s = s};
    uint64_t  done = 0;
    uint32_t  bytes = 0;
    while (most != 0 && !tpl_failed(s)) {
        uint64_t at = tpl_find(s, t, what, done + (what->n == 0 ? bytes : 0));
        if (at > t->n || (at == t->n && (what->n != 0 || done + bytes > t->n)))
            break;
        tpl_add_part(&b, t, done, at);
        tpl_add_text(&b, with);
        done = at + what->n;
        most -= most > 0;
        if (what->n != 0)
            continue;
        if (at == t->n) /* an empty text stands before each character and at the end */
            break;
        (void)tpl_char(t, at, &bytes);
    }
    tpl_add_part(&b, t, done, t->n);
    return tpl_built(&b);
}

static tpl_list *split_space(tpl_state *s, const tpl_text *t, int64_t most)
{
    tpl_list *l = tpl_list_new(s);
    uint32_t  bytes = 1;
    (void)tpl_work(s, t->n / 8);
    for (uint64_t at = 0; at < t->n && !tpl_failed(s);) {
        uint64_t end;
        while (at < t->n && tpl_is_space(tpl_char(t, at, &bytes)))
            at += bytes;
        if (at == t->n)
            break;
        if (most == 0) {
            tpl_push(s, l, tpl_string(tpl_strip(s, tpl_part(s, t, at, t->n), NULL, TPL_RIGHT)));
            break;
        }
        for (end = at; end < t->n && !tpl_is_space(tpl_char(t, end, &bytes)); end += bytes)
            ;
        tpl_push(s, l, tpl_string(tpl_part(s, t, at, end)));
        most -= most > 0;
        at = end;
    }
    return l;
}

tpl_list *tpl_split(tpl_state *s, const tpl_text *t, const tpl_text *by, int64_t most)
{
    tpl_list *l;
    uint64_t  done = 0;
    if (by == NULL)
        return split_space(s, t, most);
    if (by->n == 0)
        tpl_fail(s, WEFT_E_INVALID, "a text cannot be split by an empty one");
    l = tpl_list_new(s);
    while (most != 0 && !tpl_failed(s)) {
        const uint64_t at = tpl_find(s, t, by, done);
        if (at == t->n)
            break;
        tpl_push(s, l, tpl_string(tpl_part(s, t, done, at)));
        done = at + by->n;
        most -= most > 0;
    }
    tpl_push(s, l, tpl_string(tpl_part(s, t, done, t->n)));
    return l;
}

tpl_list *tpl_split_last(tpl_state *s, const tpl_text *t, const tpl_text *by, int64_t most)
{
    tpl_list *l = tpl_list_new(s), *back;
    uint64_t  end = t->n;
    if (by->n == 0)
        tpl_fail(s, WEFT_E_INVALID, "a text cannot be split by an empty one");
    while (most != 0 && !tpl_failed(s)) {
        const uint64_t at = tpl_find_last(s, t, by, end);
        if (at == t->n)
            break;
        tpl_push(s, l, tpl_string(tpl_part(s, t, at + by->n, end)));
        end = at;
        most -= most > 0;
    }
    tpl_push(s, l, tpl_string(tpl_part(s, t, 0, end)));
    back = tpl_list_new(s);
    for (uint64_t i = l != NULL ? l->n : 0; i-- > 0 && !tpl_failed(s);)
        tpl_push(s, back, l->at[i]);
    return back;
}

tpl_list *tpl_lines(tpl_state *s, const tpl_text *t, bool ends)
{
    tpl_list *l = tpl_list_new(s);
    uint32_t  bytes = 1;
    (void)tpl_work(s, t->n / 8);
    for (uint64_t from = 0, at = 0; at < t->n && !tpl_failed(s);) {
        const uint32_t cp = tpl_char(t, at, &bytes);
        uint64_t       after = at + bytes;
        const bool     is_end = (cp >= 0x0a && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x1e) ||
                            cp == 0x85 || cp == 0x2028 || cp == 0x2029;
        if (cp == '\r' && after < t->n && t->p[after] == '\n')
            after++;
        if (is_end || after >= t->n)
            tpl_push(s, l, tpl_string(tpl_part(s, t, from, is_end && !ends ? at : after)));
        if (is_end)
            from = after;
        at = after;
    }
    return l;
}

const tpl_text *tpl_escaped(tpl_state *s, const tpl_text *t)
{
    static const char        plain[] = "&<>'\"";
    static const char *const coded[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    tpl_build                b = {.s = s};
    uint64_t                 done = 0;
    for (uint64_t at = 0; at < t->n && !tpl_failed(s); at++) {
        const char *p = t->p[at] != '\0' ? strchr(plain, t->p[at]) : NULL;
        if (p == NULL)
            continue;
        tpl_add_part(&b, t, done, at);
        tpl_add_str(&b, coded[p - plain], t->origin[at]);
        done = at + 1;
    }
    tpl_add_part(&b, t, done, t->n);
    return tpl_built(&b);
}

const tpl_text *tpl_inserted(tpl_state *s, const tpl_value *v, bool markup)
{
    const tpl_text *t = tpl_print(s, v);
    return markup && v->markup == 0 ? tpl_escaped(s, t) : t;
}
