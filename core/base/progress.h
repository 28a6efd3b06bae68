/* SPDX-License-Identifier: Apache-2.0 */
/* What takes time says so to whoever opened the engine. */
#ifndef WF_PROGRESS_H
#define WF_PROGRESS_H

#include "core/base/running.h"
#include "weft/weft.h"

/* done of total (0: unknown) in unit. Without a listener nothing happens; p is not NULL. */
static inline void wf_progress_tell(const weft_progress *p, const char *what, uint64_t done,
                                    uint64_t total, const char *unit)
{
    if (p->fn == NULL)
        return;
    /* The callback is the program's: what happens in it is no plugin's doing. */
    wf_running *paused = wf_running_pause();
    p->fn(p->ctx, what, done, total, unit);
    wf_running_set(paused);
}

#endif
