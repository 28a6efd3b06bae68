/* SPDX-License-Identifier: Apache-2.0 */
/* Work that a caller records: kept as it was given and given again at a replay. That it then runs
 * as a CUDA graph is the queue's affair (graph.c), as with any list that comes again. */
#include "cuda/internal.h"

struct wf_cuda_command {
    wf_cuda_command *next;
    int32_t          kind, reserved; /* WF_CUDA_* */
    wf_op            op;
    void            *dst;
    const void      *src;
    uint64_t         bytes;
};

struct wf_graph {
    wf_cuda_command *head, *tail;
};

weft_status wf_cuda_capture_begin(weft_queue *queue, weft_error *err)
{
    wf_cuda_queue *q = (wf_cuda_queue *)queue;
    if (q->capture != NULL)
        return wf_fail(err, WEFT_E_STATE, "device cuda: capture_begin while a queue records");
    q->capture = wf_zalloc(sizeof *q->capture);
    return q->capture != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *q->capture, "a graph");
}

weft_status wf_cuda_capture_end(weft_queue *queue, wf_graph **out, weft_error *err)
{
    wf_cuda_queue *q = (wf_cuda_queue *)queue;
    if (q->capture == NULL)
        return wf_fail(err, WEFT_E_STATE,
                       "device cuda: capture_end of a queue that records nothing");
    *out = q->capture;
    q->capture = NULL;
    return WEFT_OK;
}

static weft_status append(wf_cuda_queue *q, const wf_cuda_command *what, weft_error *err)
{
    wf_graph        *g = q->capture;
    wf_cuda_command *c = wf_alloc(sizeof *c);
    if (c == NULL)
        return wf_fail_nomem(err, sizeof *c, "a recorded op");
    *c = *what;
    *(g->tail != NULL ? &g->tail->next : &g->head) = c;
    g->tail = c;
    return WEFT_OK;
}

weft_status wf_cuda_record(wf_cuda_queue *q, const wf_op *op, weft_error *err)
{
    wf_cuda_command c = {.kind = WF_CUDA_OP, .op = *op};
    return append(q, &c, err);
}

weft_status wf_cuda_record_copy(wf_cuda_queue *q, int32_t kind, void *dst, const void *src,
                                uint64_t bytes, weft_error *err)
{
    wf_cuda_command c = {.kind = kind, .dst = dst, .src = src, .bytes = bytes};
    return append(q, &c, err);
}

static weft_status again(weft_queue *q, const wf_cuda_command *c, weft_error *err)
{
    switch (c->kind) {
    case WF_CUDA_UPLOAD:
        return wf_cuda_upload(q, c->dst, c->src, c->bytes, err);
    case WF_CUDA_DOWNLOAD:
        return wf_cuda_download(q, c->dst, c->src, c->bytes, err);
    case WF_CUDA_ZERO:
        return wf_cuda_zero(q, c->dst, c->bytes, err);
    default:
        return wf_cuda_submit(q, &c->op, err);
    }
}

weft_status wf_cuda_replay(weft_queue *q, wf_graph *g, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (((wf_cuda_queue *)q)->capture != NULL)
        return wf_fail(err, WEFT_E_STATE, "device cuda: replay while a queue records");
    for (const wf_cuda_command *c = g->head; c != NULL && status == WEFT_OK; c = c->next)
        status = again(q, c, err);
    return status;
}

void wf_cuda_graph_free(wf_device *d, wf_graph *g)
{
    (void)d;
    while (g != NULL && g->head != NULL) {
        wf_cuda_command *c = g->head;
        g->head = c->next;
        wf_free(c);
    }
    wf_free(g);
}
