/* SPDX-License-Identifier: Apache-2.0 */
/* Attention with relative keys: each query is multiplied by the key itself and also by a learnt
 * vector for the distance between query and key. Distances beyond the ends of the table E count as
 * those ends. Source: transformers 4.49, models/wav2vec2_bert/modeling_wav2vec2_bert.py,
 * position_embeddings_type "relative_key".
 *
 *   score(l, r) = (q_l . k_r + q_l . E[clip(r - l, -left, right) + left]) / sqrt(head_dim)
 *
 * An item is one row and head. It takes the keys in blocks of 64, in ascending order, and keeps the
 * largest score so far, to which its sums are scaled. */
#include "kernels.h"

#include <math.h>

#define BLOCK 64
#define LANES 8            /* partial sums of a dot product, so that it can be done in vectors */
#define MAX_POSITIONS 1024 /* checked when config.json is read (SPK_MAX_POSITIONS) */

typedef struct head {
    const float *q, *k, *v, *table; /* k and v at key 0; table [left + 1 + right, head_dim] */
    float       *out;
    int64_t      row, n_keys, stride, head_dim, left, right;
    float        scale;
} head;

static float dot(const float *a, const float *b, int64_t n)
{
    float   sum[LANES] = {0.0f};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sum[lane] += a[i + lane] * b[i + lane];
    for (int lane = 0; i + lane < n; lane++)
        sum[lane] += a[i + lane] * b[i + lane];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

/* Writes the scores of n keys, from key `from` on, to s, and returns the largest. */
static float scores(const head *h, const float *position, int64_t from, int64_t n, float *s)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        int64_t away = from + i - h->row;
        away = away < -h->left ? -h->left : away;
        away = away > h->right ? h->right : away;
        s[i] = (dot(h->q, h->k + (from + i) * h->stride, h->head_dim) + position[away + h->left]) *
               h->scale;
        most = s[i] > most ? s[i] : most;
    }
    return most;
}

static void attend(const head *h)
{
    float position[MAX_POSITIONS], s[BLOCK], most = -INFINITY, sum = 0.0f;
    for (int64_t i = 0; i <= h->left + h->right; i++)
        position[i] = dot(h->q, h->table + i * h->head_dim, h->head_dim);
    for (int64_t i = 0; i < h->head_dim; i++)
        h->out[i] = 0.0f;
    for (int64_t from = 0; from < h->n_keys; from += BLOCK) {
        int64_t n = h->n_keys - from < BLOCK ? h->n_keys - from : BLOCK;
        float   block_most = scores(h, position, from, n, s);
        float   next = block_most > most ? block_most : most, keep = expf(most - next);
        for (int64_t i = 0; i < h->head_dim; i++)
            h->out[i] *= keep;
        sum *= keep;
        most = next;
        for (int64_t r = 0; r < n; r++) {
            const float  p = expf(s[r] - most);
            const float *v = h->v + (from + r) * h->stride;
            sum += p;
            for (int64_t i = 0; i < h->head_dim; i++)
                h->out[i] += p * v[i];
        }
    }
    for (int64_t i = 0; i < h->head_dim; i++)
        h->out[i] /= sum;
}

/* Item row * n_heads + head. out, q [rows, d]; k, v [n_keys, d], n_keys at least 1. */
void spk_k_relative(const weft_range *range, void *const *args)
{
    const int64_t n_heads = SPK_ARG(int64_t, 6), head_dim = SPK_ARG(int64_t, 7);
    head          h = {.table = SPK_ARG(const float *, 4),
                       .n_keys = SPK_ARG(int64_t, 5),
                       .stride = n_heads * head_dim,
                       .head_dim = head_dim,
                       .left = SPK_ARG(int64_t, 8),
                       .right = SPK_ARG(int64_t, 9),
                       .scale = 1.0f / sqrtf((float)head_dim)};
    for (int64_t item = range->begin; item < range->end; item++) {
        const int64_t at = item % n_heads * head_dim;
        h.row = item / n_heads;
        h.out = SPK_ARG(float *, 0) + h.row * h.stride + at;
        h.q = SPK_ARG(const float *, 1) + h.row * h.stride + at;
        h.k = SPK_ARG(const float *, 2) + at;
        h.v = SPK_ARG(const float *, 3) + at;
        attend(&h);
    }
}
