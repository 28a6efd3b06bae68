/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: counted by kind, the first of each kind with a sentence. */
#include "inside.h"

const char *ptx_fault_name(ptx_fault f)
{
    static const char *const names[PTX_FAULTS] = {
        [PTX_RACE_SHARED] = "race in shared memory",
        [PTX_RACE_GLOBAL] = "race in global memory",
        [PTX_NEW_REGISTER] = "uninitialised register",
        [PTX_NEW_SHARED] = "uninitialised shared memory",
        [PTX_NEW_GLOBAL] = "uninitialised global memory",
        [PTX_NEW_LOCAL] = "uninitialised local memory",
        [PTX_OUT_OF_SHARED] = "out of bounds of shared memory",
        [PTX_OUT_OF_GLOBAL] = "out of bounds of global memory",
        [PTX_OUT_OF_LOCAL] = "out of bounds of local memory",
        [PTX_MISALIGNED] = "misaligned",
        [PTX_BARRIER] = "divergent barrier",
        [PTX_MASK] = "wrong mask",
        [PTX_ASYNC] = "missing wait for cp.async",
        [PTX_STUCK] = "stuck",
        [PTX_BAD_LAUNCH] = "impossible launch",
        [PTX_UNSUPPORTED] = "unsupported instruction",
    };
    return names[f];
}

void pt_report_run(pt_run *run, ptx_fault f, const char *sentence)
{
    if (run->report->n[f]++ == 0)
        snprintf(run->report->first[f], sizeof run->report->first[f], "%.64s: %.150s", run->k->name,
                 sentence);
}

void pt_report(pt_warp *w, const pt_insn *i, uint32_t lane, ptx_fault f, const char *what,
               uint64_t at)
{
    pt_run        *run = w->run;
    const uint32_t t = w->first + lane;
    char           sentence[224];
    if (run->report->n[f] != 0) {
        run->report->n[f]++;
        return;
    }
    snprintf(sentence, sizeof sentence,
             "%s: line %u (%s), block %u,%u,%u thread %u, address or value %#llx", what, i->line,
             i->name, run->ctaid[0], run->ctaid[1], run->ctaid[2], t, (unsigned long long)at);
    pt_report_run(run, f, sentence);
}

void pt_new_register(pt_warp *w, const pt_insn *i, uint32_t lanes, int32_t reg)
{
    const uint32_t missing = lanes & ~w->defined[reg];
    pt_report(w, i, (uint32_t)__builtin_ctz(missing), PTX_NEW_REGISTER,
              "a register is read that nothing wrote", (uint64_t)reg);
    w->defined[reg] |= missing; /* once is enough */
}

bool ptx_clean(const ptx_report *r)
{
    for (int f = 0; f < PTX_FAULTS; f++)
        if (r->n[f] != 0)
            return false;
    return true;
}

const char *ptx_sentence(const ptx_report *r)
{
    for (int f = 0; f < PTX_FAULTS; f++)
        if (r->n[f] != 0)
            return r->first[f];
    return "";
}
