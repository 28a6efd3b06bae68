/* SPDX-License-Identifier: Apache-2.0 */
/* Which media items a position of a sequence sees. */
#include "core/sequence/sequence.h"

void wf_sequence_use(const weft_sequence *s, uint64_t now)
{
    for (int32_t i = 0; i < s->n_items; i++)
        s->items[i].item->last_use = now;
}

/* Has a token that ends the item's visibility been seen since it? */
static bool has_ended(const weft_sequence *s, const wf_seq_item *it, int64_t pos)
{
    const wf_marker *m = &s->of->sites->markers[it->marker];
    if ((m->flags & WEFT_MARKER_ENDS) == 0)
        return false;
    for (int64_t i = it->pos; i < pos; i++)
        if (s->toks[i].item < 0 && s->toks[i].id == m->end_id)
            return true;
    return false;
}

void wf_sequence_visible(const weft_sequence *s, int32_t stream, int64_t pos, int32_t *first,
                         int32_t *last)
{
    const wf_hooks *h = s->of->sites;
    int64_t         end_of_last = -1; /* the position after the latest item's placeholders */
    *first = *last = 0;
    for (int32_t i = 0; i < s->n_items && s->items[i].pos <= pos; i++) {
        const wf_seq_item *it = &s->items[i];
        if (wf_item_output(it->item, stream) < 0 || has_ended(s, it, pos))
            continue;
        uint32_t until = h->markers[it->marker].visibility;
        bool     alone = until == WEFT_VIS_UNTIL_NEXT ||
                     (until == WEFT_VIS_UNTIL_NEXT_GROUP && it->pos != end_of_last);
        if (*first == *last || alone)
            *first = i;
        *last = i + 1;
        end_of_last = it->end;
    }
}
