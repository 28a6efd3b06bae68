/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads in turn. */
#include "core/base/relay.h"

#include <string.h>

#include "core/base/running.h"

/* Gives the turn away; with `back` returns when it has come back. */
static void pass(wf_relay *r, bool inside, bool back)
{
    pthread_mutex_lock(&r->lock);
    r->inside = inside;
    pthread_cond_signal(&r->passed);
    while (back && r->inside == inside)
        pthread_cond_wait(&r->passed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

static void *run(void *arg)
{
    wf_relay       *r = arg;
    wf_signal_stack stack;
    wf_signal_stack_use(&stack);
    pthread_mutex_lock(&r->lock);
    while (!r->inside)
        pthread_cond_wait(&r->passed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    r->body(r->ctx);
    r->ended = true;
    wf_signal_stack_leave(&stack);
    pass(r, false, false);
    return NULL;
}

weft_status wf_relay_start(wf_relay *r, void (*body)(void *ctx), void *ctx, weft_error *err)
{
    memset(r, 0, sizeof *r);
    r->body = body;
    r->ctx = ctx;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->passed, NULL);
    if (pthread_create(&r->thread, NULL, run, r) == 0)
        return WEFT_OK;
    pthread_cond_destroy(&r->passed);
    pthread_mutex_destroy(&r->lock);
    return wf_fail(err, WEFT_E_DEVICE, "the system gives no further thread");
}

void wf_relay_resume(wf_relay *r)
{
    if (!r->ended)
        pass(r, true, true);
}

void wf_relay_yield(wf_relay *r)
{
    pass(r, false, true);
}

void wf_relay_join(wf_relay *r)
{
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->passed);
    pthread_mutex_destroy(&r->lock);
}
