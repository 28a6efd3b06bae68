/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair merging by the list of merges that tokenizer.json has. The symbols that it begins with
 * are bytes, or characters (Llama 1 and 2).
 *
 * Again and again the pair whose merge comes first in the file is joined, the leftmost of equal
 * ones, until no pair has a merge. Pairs wait in a heap. An entry whose pair has changed meanwhile
 * is dropped when its turn comes, so n symbols take n log n steps. Source: huggingface/tokenizers
 * models/bpe/word.rs (merge_all), models/bpe/model.rs (merge_word). */
#include "model.h"

#include "unicode.h"

/* The most places of the hash table that a look-up may try. Real files need a few; a file made to
 * collide is refused. */
#define PROBES_MAX 1024u

static uint32_t pair_slot(const txt_merges *set, uint32_t left, uint32_t right)
{
    uint64_t x = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(x >> 32) & (set->n_slots - 1);
}

static const txt_merge *merges_of(const txt_merges *set)
{
    return (const txt_merge *)(const void *)set->list.p;
}

/* The rank of joining left and right, or TXT_NONE. */
static uint32_t rank_of(const txt_merges *set, uint32_t left, uint32_t right)
{
    const txt_merge *merges = merges_of(set);
    uint32_t         slot = pair_slot(set, left, right);
    while (set->slots[slot] != TXT_NONE) {
        const txt_merge *m = &merges[set->slots[slot]];
        if (m->left == left && m->right == right)
            return set->slots[slot];
        slot = (slot + 1) & (set->n_slots - 1);
    }
    return TXT_NONE;
}

weft_status txt_merges_index(txt_merges *set, const weft_host *h, weft_error *err)
{
    const txt_merge *merges = merges_of(set);
    const uint32_t   n = (uint32_t)(set->list.n / sizeof *merges);
    set->n_slots = 1024;
    while (set->n_slots < n * 2)
        set->n_slots *= 2;
    set->slots = h->alloc(h, (uint64_t)set->n_slots * sizeof *set->slots, 16);
    if (set->slots == NULL)
        return txt_fail_nomem(err, (uint64_t)set->n_slots * sizeof *set->slots);
    memset(set->slots, 0xff, (uint64_t)set->n_slots * sizeof *set->slots);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = pair_slot(set, merges[i].left, merges[i].right), probes = 0;
        for (; set->slots[slot] != TXT_NONE; slot = (slot + 1) & (set->n_slots - 1)) {
            const txt_merge *m = &merges[set->slots[slot]];
            if (m->left == merges[i].left && m->right == merges[i].right)
                return weft_fail(err, WEFT_E_CORRUPT,
                                 "tokenizer.json: merge %u is there for the second time", i);
            if (++probes == PROBES_MAX)
                return weft_fail(err, WEFT_E_CORRUPT,
                                 "the merges were made to be slow to search, and are refused");
        }
        set->slots[slot] = i;
    }
    return WEFT_OK;
}

void txt_merges_free(txt_merges *set, const weft_host *h)
{
    txt_buf_free(&set->list);
    h->free(h, set->slots);
    memset(set, 0, sizeof *set);
}

/* A merge of no token at all is never looked up. */
void txt_merges_leave_out_specials(txt_merges *set, const txt_vocab *v)
{
    txt_merge     *merges = (txt_merge *)(void *)set->list.p;
    const uint64_t n = set->list.n / sizeof *merges;
    for (uint64_t i = 0; i < n; i++)
        if ((txt_vocab_token(v, merges[i].id)->flags & TXT_SPECIAL) != 0)
            merges[i].left = TXT_NONE;
    for (uint32_t i = 0; i < 256; i++)
        if (set->byte_id[i] != TXT_NONE &&
            (txt_vocab_token(v, set->byte_id[i])->flags & TXT_SPECIAL) != 0)
            set->byte_id[i] = TXT_NONE;
}

/* The token of these bytes, if it is not special: what a user writes never becomes one. */
static uint32_t plain_find(const txt_vocab *v, const uint8_t *text, uint64_t n)
{
    uint32_t id = txt_vocab_find(v, text, n);
    return id != TXT_NONE && (txt_vocab_token(v, id)->flags & TXT_SPECIAL) == 0 ? id : TXT_NONE;
}

typedef struct symbol {
    uint32_t id;         /* TXT_NONE: it was joined to the one before */
    uint32_t next, prev; /* next of the last: n; prev of the first: TXT_NONE */
} symbol;

typedef struct waiting {
    uint32_t rank, at;
} waiting;

/* A text that is being merged. Its symbols and its heap lie in the scratch memory of the call, with
 * room for n symbols and 3 n pairs. */
typedef struct word {
    const txt_merges *set;
    symbol           *symbols;
    waiting          *heap;
    uint32_t          n;
    uint64_t          n_heap, work;
} word;

static bool comes_first(waiting a, waiting b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

static void heap_push(word *w, waiting x)
{
    uint64_t at = w->n_heap++;
    for (; at > 0 && comes_first(x, w->heap[(at - 1) / 2]); at = (at - 1) / 2, w->work++)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = x;
}

static waiting heap_pop(word *w)
{
    waiting  top = w->heap[0], last = w->heap[--w->n_heap];
    uint64_t at = 0;
    for (uint64_t child; (child = at * 2 + 1) < w->n_heap; at = child, w->work++) {
        if (child + 1 < w->n_heap && comes_first(w->heap[child + 1], w->heap[child]))
            child++;
        if (!comes_first(w->heap[child], last))
            break;
        w->heap[at] = w->heap[child];
    }
    w->heap[at] = last;
    return top;
}

/* The rank of the pair that begins at `at`, or TXT_NONE. */
static uint32_t rank_at(const word *w, uint32_t at)
{
    const symbol *s = &w->symbols[at];
    if (s->id == TXT_NONE || s->next == w->n)
        return TXT_NONE;
    return rank_of(w->set, s->id, w->symbols[s->next].id);
}

static void wait_at(word *w, uint32_t at)
{
    const waiting x = {rank_at(w, at), at};
    w->work++;
    if (x.rank != TXT_NONE)
        heap_push(w, x);
}

static void join(word *w, waiting x)
{
    symbol *s = &w->symbols[x.at], *second = &w->symbols[s->next];
    s->id = merges_of(w->set)[x.rank].id;
    second->id = TXT_NONE;
    s->next = second->next;
    if (s->next != w->n)
        w->symbols[s->next].prev = x.at;
    if (s->prev != TXT_NONE)
        wait_at(w, s->prev);
    wait_at(w, x.at);
}

static void symbol_add(word *w, uint32_t id)
{
    w->symbols[w->n++].id = id;
}

/* The tokens of the bytes of a character that is no token itself. False: some are missing. */
static bool add_bytes(word *w, const uint8_t *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (w->set->byte_id[text[i]] == TXT_NONE)
            return false;
    for (uint32_t i = 0; i < length; i++)
        symbol_add(w, w->set->byte_id[text[i]]);
    return true;
}

/* A symbol as bytes or as a character: its token, or TXT_NONE. *length becomes its bytes. */
static uint32_t symbol_find(const txt_merges *m, const txt_vocab *v, const uint8_t *text,
                            uint64_t n, uint32_t *length)
{
    *length = 1;
    if (!m->of_chars)
        return m->byte_id[*text];
    (void)txt_utf8(text, n, length);
    return plain_find(v, text, *length);
}

/* Makes the first symbols. An unknown one waits until the next known one, because further unknown
 * ones may join it; tokens of bytes go past it, as they do in the reference. */
static void cut(word *w, const txt_merges *m, const txt_vocab *v, const uint8_t *text, uint64_t n)
{
    bool     waits = false;
    uint32_t length;
    w->n = 0;
    for (uint64_t at = 0; at < n; at += length) {
        uint32_t id = symbol_find(m, v, text + at, n - at, &length);
        if (id == TXT_NONE && m->falls_back && add_bytes(w, text + at, length))
            continue;
        if (waits && (id != TXT_NONE || !m->fuses))
            symbol_add(w, m->unknown);
        if (id != TXT_NONE)
            symbol_add(w, id);
        waits = id == TXT_NONE && m->unknown != TXT_NONE;
    }
    if (waits)
        symbol_add(w, m->unknown);
    for (uint32_t i = 0; i < w->n; i++) {
        w->symbols[i].next = i + 1;
        w->symbols[i].prev = i > 0 ? i - 1 : TXT_NONE;
    }
}

static void merge_all(word *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        wait_at(w, i);
    while (w->n_heap > 0) {
        const waiting    x = heap_pop(w);
        const uint32_t   now = rank_at(w, x.at);
        const txt_merge *list = merges_of(w->set);
        if (now != TXT_NONE && list[now].id == list[x.rank].id)
            join(w, x);
    }
}

static weft_status merge_piece(const txt_merges *m, const txt_vocab *v, const uint8_t *text,
                               uint64_t n, txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    word w = {.set = m};
    if (n > TXT_MAX_STRING)
        return weft_fail(err, WEFT_E_LIMIT,
                         "the text is longer than %llu bytes without a place to cut it",
                         (unsigned long long)TXT_MAX_STRING);
    weft_status s = txt_buf_reserve(&scratch->lists, n * sizeof(symbol), err);
    if (s == WEFT_OK)
        s = txt_buf_reserve(&scratch->parts, n * 3 * sizeof(waiting), err);
    if (s != WEFT_OK)
        return s;
    w.symbols = (symbol *)(void *)scratch->lists.p;
    w.heap = (waiting *)(void *)scratch->parts.p;
    cut(&w, m, v, text, n);
    merge_all(&w);
    for (uint32_t i = 0; i < w.n; i = w.symbols[i].next)
        txt_sink_put(out, w.symbols[i].id);
    scratch->work += w.work;
    return WEFT_OK;
}

weft_status txt_merges_encode(const txt_merges *m, const txt_vocab *v, const uint8_t *piece,
                              uint64_t n, txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    uint32_t whole = m->takes_whole ? plain_find(v, piece, n) : TXT_NONE;
    if (whole != TXT_NONE) {
        txt_sink_put(out, whole);
        return WEFT_OK;
    }
    return merge_piece(m, v, piece, n, scratch, out, err);
}
