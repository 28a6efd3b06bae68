/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN, where it is installed, for convolutions. It is looked for when the first comes; without it
 * windows become rows, and those are multiplied. */
#include "cuda/dnn.h"

#include <dlfcn.h>
#include <string.h>

#define PLANS 32
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
    uint64_t     used; /* 0: a free place */
    bool         fits; /* cuDNN knows a way */
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

/* The plan of that shape; the least recently used makes room. */
static kept *plan_of(wf_cuda_dnn *b, const wf_dnn_shape *s)
{
    kept *oldest = &b->plans[0];
    for (int32_t i = 0; i < PLANS; i++) {
        kept *k = &b->plans[i];
        if (k->used != 0 && memcmp(&k->shape, s, sizeof *s) == 0) {
            k->used = ++b->clock;
            return k;
        }
        oldest = k->used < oldest->used ? k : oldest;
    }
    wf_dnn_plan_free(&b->api, &oldest->plan);
    oldest->shape = *s;
    oldest->used = ++b->clock;
    oldest->fits = wf_dnn_plan_make(&b->api, s, b->handle, NULL, WORKSPACE_BYTES, &oldest->plan);
    return oldest;
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

/* A convolution that fails is not tried again: the module's own kernels do it from then on. */
bool wf_cuda_dnn_conv(wf_cuda_queue *q, const wf_dnn_shape *s, const float *x, const float *w,
                      float *y, void *workspace)
{
    wf_cuda_device *d = wf_cuda_of(q);
    void *const     pointers[] = {(void *)(uintptr_t)x, (void *)(uintptr_t)w, y};
    pthread_mutex_lock(&d->blas_lock);
    kept *k = plan_of(d->dnn, s);
    int   status = k->fits ? run(d->dnn, &k->plan, pointers, workspace, q->stream) : 0;
    bool  done = k->fits && status == 0;
    k->fits = done;
    pthread_mutex_unlock(&d->blas_lock);
    if (status != 0 && d->log != NULL)
        d->log(WEFT_LOG_INFO, "cuda: cuDNN fails with %d in a convolution", status);
    return done;
}
