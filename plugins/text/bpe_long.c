/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair merging of a long piece, in time that hardly grows faster than the piece's length.
 *
 * A part is named by the place of its first byte, and so is the pair of it and the next part. The
 * parts are a linked list kept in arrays over the piece's bytes. All pairs of one rank wait in a
 * list of that rank, and the ranks whose list is not empty are in a heap.
 *
 * New pairs are added at the end of a list, and the list nevertheless stays in the order of places.
 * The reason: two stretches of text that end up as the same token go through the same merges, and
 * since the lowest rank goes first, and the leftmost pair of that rank, the right stretch is never
 * ahead of the left one. */
#include "model.h"

typedef struct link {
    uint32_t next, prev;
} link;

typedef struct parts {
    const txt_vocab *vocab;
    const uint8_t   *piece;
    uint32_t         n, n_heap;
    link *part; /* [n]: the neighbours; next of the last part is n, prev of the first TXT_NONE */
    link *wait; /* [n]: the neighbours in the list of the pair's rank, or TXT_NONE */
    uint32_t *rank;       /* [n]: of the pair that begins here; TXT_NONE: it is no token */
    uint32_t *id;         /* [n]: of the part that begins here */
    link     *ends;       /* [n_base]: next: the first pair of a rank's list, prev: the last */
    uint32_t *heap;       /* [n_base]: the ranks that may have pairs */
    uint8_t  *is_in_heap; /* [n_base] */
    uint64_t  work;
} parts;

static void heap_push(parts *p, uint32_t rank)
{
    uint32_t at = p->n_heap++;
    for (; at > 0 && p->heap[(at - 1) / 2] > rank; at = (at - 1) / 2, p->work++)
        p->heap[at] = p->heap[(at - 1) / 2];
    p->heap[at] = rank;
}

static void heap_pop(parts *p)
{
    uint32_t last = p->heap[--p->n_heap], at = 0;
    for (uint32_t child; (child = at * 2 + 1) < p->n_heap; at = child, p->work++) {
        if (child + 1 < p->n_heap && p->heap[child + 1] < p->heap[child])
            child++;
        if (p->heap[child] >= last)
            break;
        p->heap[at] = p->heap[child];
    }
    p->heap[at] = last;
}

/* Puts the pair at `at`, which makes a token, at the end of its rank's list. */
static void list_add(parts *p, uint32_t at)
{
    uint32_t rank = p->rank[at];
    link    *ends = &p->ends[rank];
    link     wait = {TXT_NONE, ends->prev};
    p->wait[at] = wait;
    if (ends->prev == TXT_NONE)
        ends->next = at;
    else
        p->wait[ends->prev].next = at;
    ends->prev = at;
    if (p->is_in_heap[rank] != 0)
        return;
    p->is_in_heap[rank] = 1;
    heap_push(p, rank);
}

static void list_remove(parts *p, uint32_t at)
{
    link *ends = &p->ends[p->rank[at]], wait = p->wait[at];
    if (wait.prev == TXT_NONE)
        ends->next = wait.next;
    else
        p->wait[wait.prev].next = wait.next;
    if (wait.next == TXT_NONE)
        ends->prev = wait.prev;
    else
        p->wait[wait.next].prev = wait.prev;
}

/* Finds the rank of the pair that begins at `at`, and moves it from the list that it was in to the
 * list of that rank. */
static void pair_update(parts *p, uint32_t at)
{
    uint32_t second = p->part[at].next;
    p->work++;
    if (p->rank[at] != TXT_NONE)
        list_remove(p, at);
    p->rank[at] = TXT_NONE;
    if (second == p->n)
        return;
    p->rank[at] = txt_vocab_find(p->vocab, p->piece + at, p->part[second].next - at);
    if (p->rank[at] != TXT_NONE)
        list_add(p, at);
}

static void split_bytes(parts *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        p->part[i].next = i + 1;
        p->part[i].prev = i == 0 ? TXT_NONE : i - 1;
        p->rank[i] = TXT_NONE;
        p->id[i] = txt_vocab_find(p->vocab, p->piece + i, 1);
    }
    for (uint32_t i = 0; i < p->n; i++)
        pair_update(p, i);
}

static void merge(parts *p, uint32_t at)
{
    uint32_t second = p->part[at].next, after = p->part[second].next;
    p->id[at] = p->rank[at];
    if (p->rank[second] != TXT_NONE)
        list_remove(p, second);
    p->part[at].next = after;
    if (after != p->n)
        p->part[after].prev = at;
    if (p->part[at].prev != TXT_NONE)
        pair_update(p, p->part[at].prev);
    pair_update(p, at);
}

/* Merges until no pair is left. Every list is then empty, as the next piece needs it. */
static void merge_all(parts *p)
{
    split_bytes(p);
    while (p->n_heap > 0) {
        uint32_t rank = p->heap[0];
        if (p->ends[rank].next == TXT_NONE) {
            p->is_in_heap[rank] = 0;
            heap_pop(p);
            continue;
        }
        merge(p, p->ends[rank].next);
    }
}

/* Allocates the lists of the ranks, once for all pieces of a text. */
static weft_status lists_make(parts *p, txt_scratch *scratch, weft_error *err)
{
    uint64_t    n = p->vocab->n_base;
    bool        made = scratch->lists.n != 0;
    weft_status s = made ? WEFT_OK : txt_buf_reserve(&scratch->lists, n * 13, err);
    if (s != WEFT_OK)
        return s;
    scratch->lists.n = n * 13;
    p->ends = (link *)(void *)scratch->lists.p;
    p->heap = (uint32_t *)(void *)(p->ends + n);
    p->is_in_heap = (uint8_t *)(p->heap + n);
    if (!made) {
        memset(p->ends, 0xff, n * sizeof *p->ends);
        memset(p->is_in_heap, 0, n);
    }
    return WEFT_OK;
}

static weft_status parts_make(parts *p, txt_scratch *scratch, weft_error *err)
{
    weft_status s = txt_buf_reserve(&scratch->parts, (uint64_t)p->n * 24, err);
    if (s != WEFT_OK)
        return s;
    p->part = (link *)(void *)scratch->parts.p;
    p->wait = p->part + p->n;
    p->rank = (uint32_t *)(void *)(p->wait + p->n);
    p->id = p->rank + p->n;
    return WEFT_OK;
}

weft_status txt_bpe_long(const txt_vocab *v, const uint8_t *piece, uint64_t n, txt_scratch *scratch,
                         txt_sink *out, weft_error *err)
{
    if (n > INT32_MAX)
        return weft_fail(err, WEFT_E_LIMIT, "the text has 2 GiB without a place to cut it");
    parts       p = {.vocab = v, .piece = piece, .n = (uint32_t)n};
    weft_status s = lists_make(&p, scratch, err);
    if (s == WEFT_OK)
        s = parts_make(&p, scratch, err);
    if (s != WEFT_OK)
        return s;
    merge_all(&p);
    for (uint32_t i = 0; i < p.n; i = p.part[i].next)
        txt_sink_put(out, p.id[i]);
    scratch->work += p.work;
    return WEFT_OK;
}
