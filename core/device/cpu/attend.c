/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages and over packed sequences: what is common to all levels.
 *
 * A task is a chunk of query rows and one kv head, or several of them where rows are few; threads
 * take tasks as they come. Within the chunk, runs of rows whose keys begin at the same place share
 * their blocks, which a level's kernel (attend.h) takes in ascending order. A block of keys and
 * values is read once for all queries of the run, so for all heads of the group, and the heads of a
 * task take turns block by block, since they lie side by side in a page. Nothing of this depends on
 * how rows are grouped or on which thread does a task. */
#include "core/device/cpu/attend.h"

#include <stdatomic.h>

#define FEW_ROWS_MOST 16 /* of a decode step, whose tasks have several heads */

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

static row_blocks blocks_of(const attend_job *j, int64_t row, key_range r)
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

/* ---- a run of rows ---- */

/* Fills n_keys of every query for a block of `whole` keys; returns the largest. */
static int32_t block_keys(const attend_job *j, attend_task *t, int64_t block, int32_t whole)
{
    int32_t most = 0, n = 0, i = 0;
    for (int64_t r = 0; r < t->n_rows; r++) {
        row_blocks b = t->rows[r];
        n = block < b.n - 1 ? whole : block == b.n - 1 ? b.last : 0;
        n = n > 0 ? n : 0;
        most = n > most ? n : most;
        for (int32_t g = 0; g < j->group; g++)
            t->n_keys[i++] = n;
    }
    for (; i < t->runs->room; i++)
        t->n_keys[i] = n;
    return most;
}

/* A block of a page: where the keys and values of a head are. */
static wf_key_block page_block(const attend_job *j, const attend_task *t, int64_t block,
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

static wf_key_block packed_block(const attend_job *j, const attend_task *t, int64_t block,
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

static wf_key_block block_of(const attend_job *j, const attend_task *t, int64_t block, int32_t head)
{
    return j->pages != NULL ? page_block(j, t, block, head) : packed_block(j, t, block, head);
}

/* The block that follows for the thread: the next head's, or the first head's next one. */
static void add_next(const attend_job *j, const attend_task *t, int64_t block, int32_t head,
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

static void begin_runs(const attend_job *j, attend_task *t, const wf_attend_kernel *kernel)
{
    int64_t nq = t->n_rows * j->group, width = (int64_t)j->group * j->head_dim;
    for (int32_t h = 0; h < t->n_heads; h++) {
        wf_attend_run *run = &t->runs[h];
        run->q = j->q + t->row * j->q_stride + (t->kv_head + h) * width;
        run->out = j->out + t->row * j->out_stride + (t->kv_head + h) * width;
        run->nq = (int32_t)nq;
        run->room = (int32_t)((nq + WF_ATTEND_TILE - 1) / WF_ATTEND_TILE * WF_ATTEND_TILE);
        kernel->begin(run);
    }
}

static void attend_run(const attend_job *j, attend_task *t)
{
    bool                    many = t->n_rows * j->group > j->kernels->few_queries;
    const wf_attend_kernel *kernel = many ? &j->kernels->many : &j->kernels->few;
    begin_runs(j, t, kernel);
    for (int64_t b = 0; b < t->n_blocks; b++) {
        int32_t whole = block_of(j, t, b, 0).n, n = block_keys(j, t, b, whole);
        for (int32_t h = 0; n > 0 && h < t->n_heads; h++) {
            wf_key_block block = block_of(j, t, b, t->kv_head + h);
            block.n = n;
            add_next(j, t, b, t->kv_head + h, &block);
            kernel->block(&t->runs[h], &block);
        }
    }
    for (int32_t h = 0; h < t->n_heads; h++)
        kernel->finish(&t->runs[h]);
}

/* ---- tasks ---- */

static void attend_chunk(const attend_job *j, attend_task *t, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row += t->n_rows) {
        key_range first = range_of(j, row), r = first;
        t->row = row;
        t->first_key = first.begin;
        t->n_blocks = 0;
        t->n_rows = 0;
        for (int64_t i = row; i < end && r.begin == first.begin; i++) {
            row_blocks b = blocks_of(j, i, r);
            t->rows[t->n_rows++] = b;
            t->n_blocks = b.n > t->n_blocks ? b.n : t->n_blocks;
            if (i + 1 < end)
                r = range_of(j, i + 1);
        }
        attend_run(j, t);
    }
}

/* The next array of the scratch at base (NULL: only counted), with *used bytes before it. */
static void *take(uint8_t *base, int64_t *used, int64_t bytes)
{
    uint8_t *p = base == NULL ? NULL : base + *used;
    *used += (bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
    return p;
}

/* One head's arrays. What holds only while a block is worked on is shared by the heads. */
static void lay_out_run(const attend_job *j, wf_attend_run *run, const wf_attend_run *shared,
                        uint8_t *base, int64_t *used)
{
    int64_t nq = j->chunk_rows * j->group;
    int64_t room = (nq + WF_ATTEND_TILE - 1) / WF_ATTEND_TILE * WF_ATTEND_TILE;
    *run = *shared;
    run->queries = take(base, used, room * j->stride * 4);
    run->o = take(base, used, room * j->stride * 4);
    run->m = take(base, used, room * 4);
    run->l = take(base, used, room * 4);
}

/* Lays out a thread's scratch from base; returns its bytes. */
static int64_t lay_out(const attend_job *j, attend_task *t, uint8_t *base)
{
    int64_t used = 0, nq = j->chunk_rows * j->group;
    int64_t room = (nq + WF_ATTEND_TILE - 1) / WF_ATTEND_TILE * WF_ATTEND_TILE;
    t->runs = take(base, &used, j->task_heads * (int64_t)sizeof *t->runs);
    t->rows = take(base, &used, j->chunk_rows * (int64_t)sizeof *t->rows);
    t->n_keys = take(base, &used, room * 4);
    wf_attend_run shared = {.q_stride = j->q_stride,
                            .out_stride = j->out_stride,
                            .stride = j->stride,
                            .group = j->group,
                            .head_dim = j->head_dim,
                            .scale = j->scale,
                            .n_keys = t->n_keys};
    shared.k = take(base, &used, WF_KEY_BLOCK * j->stride * 4);
    shared.v = take(base, &used, WF_KEY_BLOCK * j->stride * 4);
    shared.p = take(base, &used, WF_KEY_BLOCK * WF_ATTEND_TILE * 4);
    for (int32_t h = 0; h < j->task_heads; h++) {
        wf_attend_run counted;
        lay_out_run(j, base == NULL ? &counted : &t->runs[h], &shared, base, &used);
    }
    return used;
}

/* The last chunks first: a causal row costs more the later it is. */
static void attend_thread(void *ctx, int32_t index, int32_t count)
{
    attend_job *j = ctx;
    attend_task t = {.row = 0};
    int64_t     chunks = (j->m + j->chunk_rows - 1) / j->chunk_rows;
    int64_t     parts = (j->n_kv_heads + j->task_heads - 1) / j->task_heads;
    (void)count;
    lay_out(j, &t, j->scratch + index * j->thread_bytes);
    for (;;) {
        int64_t i = chunks * parts - 1;
        i -= atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed);
        if (i < 0)
            return;
        int64_t begin = i / parts * j->chunk_rows, end = begin + j->chunk_rows;
        t.kv_head = (int32_t)(i % parts) * j->task_heads;
        t.n_heads = j->n_kv_heads - t.kv_head;
        t.n_heads = t.n_heads < j->task_heads ? t.n_heads : j->task_heads;
        attend_chunk(j, &t, begin, end < j->m ? end : j->m);
    }
}

/* Sizes of tasks: enough queries to make reading a block cheap, but work for every thread. */
static void cut(attend_job *j, int32_t threads)
{
    j->group = j->n_heads / j->n_kv_heads;
    j->chunk_rows = j->group < WF_ATTEND_QUERIES ? WF_ATTEND_QUERIES / j->group : 1;
    j->chunk_rows = j->chunk_rows < j->m ? j->chunk_rows : j->m;
    j->task_heads = j->m <= FEW_ROWS_MOST ? (j->n_kv_heads + threads - 1) / threads : 1;
    j->stride = (j->head_dim + 15) / 16 * 16;
}

static weft_status attend(wf_exec *ex, attend_job *j)
{
    int32_t     threads = wf_pool_threads(ex->pool);
    attend_task sizes = {.row = 0};
    if (j->m <= 0)
        return WEFT_OK;
    cut(j, threads);
    j->thread_bytes = lay_out(j, &sizes, NULL);
    j->scratch = wf_exec_scratch(ex, (size_t)(j->thread_bytes * threads));
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

weft_status wf_attend_run_packed(wf_exec *ex, const wf_attend *a, const wf_attend_kernels *k)
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
