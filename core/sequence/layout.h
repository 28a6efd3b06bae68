/* SPDX-License-Identifier: Apache-2.0 */
/* Where the arrays of a step's tables stand: between tables.c, which has room for them, and
 * tables_fill.c, which fills them. */
#ifndef WF_LAYOUT_H
#define WF_LAYOUT_H

#include "core/sequence/tables.h"

/* Where arrays stand, as offsets. */
typedef struct wf_seen_at {
    size_t index, begin, end, last, spans;
} wf_seen_at;

typedef struct wf_layout {
    const wf_tables     *t;
    wf_step_part *const *parts;
    int32_t              n_parts, reserved;
    int64_t              m, n_out, n_logits, n_padding;
    size_t               end, ids, pos, slot, out, soft;
    wf_seen_at           self;
} wf_layout;

/* The arrays of one entry a row, but for those of streams, which follow one another from l->end
 * on. */
void wf_layout_make(wf_layout *l);
/* The arrays of a stream (-1: of the text itself) for m rows, from *end on, which moves behind
 * them. */
wf_seen_at wf_layout_stream(const wf_tables *t, size_t *end, int64_t m, int32_t stream);

static inline void *wf_tables_host(const wf_tables *t, size_t offset)
{
    return t->host + offset;
}

static inline void *wf_tables_device(const wf_tables *t, size_t offset)
{
    return t->data + offset;
}

/* Key blocks of a part's sequence, up to the last of its rows. */
static inline int64_t wf_part_blocks(const wf_step_part *p)
{
    return (p->seq->n_done + p->n_rows + WF_PAGE_TOKENS - 1) / WF_PAGE_TOKENS;
}

#endif
