/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of ops as CUDA graphs. An op is plain values, so two lists of equal bytes do the same; a
 * step of one shape gives the same list every time, because its tables stand at one address. A list
 * that comes for the second time is recorded while it is launched; from then on one call launches
 * it. Kept are a bounded number of lists, the least recently used goes first. */
#include "cuda/internal.h"

#include <string.h>

#include "cuda/dnn.h"

#define GRAPHS 48        /* kept by a queue at most */
#define NODES_MOST 65536 /* ops in all of them: each takes some kilobytes of the GPU */
#define SEEN 64          /* lists that came once, remembered by their hash */
#define OPS_LEAST 8      /* below, a graph saves nothing */

typedef struct kept {
    wf_op      *ops; /* NULL: a free place */
    int64_t     n;
    uint64_t    hash, used;
    CUgraphExec exec;
} kept;

struct wf_cuda_graphs {
    kept     list[GRAPHS];
    uint64_t seen[SEEN];
    uint64_t clock, epoch;
    int64_t  nodes;
    uint32_t next_seen;
    bool     off; /* a graph could not be made: lists are launched op by op from then on */
};

static uint64_t hash_of(const wf_op *ops, int64_t n)
{
    uint64_t hash = 0x9e3779b97f4a7c15u, word;
    _Static_assert(sizeof(wf_op) % sizeof word == 0, "an op is whole words");
    const uint8_t *at = (const uint8_t *)ops;
    for (size_t i = 0; i < (size_t)n * sizeof *ops; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    return hash;
}

static void drop(wf_cuda_queue *q, kept *k)
{
    if (k->ops == NULL)
        return;
    (void)wf_cuda_of(q)->driver->cuGraphExecDestroy(k->exec);
    q->graphs->nodes -= k->n;
    wf_free(k->ops);
    *k = (kept){0};
}

void wf_cuda_graphs_free(wf_cuda_queue *q)
{
    for (int32_t i = 0; q->graphs != NULL && i < GRAPHS; i++)
        drop(q, &q->graphs->list[i]);
    wf_free(q->graphs);
    q->graphs = NULL;
}

/* Drops all of them where something that they name may be another thing by now. */
static void drop_stale(wf_cuda_queue *q)
{
    wf_cuda_graphs *g = q->graphs;
    if (g->epoch == wf_cuda_of(q)->epoch)
        return;
    for (int32_t i = 0; i < GRAPHS; i++)
        drop(q, &g->list[i]);
    memset(g->seen, 0, sizeof g->seen);
    g->epoch = wf_cuda_of(q)->epoch;
}

static kept *find(wf_cuda_queue *q, uint64_t hash)
{
    wf_cuda_graphs *g = q->graphs;
    for (int32_t i = 0; i < GRAPHS; i++) {
        kept *k = &g->list[i];
        if (k->ops != NULL && k->hash == hash && k->n == q->n_ops &&
            memcmp(k->ops, q->ops, (size_t)q->n_ops * sizeof *q->ops) == 0)
            return k;
    }
    return NULL;
}

/* Whether a list of that hash has come before; it has from now on. */
static bool came_before(wf_cuda_graphs *g, uint64_t hash)
{
    for (int32_t i = 0; i < SEEN; i++)
        if (g->seen[i] == hash)
            return true;
    g->seen[g->next_seen++ % SEEN] = hash;
    return false;
}

static kept *oldest(wf_cuda_graphs *g)
{
    kept *k = &g->list[0];
    for (int32_t i = 1; i < GRAPHS; i++)
        if (g->list[i].used < k->used)
            k = &g->list[i];
    return k;
}

/* A place for the list; the least recently used make room. */
static kept *place_for(wf_cuda_queue *q)
{
    wf_cuda_graphs *g = q->graphs;
    while (g->nodes > 0 && g->nodes + q->n_ops > NODES_MOST) {
        kept *k = NULL;
        for (int32_t i = 0; i < GRAPHS; i++)
            if (g->list[i].ops != NULL && (k == NULL || g->list[i].used < k->used))
                k = &g->list[i];
        drop(q, k);
    }
    kept *k = oldest(g);
    drop(q, k);
    return k;
}

static weft_status launch_all(wf_cuda_queue *q, weft_error *err)
{
    weft_status status = WEFT_OK;
    for (int64_t i = 0; i < q->n_ops && status == WEFT_OK; i++)
        status = wf_cuda_run_op(q, &q->ops[i], err);
    return status;
}

/* The list's launches recorded as a graph that can run; NULL with a failure. */
static weft_status record_ops(wf_cuda_queue *q, CUgraphExec *out, weft_error *err)
{
    const wf_cuda_driver *driver = wf_cuda_of(q)->driver;
    CUgraph               graph = NULL;
    *out = NULL;
    CUresult r = driver->cuStreamBeginCapture(q->stream, CU_STREAM_CAPTURE_MODE_RELAXED);
    if (r != CUDA_SUCCESS)
        return wf_cuda_fail(driver, r, "recording a graph", err);
    weft_status status = launch_all(q, err);
    r = driver->cuStreamEndCapture(q->stream, &graph);
    if (r == CUDA_SUCCESS && status == WEFT_OK)
        r = driver->cuGraphInstantiateWithFlags(out, graph, 0);
    if (graph != NULL)
        (void)driver->cuGraphDestroy(graph);
    if (status == WEFT_OK && r != CUDA_SUCCESS)
        status = wf_cuda_fail(driver, r, "making a graph", err);
    return status;
}

static weft_status record(wf_cuda_queue *q, CUgraphExec *out, weft_error *err)
{
    wf_cuda_dnn_record_begin(wf_cuda_of(q));
    weft_status status = record_ops(q, out, err);
    wf_cuda_dnn_record_end(wf_cuda_of(q));
    return status;
}

/* Without a graph: none is ever needed. */
static weft_status give_up(wf_cuda_queue *q, const weft_error *why, weft_error *err)
{
    wf_cuda_device *d = wf_cuda_of(q);
    weft_status     status = launch_all(q, err);
    q->graphs->off = status == WEFT_OK; /* else it was the ops themselves that failed */
    if (q->graphs->off && d->log != NULL)
        d->log(WEFT_LOG_INFO, "cuda: steps are launched op by op from here on: %s", why->message);
    return status;
}

static weft_status replay(wf_cuda_queue *q, kept *k, weft_error *err)
{
    const wf_cuda_driver *driver = wf_cuda_of(q)->driver;
    weft_error            why = WF_ERROR_INIT;
    k->used = ++q->graphs->clock;
    CUresult r = driver->cuGraphLaunch(k->exec, q->stream);
    if (r == CUDA_SUCCESS)
        return WEFT_OK;
    wf_cuda_fail(driver, r, "launching a graph", &why);
    return give_up(q, &why, err);
}

/* Keeps the list as a graph, and launches it. */
static weft_status keep(wf_cuda_queue *q, uint64_t hash, weft_error *err)
{
    CUgraphExec exec;
    weft_error  why = WF_ERROR_INIT;
    size_t      bytes = (size_t)q->n_ops * sizeof *q->ops;
    uint64_t    epoch = wf_cuda_of(q)->epoch;
    wf_op      *ops = wf_alloc(bytes);
    if (ops == NULL)
        return launch_all(q, err);
    kept       *k = place_for(q);
    weft_status status = record(q, &exec, &why);
    bool        stale = epoch != wf_cuda_of(q)->epoch; /* scratch has grown meanwhile */
    if (status != WEFT_OK || stale) {
        if (exec != NULL)
            (void)wf_cuda_of(q)->driver->cuGraphExecDestroy(exec);
        wf_free(ops);
        return status == WEFT_OK ? launch_all(q, err) : give_up(q, &why, err);
    }
    memcpy(ops, q->ops, bytes);
    *k = (kept){ops, q->n_ops, hash, 0, exec};
    q->graphs->nodes += q->n_ops;
    return replay(q, k, err);
}

weft_status wf_cuda_run_list(wf_cuda_queue *q, weft_error *err)
{
    if (q->n_ops < OPS_LEAST)
        return launch_all(q, err);
    if (q->graphs == NULL && (q->graphs = wf_zalloc(sizeof *q->graphs)) == NULL)
        return launch_all(q, err);
    if (q->graphs->off)
        return launch_all(q, err);
    drop_stale(q);
    uint64_t hash = hash_of(q->ops, q->n_ops);
    kept    *k = find(q, hash);
    if (k != NULL)
        return replay(q, k, err);
    return came_before(q->graphs, hash) ? keep(q, hash, err) : launch_all(q, err);
}
