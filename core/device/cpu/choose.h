/* SPDX-License-Identifier: Apache-2.0 */
/* Which of its instruction sets a CPU runs each family of ops with. Not all that a CPU has is worth
 * using: vdpbf16ps takes two terms at once, and yet is half as fast as the f32 multiply-add on some
 * CPUs and twice as fast on others. Since its sums have bytes of their own, what is chosen depends
 * on the CPU's maker, family and model, and on a measurement only where those are not known. */
#ifndef WF_CPU_CHOOSE_H
#define WF_CPU_CHOOSE_H

#include <stdbool.h>

#include "core/base/cpu.h"

/* How the settings and the machine came to a set of instructions. */
typedef struct wf_cpu_choice {
    uint64_t have;  /* what may be used: the machine's, lowered by cpu_mask */
    uint64_t flags; /* what is used: wf_ops_init takes it */
    bool     fixed; /* isa named it: nothing was weighed */
} wf_cpu_choice;

/* cpu_mask and isa are the options of these names. INVALID: one of them is no level. UNSUPPORTED:
 * isa is a level that this CPU has not, or that cpu_mask forbids. [setup] */
weft_status wf_cpu_choose(const char *cpu_mask, const char *isa, wf_cpu_choice *out,
                          weft_error *err);

/* A family of ops, the level that it runs at, and why, in half a sentence. */
typedef struct wf_cpu_path {
    const char *family, *isa;
    char        why[160];
} wf_cpu_path;

/* The index-th family; false: there are no more. [any] */
bool wf_cpu_path_at(const wf_cpu_choice *c, uint32_t index, wf_cpu_path *out);

/* The rate of vdpbf16ps over that of the f32 multiply-add, in multiplications of a second each; 0:
 * this CPU has it not. Takes about a millisecond. [any] */
double wf_cpu_probe_pairs(void);
#define WF_CPU_PAIRS_PAY                                                                           \
    1.4 /* the rates of CPUs lie near 0.5, 1 and 2: far from this on both sides */

/* What is known of the pairs of a maker's CPUs of a family: 1: they pay, 0: they do not, -1: nobody
 * has measured such a CPU. [any] */
int32_t wf_cpu_known_pairs(const wf_cpu_model *m);

/* The same of AMX: tdpbf16ps over the f32 multiply-add, and what is known of a model. */
double wf_cpu_probe_tiles(void);
#define WF_CPU_TILES_PAY 3.0 /* 15 on the CPUs that were measured; blocking costs half of that */
int32_t wf_cpu_known_tiles(const wf_cpu_model *m);

#endif
