/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN, where it is installed, for convolutions. It is looked for when the first comes; without it
 * windows become rows, and those are multiplied. */
#include "cuda/dnn.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define PLANS 32
#define WAIT_FIRST 16 /* calls until a shape without a plan is tried again; then twice as many */
#define WAIT_MOST 65536
#define WORKSPACE_BYTES ((int64_t)64 << 20)
#define VARIANT_PACK 16 /* CUDNN_BACKEND_*_DESCRIPTOR */
#define PACK_IDS 1000   /* CUDNN_ATTR_VARIANT_PACK_* */
#define PACK_POINTERS 1001
#define PACK_WORKSPACE 1003
#define INT64 3 /* CUDNN_TYPE_* */
#define POINTER 6

typedef struct kept {
    wf_dnn_shape shape;
    wf_dnn_plan  plan;
    uint64_t     used;       /* 0: a free place */
    bool         fits;       /* the plan is there */
    bool         ran;        /* graphs may name it */
    int32_t      wait, left; /* after a failure: calls until it is tried again, and what is left */
} kept;

struct wf_cuda_dnn {
    wf_cudnn api;
    void    *handle;
    kept     plans[PLANS];
    uint64_t clock;
};

void wf_cuda_dnn_free(wf_cuda_dnn *b)
{
    if (b == NULL)
        return;
    for (int32_t i = 0; b->handle != NULL && i < PLANS; i++)
        wf_dnn_plan_free(&b->api, &b->plans[i].plan);
    if (b->handle != NULL)
        (void)b->api.Destroy(b->handle);
    if (b->api.library != NULL)
        dlclose(b->api.library);
    wf_free(b);
}

/* With the lock. */
static wf_cuda_dnn *dnn_of(wf_cuda_device *d)
{
    char why[WF_CUDNN_WHY] = "memory is short";
    if (d->dnn_tried)
        return d->dnn;
    d->dnn_tried = true;
    wf_cuda_dnn *b = wf_zalloc(sizeof *b);
    bool         fits = b != NULL && wf_cudnn_open(&b->api, why);
    if (fits && b->api.Create(&b->handle) != 0) {
        b->handle = NULL;
        fits = false;
        strcpy(why, "it does not start");
    }
    if (!fits) {
        wf_cuda_dnn_free(b);
        b = NULL;
    }
    if (d->log != NULL)
        d->log(WEFT_LOG_INFO, "cuda: convolutions by %s%s",
               fits ? "cuDNN" : "weft's own kernels, cuDNN cannot be used: ", fits ? "" : why);
    return d->dnn = b;
}

bool wf_cuda_dnn_has(wf_cuda_device *d)
{
    pthread_mutex_lock(&d->blas_lock);
    bool has = !d->deterministic && dnn_of(d) != NULL;
    pthread_mutex_unlock(&d->blas_lock);
    return has;
}

uint64_t wf_cuda_dnn_workspace(void)
{
    return (uint64_t)WORKSPACE_BYTES;
}

/* Kept graphs may name a plan that ran: they are stale without it. */
static void drop_plan(wf_cuda_device *d, kept *k)
{
    wf_dnn_plan_free(&d->dnn->api, &k->plan);
    if (k->ran)
        d->epoch++;
    k->ran = false;
}

/* The place of that shape; the least recently used makes room. NULL: none can, since a graph is
 * being recorded. That graph is not kept: what it lacks is found at the next launch. */
static kept *place_of(wf_cuda_device *d, const wf_dnn_shape *s)
{
    wf_cuda_dnn *b = d->dnn;
    kept        *oldest = &b->plans[0];
    for (int32_t i = 0; i < PLANS; i++) {
        kept *k = &b->plans[i];
        if (k->used != 0 && memcmp(&k->shape, s, sizeof *s) == 0)
            return k;
        oldest = k->used < oldest->used ? k : oldest;
    }
    if (oldest->used != 0 && d->recording > 0) {
        d->epoch++;
        return NULL;
    }
    drop_plan(d, oldest);
    *oldest = (kept){.shape = *s};
    return oldest;
}

/* A shape without a plan goes by weft's own kernels, and is tried again later: what was short, such
 * as memory, may be there then. */
static void put_off(wf_cuda_device *d, kept *k, const char *why)
{
    const wf_dnn_shape *s = &k->shape;
    if (k->wait == 0 && d->log != NULL)
        d->log(WEFT_LOG_INFO,
               "cuda: %s for a convolution of %lldx%lldx%lldx%lld by %lldx%lldx%lld: weft's own "
               "kernels do it",
               why, (long long)s->n, (long long)s->c, (long long)s->h, (long long)s->w,
               (long long)s->out, (long long)s->kh, (long long)s->kw);
    k->wait = k->wait == 0 ? WAIT_FIRST : k->wait < WAIT_MOST ? 2 * k->wait : k->wait;
    k->left = k->wait;
    k->fits = false;
}

/* The plan of that shape, made where there is none; NULL: there is none now. With the lock. */
static kept *plan_of(wf_cuda_device *d, const wf_dnn_shape *s)
{
    wf_cuda_dnn *b = d->dnn;
    kept        *k = place_of(d, s);
    if (k == NULL)
        return NULL;
    k->used = ++b->clock;
    if (k->fits)
        return k;
    /* A plan that failed after it ran may be named by the graph that is being recorded. */
    if (k->left > 0 || (k->ran && d->recording > 0)) {
        k->left -= k->left > 0;
        return NULL;
    }
    drop_plan(d, k);
    k->fits = wf_dnn_plan_make(&b->api, s, b->handle, NULL, WORKSPACE_BYTES, &k->plan);
    if (!k->fits) {
        wf_dnn_plan_free(&b->api, &k->plan);
        put_off(d, k, "cuDNN has no plan");
    }
    return k->fits ? k : NULL;
}

bool wf_cuda_dnn_plans(wf_cuda_queue *q, const wf_dnn_shape *s)
{
    wf_cuda_device *d = wf_cuda_of(q);
    pthread_mutex_lock(&d->blas_lock);
    bool has = plan_of(d, s) != NULL;
    pthread_mutex_unlock(&d->blas_lock);
    return has;
}

static void record(wf_cuda_device *d, int32_t more)
{
    pthread_mutex_lock(&d->blas_lock);
    d->recording += more;
    pthread_mutex_unlock(&d->blas_lock);
}

void wf_cuda_dnn_record_begin(wf_cuda_device *d)
{
    record(d, 1);
}

void wf_cuda_dnn_record_end(wf_cuda_device *d)
{
    record(d, -1);
}

static int run(wf_cuda_dnn *b, const wf_dnn_plan *p, void *const pointers[3], void *workspace,
               CUstream stream)
{
    const wf_cudnn *api = &b->api;
    const int64_t   ids[] = {1, 2, 3};
    void           *pack = NULL;
    int             r = api->SetStream(b->handle, stream);
    if (r == 0)
        r = api->BackendCreateDescriptor(VARIANT_PACK, &pack);
    if (r == 0)
        r = api->BackendSetAttribute(pack, PACK_IDS, INT64, 3, ids);
    if (r == 0)
        r = api->BackendSetAttribute(pack, PACK_POINTERS, POINTER, 3, pointers);
    if (r == 0)
        r = api->BackendSetAttribute(pack, PACK_WORKSPACE, POINTER, 1, &workspace);
    if (r == 0)
        r = api->BackendFinalize(pack);
    if (r == 0)
        r = api->BackendExecute(b->handle, p->parts[p->n_parts - 1], pack);
    if (pack != NULL)
        (void)api->BackendDestroyDescriptor(pack);
    return r;
}

bool wf_cuda_dnn_conv(wf_cuda_queue *q, const wf_dnn_shape *s, const float *x, const float *w,
                      float *y, void *workspace)
{
    wf_cuda_device *d = wf_cuda_of(q);
    void *const     pointers[] = {(void *)(uintptr_t)x, (void *)(uintptr_t)w, y};
    pthread_mutex_lock(&d->blas_lock);
    kept *k = plan_of(d, s);
    int   status = k != NULL ? run(d->dnn, &k->plan, pointers, workspace, q->stream) : 0;
    bool  done = k != NULL && status == 0;
    if (k != NULL)
        k->ran = true;
    if (status != 0) {
        char why[48];
        snprintf(why, sizeof why, "cuDNN fails with %d", status);
        put_off(d, k, why);
    }
    pthread_mutex_unlock(&d->blas_lock);
    return done;
}
