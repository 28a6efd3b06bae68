/* SPDX-License-Identifier: Apache-2.0 */
/* Attention of many queries: queries in the lanes, in tiles of three vectors. Scores, maxima, sums
 * and outputs are then vectors over queries from the first step to the last; keys and values enter
 * as single numbers that are multiplied with all of them, so that nothing but queries and outputs
 * is ever transposed, and those once a run. Part of attend_vec.h. */
#ifndef WF_ATTEND_MANY_H
#define WF_ATTEND_MANY_H

#define MANY_VECTORS 3
#define MANY_TILE (MANY_VECTORS * VF_LANES)
#if VF_LANES == 16
#define MANY_KEYS                                                                                  \
    8 /* keys or dimensions at a time: MANY_VECTORS sums of each fill the registers                \
       */
#else
#define MANY_KEYS 4
#endif
_Static_assert(WF_ATTEND_TILE % MANY_TILE == 0, "a run's room holds whole tiles");
_Static_assert(WF_KEY_BLOCK % MANY_KEYS == 0, "keys come in whole groups");

/* A tile of queries against a block; the arrays are the tile's part of the run's. */
typedef struct many_tile {
    const wf_attend_run *r;
    const wf_key_block  *b;
    const float         *q;               /* [head_dim, MANY_TILE] */
    float               *o, *m, *l;       /* o as q */
    const float         *factor;          /* [WF_KEY_BLOCK] of the scores */
    int32_t              least, n;        /* keys that all queries see, that one sees */
    float                sees[MANY_TILE]; /* keys of each query */
} many_tile;

/* x of queries that see key j, y of the others. */
VF_INLINE vf if_seen(const many_tile *t, int v, int64_t j, vf x, vf y)
{
    return vf_if_negative(vf_sub(vf_set1((float)j), vf_load(t->sees + v * VF_LANES)), x, y);
}

/* Scores into r->p [keys, MANY_TILE]; most: the greatest of each query. */
VF_INLINE void many_scores(const many_tile *t, vf *most, const int nv)
{
    const wf_attend_run *r = t->r;
    const int64_t        k_key = t->b->k_key, k_dim = t->b->k_dim;
    for (int v = 0; v < nv; v++)
        most[v] = vf_set1(-INFINITY);
    for (int64_t key = 0; key < t->n; key += MANY_KEYS) {
        vf           acc[MANY_KEYS][MANY_VECTORS];
        const float *k = (const float *)t->b->k + key * k_key, *q = t->q;
        VF_UNROLL
        for (int i = 0; i < MANY_KEYS; i++) {
            VF_UNROLL
            for (int v = 0; v < nv; v++)
                acc[i][v] = vf_zero();
        }
        for (int64_t d = 0; d < r->head_dim; d++, k += k_dim, q += MANY_TILE) {
            VF_UNROLL
            for (int i = 0; i < MANY_KEYS; i++) {
                float x = k[i * k_key];
                VF_UNROLL
                for (int v = 0; v < nv; v++)
                    acc[i][v] = vf_fma1(x, vf_load(q + v * VF_LANES), acc[i][v]);
            }
        }
        VF_UNROLL
        for (int i = 0; i < MANY_KEYS; i++) {
            VF_UNROLL
            for (int v = 0; v < nv; v++) {
                vf s = vf_mul(acc[i][v], vf_set1(t->factor[key + i]));
                if (key + MANY_KEYS > t->least)
                    s = if_seen(t, v, key + i, s, vf_set1(-INFINITY));
                most[v] = vf_max(s, most[v]);
                vf_store(r->p + (key + i) * MANY_TILE + v * VF_LANES, s);
            }
        }
    }
}

/* Scores to exp(score - maximum), and their sums in ascending order; in q8 then times the scale of
 * the value. */
VF_INLINE void many_exponents(const many_tile *t, const vf *m, vf *l, const int nv)
{
    float       *p = t->r->p;
    const float *scale = t->b->v_scale;
    for (int v = 0; v < nv; v++)
        l[v] = vf_zero();
    for (int64_t j = 0; j < t->n; j++, p += MANY_TILE) {
        VF_UNROLL
        for (int v = 0; v < nv; v++) {
            vf e = exp_below(vf_load(p + v * VF_LANES), m[v]);
            l[v] = vf_add(l[v], e);
            if (scale != NULL)
                e = vf_mul(e, vf_set1(scale[j]));
            vf_store(p + v * VF_LANES, e);
        }
    }
}

/* Merges the block's m and l into the state: before and now become the factors of both outputs. */
VF_INLINE void many_merge(const many_tile *t, const vf *block_m, const vf *block_l, vf *before,
                          vf *now, const int nv)
{
    for (int v = 0; v < nv; v++) {
        float *m = t->m + v * VF_LANES, *l = t->l + v * VF_LANES;
        vf     old_m = vf_load(m), old_l = vf_load(l), most = vf_max(block_m[v], old_m);
        before[v] = exp_below(old_m, most);
        now[v] = exp_below(block_m[v], most);
        vf sum = vf_fma(block_l[v], now[v], vf_mul(old_l, before[v]));
        if (t->least == 0) {
            most = if_seen(t, v, 0, most, old_m);
            sum = if_seen(t, v, 0, sum, old_l);
        }
        vf_store(m, most);
        vf_store(l, sum);
    }
}

/* Dimensions d..d+nd-1: the block's sums over its keys, merged into the state. A key past a query's
 * end is left out: it must not even be multiplied by zero. */
VF_INLINE void many_values(const many_tile *t, int64_t d, const vf *before, const vf *now,
                           const int nv, const int nd)
{
    vf           acc[MANY_KEYS][MANY_VECTORS];
    const float *value = (const float *)t->b->v + d, *p = t->r->p;
    int64_t      j = 0;
    VF_UNROLL
    for (int i = 0; i < nd; i++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++)
            acc[i][v] = vf_zero();
    }
    for (; j < t->least; j++, value += t->b->v_key, p += MANY_TILE) {
        VF_UNROLL
        for (int i = 0; i < nd; i++) {
            float x = value[i];
            VF_UNROLL
            for (int v = 0; v < nv; v++)
                acc[i][v] = vf_fma1(x, vf_load(p + v * VF_LANES), acc[i][v]);
        }
    }
    for (; j < t->n; j++, value += t->b->v_key, p += MANY_TILE) {
        VF_UNROLL
        for (int i = 0; i < nd; i++) {
            float x = value[i];
            VF_UNROLL
            for (int v = 0; v < nv; v++) {
                vf sum = vf_fma1(x, vf_load(p + v * VF_LANES), acc[i][v]);
                acc[i][v] = if_seen(t, v, j, sum, acc[i][v]);
            }
        }
    }
    VF_UNROLL
    for (int i = 0; i < nd; i++) {
        VF_UNROLL
        for (int v = 0; v < nv; v++) {
            float *o = t->o + (d + i) * MANY_TILE + v * VF_LANES;
            vf     old = vf_load(o), sum = vf_fma(acc[i][v], now[v], vf_mul(old, before[v]));
            vf_store(o, t->least == 0 ? if_seen(t, v, 0, sum, old) : sum);
        }
    }
}

VF_INLINE void many_rows(const many_tile *t, const int nv)
{
    vf      m[MANY_VECTORS], l[MANY_VECTORS], before[MANY_VECTORS], now[MANY_VECTORS];
    int64_t d = 0;
    many_scores(t, m, nv);
    many_exponents(t, m, l, nv);
    many_merge(t, m, l, before, now, nv);
    for (; d + MANY_KEYS <= t->r->head_dim; d += MANY_KEYS)
        many_values(t, d, before, now, nv, MANY_KEYS);
    for (; d < t->r->head_dim; d++)
        many_values(t, d, before, now, nv, 1);
}

static void many_rows3(const many_tile *t)
{
    many_rows(t, 3);
}

static void many_rows2(const many_tile *t)
{
    many_rows(t, 2);
}

static void many_rows1(const many_tile *t)
{
    many_rows(t, 1);
}

/* The block as f32, side by side in the thread's scratch: each number is used for all queries, and
 * the tiles after the first find them in the second cache at most. */
static wf_key_block many_plain(const wf_attend_run *r, const wf_key_block *b)
{
    wf_key_block plain = *b;
    if (b->k_key == 1) {
        widen_to(r->k, b->k, 0, (int64_t)r->head_dim * WF_KEY_BLOCK, b->dtype);
    } else { /* packed rows, which lie apart */
        for (int64_t i = 0; i < b->n; i++)
            widen_to(r->k + i * r->stride, b->k, i * b->k_key, r->head_dim, b->dtype);
        plain.k_key = r->stride;
    }
    widen_values(r, b);
    plain.k = r->k;
    plain.v = r->v;
    plain.v_key = r->stride;
    plain.dtype = WF_F32;
    return plain;
}

/* Asks for bytes that will be needed soon. */
VF_INLINE void fetch(const void *p, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const uint8_t *)p + i, 0, 2); /* no nearer than the second cache */
}

/* Asks for the next block while this one is worked on. */
static void fetch_block(const wf_attend_run *r, const wf_key_block *b)
{
    int64_t row = (int64_t)r->head_dim * wf_cpu_kv_element(b->dtype);
    if (b->next_n == 0)
        return;
    if (b->k_key == 1) {
        fetch(b->next_k, row * WF_KEY_BLOCK);
        fetch(b->next_v, row * b->next_n);
        return;
    }
    for (int64_t i = 0; i < b->next_n; i++) { /* packed rows */
        fetch((const float *)b->next_k + i * b->k_key, row);
        fetch((const float *)b->next_v + i * b->v_key, row);
    }
}

static void many_block(wf_attend_run *r, const wf_key_block *b)
{
    wf_key_block plain = many_plain(r, b);
    float        factor[WF_KEY_BLOCK];
    fetch_block(r, b);
    for (int32_t i = 0; i < WF_KEY_BLOCK; i++)
        factor[i] = b->k_scale != NULL ? r->scale * b->k_scale[i] : r->scale;
    for (int64_t first = 0; first < r->nq; first += MANY_TILE) {
        int64_t   at = first * r->head_dim, left = r->nq - first;
        many_tile t = {.r = r,
                       .b = &plain,
                       .q = r->queries + at,
                       .o = r->o + at,
                       .m = r->m + first,
                       .l = r->l + first,
                       .factor = factor,
                       .least = WF_KEY_BLOCK};
        for (int i = 0; i < MANY_TILE; i++) {
            int32_t n = r->n_keys[first + i];
            t.least = n < t.least ? n : t.least;
            t.n = n > t.n ? n : t.n;
            t.sees[i] = (float)n;
        }
        if (t.n == 0)
            continue;
        if (left > 2 * VF_LANES)
            many_rows3(&t);
        else if (left > VF_LANES)
            many_rows2(&t);
        else
            many_rows1(&t);
    }
}

static void many_begin(wf_attend_run *r)
{
    for (int64_t i = 0; i < r->room; i += 4) {
        const float *row[4];
        for (int64_t k = 0; k < 4; k++) /* what lies past the last query repeats it */
            row[k] = wf_query_at(r, i + k < r->nq ? i + k : r->nq - 1);
        for (int64_t k = 0; k < 4 && i + 8 + k < r->nq; k++)
            fetch(wf_query_at(r, i + 8 + k), (int64_t)r->head_dim * 4);
        columns_of4(r->queries + i / MANY_TILE * MANY_TILE * r->head_dim + i % MANY_TILE, MANY_TILE,
                    row, r->head_dim);
    }
    for (int32_t i = 0; i < r->room; i++) {
        r->m[i] = -INFINITY;
        r->l[i] = 0.0f;
    }
    memset(r->o, 0, (size_t)(r->room * (int64_t)r->head_dim) * 4);
}

/* Rows i..i+3 of out, or as many as there are, from the four columns at o. */
VF_INLINE void rows_of4(wf_attend_run *r, int64_t i, const float *o)
{
    int64_t d = 0, n = r->nq - i < 4 ? r->nq - i : 4;
    float  *row[4];
    for (int64_t k = 0; k < n; k++)
        row[k] = wf_output_at(r, i + k);
    for (; n == 4 && d + 4 <= r->head_dim; d += 4) {
        const float *x = o + d * MANY_TILE;
        vf_transpose4(
            (float *const[4]){row[0] + d, row[1] + d, row[2] + d, row[3] + d},
            (const float *const[4]){x, x + MANY_TILE, x + 2 * MANY_TILE, x + 3 * MANY_TILE});
    }
    for (; d < r->head_dim; d++)
        for (int64_t k = 0; k < n; k++)
            row[k][d] = o[d * MANY_TILE + k];
}

/* The outputs over their sums. A query without a key has still l = 0: its row is 0, not 0 / 0. */
static void many_finish(wf_attend_run *r)
{
    for (int64_t first = 0; first < r->nq; first += MANY_TILE) {
        float *o = r->o + first * r->head_dim;
        float  full[MANY_TILE]; /* -1: has seen keys */
        for (int i = 0; i < MANY_TILE; i++)
            full[i] = r->l[first + i] == 0.0f && r->m[first + i] == -INFINITY ? 1.0f : -1.0f;
        for (int64_t d = 0; d < r->head_dim; d++)
            for (int v = 0; v < MANY_TILE; v += VF_LANES) {
                float *x = o + d * MANY_TILE + v;
                vf     y = vf_div(vf_load(x), vf_load(r->l + first + v));
                vf_store(x, vf_if_negative(vf_load(full + v), y, vf_zero()));
            }
        for (int64_t i = 0; i < MANY_TILE && first + i < r->nq; i += 4) {
            for (int64_t k = 0; k < 4 && first + i + 12 + k < r->nq; k++)
                fetch(wf_output_at(r, first + i + 12 + k), (int64_t)r->head_dim * 4);
            rows_of4(r, first + i, o + i);
        }
    }
}

#endif
