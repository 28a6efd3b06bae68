/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over pages and over packed sequences: what is common to all levels.
 *
 * A task is a chunk of query rows and one kv head, or several of them where rows are few; threads
 * take tasks as they come. Within the chunk, runs of rows whose keys begin at the same place share
 * their blocks, which a level's kernel (attend.h) takes in ascending order. A block of keys and
 * values is read once for all queries of the run, so for all heads of the group, and the heads of a
 * task take turns block by block, since they lie side by side in a page. The blocks of a single row
 * are divided among the threads where its kv heads do not go evenly over them: each block's result
 * is kept, and they are merged when all are there, in the same order. Nothing of this depends on
 * how rows are grouped, how blocks are divided or which thread does a task. */
#include "core/device/cpu/attend_blocks.h"

#define FEW_ROWS_MOST 16               /* of a decode step, whose tasks have several heads */
#define TASKS_LEAST 8                  /* of a thread, so that all of them end at about one time */
#define PARTS_MOST ((int64_t)16 << 20) /* floats of results that wait to be merged */

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

/* Blocks first..last-1 of the run. */
static void run_blocks(const attend_job *j, attend_task *t, const wf_attend_kernel *kernel,
                       int64_t first, int64_t last)
{
    for (int64_t b = first; b < last; b++) {
        int32_t whole = block_of(j, t, b, 0).n, n = block_keys(j, t, b, whole);
        for (int32_t h = 0; n > 0 && h < t->n_heads; h++) {
            wf_key_block block = block_of(j, t, b, t->kv_head + h);
            block.n = n;
            add_next(j, t, b, t->kv_head + h, &block);
            if (j->pieces > 1)
                t->runs[h].part = j->parts + (t->kv_head * j->n_blocks + b) * j->part_floats;
            kernel->block(&t->runs[h], &block);
        }
    }
}

static void attend_run(const attend_job *j, attend_task *t)
{
    bool                    many = t->n_rows * j->group > j->kernels->few_queries;
    const wf_attend_kernel *kernel = many ? &j->kernels->many : &j->kernels->few;
    begin_runs(j, t, kernel);
    run_blocks(j, t, kernel, 0, t->n_blocks);
    for (int32_t h = 0; h < t->n_heads; h++)
        kernel->finish(&t->runs[h]);
}

/* ---- tasks ---- */

/* Sets the run that begins with row. */
static void set_run(const attend_job *j, attend_task *t, int64_t row, int64_t end)
{
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
}

static void attend_chunk(const attend_job *j, attend_task *t, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row += t->n_rows) {
        set_run(j, t, row, end);
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

/* ---- one row whose blocks are divided ---- */

static void split_thread(void *ctx, int32_t index, int32_t count)
{
    attend_job *j = ctx;
    attend_task t = {.n_heads = 1};
    int64_t     i;
    (void)count;
    lay_out(j, &t, j->scratch + index * j->thread_bytes);
    set_run(j, &t, 0, 1);
    while ((i = atomic_fetch_add_explicit(&j->taken, 1, memory_order_relaxed)) <
           j->n_kv_heads * j->pieces) {
        int64_t piece = i % j->pieces;
        t.kv_head = (int32_t)(i / j->pieces);
        begin_runs(j, &t, &j->kernels->few);
        run_blocks(j, &t, &j->kernels->few, j->n_blocks * piece / j->pieces,
                   j->n_blocks * (piece + 1) / j->pieces);
    }
}

/* The parts of each head in ascending order. */
static void merge_thread(void *ctx, int32_t index, int32_t count)
{
    const attend_job       *j = ctx;
    attend_task             t = {.n_heads = 1};
    const wf_attend_kernel *kernel = &j->kernels->few;
    lay_out(j, &t, j->scratch + index * j->thread_bytes);
    set_run(j, &t, 0, 1);
    for (t.kv_head = index; t.kv_head < j->n_kv_heads; t.kv_head += count) {
        begin_runs(j, &t, kernel);
        for (int64_t b = 0; b < j->n_blocks; b++)
            if (block_keys(j, &t, b, block_of(j, &t, b, 0).n) > 0)
                kernel->merge(t.runs, j->parts + (t.kv_head * j->n_blocks + b) * j->part_floats);
        kernel->finish(t.runs);
    }
}

/* ---- the whole ---- */

/* Divides the blocks of a single row where its kv heads do not go evenly over the threads. */
static void cut_row(attend_job *j, int32_t threads)
{
    int32_t a = threads, b = j->n_kv_heads, rest;
    for (; b != 0; b = rest) { /* a becomes the greatest common divisor */
        rest = a % b;
        a = b;
    }
    j->n_blocks = blocks_of(j, 0, range_of(j, 0)).n;
    j->part_floats = wf_attend_part(j->group, j->stride);
    bool fits = j->n_blocks <= PARTS_MOST / (j->part_floats * j->n_kv_heads);
    if (j->n_blocks < 2 * (threads / a) || j->group > j->kernels->few_queries || !fits)
        return;
    j->pieces = threads / a;
    j->task_heads = j->pieces > 1 ? 1 : j->task_heads;
}

/* Rows of a chunk that are not more than `most` queries: chunks of one size, in whole tiles. */
static int64_t rows_of_chunk(const attend_job *j, int64_t most)
{
    int64_t rows = j->group < most ? most / j->group : 1, chunks = (j->m + rows - 1) / rows;
    int64_t tile = WF_ATTEND_TILE % j->group == 0 ? WF_ATTEND_TILE / j->group : 1;
    int64_t even = ((j->m + chunks - 1) / chunks + tile - 1) / tile * tile;
    rows = even < rows ? even : rows;
    return rows < j->m ? rows : j->m;
}

/* Packed rows lie far apart and are copied for every chunk, so a chunk is large where there are
 * tasks enough. Rows of pages see ever more keys: small chunks leave out more of what they do not
 * see. */
static int64_t chunk_rows(const attend_job *j, int32_t threads)
{
    int64_t rows = rows_of_chunk(j, WF_ATTEND_PACKED);
    if (j->packed != NULL && (j->m + rows - 1) / rows * j->n_kv_heads >= TASKS_LEAST * threads)
        return rows;
    rows = j->group < WF_ATTEND_QUERIES ? WF_ATTEND_QUERIES / j->group : 1;
    return rows < j->m ? rows : j->m;
}

/* Sizes of tasks: enough queries to make reading a block cheap, but work for every thread. */
static void cut(attend_job *j, int32_t threads)
{
    j->group = j->n_heads / j->n_kv_heads;
    j->chunk_rows = chunk_rows(j, threads);
    j->task_heads = j->m <= FEW_ROWS_MOST ? (j->n_kv_heads + threads - 1) / threads : 1;
    j->stride = (j->head_dim + 15) / 16 * 16;
    j->pieces = 1;
    if (j->m == 1)
        cut_row(j, threads);
}

static weft_status attend(wf_exec *ex, attend_job *j)
{
    int32_t     threads = wf_pool_threads(ex->pool);
    attend_task sizes = {.row = 0};
    if (j->m <= 0)
        return WEFT_OK;
    cut(j, threads);
    j->thread_bytes = lay_out(j, &sizes, NULL);
    int64_t all = j->thread_bytes * threads;
    int64_t parts = j->pieces > 1 ? j->n_kv_heads * j->n_blocks * j->part_floats * 4 : 0;
    j->scratch = wf_exec_scratch(ex, (size_t)(all + parts));
    if (j->scratch == NULL)
        return WEFT_E_NOMEM;
    j->parts = (float *)(void *)(j->scratch + all);
    wf_pool_run(ex->pool, j->pieces > 1 ? split_thread : attend_thread, j);
    if (j->pieces > 1)
        wf_pool_run(ex->pool, merge_thread, j);
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
