/* SPDX-License-Identifier: Apache-2.0 */
/* How fast two instructions are beside each other. Each is timed in many short rounds, in turn, and
 * the best round of each counts: an interruption only makes a round longer. */
#include "core/device/cpu/probe.h"

#if defined(__x86_64__)
#include <stdint.h>
#include <time.h>

#define TURNS 2000 /* of 14 instructions: more than any CPU has under way */
#define ROUNDS 24

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Zeros throughout, so that no value takes longer than another. */
#define CLEAR(r) "vpxord %%zmm" #r ", %%zmm" #r ", %%zmm" #r "\n"
#define EACH(step)                                                                                 \
    step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7) step(8) step(9) step(10)       \
        step(11) step(12) step(13)
#define ROUND(step)                                                                                \
    __asm__ volatile(EACH(CLEAR) CLEAR(15) "1:\n" EACH(step) "dec %0\n"                            \
                                                             "jnz 1b\n"                            \
                     : "+r"(turns)                                                                 \
                     :                                                                             \
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm15", "cc")
#define FMA(r) "vfmadd231ps %%zmm15, %%zmm15, %%zmm" #r "\n"
#define PAIRS(r) "vdpbf16ps %%zmm15, %%zmm15, %%zmm" #r "\n"

static double fma_round(void)
{
    double   start = seconds();
    uint64_t turns = TURNS;
    ROUND(FMA);
    return seconds() - start;
}

static double pairs_round(void)
{
    double   start = seconds();
    uint64_t turns = TURNS;
    ROUND(PAIRS);
    return seconds() - start;
}

wf_rates wf_probe_rates(void)
{
    double fma = 1.0, pairs = 1.0, each = 14.0 * TURNS * 16.0;
    for (int i = 0; i < ROUNDS; i++) {
        double f = fma_round(), p = pairs_round();
        fma = f < fma ? f : fma;
        pairs = p < pairs ? p : pairs;
    }
    return (wf_rates){each / fma, 2.0 * each / pairs};
}
#endif
