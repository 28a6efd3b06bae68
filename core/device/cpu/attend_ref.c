/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of attention that levels replace, in plain C: `block` states the canonical sums
 * (core/ops/op.h), and the one way in which blocks are merged. */
#include "core/device/cpu/attend.h"

static void begin_ref(wf_attend_run *r)
{
    for (int32_t i = 0; i < r->nq; i++) {
        memcpy(r->queries + i * r->stride, wf_query_at(r, i), (size_t)r->head_dim * 4);
        r->m[i] = -INFINITY;
        r->l[i] = 0.0f;
    }
    memset(r->o, 0, (size_t)(r->nq * r->stride) * 4);
}

static float element(const void *p, int64_t i, int32_t dtype)
{
    return dtype == WF_Q8 ? (float)((const int8_t *)p)[i] : wf_load(p, i, dtype);
}

static float score(const wf_attend_run *r, const wf_key_block *b, const float *q, int64_t key)
{
    float s = 0.0f;
    for (int64_t d = 0; d < r->head_dim; d++)
        s = fmaf(q[d], element(b->k, key * b->k_key + d * b->k_dim, b->dtype), s);
    return s * (b->k_scale != NULL ? r->scale * b->k_scale[key] : r->scale);
}

static void merge_ref(wf_attend_run *r, int32_t i, float block_m, float block_l, const float *o)
{
    float  m = block_m > r->m[i] ? block_m : r->m[i];
    float  before = wf_expf(r->m[i] - m), now = wf_expf(block_m - m);
    float *sum = r->o + i * r->stride;
    r->m[i] = m;
    r->l[i] = fmaf(block_l, now, r->l[i] * before);
    for (int64_t d = 0; d < r->head_dim; d++)
        sum[d] = fmaf(o[d], now, sum[d] * before);
}

static void query_ref(wf_attend_run *r, const wf_key_block *b, int32_t i)
{
    float   p[WF_KEY_BLOCK], *o = r->v; /* [head_dim] */
    int32_t n = r->n_keys[i];
    float   m = -INFINITY, l = 0.0f;
    for (int32_t j = 0; j < n; j++) {
        p[j] = score(r, b, r->queries + i * r->stride, j);
        m = p[j] > m ? p[j] : m;
    }
    for (int32_t j = 0; j < n; j++) {
        p[j] = wf_expf(p[j] - m);
        l = l + p[j];
        p[j] = b->v_scale != NULL ? p[j] * b->v_scale[j] : p[j];
    }
    for (int64_t d = 0; d < r->head_dim; d++) {
        float sum = 0.0f;
        for (int32_t j = 0; j < n; j++)
            sum = fmaf(p[j], element(b->v, j * b->v_key + d, b->dtype), sum);
        o[d] = sum;
    }
    merge_ref(r, i, m, l, o);
}

static void block_ref(wf_attend_run *r, const wf_key_block *b)
{
    for (int32_t i = 0; i < r->nq; i++)
        if (r->n_keys[i] > 0)
            query_ref(r, b, i);
}

/* A query without a key has still l = 0: its row is 0, not 0 / 0. */
static void finish_ref(wf_attend_run *r)
{
    for (int32_t i = 0; i < r->nq; i++) {
        float *out = wf_output_at(r, i);
        int    empty = r->l[i] == 0.0f && r->m[i] == -INFINITY;
        for (int64_t d = 0; d < r->head_dim; d++)
            out[d] = empty ? 0.0f : r->o[i * r->stride + d] / r->l[i];
    }
}

#define KERNEL                                                                                     \
    {                                                                                              \
        begin_ref, block_ref, NULL, finish_ref                                                     \
    }
static const wf_attend_kernels kernels = {KERNEL, KERNEL, 0};

weft_status wf_attend_pages_ref(wf_exec *ex, const wf_attend_pages *a)
{
    return wf_attend_pages_run(ex, a, &kernels);
}

weft_status wf_attend_ref(wf_exec *ex, const wf_attend *a)
{
    return wf_attend_run_packed(ex, a, &kernels);
}
