/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of the test device: work is recorded, and run when somebody waits or asks, the queues'
 * heads in a random order that respects what was asked for with `after`. */
#include <string.h>

#include "core/base/mem.h"
#include "core/device/test/internal.h"

static uint64_t next_random(wf_test_device *d)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return d->random;
}

static void later(uint64_t clock[WF_TEST_QUEUES], const uint64_t other[WF_TEST_QUEUES])
{
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++)
        clock[i] = clock[i] > other[i] ? clock[i] : other[i];
}

weft_status wf_test_queue_create(wf_device *dev, weft_queue **out, weft_error *err)
{
    wf_test_device *d = (wf_test_device *)dev;
    wf_test_queue  *q = wf_zalloc(sizeof *q);
    if (q == NULL)
        return wf_fail_nomem(err, sizeof *q, "a queue");
    q->base.device = dev;
    q->exec.pool = d->pool;
    q->exec.ops = &d->ops;
    q->why = (weft_error)WF_ERROR_INIT;
    pthread_mutex_lock(&d->lock);
    for (int32_t i = 0; i < WF_TEST_QUEUES && *out == NULL; i++) {
        if (d->slots[i].queue != NULL)
            continue;
        d->slots[i].queue = q;
        q->slot = i;
        *out = &q->base;
    }
    pthread_mutex_unlock(&d->lock);
    if (*out != NULL)
        return WEFT_OK;
    wf_free(q);
    return wf_fail(err, WEFT_E_LIMIT, "the async-test device has no queue left of %d",
                   WF_TEST_QUEUES);
}

static void drop_head(wf_test_slot *s)
{
    wf_test_command *c = s->head;
    s->head = c->next;
    if (s->head == NULL)
        s->tail = NULL;
    s->done++;
    wf_test_copy_drop(c);
    wf_free(c->kept);
    wf_free(c);
}

void wf_test_queue_destroy(weft_queue *queue)
{
    wf_test_queue  *q = (wf_test_queue *)queue;
    wf_test_device *d = (wf_test_device *)queue->device;
    wf_test_slot   *s = &d->slots[q->slot];
    pthread_mutex_lock(&d->lock);
    while (s->head != NULL)
        drop_head(s);
    s->queue = NULL;
    d->known[q->slot] = s->done; /* nobody can wait for it any more */
    wf_test_forget(d);
    pthread_mutex_unlock(&d->lock);
    wf_test_graph_free(queue->device, q->capture);
    wf_free_aligned(q->exec.scratch);
    wf_free(q);
}

static void append(wf_test_command **head, wf_test_command **tail, wf_test_command *c)
{
    *(*tail != NULL ? &(*tail)->next : head) = c;
    *tail = c;
}

weft_status wf_test_record(wf_test_queue *q, const wf_test_command *what, weft_error *err)
{
    wf_test_device  *d = (wf_test_device *)q->base.device;
    wf_test_slot    *s = &d->slots[q->slot];
    wf_test_command *c = wf_alloc(sizeof *c);
    if (c == NULL)
        return wf_fail_nomem(err, sizeof *c, "a queued op");
    *c = *what;
    c->next = NULL;
    if (q->capture != NULL) {
        append(&q->capture->head, &q->capture->tail, c);
        return WEFT_OK;
    }
    pthread_mutex_lock(&d->lock);
    s->submitted++;
    later(s->clock, d->known);
    s->clock[q->slot] = s->submitted;
    memcpy(c->clock, s->clock, sizeof c->clock);
    append(&s->head, &s->tail, c);
    pthread_mutex_unlock(&d->lock);
    return WEFT_OK;
}

weft_status wf_test_submit(weft_queue *q, const wf_op *op, weft_error *err)
{
    wf_test_command c = {.kind = WF_TEST_OP, .op = *op};
    return wf_test_record((wf_test_queue *)q, &c, err);
}

weft_status wf_test_zero(weft_queue *q, void *dst, uint64_t bytes, weft_error *err)
{
    wf_test_command c = {.kind = WF_TEST_ZERO, .dst = dst, .bytes = bytes};
    return wf_test_record((wf_test_queue *)q, &c, err);
}

static weft_status not_now(weft_error *err, const char *what)
{
    return wf_fail(err, WEFT_E_STATE, "async-test: %s while a queue records", what);
}

weft_status wf_test_after(weft_queue *queue, weft_queue *earlier, weft_error *err)
{
    wf_test_queue  *q = (wf_test_queue *)queue, *e = (wf_test_queue *)earlier;
    wf_test_device *d = (wf_test_device *)queue->device;
    wf_test_command c = {.kind = WF_TEST_AFTER, .earlier = e->slot};
    if (q->capture != NULL || e->capture != NULL)
        return not_now(err, "after");
    pthread_mutex_lock(&d->lock);
    c.ticket = d->slots[e->slot].submitted;
    later(d->slots[q->slot].clock, d->slots[e->slot].clock);
    pthread_mutex_unlock(&d->lock);
    return wf_test_record(q, &c, err);
}

static void run_op(wf_test_queue *q, const wf_op *op)
{
    weft_status status = wf_op_run(&q->exec, op);
    if (status != WEFT_OK && q->why.code == WEFT_OK)
        wf_fail(&q->why, status, "out of memory for a step's scratch");
}

static void run_head(wf_test_device *d, wf_test_slot *s)
{
    wf_test_command *c = s->head;
    wf_test_queue   *q = s->queue;
    if (wf_test_check(d, q, c)) {
        if (c->kind == WF_TEST_OP)
            run_op(q, &c->op);
        else if (c->kind == WF_TEST_ZERO)
            memset(c->dst, 0, (size_t)c->bytes);
        else if (c->kind != WF_TEST_AFTER)
            wf_test_copy_run(d, q, c);
        wf_test_settle(d, q, c);
    }
    drop_head(s);
}

static bool head_may_run(const wf_test_device *d, int32_t at)
{
    const wf_test_command *c = d->slots[at].head;
    return c != NULL && (c->kind != WF_TEST_AFTER || d->slots[c->earlier].done >= c->ticket);
}

/* Runs one head chosen at random among those that may run; there always is one while some queue
 * has work, since what a queue waits for was submitted before. */
static void run_one(wf_test_device *d)
{
    int32_t at = (int32_t)(next_random(d) % WF_TEST_QUEUES);
    while (!head_may_run(d, at))
        at = (at + 1) % WF_TEST_QUEUES;
    run_head(d, &d->slots[at]);
}

weft_status wf_test_wait(weft_queue *queue, weft_error *err)
{
    wf_test_queue  *q = (wf_test_queue *)queue;
    wf_test_device *d = (wf_test_device *)queue->device;
    if (q->capture != NULL)
        return not_now(err, "wait");
    pthread_mutex_lock(&d->lock);
    wf_test_slot *s = &d->slots[q->slot];
    wf_test_memory_open(&d->memory);
    while (s->head != NULL)
        run_one(d);
    wf_test_memory_shut(&d->memory);
    later(d->known, s->clock);
    wf_test_forget(d);
    weft_error *from = q->why.code != WEFT_OK ? &q->why : &d->why;
    weft_error  why = *from;
    *from = (weft_error)WF_ERROR_INIT;
    pthread_mutex_unlock(&d->lock);
    return why.code == WEFT_OK ? WEFT_OK : wf_fail(err, why.code, "%s", why.message);
}

/* Of the heads as many run as the queue has left at most: it is done after some questions. */
weft_status wf_test_done(weft_queue *queue, bool *done, weft_error *err)
{
    wf_test_queue  *q = (wf_test_queue *)queue;
    wf_test_device *d = (wf_test_device *)queue->device;
    if (q->capture != NULL)
        return not_now(err, "done");
    pthread_mutex_lock(&d->lock);
    wf_test_slot *s = &d->slots[q->slot];
    uint64_t      n = next_random(d) % (s->submitted - s->done + 1);
    wf_test_memory_open(&d->memory);
    for (; n > 0 && s->head != NULL; n--)
        run_one(d);
    wf_test_memory_shut(&d->memory);
    *done = s->head == NULL;
    pthread_mutex_unlock(&d->lock);
    return WEFT_OK;
}

/* ---- capture ---- */

weft_status wf_test_capture_begin(weft_queue *queue, weft_error *err)
{
    wf_test_queue *q = (wf_test_queue *)queue;
    if (q->capture != NULL)
        return not_now(err, "capture_begin");
    q->capture = wf_zalloc(sizeof *q->capture);
    return q->capture != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *q->capture, "a graph");
}

weft_status wf_test_capture_end(weft_queue *queue, wf_graph **out, weft_error *err)
{
    wf_test_queue *q = (wf_test_queue *)queue;
    if (q->capture == NULL)
        return wf_fail(err, WEFT_E_STATE,
                       "async-test: capture_end of a queue that records nothing");
    *out = q->capture;
    q->capture = NULL;
    return WEFT_OK;
}

weft_status wf_test_replay(weft_queue *queue, wf_graph *g, weft_error *err)
{
    if (((wf_test_queue *)queue)->capture != NULL)
        return not_now(err, "replay");
    weft_status status = wf_test_graph_check((wf_test_device *)queue->device, g, err);
    for (const wf_test_command *c = g->head; c != NULL && status == WEFT_OK; c = c->next) {
        if (c->kind == WF_TEST_UPLOAD)
            status = wf_test_upload(queue, c->dst, c->src, c->bytes, err);
        else if (c->kind == WF_TEST_DOWNLOAD)
            status = wf_test_download(queue, c->dst, c->src, c->bytes, err);
        else
            status = wf_test_record((wf_test_queue *)queue, c, err);
    }
    return status;
}

void wf_test_graph_free(wf_device *d, wf_graph *g)
{
    (void)d;
    while (g != NULL && g->head != NULL) {
        wf_test_command *c = g->head;
        g->head = c->next;
        wf_free(c);
    }
    wf_free(g);
}
