/* SPDX-License-Identifier: Apache-2.0 */
/* Added tokens: the strings that stand for one id whatever the vocabulary could make of them.
 * Special ones are found in text only when asked; the others always are, as the reference does. */
#include "text.h"

weft_status txt_added_put(txt_vocab *v, const char *file, int64_t id, const void *text, uint64_t n,
                          uint32_t flags, weft_error *err)
{
    flags |= TXT_ADDED;
    if (id < 0 || id >= TXT_MAX_IDS)
        return weft_fail(
            err, WEFT_E_CORRUPT, "%s: the added token \"%.*s\" has id %lld, and ids end at %u",
            file, (int)(n < 64 ? n : 64), (const char *)text, (long long)id, TXT_MAX_IDS - 1);
    const txt_token *t = txt_vocab_token(v, id);
    if (t == NULL)
        return txt_vocab_put(v, (uint32_t)id, text, (uint32_t)n, flags, err);
    if (t->length != n || memcmp(txt_vocab_bytes(v, t), text, n) != 0)
        return weft_fail(err, WEFT_E_CORRUPT,
                         "%s: the added token \"%.*s\" has id %lld, which is another token's", file,
                         (int)(n < 64 ? n : 64), (const char *)text, (long long)id);
    ((txt_token *)(void *)v->tokens.p)[id].flags = (uint16_t)flags;
    return WEFT_OK;
}

static int compare(const txt_vocab *v, uint32_t a, uint32_t b)
{
    const txt_token *x = txt_vocab_token(v, a), *y = txt_vocab_token(v, b);
    uint32_t         n = x->length < y->length ? x->length : y->length;
    int              order = memcmp(txt_vocab_bytes(v, x), txt_vocab_bytes(v, y), n);
    return order != 0 ? order : (int)x->length - (int)y->length;
}

/* Heap sort: no recursion, and no worst case that a file could arrange. */
static void sift(const txt_vocab *v, uint32_t *ids, uint32_t root, uint32_t n)
{
    for (uint32_t child; (child = root * 2 + 1) < n; root = child) {
        if (child + 1 < n && compare(v, ids[child], ids[child + 1]) < 0)
            child++;
        if (compare(v, ids[root], ids[child]) >= 0)
            return;
        uint32_t swap = ids[root];
        ids[root] = ids[child];
        ids[child] = swap;
    }
}

static void sort(const txt_vocab *v, uint32_t *ids, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sift(v, ids, i, n);
    for (uint32_t end = n; end-- > 1;) {
        uint32_t swap = ids[0];
        ids[0] = ids[end];
        ids[end] = swap;
        sift(v, ids, 0, end);
    }
}

weft_status txt_added_sort(txt_vocab *v, const char *file, weft_error *err)
{
    const txt_token *tokens = (const txt_token *)(const void *)v->tokens.p;
    uint32_t         n = 0;
    for (uint32_t id = 0; id < v->n_ids; id++)
        n += (tokens[id].flags & TXT_ADDED) != 0;
    v->added = v->host->alloc(v->host, ((uint64_t)n + 1) * sizeof *v->added, 16);
    if (v->added == NULL)
        return txt_fail_nomem(err, ((uint64_t)n + 1) * sizeof *v->added);
    for (uint32_t id = 0; id < v->n_ids; id++)
        if ((tokens[id].flags & TXT_ADDED) != 0) {
            v->added[v->n_added++] = id;
            v->n_plain += (tokens[id].flags & TXT_SPECIAL) == 0;
        }
    sort(v, v->added, n);
    for (uint32_t i = 1; i < n; i++)
        if (compare(v, v->added[i - 1], v->added[i]) == 0)
            return weft_fail(err, WEFT_E_CORRUPT, "%s: ids %u and %u are the same added token",
                             file, v->added[i - 1], v->added[i]);
    return WEFT_OK;
}

/* The first of added[lo..hi) whose byte at `depth` is at least `byte`. All of these tokens agree in
 * the bytes before that one; a token that ends there sorts before the others. */
static uint32_t bound(const txt_vocab *v, uint32_t lo, uint32_t hi, uint32_t depth, int byte)
{
    while (lo < hi) {
        uint32_t         mid = lo + (hi - lo) / 2;
        const txt_token *t = txt_vocab_token(v, v->added[mid]);
        int              here = depth < t->length ? txt_vocab_bytes(v, t)[depth] : -1;
        if (here < byte)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool may_be(const txt_token *t, int which)
{
    if (which == TXT_MATCH_PLAIN)
        return (t->flags & TXT_SPECIAL) == 0;
    return ((t->flags & TXT_NORMAL) != 0) == (which == TXT_MATCH_NORMAL);
}

uint32_t txt_added_match(const txt_vocab *v, const uint8_t *text, uint64_t n, int which)
{
    uint32_t lo = 0, hi = v->n_added, best = TXT_NONE;
    for (uint32_t depth = 0; lo < hi && depth < n; depth++) {
        lo = bound(v, lo, hi, depth, text[depth]);
        hi = bound(v, lo, hi, depth, text[depth] + 1);
        if (lo == hi)
            break;
        const txt_token *t = txt_vocab_token(v, v->added[lo]);
        if (t->length == depth + 1 && may_be(t, which))
            best = v->added[lo];
    }
    return best;
}

uint32_t txt_added_find(const txt_vocab *v, const char *text)
{
    uint64_t n = strlen(text);
    for (int which = TXT_MATCH_ALL; which <= TXT_MATCH_NORMAL; which++) {
        uint32_t id = txt_added_match(v, (const uint8_t *)text, n, which);
        if (id != TXT_NONE && txt_vocab_token(v, id)->length == n)
            return id;
    }
    return TXT_NONE;
}
