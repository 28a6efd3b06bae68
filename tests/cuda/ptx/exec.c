/* SPDX-License-Identifier: Apache-2.0 */
/* A warp: its lanes have places of their own in the code, as on hardware since compute
 * capability 7.0. Lanes at the same place run together; where lanes part, the group that is
 * furthest behind goes first, so that they meet again, or, in a warp that is to run in disorder,
 * any of them. */
#include "inside.h"

static void put(pt_warp *w, uint32_t lanes, uint32_t pc)
{
    PT_EACH(lanes, l)
    w->pc[l] = pc;
}

static uint32_t lanes_at(const pt_warp *w, uint32_t of, uint32_t pc)
{
    uint32_t lanes = 0;
    PT_EACH(of, l)
    lanes |= (uint32_t)(w->pc[l] == pc) << l;
    return lanes;
}

static void classify(ptx_counts *c, const pt_insn *i, uint32_t lanes)
{
    c->instructions++;
    c->lanes += (uint32_t)__builtin_popcount(lanes);
    if (pt_types[i->type].kind == 'f')
        *(i->approx ? &c->special_ops : &c->float_ops) += 1;
    else
        c->int_ops += i->type != T_NONE;
}

/* Lanes that a masked instruction leaves behind wait until the others of their mask stand there
 * too. */
static void masked(pt_warp *w, const pt_insn *i, uint32_t *group, uint32_t on, uint32_t pc)
{
    const uint64_t *mask = pt_in(w, i, i->n_ops - 1, on);
    while (on != 0) {
        const uint32_t m = (uint32_t)mask[__builtin_ctz(on)];
        uint32_t       same = 0;
        PT_EACH(on, l)
        same |= (uint32_t)((uint32_t)mask[l] == m) << l;
        on &= ~same;
        if ((same & ~m) != 0)
            pt_report(w, i, (uint32_t)__builtin_ctz(same & ~m), PTX_MASK,
                      "a lane is not in the mask that it gives", m);
        const uint32_t need = (m & w->live) | same;
        if (same == need) {
            i->run(w, i, same);
            continue;
        }
        w->waiting |= same;
        put(w, same, pc);
        *group &= ~same;
    }
}

static void whole_warp(pt_warp *w, const pt_insn *i, uint32_t *group, uint32_t on, uint32_t pc)
{
    if (on == PT_ALL) {
        i->run(w, i, on);
        return;
    }
    if (w->live != PT_ALL) {
        pt_report(w, i, (uint32_t)__builtin_ctz(on), PTX_MASK, "it needs all 32 lanes of the warp",
                  w->live);
        w->run->stop = true;
    }
    w->waiting |= on;
    put(w, on, pc);
    *group &= ~on;
}

static void barrier(pt_warp *w, const pt_insn *i, uint32_t *group, uint32_t on, uint32_t pc)
{
    const uint32_t lane = (uint32_t)__builtin_ctz(on);
    if (i->n_ops > 1 && w->r[i->op[1].reg[0]][lane] != w->run->n_threads) {
        pt_report(w, i, lane, PTX_UNSUPPORTED, "a barrier of some threads is not known",
                  w->r[i->op[1].reg[0]][lane]);
        w->run->stop = true;
    }
    w->at_barrier |= on;
    put(w, on, pc);
    *group &= ~on;
}

/* Which of the group's lanes run an instruction with a guard. */
static uint32_t guarded(pt_warp *w, const pt_insn *i, uint32_t group)
{
    if (i->guard < 0)
        return group;
    const uint32_t p = pt_in_pred(w, i, i->guard, group);
    return group & (i->guard_not ? ~p : p);
}

/* Runs one instruction for the group; *pc and *group are where to go on and with whom. false: the
 * lanes have parted. */
static bool one(pt_warp *w, uint32_t *group, uint32_t *pc)
{
    ptx_kernel          *k = w->run->k;
    static const pt_insn end = {.name = "the end", .flow = F_EXIT, .guard = -1};
    const pt_insn       *i = *pc < k->n_code ? &k->code[*pc] : &end;
    const uint32_t       on = guarded(w, i, *group), at = (*pc)++;
    classify(&w->run->report->counts, i, on);
    if (on == 0)
        return true;
    switch ((pt_flow)i->flow) {
    case F_BRANCH:
        if (on != *group) {
            put(w, on, (uint32_t)i->target);
            put(w, *group & ~on, at + 1);
            return false;
        }
        *pc = (uint32_t)i->target;
        return true;
    case F_EXIT:
        w->live &= ~on;
        w->waiting = 0; /* who waited for these lanes looks again */
        *group &= ~on;
        return true;
    case F_BARRIER:
        barrier(w, i, group, on, at);
        return true;
    case F_MASKED:
        masked(w, i, group, on, at);
        return true;
    case F_WARP:
        whole_warp(w, i, group, on, at);
        return true;
    default:
        i->run(w, i, on);
        return true;
    }
}

static void run_group(pt_warp *w, uint32_t group, uint32_t pc, uint32_t n)
{
    pt_run        *run = w->run;
    const uint32_t others = w->live & ~group;
    for (; n > 0 && group != 0 && !run->stop; n--) {
        if (run->left-- == 0) {
            pt_report_run(run, PTX_STUCK, "it does not come to an end");
            run->stop = true;
            break;
        }
        if (!one(w, &group, &pc))
            return;
        if (others != 0 && lanes_at(w, others & w->live, pc) != 0)
            break; /* they meet */
    }
    put(w, group, pc);
}

static uint32_t lane_behind(const pt_warp *w, uint32_t ready)
{
    uint32_t lane = (uint32_t)__builtin_ctz(ready);
    PT_EACH(ready, l)
    lane = w->pc[l] < w->pc[lane] ? l : lane;
    return lane;
}

static uint32_t any_lane(pt_run *run, uint32_t ready)
{
    uint32_t skip = (uint32_t)(pt_random(run) % (uint32_t)__builtin_popcount(ready));
    PT_EACH(ready, l)
    if (skip-- == 0)
        return l;
    return (uint32_t)__builtin_ctz(ready);
}

bool pt_warp_step(pt_warp *w, uint32_t n)
{
    const uint32_t ready = w->live & ~w->at_barrier & ~w->waiting;
    if (ready == 0)
        return false;
    const uint32_t lane = w->disorder && (pt_random(w->run) & 3) == 0 ? any_lane(w->run, ready)
                                                                      : lane_behind(w, ready);
    const uint32_t group = lanes_at(w, w->live & ~w->at_barrier, w->pc[lane]);
    w->waiting &= ~group;
    run_group(w, group, w->pc[lane], n);
    return true;
}
