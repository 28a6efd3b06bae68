/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements that need instructions which not every CPU has: the caller has asked whether it has.
 */
#ifndef WF_CPU_PROBE_H
#define WF_CPU_PROBE_H

/* Multiplications a second of one thread: by the f32 multiply-add of 512 bits, and by vdpbf16ps. */
typedef struct wf_rates {
    double fma, pairs;
} wf_rates;

/* On a CPU with AVX512-BF16. Takes about a millisecond. [any] */
wf_rates wf_probe_rates(void);

/* Multiplications of bf16 a second of one thread by tdpbf16ps. On a CPU with AMX. Takes about a
 * millisecond. [any] */
double wf_probe_tiles(void);

#endif
