/* SPDX-License-Identifier: Apache-2.0 */
/* Attention of a few queries: scores as vectors over keys, outputs as vectors over head_dim, up to
 * four queries at a time, so that a key is loaded once for them. Part of attend_vec.h. */
#ifndef WF_ATTEND_FEW_H
#define WF_ATTEND_FEW_H

#define FEW_ROWS 4 /* queries at a time; with FEW_CHUNK vectors each they fill the registers */
#if VF_LANES == 16
#define FEW_CHUNK 4
#else
#define FEW_CHUNK 2
#endif

/* Up to FEW_ROWS queries that see the same keys of a block. */
typedef struct few_tile {
    const wf_attend_run *r;
    const wf_key_block  *b;
    int64_t              first; /* query */
    int32_t              n;     /* keys */
    _Alignas(64) float p[FEW_ROWS][WF_KEY_BLOCK];
    float before[FEW_ROWS], now[FEW_ROWS]; /* factors of the state and of the block */
} few_tile;

/* Asks for the line of the next block at element i of its keys or values. */
VF_INLINE void fetch_next(const void *next, int64_t i, int64_t n, const int32_t dtype)
{
    const int64_t  size = wf_cpu_kv_element(dtype);
    const uint8_t *p = (const uint8_t *)next + i * size;
    for (int64_t k = 0; k < n * size; k += 64)
        __builtin_prefetch(p + k);
}

/* Scores of the FEW_CHUNK vectors of keys from key on. */
VF_INLINE void few_scores(few_tile *t, int64_t key, const int rows, const int32_t dtype)
{
    const wf_attend_run *r = t->r;
    vf                   acc[FEW_ROWS][FEW_CHUNK];
    const float         *q = r->queries + t->first * r->stride;
    VF_UNROLL
    for (int i = 0; i < rows; i++) {
        VF_UNROLL
        for (int v = 0; v < FEW_CHUNK; v++)
            acc[i][v] = vf_zero();
    }
    for (int64_t d = 0; d < r->head_dim; d++) {
        if (t->b->next_n > 0)
            fetch_next(t->b->next_k, d * WF_KEY_BLOCK + key, FEW_CHUNK * VF_LANES, dtype);
        VF_UNROLL
        for (int v = 0; v < FEW_CHUNK; v++) {
            vf k = load_as(t->b->k, d * WF_KEY_BLOCK + key + v * VF_LANES, dtype);
            VF_UNROLL
            for (int i = 0; i < rows; i++)
                acc[i][v] = vf_fma1(q[i * r->stride + d], k, acc[i][v]);
        }
    }
    VF_UNROLL
    for (int v = 0; v < FEW_CHUNK; v++) {
        int64_t at = key + v * VF_LANES;
        vf      factor = vf_set1(r->scale);
        if (t->b->k_scale != NULL)
            factor = vf_mul(factor, vf_load(t->b->k_scale + at));
        VF_UNROLL
        for (int i = 0; i < rows; i++)
            vf_store(t->p[i] + at, vf_mul(acc[i][v], factor));
    }
}

/* p: scores to exp(score - maximum); keys past n count as minus infinity. Returns the maximum. */
VF_INLINE float few_exponents(float *p, int32_t n)
{
    for (int32_t i = n; i < WF_KEY_BLOCK; i++)
        p[i] = -INFINITY;
    vf most = vf_set1(-INFINITY);
    for (int i = 0; i < WF_KEY_BLOCK; i += VF_LANES)
        most = vf_max(vf_load(p + i), most);
    float m = vf_reduce_max(most);
    for (int i = 0; i < WF_KEY_BLOCK; i += VF_LANES)
        vf_store(p + i, exp_below(vf_load(p + i), vf_set1(m)));
    return m;
}

/* l of the block, a plain sum, ascending: the chains of the queries run side by side. */
VF_INLINE void few_sums(const few_tile *t, float *l, const int rows)
{
    for (int64_t j = 0; j < t->n; j++) {
        VF_UNROLL
        for (int i = 0; i < rows; i++)
            l[i] += t->p[i][j];
    }
}

/* p to p times the scale of the value that it multiplies. */
VF_INLINE void few_scale(few_tile *t, const int rows)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < WF_KEY_BLOCK; j += VF_LANES)
            vf_store(t->p[i] + j, vf_mul(vf_load(t->p[i] + j), vf_load(t->b->v_scale + j)));
}

/* Merges a vector of query i's output in a block into the state at o. */
VF_INLINE void few_add(const few_tile *t, float *o, int i, vf x)
{
    vf before = vf_mul(vf_load(o), vf_set1(t->before[i]));
    vf_store(o, vf_fma(x, vf_set1(t->now[i]), before));
}

/* The columns of nv vectors from c on: the block's sums, merged into the state or kept. */
VF_INLINE void few_values(few_tile *t, int64_t c, const int rows, const int nv, const int32_t dtype)
{
    const wf_attend_run *r = t->r;
    vf                   acc[FEW_ROWS][FEW_CHUNK];
    VF_UNROLL
    for (int i = 0; i < rows; i++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++)
            acc[i][v] = vf_zero();
    }
    for (int64_t j = 0; j < t->n; j++) {
        int64_t at = j * t->b->v_key + c;
        if (t->b->next_n > 0)
            fetch_next(t->b->next_v, at, nv * VF_LANES, dtype);
        VF_UNROLL
        for (int v = 0; v < nv; v++) {
            vf x = load_as(t->b->v, at + v * VF_LANES, dtype);
            VF_UNROLL
            for (int i = 0; i < rows; i++)
                acc[i][v] = vf_fma1(t->p[i][j], x, acc[i][v]);
        }
    }
    VF_UNROLL
    for (int i = 0; i < rows; i++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++) {
            int64_t at = (t->first + i) * r->stride + c + v * VF_LANES;
            if (r->part != NULL)
                vf_store(r->part + 2 * r->nq + at, acc[i][v]);
            else
                few_add(t, r->o + at, i, acc[i][v]);
        }
    }
}

/* Merges the block's maxima and sums, and sets the factors of both outputs. */
VF_INLINE void few_factors(few_tile *t, const float *block_m, const float *block_l, const int rows)
{
    _Alignas(64) float below[VF_LANES] = {0};
    float             *m = t->r->m + t->first, *l = t->r->l + t->first;
    for (int i = 0; i < rows; i++) {
        float most = block_m[i] > m[i] ? block_m[i] : m[i];
        below[i] = m[i] - most;
        below[FEW_ROWS + i] = block_m[i] - most;
        m[i] = most;
    }
    vf_store(below, exp_below(vf_load(below), vf_zero()));
    for (int i = 0; i < rows; i++) {
        t->before[i] = below[i];
        t->now[i] = below[FEW_ROWS + i];
        l[i] = fmaf(block_l[i], t->now[i], l[i] * t->before[i]);
    }
}

/* The same for a block that is kept as a part. */
VF_INLINE void few_keep(few_tile *t, const float *block_m, const float *block_l, const int rows)
{
    for (int i = 0; i < rows; i++) {
        t->r->part[t->first + i] = block_m[i];
        t->r->part[t->r->nq + t->first + i] = block_l[i];
    }
}

VF_INLINE void few_rows(few_tile *t, const int rows, const int32_t dtype)
{
    float   m[FEW_ROWS], l[FEW_ROWS] = {0};
    int64_t c = 0, columns = (t->r->head_dim + VF_LANES - 1) / VF_LANES * VF_LANES;
    for (int64_t key = 0; key < t->n; key += FEW_CHUNK * VF_LANES)
        few_scores(t, key, rows, dtype);
    for (int i = 0; i < rows; i++)
        m[i] = few_exponents(t->p[i], t->n);
    few_sums(t, l, rows);
    if (t->b->v_scale != NULL)
        few_scale(t, rows);
    if (t->r->part != NULL)
        few_keep(t, m, l, rows);
    else
        few_factors(t, m, l, rows);
    for (; c + FEW_CHUNK * VF_LANES <= columns; c += FEW_CHUNK * VF_LANES)
        few_values(t, c, rows, FEW_CHUNK, dtype);
    for (; c < columns; c += VF_LANES)
        few_values(t, c, rows, 1, dtype);
}

/* Queries side by side that see equally many keys are taken together. */
VF_INLINE void few_block_as(wf_attend_run *r, const wf_key_block *b, const int32_t dtype)
{
    few_tile t = {.r = r, .b = b};
    for (int32_t i = 0, rows; i < r->nq; i += rows) {
        t.first = i;
        t.n = r->n_keys[i];
        for (rows = 1; rows < FEW_ROWS && i + rows < r->nq && r->n_keys[i + rows] == t.n; rows++)
            ;
        if (t.n == 0)
            continue;
        if (rows == 4)
            few_rows(&t, 4, dtype);
        else if (rows == 3)
            few_rows(&t, 3, dtype);
        else if (rows == 2)
            few_rows(&t, 2, dtype);
        else
            few_rows(&t, 1, dtype);
    }
}

/* The block in r->k and r->v as f32, keys innermost: where rows are packed, and where head_dim is
 * not whole vectors. */
static wf_key_block few_plain(const wf_attend_run *r, const wf_key_block *b)
{
    wf_key_block plain = *b;
    if (b->k_key == 1) {
        widen_to(r->k, b->k, 0, (int64_t)r->head_dim * WF_KEY_BLOCK, b->dtype);
    } else {
        const float *k = b->k; /* packed rows are f32 */
        for (int64_t i = 0; i < b->n; i += 4) {
            const float *row[4];
            for (int64_t n = 0; n < 4; n++)
                row[n] = k + (i + n < b->n ? i + n : b->n - 1) * b->k_key;
            columns_of4(r->k + i, WF_KEY_BLOCK, row, r->head_dim);
        }
    }
    widen_values(r, b);
    plain.k = r->k;
    plain.v = r->v;
    plain.v_key = r->stride;
    plain.next_n = 0;
    plain.dtype = WF_F32;
    return plain;
}

static void few_block(wf_attend_run *r, const wf_key_block *b)
{
    wf_key_block plain;
    if (b->k_key != 1 || r->head_dim % VF_LANES != 0) {
        plain = few_plain(r, b);
        b = &plain;
    }
    if (b->dtype == WF_Q8)
        few_block_as(r, b, WF_Q8);
    else if (b->dtype == WF_F32)
        few_block_as(r, b, WF_F32);
    else if (b->dtype == WF_BF16)
        few_block_as(r, b, WF_BF16);
    else
        few_block_as(r, b, WF_F16);
}

static void few_merge(wf_attend_run *r, const float *part)
{
    few_tile t = {.r = r};
    for (int32_t i = 0, rows; i < r->nq; i += rows) {
        rows = r->nq - i < FEW_ROWS ? r->nq - i : FEW_ROWS;
        t.first = i;
        few_factors(&t, part + i, part + r->nq + i, rows);
        for (int k = 0; k < rows; k++) {
            int64_t at = (int64_t)(i + k) * r->stride;
            for (int64_t d = 0; d < r->head_dim; d += VF_LANES)
                few_add(&t, r->o + at + d, k, vf_load(part + 2 * r->nq + at + d));
        }
    }
}

static void few_begin(wf_attend_run *r)
{
    for (int32_t i = 0; i < r->nq; i++) {
        float *q = r->queries + i * r->stride;
        memcpy(q, wf_query_at(r, i), (size_t)r->head_dim * 4);
        r->m[i] = -INFINITY;
        r->l[i] = 0.0f;
    }
    memset(r->o, 0, (size_t)(r->nq * r->stride) * 4);
}

/* A query without a key has still l = 0: its row is 0, not 0 / 0. */
static void few_finish(wf_attend_run *r)
{
    for (int32_t i = 0; i < r->nq; i++) {
        float *out = wf_output_at(r, i);
        int    empty = r->l[i] == 0.0f && r->m[i] == -INFINITY;
        for (int64_t d = 0; d < r->head_dim; d += VF_LANES) {
            vf o = vf_div(vf_load(r->o + i * r->stride + d), vf_set1(r->l[i]));
            vf_store_n(out + d, empty ? vf_zero() : o, r->head_dim - d);
        }
    }
}

#endif
