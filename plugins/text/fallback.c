/* SPDX-License-Identifier: Apache-2.0 */
/* Byte pair merging as Llama 1 and 2 do it. It merges characters instead of bytes, writes a space
 * as U+2581, and does not cut text into pieces first. A character that is no token becomes its
 * bytes, which are the 256 tokens <0x00> to <0xFF>.
 *
 * Again and again the pair whose merge comes first in the file is joined, the leftmost of equal
 * ones, until no pair has a merge. Pairs wait in a heap. An entry whose pair has changed meanwhile
 * is dropped when its turn comes, so n characters take n log n steps. Source:
 * huggingface/tokenizers models/bpe/word.rs (merge_all), models/bpe/model.rs (byte_fallback),
 * normalizers/prepend.rs, pre_tokenizers/metaspace.rs. */
#include "text.h"

static const uint8_t space_mark[] = {0xe2, 0x96, 0x81}; /* U+2581 */
#define MARK_BYTES 3u

/* The most places of the hash table that a look-up may try. Real files need a few; a file made to
 * collide is refused. */
#define PROBES_MAX 1024u

static uint32_t pair_slot(const txt_fallback *f, uint32_t left, uint32_t right)
{
    uint64_t x = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(x >> 32) & (f->n_slots - 1);
}

static const txt_merge *merges_of(const txt_fallback *f)
{
    return (const txt_merge *)(const void *)f->merges.p;
}

/* The rank of joining left and right, or TXT_NONE. */
static uint32_t rank_of(const txt_fallback *f, uint32_t left, uint32_t right)
{
    const txt_merge *merges = merges_of(f);
    uint32_t         slot = pair_slot(f, left, right);
    while (f->slots[slot] != TXT_NONE) {
        const txt_merge *m = &merges[f->slots[slot]];
        if (m->left == left && m->right == right)
            return f->slots[slot];
        slot = (slot + 1) & (f->n_slots - 1);
    }
    return TXT_NONE;
}

weft_status txt_fallback_index(txt_fallback *f, const weft_host *h, weft_error *err)
{
    const txt_merge *merges = merges_of(f);
    const uint32_t   n = (uint32_t)(f->merges.n / sizeof *merges);
    f->n_slots = 1024;
    while (f->n_slots < n * 2)
        f->n_slots *= 2;
    f->slots = h->alloc(h, (uint64_t)f->n_slots * sizeof *f->slots, 16);
    if (f->slots == NULL)
        return txt_fail_nomem(err, (uint64_t)f->n_slots * sizeof *f->slots);
    memset(f->slots, 0xff, (uint64_t)f->n_slots * sizeof *f->slots);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = pair_slot(f, merges[i].left, merges[i].right), probes = 0;
        for (; f->slots[slot] != TXT_NONE; slot = (slot + 1) & (f->n_slots - 1)) {
            const txt_merge *m = &merges[f->slots[slot]];
            if (m->left == merges[i].left && m->right == merges[i].right)
                return weft_fail(err, WEFT_E_CORRUPT,
                                 "tokenizer.json: merge %u is there for the second time", i);
            if (++probes == PROBES_MAX)
                return weft_fail(err, WEFT_E_CORRUPT,
                                 "the merges were made to be slow to search, and are refused");
        }
        f->slots[slot] = i;
    }
    return WEFT_OK;
}

void txt_fallback_free(txt_fallback *f, const weft_host *h)
{
    txt_buf_free(&f->merges);
    h->free(h, f->slots);
    memset(f, 0, sizeof *f);
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
    const txt_fallback *f;
    symbol             *symbols;
    waiting            *heap;
    uint32_t            n;
    uint64_t            n_heap, work;
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
    return rank_of(w->f, s->id, w->symbols[s->next].id);
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
    s->id = merges_of(w->f)[x.rank].id;
    second->id = TXT_NONE;
    s->next = second->next;
    if (s->next != w->n)
        w->symbols[s->next].prev = x.at;
    if (s->prev != TXT_NONE)
        wait_at(w, s->prev);
    wait_at(w, x.at);
}

/* Makes the first symbols: one for each character that is a token, and one for each byte of the
 * others. */
static void cut(word *w, const txt_tokenizer *t, const uint8_t *text, uint64_t bytes)
{
    uint32_t length;
    w->n = 0;
    for (uint64_t at = 0; at < bytes; at += length) {
        (void)txt_utf8(text + at, bytes - at, &length);
        uint32_t id = txt_vocab_find(&t->vocab, text + at, length);
        for (uint32_t i = 0; i < (id != TXT_NONE ? 1 : length); i++)
            w->symbols[w->n++].id = id != TXT_NONE ? id : t->fallback.byte_id[text[at + i]];
    }
    for (uint32_t i = 0; i < w->n; i++) {
        w->symbols[i].next = i + 1;
        w->symbols[i].prev = i > 0 ? i - 1 : TXT_NONE;
    }
}

/* Encodes normalised text without added tokens. */
static weft_status merge_text(const txt_tokenizer *t, const uint8_t *text, uint64_t n,
                              txt_scratch *scratch, txt_sink *out, weft_error *err)
{
    word        w = {.f = &t->fallback};
    weft_status s = txt_buf_reserve(&scratch->lists, n * sizeof(symbol), err);
    if (s == WEFT_OK)
        s = txt_buf_reserve(&scratch->parts, n * 3 * sizeof(waiting), err);
    if (s != WEFT_OK)
        return s;
    w.symbols = (symbol *)(void *)scratch->lists.p;
    w.heap = (waiting *)(void *)scratch->parts.p;
    cut(&w, t, text, n);
    for (uint32_t i = 0; i < w.n; i++)
        wait_at(&w, i);
    while (w.n_heap > 0) {
        waiting x = heap_pop(&w);
        if (rank_at(&w, x.at) == x.rank)
            join(&w, x);
    }
    for (uint32_t i = 0; i < w.n; i = w.symbols[i].next)
        txt_sink_put(out, w.symbols[i].id);
    scratch->work += w.work;
    return WEFT_OK;
}

/* Normalises text: spaces become marks, and a mark is put before the text where the file says so.
 */
static weft_status normalise(const txt_fallback *f, const uint8_t *text, uint64_t n, bool is_first,
                             txt_buf *to, weft_error *err)
{
    uint64_t spaces = 0;
    bool     marked =
        n > 0 && (text[0] == ' ' || (n >= MARK_BYTES && memcmp(text, space_mark, MARK_BYTES) == 0));
    bool prepend = f->prefix == TXT_PREFIX_ALWAYS ||
                   (f->prefix == TXT_PREFIX_UNMARKED && !marked) ||
                   (f->prefix == TXT_PREFIX_FIRST && !marked && is_first);
    for (uint64_t i = 0; i < n; i++)
        spaces += text[i] == ' ';
    to->n = 0;
    weft_status s = txt_buf_reserve(to, n + (spaces + 1) * MARK_BYTES, err);
    if (s == WEFT_OK && prepend)
        s = txt_buf_add(to, space_mark, MARK_BYTES, err);
    for (uint64_t i = 0; i < n && s == WEFT_OK; i++)
        s = text[i] == ' ' ? txt_buf_add(to, space_mark, MARK_BYTES, err)
                           : txt_buf_add(to, text + i, 1, err);
    return s;
}

/* The added token that begins at `text`, of those that the file says to look for in normalised
 * text; *length becomes its bytes. The mark that normalising puts before such a token is part of
 * it. */
static uint32_t normal_match(const txt_tokenizer *t, const uint8_t *text, uint64_t n,
                             uint64_t *length)
{
    const uint64_t skip = t->fallback.prefix == TXT_PREFIX_ALWAYS ? MARK_BYTES : 0;
    if (n <= skip || (skip != 0 && memcmp(text, space_mark, skip) != 0))
        return TXT_NONE;
    uint32_t id = txt_added_match(&t->vocab, text + skip, n - skip, TXT_MATCH_NORMAL);
    if (id != TXT_NONE)
        *length = skip + txt_vocab_token(&t->vocab, id)->length;
    return id;
}

weft_status txt_fallback_encode(const txt_tokenizer *t, const uint8_t *text, uint64_t n,
                                bool is_first, bool specials, txt_scratch *scratch, txt_sink *out,
                                weft_error *err)
{
    txt_buf    *buf = &scratch->text;
    uint64_t    from = 0, length = 0;
    weft_status s = n == 0 ? WEFT_OK : normalise(&t->fallback, text, n, is_first, buf, err);
    if (s != WEFT_OK || n == 0)
        return s;
    if (buf->n > TXT_MAX_STRING)
        return weft_fail(err, WEFT_E_LIMIT, "the text is longer than %llu bytes",
                         (unsigned long long)TXT_MAX_STRING);
    for (uint64_t at = 0; specials && s == WEFT_OK && at < buf->n;) {
        uint32_t id = normal_match(t, buf->p + at, buf->n - at, &length);
        if (id == TXT_NONE) {
            at++;
            continue;
        }
        s = merge_text(t, buf->p + from, at - from, scratch, out, err);
        txt_sink_put(out, id);
        at += length;
        from = at;
    }
    return s == WEFT_OK ? merge_text(t, buf->p + from, buf->n - from, scratch, out, err) : s;
}

/* Writes the text of a token to dst, which has room for the token's length: marks become spaces,
 * and <0x41> becomes its byte. */
static uint64_t token_text(const txt_tokenizer *t, const txt_token *token, uint32_t id,
                           uint8_t *dst)
{
    const uint8_t *from = txt_vocab_bytes(&t->vocab, token);
    uint64_t       n = 0;
    if ((token->flags & TXT_BYTE) != 0) {
        uint32_t byte = 0;
        while (t->fallback.byte_id[byte] != id)
            byte++;
        dst[0] = (uint8_t)byte;
        return 1;
    }
    for (uint32_t i = 0; i < token->length;) {
        bool mark =
            token->length - i >= MARK_BYTES && memcmp(from + i, space_mark, MARK_BYTES) == 0;
        dst[n++] = mark ? ' ' : from[i];
        i += mark ? MARK_BYTES : 1;
    }
    return n;
}

uint64_t txt_fallback_text(const txt_tokenizer *t, uint32_t id, bool is_first, uint8_t *dst,
                           const uint8_t **text)
{
    const txt_token *token = txt_vocab_token(&t->vocab, id);
    uint64_t         n = token_text(t, token, id, dst);
    bool             strip = is_first && t->fallback.strips && n > 0 && dst[0] == ' ';
    *text = dst + strip;
    return n - strip;
}
