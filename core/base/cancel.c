/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling by epochs. */
#include "core/base/cancel.h"

void wf_cancel_now(wf_cancel *c)
{
    atomic_fetch_add(&c->epoch, 1);
}

static uint64_t epoch_of(const wf_cancel *c)
{
    return c != NULL ? atomic_load(&c->epoch) : 0;
}

wf_mark wf_mark_take(const wf_cancel *engine, const wf_cancel *request)
{
    return (wf_mark){engine, request, epoch_of(engine), epoch_of(request), NULL};
}

static bool has_moved(const wf_mark *m)
{
    return epoch_of(m->engine) != m->engine_epoch || epoch_of(m->request) != m->request_epoch;
}

bool wf_mark_is_cancelled(const wf_mark *m)
{
    if (m == NULL)
        return false;
    for (; m != NULL; m = m->also)
        if (!has_moved(m))
            return false;
    return true;
}

weft_status wf_mark_check(const wf_mark *m, weft_error *err)
{
    return wf_mark_is_cancelled(m) ? wf_fail(err, WEFT_E_CANCELLED, "cancelled") : WEFT_OK;
}

void wf_scope_init(wf_scope *s, const wf_cancel *engine)
{
    s->engine = engine;
    s->mark = (wf_mark){.engine = NULL};
    pthread_mutex_init(&s->lock, NULL);
}

void wf_scope_free(wf_scope *s)
{
    pthread_mutex_destroy(&s->lock);
}

/* Puts a mark in force; returns the one before. */
static wf_mark exchange(wf_scope *s, const wf_mark *mark)
{
    pthread_mutex_lock(&s->lock);
    wf_mark before = s->mark;
    s->mark = *mark;
    pthread_mutex_unlock(&s->lock);
    return before;
}

wf_mark wf_scope_begin(wf_scope *s)
{
    wf_mark now = wf_mark_take(s->engine, NULL), outer = wf_scope_mark(s);
    return exchange(s, outer.engine != NULL ? &outer : &now);
}

wf_mark wf_scope_enter(wf_scope *s, const wf_mark *mark)
{
    return exchange(s, mark);
}

void wf_scope_end(wf_scope *s, const wf_mark *before)
{
    (void)exchange(s, before);
}

wf_mark wf_scope_mark(wf_scope *s)
{
    pthread_mutex_lock(&s->lock);
    wf_mark mark = s->mark;
    pthread_mutex_unlock(&s->lock);
    return mark;
}

/* Asked under the lock: once another mark is in force, nobody looks at what the former one pointed
 * to. */
bool wf_scope_is_cancelled(wf_scope *s)
{
    pthread_mutex_lock(&s->lock);
    bool cancelled = wf_mark_is_cancelled(&s->mark);
    pthread_mutex_unlock(&s->lock);
    return cancelled;
}

weft_status wf_scope_check(wf_scope *s, weft_error *err)
{
    return wf_scope_is_cancelled(s) ? wf_fail(err, WEFT_E_CANCELLED, "cancelled") : WEFT_OK;
}
