/* SPDX-License-Identifier: Apache-2.0 */
/* Upper and lower case. Source: CPython unicodeobject.c (do_title, do_capitalize,
 * handle_capital_sigma). */
#include "unicode.h"

#include "case.h"

#define SIGMA 0x3a3u
#define FINAL_SIGMA 0x3c2u

/* The form of cp by runs in order, or cp. */
static uint32_t by_runs(const tpl_case_run *runs, uint32_t n, uint32_t cp)
{
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cp > runs[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == n || cp < runs[lo].first || (cp - runs[lo].first) % runs[lo].step != 0)
        return cp;
    return (uint32_t)((int32_t)cp + runs[lo].added);
}

static uint32_t simple(uint32_t cp, int to)
{
    if (to == TPL_LOWER)
        return by_runs(tpl_lower_runs, tpl_n_lower_runs, cp);
    return to == TPL_UPPER ? by_runs(tpl_upper_runs, tpl_n_upper_runs, cp)
                           : by_runs(tpl_title_runs, tpl_n_title_runs, cp);
}

static const uint32_t *wide_of(uint32_t cp)
{
    for (uint32_t i = 0; i < tpl_n_wide; i++)
        if (tpl_wide[i][0] == cp)
            return tpl_wide[i];
    return NULL;
}

void tpl_add_cased(tpl_build *b, uint32_t cp, int to, uint8_t origin)
{
    const uint32_t *w = cp >= 0xdf && to != TPL_LOWER ? wide_of(cp) : NULL;
    if (w != NULL) {
        const uint32_t *form = w + (to == TPL_UPPER ? 1 : 4);
        for (uint32_t i = 0; i < 3 && form[i] != 0; i++)
            tpl_add_char(b, form[i], origin);
        return;
    }
    tpl_add_char(b, simple(cp, to), origin);
    if (cp == 0x130 && to == TPL_LOWER) /* I with a dot above */
        tpl_add_char(b, 0x307, origin);
}

bool tpl_is_upper(uint32_t cp)
{
    return txt_category_of(cp) == TXT_CAT_UPPER && simple(cp, TPL_LOWER) != cp;
}

bool tpl_is_lower(uint32_t cp)
{
    return txt_category_of(cp) == TXT_CAT_LOWER;
}

bool tpl_is_cased(uint32_t cp)
{
    const int category = txt_category_of(cp);
    return category == TXT_CAT_UPPER || category == TXT_CAT_LOWER;
}

bool tpl_is_printable(uint32_t cp)
{
    uint32_t lo = 0, hi = tpl_n_hidden;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cp > tpl_hidden[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == tpl_n_hidden || cp < tpl_hidden[lo].first;
}

/* One character of a text; cased: a letter with case stands before it. */
static uint32_t add_one(tpl_build *b, const tpl_text *t, uint64_t at, int to, bool cased)
{
    uint32_t       bytes, more;
    const uint32_t cp = tpl_char(t, at, &bytes);
    if (cp == TXT_NONE)
        tpl_add_part(b, t, at, at + 1);
    else if (cp == SIGMA && to == TPL_LOWER && cased &&
             (at + bytes == t->n || !tpl_is_cased(tpl_char(t, at + bytes, &more))))
        tpl_add_char(b, FINAL_SIGMA, t->origin[at]);
    else
        tpl_add_cased(b, cp, to, t->origin[at]);
    return bytes;
}

const tpl_text *tpl_cased(tpl_state *s, const tpl_text *t, int to)
{
    tpl_build b = {.s = s};
    uint32_t  bytes = 0;
    bool      cased = false;
    if (!tpl_work(s, t->n / 8))
        return &tpl_empty;
    for (uint64_t at = 0; at < t->n && !tpl_failed(s); at += bytes) {
        add_one(&b, t, at, to, cased);
        cased = tpl_is_cased(tpl_char(t, at, &bytes));
    }
    return tpl_built(&b);
}

const tpl_text *tpl_titled(tpl_state *s, const tpl_text *t)
{
    tpl_build b = {.s = s};
    uint32_t  bytes = 0;
    bool      cased = false;
    if (!tpl_work(s, t->n / 8))
        return &tpl_empty;
    for (uint64_t at = 0; at < t->n && !tpl_failed(s); at += bytes) {
        add_one(&b, t, at, cased ? TPL_LOWER : TPL_TITLE, cased);
        cased = tpl_is_cased(tpl_char(t, at, &bytes));
    }
    return tpl_built(&b);
}

const tpl_text *tpl_capitalized(tpl_state *s, const tpl_text *t)
{
    tpl_build b = {.s = s};
    if (t->n == 0)
        return t;
    const uint32_t bytes = add_one(&b, t, 0, TPL_TITLE, false);
    tpl_add_text(&b, tpl_cased(s, tpl_part(s, t, bytes, t->n), TPL_LOWER));
    return tpl_built(&b);
}
