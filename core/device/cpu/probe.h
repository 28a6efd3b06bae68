/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements that need instructions which not every CPU has: the caller has asked whether it has.
 */
#ifndef WF_CPU_PROBE_H
#define WF_CPU_PROBE_H

/* wf_cpu_probe_pairs on a CPU with AVX512-BF16. [any] */
double wf_probe_pairs(void);

#endif
