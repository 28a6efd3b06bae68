/* SPDX-License-Identifier: Apache-2.0 */
/* cp.async: a copy into shared memory that a thread may count on once it has waited for it, and
 * other threads once they have met that thread behind its wait. Until then the bytes are neither
 * the old ones nor the new ones. */
#include <stdlib.h>

#include "op_memory.h"

static pt_copy *new_copy(pt_copies *c)
{
    if (c->n == c->room) {
        const uint32_t room = c->room * 2 + 8;
        pt_copy       *all = realloc(c->all, room * sizeof *all);
        if (all == NULL)
            return NULL;
        c->all = all;
        c->room = room;
    }
    return &c->all[c->n++];
}

static void start(pt_warp *w, const pt_insn *i, uint32_t l, pt_copy one)
{
    uint8_t *to = pt_touch(w, i, l, S_SHARED, one.to, one.bytes, A_WRITE);
    if (one.from % one.bytes != 0)
        pt_report(w, i, l, PTX_MISALIGNED, "the source of cp.async is not aligned", one.from);
    for (uint32_t k = 0, n = 0; k < one.take; k += n) { /* it may end within a word */
        n = one.take - k >= 4 ? 4 : one.take - k >= 2 ? 2 : 1;
        if (pt_touch(w, i, l, S_GLOBAL, one.from + k, n, A_READ) == NULL)
            return;
    }
    pt_copy *c = to != NULL ? new_copy(&w->copies[l]) : NULL;
    if (c == NULL)
        return;
    *c = one;
    memset(to, 0xff, one.bytes);
    memset(w->run->shared.known + (to - w->run->shared.data), K_COMING, one.bytes);
}

static void h_copy(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    uint64_t        to[PT_LANES], from[PT_LANES];
    const uint64_t *bytes = pt_in(w, i, 2, lanes);
    const uint64_t *take = i->n_ops > 3 ? pt_in(w, i, 3, lanes) : bytes;
    pt_addresses(w, i, 0, lanes,
                 to); /* i->space is shared, so its addresses are narrow; the source's are not */
    const pt_operand *a = &i->op[1];
    const uint64_t   *base = a->reg[0] >= 0 ? pt_in(w, i, 1, lanes) : NULL;
    PT_EACH(lanes, l)
    from[l] = (base != NULL ? base[l] : 0) + (uint64_t)a->offset;
    pt_count_global(w, i, lanes, from, (uint32_t)bytes[__builtin_ctz(lanes)]);
    w->run->report->counts.async_copies++;
    PT_EACH(lanes, l)
    {
        const uint32_t n = (uint32_t)bytes[l];
        const uint32_t some = take[l] < n ? (uint32_t)take[l] : n;
        if (n != 4 && n != 8 && n != 16) {
            pt_report(w, i, l, PTX_MISALIGNED, "cp.async takes 4, 8 or 16 bytes", n);
            return;
        }
        start(w, i, l, (pt_copy){to[l], from[l], n, some, w->copies[l].group, i});
    }
}

static void h_commit(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    (void)i;
    PT_EACH(lanes, l)
    w->copies[l].group++;
}

static void arrive(pt_warp *w, uint32_t l, const pt_copy *c)
{
    uint8_t *to = pt_touch(w, c->i, l, S_SHARED, c->to, c->bytes, A_WRITE);
    uint8_t *from = c->take > 0 ? ptx_host(w->run->memory, c->from, c->take) : NULL;
    if (to == NULL)
        return;
    memset(to, 0, c->bytes);
    if (from != NULL)
        memcpy(to, from, c->take);
}

/* Waits until at most the last `keep` groups that were committed are under way. */
static void wait(pt_warp *w, uint32_t l, uint32_t keep, bool all)
{
    pt_copies *c = &w->copies[l];
    uint32_t   left = 0;
    for (uint32_t k = 0; k < c->n; k++) {
        if (all || (c->all[k].group < c->group && c->group - c->all[k].group > keep))
            arrive(w, l, &c->all[k]);
        else
            c->all[left++] = c->all[k];
    }
    c->n = left;
}

static void h_wait(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    const uint64_t *keep = i->mode == 0 ? pt_in(w, i, 0, lanes) : NULL;
    PT_EACH(lanes, l)
    wait(w, l, keep != NULL ? (uint32_t)keep[l] : 0, keep == NULL);
}

const pt_row pt_rows_async[] = {
    {"cp", "commit_group", C_NONE, "async", h_commit, F_NONE, 0},
    {"cp", "wait_group", C_NONE, "async", h_wait, F_NONE, 0},
    {"cp", "wait_all", C_NONE, "async", h_wait, F_NONE, 1},
    {"cp", "shared", C_NONE, "async global", h_copy, F_NONE, 0},
    {"cp", "shared::cta", C_NONE, "async global", h_copy, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
