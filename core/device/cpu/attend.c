/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages and over packed sequences.
 *
 * A task is a chunk of query rows and one kv head. Within the chunk, runs of rows whose keys begin
 * at the same place share their blocks. For each block in ascending order: its keys and values
 * become plain f32 in the thread's scratch (values past the end 0), the block kernel gives (m, l,
 * o) of every query from nothing, and merge adds them to the state. Nothing of this depends on how
 * rows are grouped or on which thread does a task. */
#include "core/device/cpu/internal.h"

#define CHUNK_QUERIES 64 /* of one task, where a row has fewer heads than that per kv head */

typedef struct attend_job {
    const wf_attend_kernels *kernels;
    const wf_attend_pages   *pages; /* one of these two */
    const wf_attend         *packed;
    const float             *q;
    float                   *out;
    int64_t                  m, q_stride, out_stride, chunk_rows, stride;
    int32_t                  n_heads, n_kv_heads, head_dim, group;
    float                    scale;
    uint8_t                 *scratch;
    int64_t                  thread_bytes;
} attend_job;

/* Scratch of one thread; arrays of nq = chunk_rows * group queries. */
typedef struct attend_task {
    float          *kt, *v, *q;
    int32_t        *n_keys; /* of each query in the current block */
    wf_key_block    block;
    wf_attend_state state;
    int64_t         row, n_rows; /* of the current run */
    int32_t         kv_head;
} attend_task;

typedef struct key_range {
    int64_t begin, n; /* first span or key row; visible keys (packed) or spans (pages) */
} key_range;

/* ---- where a row's keys are ---- */

static int32_t sequence_of(const wf_attend *a, int64_t row)
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

static key_range packed_range(const wf_attend *a, int64_t row)
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

static key_range range_of(const attend_job *j, int64_t row)
{
    if (j->packed != NULL)
        return packed_range(j->packed, row);
    int64_t begin = j->pages->row_begin[row], end = j->pages->row_end[row];
    return (key_range){begin, end > begin ? end - begin : 0};
}

static int64_t blocks_of(const attend_job *j, key_range r)
{
    return j->pages != NULL ? r.n : (r.n + WF_KEY_BLOCK - 1) / WF_KEY_BLOCK;
}

/* Keys that the row sees in the block: 0 past its last one. */
static int32_t keys_of(const attend_job *j, int64_t row, int64_t block)
{
    key_range r = range_of(j, row);
    if (j->packed != NULL) {
        int64_t left = r.n - block * WF_KEY_BLOCK;
        return left <= 0 ? 0 : left < WF_KEY_BLOCK ? (int32_t)left : WF_KEY_BLOCK;
    }
    if (block >= r.n)
        return 0;
    int32_t keys = j->pages->spans[r.begin + block].n_keys;
    int32_t last = j->pages->row_last[row];
    return block == r.n - 1 && last < keys ? last : keys;
}

/* ---- keys and values of a block as plain f32 ---- */

static void load_page(const attend_job *j, attend_task *t, int64_t span, int32_t n_keys)
{
    const wf_kv   *kv = &j->pages->kv;
    int64_t        hd = j->head_dim, size = wf_dtype_bytes(kv->dtype), head = t->kv_head;
    int64_t        head_bytes = WF_KEY_BLOCK * hd * size;
    const uint8_t *page = wf_page_at(kv, j->pages->spans[span].page);
    const uint8_t *v = page + (kv->n_kv_heads + head) * head_bytes;
    j->kernels->to_f32(t->kt, page + head * head_bytes, hd * WF_KEY_BLOCK, kv->dtype);
    for (int64_t d = 0; n_keys < WF_KEY_BLOCK && d < hd; d++)
        memset(t->kt + d * WF_KEY_BLOCK + n_keys, 0, (size_t)(WF_KEY_BLOCK - n_keys) * 4);
    for (int64_t i = 0; i < n_keys; i++)
        j->kernels->to_f32(t->v + i * j->stride, v + i * hd * size, hd, kv->dtype);
}

static void load_packed(const attend_job *j, attend_task *t, int64_t key, int32_t n_keys)
{
    const wf_attend *a = j->packed;
    int64_t          hd = j->head_dim, column = t->kv_head * hd;
    j->kernels->transpose(t->kt, a->k + key * a->k_stride + column, a->k_stride, n_keys, hd);
    for (int64_t i = 0; i < n_keys; i++)
        memcpy(t->v + i * j->stride, a->v + (key + i) * a->v_stride + column, (size_t)hd * 4);
}

/* ---- a run of rows ---- */

static void load_queries(const attend_job *j, attend_task *t)
{
    float *q = t->q;
    for (int64_t r = 0; r < t->n_rows; r++) {
        const float *row = j->q + (t->row + r) * j->q_stride;
        for (int64_t g = 0; g < j->group; g++, q += j->stride)
            memcpy(q, row + (t->kv_head * j->group + g) * j->head_dim, (size_t)j->head_dim * 4);
    }
    for (int32_t i = 0; i < t->block.nq; i++) {
        t->state.m[i] = -INFINITY;
        t->state.l[i] = 0.0f;
    }
    memset(t->state.o, 0, (size_t)(t->block.nq * j->stride) * 4);
}

/* A query without a key has still l = 0: its row is 0, not 0 / 0. */
static void store_outputs(const attend_job *j, const attend_task *t)
{
    for (int32_t i = 0; i < t->block.nq; i++) {
        int64_t      row = t->row + i / j->group, head = t->kv_head * j->group + i % j->group;
        float       *out = j->out + row * j->out_stride + head * j->head_dim;
        const float *o = t->state.o + i * j->stride;
        float        l = t->state.l[i];
        int          empty = l == 0.0f && t->state.m[i] == -INFINITY;
        for (int64_t d = 0; d < j->head_dim; d++)
            out[d] = empty ? 0.0f : o[d] / l;
    }
}

/* Fills n_keys of every query; returns the largest. */
static int32_t block_keys(const attend_job *j, attend_task *t, int64_t block)
{
    int32_t most = 0;
    for (int64_t r = 0; r < t->n_rows; r++) {
        int32_t n = keys_of(j, t->row + r, block);
        most = n > most ? n : most;
        for (int64_t g = 0; g < j->group; g++)
            t->n_keys[r * j->group + g] = n;
    }
    return most;
}

static void attend_run(const attend_job *j, attend_task *t, int64_t first_key, int64_t n_blocks)
{
    t->block.nq = (int32_t)(t->n_rows * j->group);
    load_queries(j, t);
    for (int64_t b = 0; b < n_blocks; b++) {
        int32_t n = block_keys(j, t, b);
        if (n == 0)
            continue;
        if (j->pages != NULL)
            load_page(j, t, first_key + b, n);
        else
            load_packed(j, t, first_key + b * WF_KEY_BLOCK, n);
        j->kernels->block(&t->block);
        j->kernels->merge(&t->state, &t->block);
    }
    store_outputs(j, t);
}

/* ---- tasks ---- */

static void attend_chunk(const attend_job *j, attend_task *t, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row += t->n_rows) {
        key_range first = range_of(j, row);
        int64_t   blocks = blocks_of(j, first), last = row + 1;
        for (; last < end; last++) {
            key_range r = range_of(j, last);
            if (r.begin != first.begin)
                break;
            blocks = blocks_of(j, r) > blocks ? blocks_of(j, r) : blocks;
        }
        t->row = row;
        t->n_rows = last - row;
        attend_run(j, t, first.begin, blocks);
    }
}

/* The next array of the scratch at base (NULL: only counted), with *used bytes before it. */
static float *take(uint8_t *base, int64_t *used, int64_t floats)
{
    uint8_t *p = base == NULL ? NULL : base + *used;
    *used += (floats * 4 + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
    return (float *)(void *)p;
}

/* Lays out a thread's scratch from base; returns its bytes. v and q come first: their padding is
 * zeroed once and then left alone. */
static int64_t lay_out(const attend_job *j, attend_task *t, uint8_t *base)
{
    int64_t used = 0;
    int64_t nq = j->chunk_rows * j->group, rows = nq * j->stride;
    t->v = take(base, &used, WF_KEY_BLOCK * j->stride);
    t->q = take(base, &used, rows);
    t->kt = take(base, &used, WF_KEY_BLOCK * (int64_t)j->head_dim);
    t->state.o = take(base, &used, rows);
    t->block.o = take(base, &used, rows);
    t->state.m = take(base, &used, nq);
    t->state.l = take(base, &used, nq);
    t->block.m = take(base, &used, nq);
    t->block.l = take(base, &used, nq);
    t->n_keys = (int32_t *)take(base, &used, nq);
    t->block.q = t->q;
    t->block.kt = t->kt;
    t->block.v = t->v;
    t->block.n_keys = t->n_keys;
    t->block.stride = j->stride;
    t->block.head_dim = j->head_dim;
    t->block.scale = j->scale;
    return used;
}

/* Tasks go round the threads: a causal row costs more the later it is. */
static void attend_thread(void *ctx, int32_t index, int32_t count)
{
    const attend_job *j = ctx;
    attend_task       t = {0};
    uint8_t          *base = j->scratch + index * j->thread_bytes;
    lay_out(j, &t, base);
    memset(base, 0, (size_t)((uint8_t *)t.kt - base)); /* v and q */
    int64_t chunks = (j->m + j->chunk_rows - 1) / j->chunk_rows;
    for (int64_t i = index; i < chunks * j->n_kv_heads; i += count) {
        int64_t begin = i / j->n_kv_heads * j->chunk_rows, end = begin + j->chunk_rows;
        t.kv_head = (int32_t)(i % j->n_kv_heads);
        attend_chunk(j, &t, begin, end < j->m ? end : j->m);
    }
}

static weft_status attend(wf_exec *ex, attend_job *j)
{
    if (j->m <= 0)
        return WEFT_OK;
    j->group = j->n_heads / j->n_kv_heads;
    j->chunk_rows = j->group < CHUNK_QUERIES ? CHUNK_QUERIES / j->group : 1;
    j->chunk_rows = j->chunk_rows < j->m ? j->chunk_rows : j->m;
    j->stride = (j->head_dim + 15) / 16 * 16;
    attend_task sizes = {0};
    j->thread_bytes = lay_out(j, &sizes, NULL);
    size_t bytes = (size_t)(j->thread_bytes * wf_pool_threads(ex->pool));
    j->scratch = wf_exec_scratch(ex, bytes);
    if (j->scratch == NULL)
        return WEFT_E_NOMEM;
    wf_pool_run(ex->pool, attend_thread, j);
    return WEFT_OK;
}

weft_status wf_attend_pages_run(wf_exec *ex, const wf_attend_pages *a, const wf_attend_kernels *k)
{
    attend_job job = {
        .kernels = k,
        .pages = a,
        .q = a->q,
        .out = a->out,
        .m = a->m,
        .q_stride = a->q_stride,
        .out_stride = a->out_stride,
        .n_heads = a->n_heads,
        .n_kv_heads = a->kv.n_kv_heads,
        .head_dim = a->kv.head_dim,
        .scale = a->scale,
    };
    return attend(ex, &job);
}

weft_status wf_attend_run(wf_exec *ex, const wf_attend *a, const wf_attend_kernels *k)
{
    attend_job job = {
        .kernels = k,
        .packed = a,
        .q = a->q,
        .out = a->out,
        .m = a->m,
        .q_stride = a->q_stride,
        .out_stride = a->out_stride,
        .n_heads = a->n_heads,
        .n_kv_heads = a->n_kv_heads,
        .head_dim = a->head_dim,
        .scale = a->scale,
    };
    return attend(ex, &job);
}
