/* SPDX-License-Identifier: Apache-2.0 */
/* A text in which media stand, cut into text and places for items. */
#ifndef WF_PLACES_H
#define WF_PLACES_H

#include "core/sequence/sequence.h"
#include "weft/tokenizer.h"

/* sites and items are set by the caller, who keeps them; the rest begins as zeros. */
typedef struct wf_places {
    const wf_hooks   *sites;
    weft_item *const *items;
    weft_part        *parts; /* id >= 0: a marker, for the next item of order */
    uint32_t         *order; /* items in the order of their places */
    uint8_t          *placed;
    char             *joined; /* texts that stand beside each other, where items bring some */
    uint32_t          n_items, n, cap, n_order; /* n: parts */
    bool              quiet;                    /* numbers that differ were told before */
    bool              is_own; /* a modality's own text, whose words only look like markers */
} wf_places;

/* The marker strings of the items given are their places, nothing else is parsed; items without a
 * place stand before the text, or behind it where their markers say so. Texts that an item's
 * layout begins and ends with are parts too, one with their neighbours. Parts point into text, into
 * the items' plans or into joined.
 * Warns of a text that has places for another number of items. An item that the model has no marker
 * for is a failure. wf_places_free() is due on failure too. */
weft_status      wf_places_cut(wf_places *c, const char *text, uint64_t bytes, weft_error *err);
void             wf_places_free(wf_places *c);
const wf_marker *wf_places_marker(const wf_places *c, uint32_t item);

#endif
