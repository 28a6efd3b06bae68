/* SPDX-License-Identifier: Apache-2.0 */
/* Added tokens: the strings that stand for one id whatever the vocabulary could make of them. */
#include "vocab.h"

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
        if ((tokens[id].flags & TXT_ADDED) != 0)
            v->added[v->n_added++] = id;
    sort(v, v->added, n);
    for (uint32_t i = 1; i < n; i++)
        if (compare(v, v->added[i - 1], v->added[i]) == 0)
            return weft_fail(err, WEFT_E_CORRUPT, "%s: ids %u and %u are the same added token",
                             file, v->added[i - 1], v->added[i]);
    return WEFT_OK;
}

uint32_t txt_added_find(const txt_vocab *v, const char *text)
{
    const uint64_t n = strlen(text);
    uint32_t       lo = 0, hi = v->n_added;
    while (lo < hi) {
        uint32_t         mid = lo + (hi - lo) / 2;
        const txt_token *t = txt_vocab_token(v, v->added[mid]);
        const int        first = memcmp(txt_vocab_bytes(v, t), text, t->length < n ? t->length : n);
        if (first == 0 && t->length == n)
            return v->added[mid];
        if (first < 0 || (first == 0 && t->length < n))
            lo = mid + 1;
        else
            hi = mid;
    }
    return TXT_NONE;
}
