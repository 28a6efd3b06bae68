/* SPDX-License-Identifier: Apache-2.0 */
/* Seconds of the monotonic clock. They are only reported; no result depends on them. */
#ifndef WF_TIME_H
#define WF_TIME_H

#include <time.h>

static inline double wf_now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
