/* SPDX-License-Identifier: Apache-2.0 */
/* Computed against expected. In f32 a tensor passes when its largest absolute error is at most 1e-4
 * of scale = max(1, max |expected|); in bf16, q8 and q4 when the cosine over the whole tensor is
 * at least 0.999. Greedy ids are compared while the computed top-two margin exceeds twice the
 * tolerance. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/verify/verification.h"

#define F32_TOLERANCE 1e-4
#define BF16_COSINE 0.999

typedef struct sums { /* of one tensor, piece by piece */
    double max_abs, max_expected, dot, aa, bb;
} sums;

static void add(sums *s, const float *a, const float *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i], d = fabs(x - y);
        s->max_abs = d > s->max_abs || isnan(d) ? d : s->max_abs;
        s->max_expected = fabs(y) > s->max_expected ? fabs(y) : s->max_expected;
        s->dot += x * y;
        s->aa += x * x;
        s->bb += y * y;
    }
}

static void report(verify *v, const char *name, const sums *s, int64_t first_argmax)
{
    weft_verify_row r = {
        .hdr = WEFT_HDR(weft_verify_row), .name = name, .first_argmax = first_argmax};
    r.scale = s->max_expected > 1 ? s->max_expected : 1;
    r.max_abs = s->max_abs;
    r.relative = s->max_abs / r.scale;
    r.cosine = s->aa > 0 && s->bb > 0 ? s->dot / sqrt(s->aa * s->bb) : s->aa == s->bb ? 1 : 0;
    r.passed = v->bf16 ? r.cosine >= BF16_COSINE : r.relative <= F32_TOLERANCE;
    v->passed = v->passed && r.passed;
    v->n_compared++;
    if (v->rq->on_row != NULL)
        v->rq->on_row(v->rq->ctx, &r);
}

static weft_status expect_shape(const verify *v, const wf_st_tensor *t, uint64_t numel,
                                weft_error *err)
{
    if (t->dtype == WF_ST_F32 && wf_st_numel(t) == numel)
        return WEFT_OK;
    return wf_fail(err, WEFT_E_CORRUPT, "%s: %s is not F32 of %llu elements", v->path, t->name,
                   (unsigned long long)numel);
}

static int64_t argmax(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

static int64_t first_other_argmax(const float *a, const float *b, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        if (argmax(a + r * n, n) != argmax(b + r * n, n))
            return r;
    return -1;
}

/* A tensor of the core: `name`, computed [rows, n]. */
static weft_status compare(verify *v, const char *name, const float *got, int64_t rows, int64_t n,
                           bool logits, weft_error *err)
{
    const wf_st_tensor *t = wf_st_find(&v->file, name);
    void               *expected;
    sums                s = {0};
    if (t == NULL)
        return WEFT_OK;
    weft_status status = expect_shape(v, t, (uint64_t)(rows * n), err);
    if (status == WEFT_OK)
        status = wf_parity_load(&v->file, t, &expected, err);
    if (status != WEFT_OK)
        return status;
    add(&s, got, expected, (uint64_t)(rows * n));
    report(v, name, &s, logits ? first_other_argmax(got, expected, rows, n) : -1);
    wf_free_aligned(expected);
    return WEFT_OK;
}

/* How many leading rows of an output are compared: those that sites may see; all where none are. */
static uint64_t compared_rows(const weft_plan_tensor *output, uint64_t d)
{
    return output->stream_rows > 0 ? (uint64_t)output->stream_rows
                                   : wf_spec_numel(&output->spec) / d;
}

/* An encoder output over all items that have it. */
static weft_status compare_output(verify *v, void *ctx, const char *name, weft_error *err)
{
    (void)ctx;
    const wf_st_tensor *t = wf_st_find(&v->file, name);
    void               *expected;
    sums                s = {0};
    uint64_t            at = 0;
    if (t == NULL)
        return WEFT_OK;
    weft_status status = expect_shape(v, t, wf_verify_numel(v, name), err);
    if (status == WEFT_OK)
        status = wf_parity_load(&v->file, t, &expected, err);
    if (status != WEFT_OK)
        return status;
    for (uint32_t k = 0; k < v->n_items; k++) {
        int32_t o = wf_verify_output(v, k, name);
        if (o < 0)
            continue;
        uint64_t d = (uint64_t)v->items[k]->kv[o].d;
        add(&s, v->outputs[k][o], (float *)expected + at,
            compared_rows(&v->items[k]->plan.outputs[o], d) * d);
        at += wf_spec_numel(&v->items[k]->plan.outputs[o].spec);
    }
    report(v, name, &s, -1);
    wf_free_aligned(expected);
    return WEFT_OK;
}

static weft_status compare_core(verify *v, weft_error *err)
{
    char        name[32];
    int64_t     n = v->seq->n, d = v->config->d_model;
    weft_status status = WEFT_OK;
    for (int32_t k = 0; k <= v->config->n_layers && status == WEFT_OK; k++) {
        snprintf(name, sizeof name, "hidden.%d", k);
        status = compare(v, name, v->hidden + (int64_t)k * n * d, n, d, false, err);
    }
    if (status == WEFT_OK && wf_st_find(&v->file, "logits") == NULL)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: logits [T, vocab] is missing", v->path);
    return status == WEFT_OK ? compare(v, "logits", v->logits, n, v->config->vocab, true, err)
                             : status;
}

/* The margin between the two largest logits. */
static double margin(const float *x, int64_t n, int64_t best)
{
    double second = -INFINITY;
    for (int64_t i = 0; i < n; i++)
        if (i != best && (double)x[i] > second)
            second = (double)x[i];
    return (double)x[best] - second;
}

static double row_scale(const float *x, int64_t n)
{
    double m = 1;
    for (int64_t i = 0; i < n; i++)
        m = fabs((double)x[i]) > m ? fabs((double)x[i]) : m;
    return m;
}

/* Appends greedy ids one by one until the expected ones end or the choice is too close to call. */
static weft_status greedy_run(verify *v, float *row, const int64_t *expected, int64_t n,
                              weft_verify_row *r, weft_error *err)
{
    int64_t     vocab = v->config->vocab;
    double      tolerance = v->bf16 ? 1e-2 : F32_TOLERANCE;
    weft_status status = WEFT_OK;
    for (int64_t i = 0; i < n && status == WEFT_OK; i++) {
        int64_t best = argmax(row, vocab);
        if (margin(row, vocab, best) <= 2 * tolerance * row_scale(row, vocab))
            break;
        r->n_compared++;
        r->n_equal += best == expected[i];
        v->greedy[v->n_greedy++] = best;
        if (best != expected[i] || i + 1 == n)
            break;
        int32_t id = (int32_t)best;
        status = weft_sequence_feed_ids(v->seq, &id, 1, err);
        if (status == WEFT_OK)
            status = wf_step_one(v->env->stepper, v->seq, 1, 1, row, NULL, err);
    }
    return status;
}

static weft_status compare_greedy(verify *v, weft_error *err)
{
    const wf_st_tensor *t = wf_st_find(&v->file, "greedy");
    weft_verify_row     r = {
            .hdr = WEFT_HDR(weft_verify_row), .name = "greedy", .first_argmax = -1, .cosine = 1};
    void *expected;
    if (t == NULL)
        return WEFT_OK;
    if (t->dtype != WF_ST_I64 || t->rank != 1)
        return wf_fail(err, WEFT_E_CORRUPT, "%s: greedy is not [G] I64", v->path);
    int64_t vocab = v->config->vocab;
    float  *row = wf_alloc_aligned((size_t)vocab * sizeof *row);
    v->greedy = wf_zalloc_n((size_t)t->shape[0] + 1, sizeof *v->greedy);
    weft_status status = v->greedy != NULL && row != NULL
                             ? wf_parity_load(&v->file, t, &expected, err)
                             : wf_fail_nomem(err, t->bytes, "greedy ids");
    if (status != WEFT_OK) {
        wf_free_aligned(row);
        return status;
    }
    memcpy(row, v->logits + (v->seq->n - 1) * vocab, (size_t)vocab * sizeof *row);
    status = greedy_run(v, row, expected, t->shape[0], &r, err);
    wf_free_aligned(row);
    r.passed = r.n_equal == r.n_compared;
    v->passed = v->passed && r.passed;
    if (status == WEFT_OK && v->rq->on_row != NULL)
        v->rq->on_row(v->rq->ctx, &r);
    wf_free_aligned(expected);
    return status;
}

weft_status wf_verify_compare(verify *v, weft_error *err)
{
    weft_status status = wf_verify_each_output(v, compare_output, NULL, err);
    v->n_rows = v->seq != NULL ? v->seq->n : 0;
    if (status == WEFT_OK && v->seq != NULL)
        status = compare_core(v, err);
    if (status == WEFT_OK && v->seq != NULL)
        status = compare_greedy(v, err);
    return status;
}
