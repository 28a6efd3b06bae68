/* SPDX-License-Identifier: Apache-2.0 */
/* What a warp's access costs: sectors of 32 bytes of global memory, and wavefronts over the 32
 * banks of shared memory. */
#include "inside.h"

static bool has(const uint64_t *all, int n, uint64_t v)
{
    for (int k = n; k-- > 0;)
        if (all[k] == v)
            return true;
    return false;
}

static void add(pt_use *u, uint64_t units, uint64_t ideal)
{
    if (u == NULL)
        return;
    u->requests++;
    u->units += units;
    u->ideal += ideal;
}

void pt_count_global(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at,
                     uint32_t bytes)
{
    uint64_t sector[2 * PT_LANES];
    int      n = 0;
    PT_EACH(lanes, l)
    {
        for (uint64_t s = at[l] / 32; s <= (at[l] + bytes - 1) / 32 && n < 2 * PT_LANES; s++)
            if (!has(sector, n, s))
                sector[n++] = s;
    }
    const uint64_t ideal = ((uint64_t)__builtin_popcount(lanes) * bytes + 31) / 32;
    ptx_counts    *c = &w->run->report->counts;
    c->global_requests++;
    c->global_sectors += (uint64_t)n;
    c->global_ideal += ideal;
    add(i->use, (uint64_t)n, ideal);
}

/* Wavefronts of some lanes: the most different words that one bank must give. */
static uint32_t wavefronts(uint32_t lanes, const uint64_t *at, uint32_t bytes)
{
    uint64_t word[4 * PT_LANES];
    uint32_t bank[32] = {0}, most = 0;
    int      n = 0;
    PT_EACH(lanes, l)
    {
        for (uint64_t v = at[l] / 4; v <= (at[l] + bytes - 1) / 4 && n < 4 * PT_LANES; v++) {
            if (has(word, n, v))
                continue;
            word[n++] = v;
            if (++bank[v % 32] > most)
                most = bank[v % 32];
        }
    }
    return most;
}

/* Accesses of 8 bytes go by half warps, of 16 bytes by quarters. */
void pt_count_shared(pt_warp *w, const pt_insn *i, uint32_t lanes, const uint64_t *at,
                     uint32_t bytes)
{
    const uint32_t each = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
    uint64_t       waves = 0, ideal = 0;
    for (uint32_t from = 0; from < PT_LANES; from += each) {
        const uint32_t some = lanes & (uint32_t)(((1ull << each) - 1) << from);
        if (some == 0)
            continue;
        waves += wavefronts(some, at, bytes);
        ideal++;
    }
    ptx_counts *c = &w->run->report->counts;
    c->shared_requests++;
    c->shared_wavefronts += waves;
    c->shared_ideal += ideal;
    add(i->use, waves, ideal);
}
