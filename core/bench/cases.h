/* SPDX-License-Identifier: Apache-2.0 */
/* Single ops, timed at shapes of released models: weft_bench_op_run() on a device. */
#ifndef WF_BENCH_CASES_H
#define WF_BENCH_CASES_H

#include "core/bench/timer.h"

/* An op by name, with the function that times all its shapes. */
typedef struct wf_bench_case {
    const char *name;
    weft_status (*run)(wf_bench_timer *t);
} wf_bench_case;

/* The name of the limit that bounds linear weights of a format at a level: the peak of the
 * instruction that the level multiplies them with. NULL: none that is measured. */
const char *wf_bench_peak(const char *isa, int32_t format);

extern const wf_bench_case wf_bench_cases[]; /* ends with a row without a name */

#endif
