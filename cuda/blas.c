/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLASLt, where it is installed, for matrix products of many rows. It is looked for when the
 * first such product comes; without it the module's own kernels do the same work, slower. Types,
 * constants and functions are those of cublasLt.h (CUDA 12 and 13). */
#include "cuda/blas.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum {
    CUDA_R_32F = 0,
    CUDA_R_16F = 2,
    CUDA_R_16BF = 14,
    CUDA_R_8F_E4M3 = 28,
    CUBLAS_COMPUTE_32F = 68,
    CUBLAS_OP_T = 1,
    DESC_TRANSA = 3, /* CUBLASLT_MATMUL_DESC_* */
    DESC_EPILOGUE = 7,
    DESC_BIAS_POINTER = 8,
    EPILOGUE_BIAS = 4, /* CUBLASLT_EPILOGUE_* */
    PREF_MAX_WORKSPACE_BYTES = 1,
    PREF_MIN_ALIGNMENT_C_BYTES = 7,
    PREF_MIN_ALIGNMENT_D_BYTES = 8
};

/* What cuBLASLt may count on for results and biases, which are only floats; left alone it counts on
 * 256 bytes. */
#define ALIGNMENT 16u

#define PLANS 256
#define WORKSPACE_BYTES ((uint64_t)32 << 20)

typedef struct heuristic { /* cublasLtMatmulHeuristicResult_t */
    uint64_t algo[8];
    size_t   workspace;
    int      state;
    float    waves;
    int      reserved[4];
} heuristic;

/* X(result, name, parameters); handles and descriptors are pointers. */
#define FUNCTIONS(X)                                                                               \
    X(int, Create, (void **handle))                                                                \
    X(int, Destroy, (void *handle))                                                                \
    X(size_t, GetVersion, (void))                                                                  \
    X(int, MatmulDescCreate, (void **desc, int compute, int scale))                                \
    X(int, MatmulDescDestroy, (void *desc))                                                        \
    X(int, MatmulDescSetAttribute, (void *desc, int what, const void *value, size_t bytes))        \
    X(int, MatrixLayoutCreate, (void **out, int type, uint64_t rows, uint64_t cols, int64_t ld))   \
    X(int, MatrixLayoutDestroy, (void *layout))                                                    \
    X(int, MatmulPreferenceCreate, (void **pref))                                                  \
    X(int, MatmulPreferenceDestroy, (void *pref))                                                  \
    X(int, MatmulPreferenceSetAttribute, (void *pref, int what, const void *value, size_t bytes))  \
    X(int, MatmulAlgoGetHeuristic,                                                                 \
      (void *handle, void *desc, void *a, void *b, void *c, void *d, void *pref, int most,         \
       heuristic *out, int *n))                                                                    \
    X(int, Matmul,                                                                                 \
      (void *handle, void *desc, const void *alpha, const void *a, void *a_layout, const void *b,  \
       void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout,   \
       const uint64_t *algo, void *workspace, size_t bytes, CUstream stream))

/* What a product looks like; the plan of one serves all of its kind. */
typedef struct shape {
    int64_t m, n, k, y_stride, c_stride;
    int32_t format, bias;
} shape;

typedef struct plan {
    shape     shape;
    void     *desc, *w, *x, *c, *y;
    heuristic best;
    uint64_t  used; /* 0: a free place */
    bool      fits; /* there is an algorithm */
} plan;

struct wf_cuda_blas {
#define MEMBER(result, name, parameters) result(*name) parameters;
    FUNCTIONS(MEMBER)
#undef MEMBER
    void    *library, *handle, *preference;
    plan     plans[PLANS];
    uint64_t clock;
};

/* ---- finding it ---- */

static bool fill(wf_cuda_blas *b)
{
    bool all = true;
#define FIND(result, name, parameters)                                                             \
    {                                                                                              \
        void *p = dlsym(b->library, "cublasLt" #name);                                             \
        memcpy(&b->name, &p, sizeof p);                                                            \
        all = all && p != NULL;                                                                    \
    }
    FUNCTIONS(FIND)
#undef FIND
    return all;
}

/* The sentence where it cannot be used; NULL: it can. */
static const char *start(wf_cuda_blas *b)
{
    char     name[32];
    uint64_t bytes = WORKSPACE_BYTES;
    snprintf(name, sizeof name, "libcublasLt.so.%d", WEFT_CUDA_SERIES);
    b->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (b->library == NULL)
        return "it is not installed";
    if (!fill(b))
        return "it lacks a function that is needed";
    if (b->GetVersion() / 10000 != WEFT_CUDA_SERIES)
        return "it is of another series than the kernels";
    if (b->Create(&b->handle) != 0) {
        b->handle = NULL;
        return "it does not start";
    }
    const uint32_t alignment = ALIGNMENT;
    if (b->MatmulPreferenceCreate(&b->preference) != 0 ||
        b->MatmulPreferenceSetAttribute(b->preference, PREF_MAX_WORKSPACE_BYTES, &bytes,
                                        sizeof bytes) != 0 ||
        b->MatmulPreferenceSetAttribute(b->preference, PREF_MIN_ALIGNMENT_C_BYTES, &alignment,
                                        sizeof alignment) != 0 ||
        b->MatmulPreferenceSetAttribute(b->preference, PREF_MIN_ALIGNMENT_D_BYTES, &alignment,
                                        sizeof alignment) != 0)
        return "it takes no preference";
    return NULL;
}

static void plan_free(wf_cuda_blas *b, plan *p)
{
    void *layouts[] = {p->w, p->x, p->c, p->y};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i] != NULL)
            (void)b->MatrixLayoutDestroy(layouts[i]);
    if (p->desc != NULL)
        (void)b->MatmulDescDestroy(p->desc);
    *p = (plan){0};
}

void wf_cuda_blas_free(wf_cuda_blas *b)
{
    if (b == NULL)
        return;
    for (int i = 0; b->handle != NULL && i < PLANS; i++)
        plan_free(b, &b->plans[i]);
    if (b->preference != NULL)
        (void)b->MatmulPreferenceDestroy(b->preference);
    if (b->handle != NULL)
        (void)b->Destroy(b->handle);
    if (b->library != NULL)
        dlclose(b->library);
    wf_free(b);
}

/* With the lock. */
static wf_cuda_blas *blas_of(wf_cuda_device *d)
{
    if (d->blas_tried)
        return d->blas;
    d->blas_tried = true;
    d->blas = wf_zalloc(sizeof *d->blas);
    const char *why = d->blas != NULL ? start(d->blas) : "memory is short";
    if (why != NULL) {
        wf_cuda_blas_free(d->blas);
        d->blas = NULL;
    }
    if (d->log != NULL)
        d->log(WEFT_LOG_INFO, "cuda: products of many rows by %s%s",
               why == NULL ? "cuBLASLt" : "weft's own kernels, cuBLASLt cannot be used: ",
               why == NULL ? "" : why);
    return d->blas;
}

/* ---- plans ---- */

/* In cuBLASLt's columns: y^T [n, m] = w^T (stored [k, n]) times x^T [k, m]. */
static bool plan_make(wf_cuda_blas *b, plan *p)
{
    const shape  *s = &p->shape;
    const int     type = s->format == WF_BF16  ? CUDA_R_16BF
                         : s->format == WF_FP8 ? CUDA_R_8F_E4M3
                                               : CUDA_R_16F;
    const int32_t transposed = CUBLAS_OP_T, epilogue = EPILOGUE_BIAS;
    const int64_t padded = wf_cuda_padded(s->format, s->k);
    int           n = 0;
    if (b->MatmulDescCreate(&p->desc, CUBLAS_COMPUTE_32F, CUDA_R_32F) != 0 ||
        b->MatmulDescSetAttribute(p->desc, DESC_TRANSA, &transposed, sizeof transposed) != 0 ||
        (s->bias &&
         b->MatmulDescSetAttribute(p->desc, DESC_EPILOGUE, &epilogue, sizeof epilogue) != 0))
        return false;
    if (b->MatrixLayoutCreate(&p->w, type, (uint64_t)padded, (uint64_t)s->n, padded) != 0 ||
        b->MatrixLayoutCreate(&p->x, type, (uint64_t)padded, (uint64_t)s->m, padded) != 0 ||
        b->MatrixLayoutCreate(&p->c, CUDA_R_32F, (uint64_t)s->n, (uint64_t)s->m, s->c_stride) !=
            0 ||
        b->MatrixLayoutCreate(&p->y, CUDA_R_32F, (uint64_t)s->n, (uint64_t)s->m, s->y_stride) != 0)
        return false;
    return b->MatmulAlgoGetHeuristic(b->handle, p->desc, p->w, p->x, p->c, p->y, b->preference, 1,
                                     &p->best, &n) == 0 &&
           n > 0 && p->best.state == 0 && p->best.workspace <= WORKSPACE_BYTES;
}

/* The plan of that shape; the least recently used makes room. */
static plan *plan_of(wf_cuda_blas *b, const shape *s)
{
    plan *oldest = &b->plans[0];
    for (int i = 0; i < PLANS; i++) {
        plan *p = &b->plans[i];
        if (p->used != 0 && memcmp(&p->shape, s, sizeof *s) == 0) {
            p->used = ++b->clock;
            return p;
        }
        oldest = p->used < oldest->used ? p : oldest;
    }
    plan_free(b, oldest);
    oldest->shape = *s;
    oldest->used = ++b->clock;
    oldest->fits = plan_make(b, oldest);
    return oldest;
}

/* ---- the product ---- */

static int run(wf_cuda_blas *b, plan *p, const wf_cuda_product *a, CUstream stream)
{
    const float beta = a->c != NULL ? 1.0f : 0.0f;
    if (a->bias != NULL &&
        b->MatmulDescSetAttribute(p->desc, DESC_BIAS_POINTER, &a->bias, sizeof(void *)) != 0)
        return -1;
    return b->Matmul(b->handle, p->desc, &a->alpha, a->w->data, p->w, a->x, p->x, &beta,
                     a->c != NULL ? a->c : a->y, a->c != NULL ? p->c : p->y, a->y, p->y,
                     p->best.algo, a->workspace, WORKSPACE_BYTES, stream);
}

uint64_t wf_cuda_blas_workspace(void)
{
    return WORKSPACE_BYTES;
}

bool wf_cuda_blas_has(wf_cuda_device *d)
{
    pthread_mutex_lock(&d->blas_lock);
    bool has = !d->deterministic && blas_of(d) != NULL;
    pthread_mutex_unlock(&d->blas_lock);
    return has;
}

static bool is_aligned(const wf_cuda_product *a)
{
    const uintptr_t all = (uintptr_t)a->y | (uintptr_t)a->c | (uintptr_t)a->bias;
    return all % ALIGNMENT == 0;
}

/* A product that fails is not tried again: the module's own kernels do it from then on. One whose
 * addresses are not aligned is theirs this time. */
bool wf_cuda_blas_run(wf_cuda_queue *q, const wf_cuda_product *a)
{
    wf_cuda_device *d = wf_cuda_of(q);
    shape           s;
    if (!is_aligned(a))
        return false;
    memset(&s, 0, sizeof s);
    s.m = a->m;
    s.n = a->w->n;
    s.k = a->w->k;
    s.y_stride = a->y_stride;
    s.c_stride = a->c != NULL ? a->c_stride : a->y_stride;
    s.format = a->w->format;
    s.bias = a->bias != NULL;
    pthread_mutex_lock(&d->blas_lock);
    plan *p = plan_of(d->blas, &s);
    int   status = p->fits ? run(d->blas, p, a, q->stream) : 0;
    bool  done = p->fits && status == 0;
    p->fits = done;
    pthread_mutex_unlock(&d->blas_lock);
    if (status != 0 && d->log != NULL)
        d->log(WEFT_LOG_INFO, "cuda: cuBLASLt fails with %d in a product %lld x %lld x %lld",
               status, (long long)s.m, (long long)s.n, (long long)s.k);
    return done;
}
