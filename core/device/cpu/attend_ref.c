/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of attention that variants replace, in plain C: the block kernel states the canonical
 * sums (core/ops/op.h), merge the one way in which blocks are joined. */
#include "core/device/cpu/internal.h"

static void to_f32_ref(float *dst, const void *src, int64_t n, int32_t dtype)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = wf_load(src, i, dtype);
}

static void transpose_ref(float *kt, const float *k, int64_t k_stride, int64_t n_keys,
                          int64_t head_dim)
{
    for (int64_t d = 0; d < head_dim; d++) {
        for (int64_t i = 0; i < WF_KEY_BLOCK; i++)
            kt[d * WF_KEY_BLOCK + i] = i < n_keys ? k[i * k_stride + d] : 0.0f;
    }
}

static float score(const wf_key_block *b, const float *q, int32_t key)
{
    float s = 0.0f;
    for (int64_t d = 0; d < b->head_dim; d++)
        s = fmaf(q[d], b->kt[d * WF_KEY_BLOCK + key], s);
    return s * b->scale;
}

static void query_ref(const wf_key_block *b, int32_t i)
{
    float   p[WF_KEY_BLOCK];
    float  *o = b->o + i * b->stride;
    int32_t n = b->n_keys[i];
    float   m = -INFINITY, l = 0.0f;
    for (int32_t j = 0; j < n; j++) {
        p[j] = score(b, b->q + i * b->stride, j);
        m = p[j] > m ? p[j] : m;
    }
    for (int32_t j = 0; j < n; j++) {
        p[j] = wf_expf(p[j] - m);
        l = l + p[j];
    }
    for (int64_t d = 0; d < b->head_dim; d++) {
        float sum = 0.0f;
        for (int32_t j = 0; j < n; j++)
            sum = fmaf(p[j], b->v[j * b->stride + d], sum);
        o[d] = sum;
    }
    b->m[i] = m;
    b->l[i] = l;
}

static void block_ref(const wf_key_block *b)
{
    for (int32_t i = 0; i < b->nq; i++) {
        if (b->n_keys[i] > 0)
            query_ref(b, i);
    }
}

static void merge_ref(wf_attend_state *s, const wf_key_block *b)
{
    for (int32_t i = 0; i < b->nq; i++) {
        if (b->n_keys[i] == 0)
            continue;
        float        m = b->m[i] > s->m[i] ? b->m[i] : s->m[i];
        float        before = wf_expf(s->m[i] - m), now = wf_expf(b->m[i] - m);
        float       *sum = s->o + i * b->stride;
        const float *o = b->o + i * b->stride;
        s->m[i] = m;
        s->l[i] = fmaf(b->l[i], now, s->l[i] * before);
        for (int64_t d = 0; d < b->head_dim; d++)
            sum[d] = fmaf(o[d], now, sum[d] * before);
    }
}

static const wf_attend_kernels kernels = {to_f32_ref, transpose_ref, block_ref, merge_ref};

weft_status wf_attend_pages_ref(wf_exec *ex, const wf_attend_pages *a)
{
    return wf_attend_pages_run(ex, a, &kernels);
}

weft_status wf_attend_ref(wf_exec *ex, const wf_attend *a)
{
    return wf_attend_run(ex, a, &kernels);
}
