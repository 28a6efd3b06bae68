/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, ends, barriers and fences: how they flow is in exec.c and block.c. */
#include "inside.h"

static void h_nothing(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    (void)w, (void)i, (void)lanes;
}

/* What a thread does after a fence is told apart from what it did before. */
static void h_fence(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    (void)i, (void)lanes;
    w->run->memory->now++;
}

static void h_trap(pt_warp *w, const pt_insn *i, uint32_t lanes)
{
    pt_report(w, i, (uint32_t)__builtin_ctz(lanes), PTX_STUCK, "the kernel stops itself", 0);
    w->run->stop = true;
}

const pt_row pt_rows_flow[] = {
    {"bra", NULL, C_NONE, "", h_nothing, F_BRANCH, 0},
    {"ret", NULL, C_NONE, "", h_nothing, F_EXIT, 0},
    {"exit", NULL, C_NONE, "", h_nothing, F_EXIT, 0},
    {"bar", "sync", C_NONE, "cta", h_nothing, F_BARRIER, 0},
    {"barrier", "sync", C_NONE, "", h_nothing, F_BARRIER, 0},
    {"membar", NULL, C_NONE, "gl", h_fence, F_NONE, 0},
    {"fence", NULL, C_NONE, "sc", h_fence, F_NONE, 0},
    {"prefetch", NULL, C_NONE, "global L1 L2", h_nothing, F_NONE, 0},
    {"griddepcontrol", NULL, C_NONE, "wait launch_dependents", h_nothing, F_NONE, 0},
    {"nanosleep", NULL, C_INT, "", h_nothing, F_NONE, 0},
    {"trap", NULL, C_NONE, "", h_trap, F_NONE, 0},
    {NULL, NULL, 0, NULL, NULL, F_NONE, 0},
};
