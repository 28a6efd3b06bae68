/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads of which one runs at a time: for code that cannot be left and entered again (a
 * plugin's loop that calls back), while the caller has other things to do between its callbacks.
 *
 *     wf_relay_start(&r, body, ctx, &err);     body does not run yet
 *     wf_relay_resume(&r);                     body runs until it yields or returns
 *     while (!r.ended) { ...; wf_relay_resume(&r); }
 *     wf_relay_join(&r);
 *
 * What one side wrote the other sees. */
#ifndef WF_RELAY_H
#define WF_RELAY_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/status.h"

typedef struct wf_relay {
    pthread_t       thread;
    pthread_mutex_t lock;
    pthread_cond_t  passed;
    bool            inside; /* whose turn it is */
    bool            ended;  /* body has returned */
    void (*body)(void *ctx);
    void *ctx;
} wf_relay;

/* r must not move until the join. DEVICE: the system gives no thread. */
weft_status wf_relay_start(wf_relay *r, void (*body)(void *ctx), void *ctx, weft_error *err);
/* From outside: body's turn. Returns when it yields or ends; after its end nothing happens. */
void wf_relay_resume(wf_relay *r);
/* From inside body: the other's turn. Returns when body is resumed. */
void wf_relay_yield(wf_relay *r);
void wf_relay_join(wf_relay *r); /* after the end */

#endif
