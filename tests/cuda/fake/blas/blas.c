/* SPDX-License-Identifier: Apache-2.0 */
/* libcublasLt.so of our own, for tests only: the functions that a matrix product with a bias needs,
 * computed on the host in f64 when the fake driver comes to them. Names, parameters and codes are
 * those of cublasLt.h (CUDA 13). */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/device/cpu/fp8.h"
#include "fake/library.h"
#include "ptx/inside.h"

enum {
    OK = 0,
    NOT_INITIALIZED = 1,
    ALLOC_FAILED = 3,
    INVALID_VALUE = 7,
    EXECUTION_FAILED = 13,
    NOT_SUPPORTED = 15
};
enum { F32 = 0, F16 = 2, BF16 = 14, E4M3 = 28, COMPUTE_32F = 68, ALGORITHM = 0x77656674 };

typedef struct layout {
    int     type, reserved;
    int64_t rows, cols, ld;
} layout;

typedef struct product {
    int      compute, scale, trans_a, trans_b, epilogue, reserved;
    uint64_t bias;
} product;

/* A product as it was asked for. */
typedef struct job {
    layout   a, b, c, d;
    product  how;
    float    alpha, beta;
    uint64_t a_at, b_at, c_at, d_at;
} job;

static size_t size_of(int type)
{
    return type == F32 ? 4 : type == E4M3 ? 1 : 2;
}

static double value(const void *p, int type, int64_t i)
{
    const uint16_t *half = p;
    if (type == F32)
        return (double)((const float *)p)[i];
    if (type == E4M3)
        return (double)wf_from_e4m3(((const uint8_t *)p)[i]);
    return pt_small_value(type == F16 ? T_F16 : T_BF16, half[i]);
}

/* Every column may be read or written; what lies between columns belongs to others. */
static void *columns(fake_reach reach, const layout *l, uint64_t at, int reads)
{
    void *p = NULL;
    for (int64_t c = l->cols; c-- > 0;) {
        p = reach(at + (uint64_t)(c * l->ld) * size_of(l->type), (size_t)l->rows * size_of(l->type),
                  reads);
        if (p == NULL)
            return NULL;
    }
    return p;
}

/* Row i and column j of the result. */
static float element(const job *w, const void *a, const void *b, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < w->a.rows; k++)
        sum += value(a, w->a.type, i * w->a.ld + k) * value(b, w->b.type, j * w->b.ld + k);
    return (float)((double)w->alpha * sum);
}

static void run(fake_reach reach, const void *argument)
{
    job w;
    memcpy(&w, argument, sizeof w);
    const void  *a = columns(reach, &w.a, w.a_at, 1), *b = columns(reach, &w.b, w.b_at, 1);
    const float *c = w.beta != 0 ? columns(reach, &w.c, w.c_at, 1) : NULL;
    const float *bias = w.how.bias != 0 ? reach(w.how.bias, (size_t)w.d.rows * 4, 1) : NULL;
    float       *d = columns(reach, &w.d, w.d_at, 0);
    if (a == NULL || b == NULL || d == NULL || (w.beta != 0 && c == NULL) ||
        (w.how.bias != 0 && bias == NULL))
        return;
    for (int64_t j = 0; j < w.d.cols; j++) {
        for (int64_t i = 0; i < w.d.rows; i++) {
            float v = element(&w, a, b, i, j);
            v += c != NULL ? w.beta * c[j * w.c.ld + i] : 0;
            d[j * w.d.ld + i] = v + (bias != NULL ? bias[i] : 0);
        }
    }
}

#define API FAKE_SHOWN
API size_t cublasLtGetVersion(void);
API int    cublasLtCreate(void **handle);
API int    cublasLtDestroy(void *handle);
API int    cublasLtMatmulDescCreate(product **out, int compute, int scale);
API int    cublasLtMatmulDescDestroy(product *p);
API int    cublasLtMatmulDescSetAttribute(product *p, int what, const void *v, size_t bytes);
API int    cublasLtMatrixLayoutCreate(layout **out, int type, uint64_t rows, uint64_t cols,
                                      int64_t ld);
API int    cublasLtMatrixLayoutDestroy(layout *l);
API int    cublasLtMatmulPreferenceCreate(void **out);
API int    cublasLtMatmulPreferenceDestroy(void *p);
API int    cublasLtMatmulPreferenceSetAttribute(void *p, int what, const void *v, size_t bytes);
API int    cublasLtMatmulAlgoGetHeuristic(void *handle, const product *how, const layout *a,
                                          const layout *b, const layout *c, const layout *d,
                                          void *preference, int most, void *out, int *n);
API int    cublasLtMatmul(void *handle, const product *how, const float *alpha, uint64_t a,
                          const layout *la, uint64_t b, const layout *lb, const float *beta,
                          uint64_t c, const layout *lc, uint64_t d, const layout *ld,
                          const uint64_t *algorithm, uint64_t workspace, size_t bytes, void *stream);

size_t cublasLtGetVersion(void)
{
    return FAKE_SERIES * 10000;
}

static int make(void **out, size_t bytes)
{
    if (fake_cuda_may_fail() != 0)
        return ALLOC_FAILED;
    *out = calloc(1, bytes);
    return *out != NULL ? OK : ALLOC_FAILED;
}

static int drop(void *p)
{
    free(p);
    return p != NULL ? OK : INVALID_VALUE;
}

int cublasLtCreate(void **handle)
{
    return make(handle, 1);
}

int cublasLtDestroy(void *handle)
{
    return drop(handle);
}

int cublasLtMatmulDescCreate(product **out, int compute, int scale)
{
    const int r = make((void **)out, sizeof **out);
    if (r == OK)
        **out = (product){.compute = compute, .scale = scale};
    return r;
}

int cublasLtMatmulDescDestroy(product *p)
{
    return drop(p);
}

/* CUBLASLT_MATMUL_DESC_*: 3 TRANSA, 4 TRANSB, 7 EPILOGUE, 8 BIAS_POINTER */
int cublasLtMatmulDescSetAttribute(product *p, int what, const void *v, size_t bytes)
{
    int *const number = what == 3   ? &p->trans_a
                        : what == 4 ? &p->trans_b
                        : what == 7 ? &p->epilogue
                                    : NULL;
    if (what == 8 && bytes == sizeof p->bias)
        memcpy(&p->bias, v, bytes);
    else if (number != NULL && bytes == sizeof *number)
        memcpy(number, v, bytes);
    else
        return INVALID_VALUE;
    return OK;
}

int cublasLtMatrixLayoutCreate(layout **out, int type, uint64_t rows, uint64_t cols, int64_t ld)
{
    if (rows == 0 || cols == 0 || ld < (int64_t)rows)
        return INVALID_VALUE;
    const int r = make((void **)out, sizeof **out);
    if (r == OK)
        **out = (layout){type, 0, (int64_t)rows, (int64_t)cols, ld};
    return r;
}

int cublasLtMatrixLayoutDestroy(layout *l)
{
    return drop(l);
}

int cublasLtMatmulPreferenceCreate(void **out)
{
    return make(out, 8);
}

int cublasLtMatmulPreferenceDestroy(void *p)
{
    return drop(p);
}

int cublasLtMatmulPreferenceSetAttribute(void *p, int what, const void *v, size_t bytes)
{
    if ((what == 7 || what == 8) && bytes == 4) /* MIN_ALIGNMENT_C_BYTES, MIN_ALIGNMENT_D_BYTES */
        return OK;
    if (what != 1 || bytes != 8) /* MAX_WORKSPACE_BYTES */
        return INVALID_VALUE;
    memcpy(p, v, 8);
    return OK;
}

/* D [n, m] = A [k, n] transposed times B [k, m], f32 from f16, bf16 or E4M3. */
static bool knows(const product *how, const layout *a, const layout *b, const layout *c,
                  const layout *d)
{
    return how->compute == COMPUTE_32F && how->scale == F32 && how->trans_a == 1 &&
           how->trans_b == 0 && (how->epilogue == 0 || how->epilogue == 4 || how->epilogue == 1) &&
           a->type == b->type && (a->type == F16 || a->type == BF16 || a->type == E4M3) &&
           c->type == F32 && d->type == F32 && a->rows == b->rows && a->cols == d->rows &&
           b->cols == d->cols && c->rows == d->rows && c->cols == d->cols;
}

/* cublasLtMatmulHeuristicResult_t */
typedef struct heuristic {
    uint64_t algorithm[8];
    size_t   workspace;
    int      state;
    float    waves;
    int      reserved[4];
} heuristic;

int cublasLtMatmulAlgoGetHeuristic(void *handle, const product *how, const layout *a,
                                   const layout *b, const layout *c, const layout *d,
                                   void *preference, int most, void *out, int *n)
{
    heuristic h = {.algorithm = {ALGORITHM}, .workspace = 1024, .waves = 1};
    *n = 0;
    if (handle == NULL || preference == NULL || most < 1)
        return INVALID_VALUE;
    if (fake_cuda_may_fail() != 0)
        return EXECUTION_FAILED;
    if (!knows(how, a, b, c, d))
        return NOT_SUPPORTED;
    memcpy(out, &h, sizeof h);
    *n = 1;
    return OK;
}

/* Vectors of 16 bytes are what the real one's fast kernels want; our rows are padded for them. */
static bool aligned(uint64_t p, const layout *l)
{
    return p % 16 == 0 && (size_t)l->ld * size_of(l->type) % 16 == 0;
}

int cublasLtMatmul(void *handle, const product *how, const float *alpha, uint64_t a,
                   const layout *la, uint64_t b, const layout *lb, const float *beta, uint64_t c,
                   const layout *lc, uint64_t d, const layout *ld, const uint64_t *algorithm,
                   uint64_t workspace, size_t bytes, void *stream)
{
    job w = {*la, *lb, *lc, *ld, *how, *alpha, *beta, a, b, c, d};
    if (handle == NULL || algorithm == NULL || algorithm[0] != ALGORITHM || workspace % 16 != 0 ||
        bytes < 1024)
        return INVALID_VALUE;
    if (!knows(how, la, lb, lc, ld) || !aligned(a, la) || !aligned(b, lb))
        return NOT_SUPPORTED;
    if (how->epilogue != 4) /* BIAS */
        w.how.bias = 0;
    return fake_cuda_library_call(stream, run, &w, sizeof w) == 0 ? OK : EXECUTION_FAILED;
}
