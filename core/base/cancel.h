/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling by epochs. What can be cancelled (an engine, a request) counts how often that
 * happened. Work takes a mark when it begins and is cancelled as soon as a count has moved since.
 * Nothing is ever cleared, so no call can lose a cancel that was meant for another one. */
#ifndef WF_CANCEL_H
#define WF_CANCEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/status.h"

/* All zero: never cancelled. */
typedef struct wf_cancel {
    atomic_uint_fast64_t epoch;
} wf_cancel;

/* Cancels all work that has begun so far. One atomic addition: any thread, and signal handlers. */
void wf_cancel_now(wf_cancel *c);

/* When something began: the counts of what it belongs to, as they were then. All zero: the mark of
 * nothing, which is never cancelled. A mark is a value; what it points to outlives it. Work that is
 * done for several has a mark of each, chained by `also`, and is cancelled once all of them are. */
typedef struct wf_mark {
    const wf_cancel      *engine, *request; /* NULL: it belongs to none */
    uint64_t              engine_epoch, request_epoch;
    const struct wf_mark *also; /* NULL: it is the last */
} wf_mark;

/* The mark of what begins now. Either may be NULL. [any] */
wf_mark wf_mark_take(const wf_cancel *engine, const wf_cancel *request);
bool    wf_mark_is_cancelled(const wf_mark *m); /* NULL: never. [any] */
/* CANCELLED with its sentence, or OK. */
weft_status wf_mark_check(const wf_mark *m, weft_error *err);

/* The mark in force in an engine: that of the call in progress. One thread, the engine's, changes
 * it; any thread asks, for a plugin may poll from threads of its own. */
typedef struct wf_scope {
    const wf_cancel *engine;
    pthread_mutex_t  lock;
    wf_mark          mark;
} wf_scope;

void wf_scope_init(wf_scope *s, const wf_cancel *engine); /* engine is borrowed */
void wf_scope_free(wf_scope *s);
/* A caller's call begins. Where another is in progress (a callback calls back) the mark of the
 * outer one stays in force; otherwise one is taken now. Returns what wf_scope_end is to be given.
 */
wf_mark wf_scope_begin(wf_scope *s);
/* Work for somebody whose mark was taken earlier: a request that waits in a queue. Returns what
 * wf_scope_end is to be given. */
wf_mark wf_scope_enter(wf_scope *s, const wf_mark *mark);
void    wf_scope_end(wf_scope *s, const wf_mark *before);
/* Of the mark in force; without one nothing is cancelled. [any] */
wf_mark     wf_scope_mark(wf_scope *s);
bool        wf_scope_is_cancelled(wf_scope *s);
weft_status wf_scope_check(wf_scope *s, weft_error *err);

#endif
