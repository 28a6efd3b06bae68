/* SPDX-License-Identifier: Apache-2.0 */
/* Finds added tokens in text. One that is not to be found (a special one that was not asked for, or
 * one that must be a word and is not) still takes its place: the search goes on behind it. Source:
 * huggingface/tokenizers tokenizer/added_vocabulary.rs (find_matches). */
#include "vocab.h"

#include "weft/utf8.h"

#include "unicode.h"

static txt_pattern *items_of(const txt_patterns *set)
{
    return (txt_pattern *)(void *)set->items.p;
}

static uint32_t count_of(const txt_patterns *set)
{
    return (uint32_t)(set->items.n / sizeof(txt_pattern));
}

weft_status txt_patterns_put(txt_patterns *set, const uint8_t *bytes, uint64_t n, uint32_t id,
                             uint32_t flags, weft_error *err)
{
    const txt_pattern p = {(uint32_t)set->bytes.n, (uint32_t)n, id, flags};
    weft_status       s = txt_buf_add(&set->bytes, bytes, n, err);
    set->n_plain += (flags & TXT_SPECIAL) == 0;
    return s == WEFT_OK && n != 0 ? txt_buf_add(&set->items, &p, sizeof p, err) : s;
}

void txt_patterns_free(txt_patterns *set)
{
    txt_buf_free(&set->bytes);
    txt_buf_free(&set->items);
}

static bool comes_after(const txt_patterns *set, const txt_pattern *a, const txt_pattern *b)
{
    uint32_t n = a->length < b->length ? a->length : b->length;
    int      order = memcmp(set->bytes.p + a->at, set->bytes.p + b->at, n);
    if (order != 0)
        return order > 0;
    return a->length != b->length ? a->length > b->length : a->id > b->id;
}

/* Heap sort: no recursion, and no worst case that a file could arrange. */
static void sift(const txt_patterns *set, uint32_t root, uint32_t n)
{
    txt_pattern *x = items_of(set);
    for (uint32_t child; (child = root * 2 + 1) < n; root = child) {
        if (child + 1 < n && comes_after(set, &x[child + 1], &x[child]))
            child++;
        if (!comes_after(set, &x[child], &x[root]))
            return;
        txt_pattern swap = x[root];
        x[root] = x[child];
        x[child] = swap;
    }
}

void txt_patterns_sort(txt_patterns *set)
{
    txt_pattern *x = items_of(set);
    uint32_t     n = count_of(set);
    for (uint32_t i = n / 2; i-- > 0;)
        sift(set, i, n);
    for (uint32_t end = n; end-- > 1;) {
        txt_pattern swap = x[0];
        x[0] = x[end];
        x[end] = swap;
        sift(set, 0, end);
    }
}

/* The first of items[lo..hi) whose byte at `depth` is at least `byte`. All of them agree in the
 * bytes before that one; one that ends there sorts before the others. */
static uint32_t bound(const txt_patterns *set, uint32_t lo, uint32_t hi, uint32_t depth, int byte)
{
    while (lo < hi) {
        uint32_t           mid = lo + (hi - lo) / 2;
        const txt_pattern *p = &items_of(set)[mid];
        int                here = depth < p->length ? set->bytes.p[p->at + depth] : -1;
        if (here < byte)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest pattern that begins at `at`, or NULL. A special one of which some bytes are given and
 * some are not is passed over: it is neither a token nor a text that hides one. */
static const txt_pattern *longest_at(const txt_search *s, uint64_t at)
{
    const txt_pattern *best = NULL;
    uint32_t           lo = 0, hi = count_of(s->set), given = 0;
    for (uint32_t depth = 0; lo < hi && at + depth < s->n; depth++) {
        const int byte = s->text[at + depth];
        lo = bound(s->set, lo, hi, depth, byte);
        hi = bound(s->set, lo, hi, depth, byte + 1);
        given += s->given != NULL && s->given[at + depth] != 0;
        if (lo < hi && items_of(s->set)[lo].length == depth + 1 &&
            ((items_of(s->set)[lo].flags & TXT_SPECIAL) == 0 || given == 0 || given == depth + 1))
            best = &items_of(s->set)[lo];
    }
    return best;
}

/* A special token is one only where it was asked for, and where nobody gave its text. */
static bool may_be(const txt_search *s, const txt_pattern *p, uint64_t at)
{
    return (p->flags & TXT_SPECIAL) == 0 ||
           (s->specials && (s->given == NULL || s->given[at] == 0));
}

static uint32_t char_at(const txt_search *s, uint64_t at, uint32_t *length)
{
    return txt_utf8(s->text + at, s->n - at, length);
}

/* The character that ends at `at` > 0; *begin becomes its place. */
static uint32_t char_before(const txt_search *s, uint64_t at, uint64_t *begin)
{
    uint32_t length;
    *begin = at - 1;
    while (*begin > 0 && at - *begin < 4 && weft_utf8_continues((char)s->text[*begin]))
        --*begin;
    uint32_t cp = txt_utf8(s->text + *begin, at - *begin, &length);
    if (*begin + length == at)
        return cp;
    *begin = at - 1;
    return TXT_NONE;
}

static bool stands_alone(const txt_search *s, uint64_t from, uint64_t to)
{
    uint32_t length;
    uint64_t begin;
    return (from == 0 || !txt_is_word(char_before(s, from, &begin))) &&
           (to == s->n || !txt_is_word(char_at(s, to, &length)));
}

/* White space before `at`, but not beyond the end of the last token. */
static uint64_t white_before(const txt_search *s, uint64_t at)
{
    for (uint64_t begin; at > s->done && txt_is_space(char_before(s, at, &begin)); at = begin)
        if (begin < s->done)
            return s->done;
    return at;
}

/* The end of the white space from `at` on. The end of a run is kept, so that no run is walked
 * twice. */
static uint64_t white_after(txt_search *s, uint64_t at)
{
    uint32_t length;
    if (at < s->white_end)
        return s->white_end;
    while (at < s->n && txt_is_space(char_at(s, at, &length)))
        at += length;
    s->white_end = at;
    return at;
}

bool txt_search_next(txt_search *s, txt_found *found)
{
    if (s->set->items.n == 0 || (!s->specials && s->set->n_plain == 0))
        return false;
    while (s->at < s->n) {
        const uint64_t     from = s->at;
        const txt_pattern *p = longest_at(s, from);
        s->at += p != NULL ? p->length : 1;
        if (p == NULL || !may_be(s, p, from) ||
            ((p->flags & TXT_WORD) != 0 && !stands_alone(s, from, s->at)))
            continue;
        *found = (txt_found){from, s->at, p->id};
        if ((p->flags & TXT_LSTRIP) != 0)
            found->from = white_before(s, from);
        if ((p->flags & TXT_RSTRIP) != 0)
            found->to = white_after(s, s->at);
        return true;
    }
    return false;
}
