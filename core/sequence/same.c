/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences compared token by token. */
#include "core/sequence/same.h"

int64_t wf_sequence_cut(const weft_sequence *s, int64_t pos)
{
    for (int32_t i = 0; i < s->n_items; i++)
        if (s->items[i].pos < pos && pos < s->items[i].end)
            return s->items[i].pos;
    return pos;
}

/* An item stands for itself: the same file opened again is the same item while it lives. */
static bool is_same(const weft_sequence *a, const weft_sequence *b, int64_t pos)
{
    const wf_tok *x = &a->toks[pos], *y = &b->toks[pos];
    if (x->id != y->id || x->row != y->row || (x->item < 0) != (y->item < 0))
        return false;
    return x->item < 0 || (a->items[x->item].item == b->items[y->item].item &&
                           a->items[x->item].pos == b->items[y->item].pos);
}

int64_t wf_sequence_same(const weft_sequence *s, const weft_sequence *other)
{
    int64_t n = 0, most = s->n < other->n ? s->n : other->n;
    while (n < most && is_same(s, other, n))
        n++;
    return wf_sequence_cut(s, n);
}

/* How many tokens from pos on are of the item that stands there. */
static int64_t run_at(const weft_sequence *s, int64_t pos)
{
    int64_t n = 1;
    while (pos + n < s->n && s->toks[pos + n].item == s->toks[pos].item)
        n++;
    return n;
}

weft_status wf_sequence_append(weft_sequence *s, const weft_sequence *from, int64_t begin,
                               weft_error *err)
{
    weft_status status = wf_sequence_room(s, from->n - begin, err);
    for (int64_t i = begin; i < from->n && status == WEFT_OK;) {
        const wf_tok *t = &from->toks[i];
        if (t->item < 0) {
            s->toks[s->n++] = *t;
            i++;
            continue;
        }
        const wf_seq_item *it = &from->items[t->item];
        int64_t            n = run_at(from, i), first = t->row >= 0 ? t->row : i - it->pos;
        status = wf_sequence_feed_placeholders(s, it->item, it->marker, first, n, err);
        i += n;
    }
    return status;
}
