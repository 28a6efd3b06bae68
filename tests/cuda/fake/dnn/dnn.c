/* SPDX-License-Identifier: Apache-2.0 */
/* libcudnn.so of our own, for tests only: what the backend interface needs for one convolution,
 * computed on the host in f64 when the fake driver comes to it. Names, numbers and codes are those
 * of cudnn_graph.h (cuDNN 9). FAKE_CUDNN_MIXED: its libraries say that they do not fit together.
 * FAKE_CUDNN_LATE: so many times it knows no way. The first of its ways is one by Winograd, whose
 * plans do not run. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fake/control.h"
#include "fake/library.h"

enum { OK = 0, NOT_INITIALIZED = 1001, BAD_PARAM = 2000, NOT_SUPPORTED = 3000, FAILED = 5000 };
enum { MIXED = 1003, WINOGRAD = 5 };
enum {
    CONVOLUTION = 1,
    ENGINE = 2,
    ENGINECFG = 3,
    ENGINEHEUR = 4,
    PLAN = 5,
    FORWARD = 10,
    GRAPH = 15,
    PACK = 16,
    TENSOR = 17
};

#define VALUES 4
#define ATTRIBUTES 12

/* Attributes as they were set: at most four values of eight bytes each. */
typedef struct attribute {
    int     name, type;
    int64_t n;
    union {
        int64_t whole[VALUES];
        void   *pointer[VALUES];
        float   real[VALUES];
        int     number[VALUES];
    } v;
} attribute;

typedef struct descriptor {
    int       type, n, finished;
    int       note; /* of a way and of its engine */
    attribute a[ATTRIBUTES];
} descriptor;

static fake_cudnn_counts counts;

#define API FAKE_SHOWN
API void   fake_cudnn_counts_get(fake_cudnn_counts *out);
API size_t cudnnGetVersion(void);
API int    cudnnGraphVersionCheck(void);
API int    cudnnOpsVersionCheck(void);
API int    cudnnCnnVersionCheck(void);
API int    cudnnCreate(void **handle);
API int    cudnnDestroy(void *handle);
API int    cudnnSetStream(void **handle, void *stream);
API int    cudnnBackendCreateDescriptor(int type, descriptor **out);
API int    cudnnBackendDestroyDescriptor(descriptor *d);
API int    cudnnBackendSetAttribute(descriptor *d, int name, int type, int64_t n, const void *v);
API int cudnnBackendGetAttribute(const descriptor *d, int name, int type, int64_t most, int64_t *n,
                                 void *v);
API int cudnnBackendFinalize(descriptor *d);
API int cudnnBackendExecute(void **handle, const descriptor *plan, const descriptor *pack);

void fake_cudnn_counts_get(fake_cudnn_counts *out)
{
    *out = counts;
}

size_t cudnnGetVersion(void)
{
    return 91900;
}

int cudnnGraphVersionCheck(void)
{
    return getenv("FAKE_CUDNN_MIXED") != NULL ? MIXED : OK;
}

int cudnnOpsVersionCheck(void)
{
    return OK;
}

int cudnnCnnVersionCheck(void)
{
    return OK;
}

static int make(void **out, size_t bytes)
{
    *out = fake_cuda_may_fail() == 0 ? calloc(1, bytes) : NULL;
    return *out != NULL ? OK : FAILED;
}

/* A handle is where the stream stands. */
int cudnnCreate(void **handle)
{
    counts.asked = 0;
    return make(handle, sizeof(void *));
}

int cudnnDestroy(void *handle)
{
    free(handle);
    return OK;
}

int cudnnSetStream(void **handle, void *stream)
{
    *handle = stream;
    return OK;
}

int cudnnBackendCreateDescriptor(int type, descriptor **out)
{
    int r = make((void **)out, sizeof **out);
    if (r == OK) {
        (*out)->type = type;
        counts.descriptors++;
    }
    return r;
}

int cudnnBackendDestroyDescriptor(descriptor *d)
{
    counts.descriptors -= d != NULL;
    free(d);
    return d != NULL ? OK : BAD_PARAM;
}

static size_t size_of(int type)
{
    switch (type) {
    case 1: /* data type, and two sorts of modes */
    case 7:
    case 8:
    case 4: /* float */
        return 4;
    case 0: /* handle, int64, pointer, descriptor */
    case 3:
    case 6:
    case 15:
        return 8;
    default:
        return 0;
    }
}

int cudnnBackendSetAttribute(descriptor *d, int name, int type, int64_t n, const void *v)
{
    const size_t each = size_of(type);
    if (d == NULL || d->finished || each == 0 || n < 1 || n > VALUES || d->n == ATTRIBUTES)
        return BAD_PARAM;
    attribute *a = &d->a[d->n++];
    *a = (attribute){.name = name, .type = type, .n = n};
    memcpy(&a->v, v, (size_t)n * each);
    return OK;
}

static const attribute *get(const descriptor *d, int name, int64_t n)
{
    for (int i = 0; d != NULL && i < d->n; i++)
        if (d->a[i].name == name && d->a[i].n == n)
            return &d->a[i];
    return NULL;
}

/* The descriptor of that type that another one names; NULL: it does not, or it is not finished. */
static const descriptor *named(const descriptor *d, int name, int type)
{
    const attribute  *a = get(d, name, 1);
    const descriptor *other = a != NULL && a->type == 15 ? a->v.pointer[0] : NULL;
    return other != NULL && other->type == type && other->finished ? other : NULL;
}

static bool is_tensor(const descriptor *d)
{
    const attribute *dims = get(d, 902, 4), *strides = get(d, 903, 4), *type = get(d, 901, 1);
    if (dims == NULL || strides == NULL || type == NULL || get(d, 906, 1) == NULL ||
        get(d, 900, 1) == NULL || type->v.number[0] != 0)
        return false;
    const int64_t *n = dims->v.whole, *s = strides->v.whole;
    return n[1] > 0 && s[1] == 1 && s[3] == n[1] && s[2] == n[1] * n[3] && s[0] == s[2] * n[2];
}

static bool is_convolution(const descriptor *d)
{
    const attribute *dilation = get(d, 102, 2), *mode = get(d, 101, 1), *dims = get(d, 106, 1);
    return get(d, 103, 2) != NULL && get(d, 104, 2) != NULL && get(d, 105, 2) != NULL &&
           get(d, 100, 1) != NULL && dilation != NULL && dilation->v.whole[0] == 1 &&
           dilation->v.whole[1] == 1 && mode != NULL && mode->v.number[0] == 1 && dims != NULL &&
           dims->v.whole[0] == 2;
}

static bool is_forward(const descriptor *d)
{
    const descriptor *x = named(d, 704, TENSOR), *w = named(d, 703, TENSOR);
    const descriptor *y = named(d, 705, TENSOR);
    if (x == NULL || w == NULL || y == NULL || named(d, 702, CONVOLUTION) == NULL ||
        get(d, 700, 1) == NULL || get(d, 701, 1) == NULL)
        return false;
    const int64_t *xs = get(x, 902, 4)->v.whole, *ws = get(w, 902, 4)->v.whole;
    const int64_t *ys = get(y, 902, 4)->v.whole;
    return xs[1] == ws[1] && xs[1] % 8 == 0 && ys[0] == xs[0] && ys[1] == ws[0];
}

static bool is_complete(const descriptor *d)
{
    switch (d->type) {
    case TENSOR:
        return is_tensor(d);
    case CONVOLUTION:
        return is_convolution(d);
    case FORWARD:
        return is_forward(d);
    case GRAPH:
        return named(d, 801, FORWARD) != NULL && get(d, 800, 1) != NULL;
    case ENGINEHEUR:
        return named(d, 201, GRAPH) != NULL && get(d, 200, 1) != NULL;
    case PLAN:
        return named(d, 401, ENGINECFG) != NULL && get(d, 400, 1) != NULL;
    case PACK:
        return get(d, 1000, 3) != NULL && get(d, 1001, 3) != NULL && get(d, 1003, 1) != NULL;
    default:
        return false;
    }
}

int cudnnBackendFinalize(descriptor *d)
{
    if (d == NULL || d->finished || !is_complete(d))
        return BAD_PARAM;
    if (fake_cuda_may_fail() != 0)
        return FAILED;
    d->finished = 1;
    return OK;
}

/* Two ways, which are the graph itself. */
static int ways(const descriptor *advice, int64_t most, int64_t *n, descriptor **way)
{
    const char *late = getenv("FAKE_CUDNN_LATE");
    *n = 0;
    if (most < 2)
        return BAD_PARAM;
    if (late != NULL && counts.asked++ < atoi(late))
        return OK;
    for (*n = 0; *n < 2; ++*n) {
        way[*n]->a[0] = *get(advice, 201, 1);
        way[*n]->n = way[*n]->finished = 1;
        way[*n]->note = *n == 0 ? WINOGRAD : 0;
    }
    return OK;
}

/* The ways, a way's engine and its notes, and the workspace of a plan. */
int cudnnBackendGetAttribute(const descriptor *d, int name, int type, int64_t most, int64_t *n,
                             void *v)
{
    *n = 1;
    if (d == NULL || !d->finished || most < 1)
        return BAD_PARAM;
    if (d->type == PLAN && name == 402 && type == 3) {
        *(int64_t *)v = 4096;
        return OK;
    }
    if (d->type == ENGINECFG && name == 300 && type == 15) {
        descriptor *engine = *(descriptor **)v;
        engine->note = d->note;
        engine->finished = 1;
        return engine->type == ENGINE ? OK : BAD_PARAM;
    }
    if (d->type == ENGINE && name == 1303 && type == 11) {
        *(int *)v = d->note;
        return OK;
    }
    return name == 202 && type == 15 ? ways(d, most, n, v) : NOT_SUPPORTED;
}

typedef struct job {
    int64_t  x[4], w[4], y[4], stride[2], pad[2];
    uint64_t x_at, w_at, y_at;
} job;

static uint64_t bytes_of(const int64_t *sizes)
{
    return (uint64_t)(sizes[0] * sizes[1] * sizes[2] * sizes[3]) * sizeof(float);
}

/* Output channel o at place (oy, ox) of item i. */
static float element(const job *j, const float *x, const float *w, int64_t i, int64_t o, int64_t oy,
                     int64_t ox)
{
    double sum = 0;
    for (int64_t r = 0; r < j->w[2]; r++)
        for (int64_t s = 0; s < j->w[3]; s++) {
            const int64_t y0 = oy * j->stride[0] - j->pad[0] + r;
            const int64_t x0 = ox * j->stride[1] - j->pad[1] + s;
            if (y0 < 0 || y0 >= j->x[2] || x0 < 0 || x0 >= j->x[3])
                continue;
            const float *p = x + ((i * j->x[2] + y0) * j->x[3] + x0) * j->x[1];
            const float *q = w + ((o * j->w[2] + r) * j->w[3] + s) * j->w[1];
            for (int64_t c = 0; c < j->x[1]; c++)
                sum += (double)p[c] * (double)q[c];
        }
    return (float)sum;
}

static void run(fake_reach reach, const void *argument)
{
    job j;
    memcpy(&j, argument, sizeof j);
    const float *x = reach(j.x_at, bytes_of(j.x), 1), *w = reach(j.w_at, bytes_of(j.w), 1);
    float       *y = reach(j.y_at, bytes_of(j.y), 0);
    if (x == NULL || w == NULL || y == NULL)
        return;
    for (int64_t i = 0; i < j.y[0]; i++)
        for (int64_t oy = 0; oy < j.y[2]; oy++)
            for (int64_t ox = 0; ox < j.y[3]; ox++)
                for (int64_t o = 0; o < j.y[1]; o++)
                    y[((i * j.y[2] + oy) * j.y[3] + ox) * j.y[1] + o] =
                        element(&j, x, w, i, o, oy, ox);
}

static void sizes_of(const descriptor *d, int64_t out[4])
{
    memcpy(out, get(d, 902, 4)->v.whole, 4 * sizeof *out);
}

int cudnnBackendExecute(void **handle, const descriptor *plan, const descriptor *pack)
{
    if (plan == NULL || pack == NULL || !plan->finished || !pack->finished)
        return BAD_PARAM;
    const descriptor *way = named(plan, 401, ENGINECFG);
    const descriptor *op = named(named(way, 201, GRAPH), 801, FORWARD);
    const descriptor *conv = named(op, 702, CONVOLUTION);
    const int64_t    *at = get(pack, 1001, 3)->v.whole;
    job j = {.x_at = (uint64_t)at[0], .w_at = (uint64_t)at[1], .y_at = (uint64_t)at[2]};
    sizes_of(named(op, 704, TENSOR), j.x);
    sizes_of(named(op, 703, TENSOR), j.w);
    sizes_of(named(op, 705, TENSOR), j.y);
    memcpy(j.stride, get(conv, 103, 2)->v.whole, sizeof j.stride);
    memcpy(j.pad, get(conv, 105, 2)->v.whole, sizeof j.pad);
    if (((uint64_t)at[0] | (uint64_t)at[1] | (uint64_t)at[2]) % 16 != 0 || way->note != 0)
        return BAD_PARAM;
    counts.executes++;
    return fake_cuda_library_call(*handle, run, &j, sizeof j) == 0 ? OK : FAILED;
}
