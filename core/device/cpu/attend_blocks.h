/* SPDX-License-Identifier: Apache-2.0 */
/* What attention is asked for, as blocks: which keys a row sees, and where those of a block are. */
#ifndef WF_ATTEND_BLOCKS_H
#define WF_ATTEND_BLOCKS_H

#include <stdatomic.h>

#include "core/device/cpu/attend.h"

typedef struct attend_job {
    const wf_attend_kernels *kernels;
    const wf_attend_pages   *pages; /* one of these two */
    const wf_attend         *packed;
    const float             *q;
    float                   *out;
    int64_t                  m, q_stride, out_stride, chunk_rows, stride;
    int32_t                  n_heads, n_kv_heads, head_dim, group, task_heads;
    float                    scale;
    uint8_t                 *scratch;
    int64_t                  thread_bytes;
    _Atomic int64_t          taken; /* tasks */
    /* One row whose blocks are divided into `pieces` a head. Each block's result is a part of
     * part_floats, [n_kv_heads, n_blocks], until all are there. */
    int64_t pieces, n_blocks, part_floats;
    float  *parts;
} attend_job;

typedef struct key_range {
    int64_t begin, n; /* first span or key row; visible keys (packed) or spans (pages) */
} key_range;

/* What a row sees, in blocks: all but the last whole. */
typedef struct row_blocks {
    int32_t n, last; /* keys of the last one */
} row_blocks;

/* Scratch of one thread. */
typedef struct attend_task {
    wf_attend_run *runs;   /* [task_heads] the run at hand, once for each head of the task */
    row_blocks    *rows;   /* [chunk_rows] of the run */
    int32_t       *n_keys; /* what the runs have */
    int64_t        row;    /* the run's first */
    int64_t        n_rows;
    int64_t        first_key; /* where its keys begin */
    int64_t        n_blocks;
    int32_t        kv_head, n_heads; /* the task's first, how many */
} attend_task;

/* ---- where a row's keys are ---- */

static inline int32_t sequence_of(const wf_attend *a, int64_t row)
{
    int32_t low = 0, high = a->n_seqs; /* the last s with q_begin[s] <= row */
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (a->q_begin[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static inline key_range packed_range(const wf_attend *a, int64_t row)
{
    int32_t s = sequence_of(a, row);
    int64_t begin = a->k_begin[s], end = a->k_begin[s + 1];
    if (a->causal) {
        int64_t queries = (int64_t)a->q_begin[s + 1] - a->q_begin[s];
        int64_t last = row - a->q_begin[s] + (end - begin) - queries;
        end = begin + last + 1 < end ? begin + last + 1 : end;
    }
    if (a->row_k_begin != NULL) {
        begin = a->row_k_begin[row];
        end = !a->causal || a->row_k_end[row] < end ? a->row_k_end[row] : end;
    }
    begin = begin > 0 ? begin : 0;
    end = end < a->keys ? end : a->keys;
    return (key_range){begin, end > begin ? end - begin : 0};
}

static inline key_range range_of(const attend_job *j, int64_t row)
{
    if (j->packed != NULL)
        return packed_range(j->packed, row);
    int64_t begin = j->pages->row_begin[row], end = j->pages->row_end[row];
    return (key_range){begin, end > begin ? end - begin : 0};
}

static inline row_blocks blocks_of(const attend_job *j, int64_t row, key_range r)
{
    if (j->pages != NULL) {
        if (r.n == 0)
            return (row_blocks){0, 0};
        int32_t keys = j->pages->spans[r.begin + r.n - 1].n_keys, last = j->pages->row_last[row];
        return (row_blocks){(int32_t)r.n, last < keys ? last : keys};
    }
    int64_t n = (r.n + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
    return (row_blocks){(int32_t)n, (int32_t)(r.n - (n - 1) * WF_KEY_BLOCK)};
}

/* ---- where a block is ---- */

/* A block of a page: where the keys and values of a head are. */
static inline wf_key_block page_block(const attend_job *j, const attend_task *t, int64_t block,
                                      int32_t head)
{
    const wf_kv     *kv = &j->pages->kv;
    const wf_kv_span span = j->pages->spans[t->first_key + block];
    const int64_t    values = wf_cpu_values_at(kv), each = values / kv->n_kv_heads;
    const uint8_t   *page = wf_page_at(kv, span.page);
    const float     *k_scale = (const float *)(const void *)(page + wf_cpu_k_scales_at(kv));
    const float     *v_scale = (const float *)(const void *)(page + wf_cpu_v_scales_at(kv));
    bool             scaled = kv->dtype == WF_Q8;
    return (wf_key_block){.k = page + head * each,
                          .v = page + values + head * each,
                          .k_scale = scaled ? k_scale + head * WF_KEY_BLOCK : NULL,
                          .v_scale = scaled ? v_scale + head * WF_KEY_BLOCK : NULL,
                          .k_key = 1,
                          .k_dim = WF_KEY_BLOCK,
                          .v_key = j->head_dim,
                          .dtype = kv->dtype,
                          .n = span.n_keys};
}

static inline wf_key_block packed_block(const attend_job *j, const attend_task *t, int64_t block,
                                        int32_t head)
{
    const wf_attend *a = j->packed;
    int64_t          key = t->first_key + block * WF_KEY_BLOCK, left = a->keys - key;
    int64_t          column = (int64_t)head * j->head_dim;
    return (wf_key_block){.k = a->k + key * a->k_stride + column,
                          .v = a->v + key * a->v_stride + column,
                          .k_key = a->k_stride,
                          .k_dim = 1,
                          .v_key = a->v_stride,
                          .dtype = WF_F32,
                          .n = left < WF_KEY_BLOCK ? (int32_t)left : WF_KEY_BLOCK};
}

static inline wf_key_block block_of(const attend_job *j, const attend_task *t, int64_t block,
                                    int32_t head)
{
    return j->pages != NULL ? page_block(j, t, block, head) : packed_block(j, t, block, head);
}

/* The block that follows for the thread: the next head's, or the first head's next one. */
static inline void add_next(const attend_job *j, const attend_task *t, int64_t block, int32_t head,
                            wf_key_block *b)
{
    bool    turn = head + 1 == t->kv_head + t->n_heads;
    int64_t next = turn ? block + 1 : block;
    b->next_n = 0;
    if (next == t->n_blocks)
        return;
    wf_key_block after = block_of(j, t, next, turn ? t->kv_head : head + 1);
    b->next_k = after.k;
    b->next_v = after.v;
    b->next_n = after.n;
}

#endif
