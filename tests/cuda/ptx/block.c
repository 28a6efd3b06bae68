/* SPDX-License-Identifier: Apache-2.0 */
/* A block: its warps take turns until all have ended, and meet at barriers. */
#include "inside.h"

/* What the special registers hold in lane l of w. */
static uint64_t special(const pt_warp *w, int which, uint32_t l)
{
    const pt_run   *run = w->run;
    const uint32_t *block = run->l->block, t = w->first + l;
    const uint32_t  tid[3] = {t % block[0], t / block[0] % block[1], t / (block[0] * block[1])};
    switch (which) {
    case SR_LANE:
        return l;
    case SR_WARP:
        return w->index;
    case SR_NWARP:
        return run->n_warps;
    case SR_LT:
        return (1u << l) - 1;
    case SR_LE:
        return (2ull << l) - 1;
    case SR_GT:
        return PT_ALL & ~((2ull << l) - 1);
    case SR_GE:
        return PT_ALL & ~((1u << l) - 1);
    case SR_EQ:
        return 1u << l;
    case SR_DYNAMIC:
        return run->dynamic;
    case SR_TOTAL:
        return run->l->shared_bytes;
    case SR_CLOCK:
        return 0;
    default:
        return which < SR_NTID     ? tid[which]
               : which < SR_CTAID  ? block[which - SR_NTID]
               : which < SR_NCTAID ? run->ctaid[which - SR_CTAID]
                                   : run->l->grid[which - SR_NCTAID];
    }
}

static void begin_warp(pt_warp *w)
{
    const ptx_kernel *k = w->run->k;
    memset(w->defined, 0, k->n_regs * sizeof *w->defined);
    for (uint32_t r = 0; r < k->n_regs; r++)
        if (k->constant[r] >= 0) {
            w->defined[r] = PT_ALL;
            w->p[r] = k->constants[k->constant[r]] != 0 ? PT_ALL : 0; /* mov.pred %p, -1; */
        }
    for (int s = 0; s < SR_COUNT; s++) {
        if (k->special[s] < 0)
            continue;
        w->defined[k->special[s]] = PT_ALL;
        for (uint32_t l = 0; l < PT_LANES; l++)
            w->r[k->special[s]][l] = special(w, s, l);
    }
    memset(w->local.known, 0, w->local.bytes);
    memset(w->pc, 0, sizeof w->pc);
    w->live = w->lanes;
    w->at_barrier = w->waiting = 0;
    w->disorder = w->run->l->seed != 0 && (pt_random(w->run) & 1) != 0;
    for (uint32_t l = 0; l < PT_LANES; l++)
        w->copies[l].n = w->copies[l].group = 0;
}

static void begin(pt_run *run)
{
    run->began = run->barrier = ++run->memory->now;
    run->shared.since = run->began;
    memset(run->shared.data, 0xff, run->shared.bytes);
    memset(run->shared.known, 0, run->shared.bytes);
    for (uint32_t k = 0; k < run->n_warps; k++)
        begin_warp(&run->warps[k]);
}

typedef struct state {
    uint32_t live, at_barrier, ended, pc;
    bool     apart;      /* not all at one barrier */
    uint32_t warp, lane; /* one that waits */
} state;

static state look(const pt_run *run)
{
    state s = {.pc = UINT32_MAX};
    for (uint32_t k = 0; k < run->n_warps; k++) {
        const pt_warp *w = &run->warps[k];
        s.live += (uint32_t)__builtin_popcount(w->live);
        s.ended += (uint32_t)__builtin_popcount(w->lanes & ~w->live);
        s.at_barrier += (uint32_t)__builtin_popcount(w->at_barrier);
        PT_EACH(w->at_barrier, l)
        {
            s.apart |= s.pc != UINT32_MAX && s.pc != w->pc[l];
            s.pc = w->pc[l];
        }
        if (w->live != 0) {
            const uint32_t blocked = w->waiting != 0 ? w->waiting : w->live;
            s.warp = k;
            s.lane = (uint32_t)__builtin_ctz(blocked);
        }
    }
    return s;
}

static void release(pt_run *run, const state *s)
{
    pt_warp *some = &run->warps[s->warp];
    if (s->apart || s->ended != 0)
        pt_report(some, &run->k->code[some->pc[s->lane]], s->lane, PTX_BARRIER,
                  s->apart ? "threads stand at different barriers"
                           : "some threads have ended and never come",
                  s->ended);
    run->barrier = ++run->memory->now;
    run->report->counts.barriers++;
    for (uint32_t k = 0; k < run->n_warps; k++) {
        pt_warp *w = &run->warps[k];
        PT_EACH(w->at_barrier, l)
        w->pc[l]++;
        w->at_barrier = 0;
    }
}

/* Nobody can go on: lanes wait for others of their mask, which stand elsewhere or at a barrier. */
static void stuck(pt_run *run, const state *s)
{
    for (uint32_t k = 0; k < run->n_warps; k++) {
        pt_warp *w = &run->warps[k];
        if (w->waiting == 0)
            continue;
        const uint32_t l = (uint32_t)__builtin_ctz(w->waiting);
        pt_report(w, &run->k->code[w->pc[l]], l, PTX_MASK,
                  "it waits for lanes of its mask that never come", w->waiting);
        run->stop = true;
        return;
    }
    pt_warp *w = &run->warps[s->warp];
    pt_report(w, &run->k->code[w->pc[s->lane]], s->lane, PTX_STUCK, "it waits for ever", 0);
    run->stop = true;
}

/* Every warp gets a turn, from a random one on, each as long as the seed says. */
static bool turns(pt_run *run)
{
    const bool     even = run->l->seed == 0;
    const uint32_t from = even ? 0 : (uint32_t)(pt_random(run) % run->n_warps);
    bool           any = false;
    for (uint32_t k = 0; k < run->n_warps && !run->stop; k++) {
        const uint32_t n = even ? 1u << 16 : 1 + (uint32_t)(pt_random(run) % 512);
        any |= pt_warp_step(&run->warps[(k + from) % run->n_warps], n);
    }
    return any;
}

void pt_block(pt_run *run)
{
    begin(run);
    while (!run->stop) {
        const bool  any = turns(run);
        const state s = look(run);
        if (s.live == 0)
            return;
        if (s.at_barrier == s.live)
            release(run, &s);
        else if (!any && !run->stop)
            stuck(run, &s);
    }
}
