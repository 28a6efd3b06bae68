/* SPDX-License-Identifier: Apache-2.0 */
/* linear over packed panels, everything but the kernels.
 *
 * Rows of x are made ready a block at a time (rounded where the weights are bf16, at a stride that
 * spreads them over the cache sets). Where they are no more than one tile, the weights go past them
 * once, from memory through registers. Where they are more, a few panels at a time are cut along k
 * into parts that stay in the second cache while every tile of the block goes over them: a tile's
 * rows are then in the first cache for all of the panels. Between two parts the sums are spilled.
 * Each tile fetches as much of the part that comes next as it is of the rows, so that memory is
 * read all the time and not by the first tile alone.
 * Where the kernel multiplies f32, parts of bf16 and f16 become f32 once for all tiles. */
#include "core/device/cpu/internal.h"

/* Measured (docs/SPEED.md): shorter parts spill too often; more panels leave the second cache. */
#define PART_BYTES 131072 /* of one panel, as the kernel reads it */
#define GROUP 2           /* panels that a tile of rows goes over in turn */
#define PART_FLOATS (PART_BYTES / 4)
#define AHEAD_BYTES 3072 /* between weights that are fetched and those in use */
#define WIDENS_FROM 4    /* tiles: fewer make bf16 and f16 f32 in registers, each for itself */

typedef struct linear_job {
    const wf_linear        *a;
    const wf_linear_kernel *kernel;
    const wf_linear_blocks *blocks;
    uint8_t                *rows; /* prepared rows of this block, row_bytes apart */
    float                  *own;  /* every thread's own scratch, own_floats apart */
    int64_t                 row_bytes, own_floats, first, n_rows;
    bool                    pairs; /* rows and weights are multiplied as pairs of bf16 */
} linear_job;

/* An odd number of cache lines: rows a power of two apart would all want the same few sets. */
static int64_t prepared_bytes(int64_t k, int64_t element)
{
    int64_t lines = ((k + 1) * element + WF_ALIGN - 1) / WF_ALIGN;
    return (lines | 1) * (int64_t)WF_ALIGN;
}

static int64_t block_rows(int64_t m)
{
    return m < WF_LINEAR_ROWS ? m : WF_LINEAR_ROWS;
}

/* Of one thread: the sums of the panels that it takes together, and behind them their parts as f32
 * (never with a single tile, nor where pairs are multiplied). */
static int64_t own_floats(int64_t m, int64_t panels, bool widens)
{
    int64_t part = m <= WF_TILE_ROWS_LEAST || !widens ? 0 : PART_FLOATS;
    return panels * (block_rows(m) * WF_PANEL_MOST + part);
}

uint64_t wf_linear_scratch_bytes(const wf_exec *ex, int64_t m, int64_t k)
{
    int64_t threads = wf_pool_threads(ex->pool);
    int64_t widened = own_floats(m, GROUP, true);
    int64_t pairs = own_floats(m, WF_LINEAR_PANELS_MOST, false);
    int64_t own = ex->ops->linear_bf16 != NULL && pairs > widened ? pairs : widened;
    return (uint64_t)(block_rows(m) * prepared_bytes(k, 4) + threads * own * 4);
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++)
        j->kernel->prepare(j->rows + r * j->row_bytes, a->x + (j->first + r) * a->x_stride, a->w.k,
                           a->w.format);
}

/* What a thread works on: of some panels the part [k0, k0 + k). */
typedef struct part {
    const linear_job *j;
    float            *acc; /* [panels, n_rows, panel]; of one tile, where the part is all of k */
    const uint8_t    *b;   /* the part as the kernel reads it, panels b_bytes apart */
    int64_t           b_bytes, first, panels, k0, k;
    const uint8_t    *next;       /* the part that comes after this one, to be fetched; or NULL */
    int64_t           next_bytes; /* of each of its panels, panel_bytes apart */
    int64_t           panel_bytes;
    int32_t           format; /* of b */
} part;

/* The lines that finish writes, and those that it adds to: there while the tile is multiplied. */
static void fetch_outputs(const wf_linear *a, int64_t row, int64_t rows, int64_t column,
                          int64_t columns)
{
    for (int64_t r = row; r < row + rows; r++)
        for (int64_t c = column; c < column + columns; c += WF_ALIGN / 4) {
            __builtin_prefetch(a->y + r * a->y_stride + c, 1);
            if (a->residual != NULL)
                __builtin_prefetch(a->residual + r * a->residual_stride + c);
        }
}

/* Where rows up to `row` begin in a panel of the next part that all rows fetch together. */
static const uint8_t *next_at(const part *q, int64_t p, int64_t row)
{
    return q->next + p * q->panel_bytes + row * q->next_bytes / q->j->n_rows;
}

/* All of that at once: into the second cache. */
static void fetch_next(const part *q, int64_t p, int64_t from, int64_t to)
{
    const uint8_t *end = next_at(q, p, to);
    for (const uint8_t *at = next_at(q, p, from); at < end; at += WF_ALIGN)
        __builtin_prefetch(at, 0, 2);
}

/* The same while the tile is multiplied; where nothing comes next or all rows are one tile, the
 * weights that follow those in use. */
static void set_ahead(const part *q, int64_t p, int64_t from, int64_t to, wf_tile *t)
{
    if (q->next != NULL) {
        t->ahead = next_at(q, p, from);
        t->ahead_step = (next_at(q, p, to) - next_at(q, p, from) + q->k - 1) / q->k;
        return;
    }
    t->ahead = (const uint8_t *)t->b + AHEAD_BYTES;
    t->ahead_step = wf_panel_bytes(q->format, 2, q->j->kernel->panel) / 2;
}

/* Rows from..to-1 over one panel of the part. */
static void multiply_tile(const part *q, int64_t p, int64_t from, int64_t to)
{
    const linear_job       *j = q->j;
    const wf_linear        *a = j->a;
    const wf_linear_kernel *kernel = j->kernel;
    int64_t                 column = (q->first + p) * kernel->panel, left = a->w.n - column;
    int64_t                 columns = left < kernel->panel ? left : kernel->panel;
    bool                    last = q->k0 + q->k == a->w.k;
    float  *acc = q->acc + (q->k < a->w.k ? (p * j->n_rows + from) * kernel->panel : 0);
    wf_tile t = {.acc = acc,
                 .a = j->rows + from * j->row_bytes + q->k0 * (j->pairs ? 2 : 4),
                 .b = q->b + p * q->b_bytes,
                 .a_stride = j->row_bytes,
                 .k = q->k,
                 .rows = (int32_t)(to - from),
                 .format = q->format,
                 .goes_on = q->k0 > 0};
    if (last)
        fetch_outputs(a, j->first + from, to - from, column, columns);
    if (q->next != NULL && j->blocks->fetches)
        fetch_next(q, p, from, to);
    set_ahead(q, p, from, to, &t);
    kernel->tile(&t);
    if (last)
        kernel->finish(a, acc, j->first + from, to - from, column, columns);
}

/* Tiles of a block are cut evenly: 13 rows are 7 and 6, not 12 and 1. */
static void multiply_part(const part *q)
{
    const linear_job *j = q->j;
    int32_t tiles = (int32_t)((j->n_rows + j->kernel->tile_rows - 1) / j->kernel->tile_rows);
    for (int32_t t = 0; t < tiles; t++) {
        int64_t from, to;
        wf_share(j->n_rows, 1, t, tiles, &from, &to);
        for (int64_t p = 0; p < q->panels; p++)
            multiply_tile(q, p, from, to);
    }
}

/* The part behind q's own: further along k, or where that is done of the panels that follow. */
static void find_next(part *q, int64_t step)
{
    const wf_weight *w = &q->j->a->w;
    int64_t          panel = q->j->kernel->panel, k0 = q->k0 + q->k < w->k ? q->k0 + q->k : 0;
    int64_t          first = k0 > 0 ? q->first : q->first + q->panels;
    q->next = NULL;
    if (first * panel >= w->n)
        return;
    q->next =
        (const uint8_t *)w->data + first * q->panel_bytes + wf_panel_bytes(w->format, k0, panel);
    q->next_bytes = wf_panel_bytes(w->format, w->k - k0 < step ? w->k - k0 : step, panel);
}

/* Panels first..first + panels - 1, with the scratch own. */
static void multiply_group(const linear_job *j, float *own, int64_t first, int64_t panels)
{
    const wf_weight        *w = &j->a->w;
    const wf_linear_kernel *kernel = j->kernel;
    bool                    single = j->n_rows <= kernel->tile_rows;
    bool                    many = j->n_rows >= WIDENS_FROM * kernel->tile_rows;
    bool                    widens = many && w->format != WF_F32 && !j->pairs;
    int64_t                 step = single ? w->k : j->blocks->part_k;
    int64_t                 bytes = wf_panel_bytes(w->format, w->k, kernel->panel);
    float                  *wide = own + GROUP * j->n_rows * WF_PANEL_MOST;
    part q = {.j = j, .acc = own, .first = first, .panels = panels, .panel_bytes = bytes};
    q.b_bytes = bytes;
    q.format = widens ? WF_F32 : w->format;
    for (; q.k0 < w->k; q.k0 += step) {
        q.k = w->k - q.k0 < step ? w->k - q.k0 : step;
        q.b = (const uint8_t *)w->data + first * bytes +
              wf_panel_bytes(w->format, q.k0, kernel->panel);
        for (int64_t p = 0; widens && p < panels; p++)
            kernel->widen(wide + p * PART_FLOATS, q.b + p * bytes, q.k, w->format);
        if (widens) {
            q.b = (const uint8_t *)wide;
            q.b_bytes = PART_BYTES;
        }
        if (!single)
            find_next(&q, step);
        multiply_part(&q);
    }
}

static void multiply_panels(void *ctx, int32_t index, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    int64_t           step = j->blocks->panels;
    for (int64_t p = begin; p < end; p += step)
        multiply_group(j, j->own + index * j->own_floats, p, end - p < step ? end - p : step);
}

/* All panels, of a thread's share of the rows. */
static void multiply_rows(void *ctx, int32_t index, int32_t count)
{
    linear_job j = *(const linear_job *)ctx;
    int64_t    from, to;
    wf_share(j.n_rows, 1, index, count, &from, &to);
    j.rows += from * j.row_bytes;
    j.first += from;
    j.n_rows = to - from;
    multiply_panels(&j, index, 0, (j.a->w.n + j.kernel->panel - 1) / j.kernel->panel);
}

/* Panels are dealt to threads, each read by one of them alone; but rows where panels are so few
 * that one thread would have far more of them than another. */
static void multiply_block(wf_exec *ex, linear_job *j)
{
    int64_t panels = (j->a->w.n + j->kernel->panel - 1) / j->kernel->panel;
    int32_t threads = wf_pool_threads(ex->pool);
    int64_t grain = panels < 4 * threads * j->blocks->panels ? 1 : j->blocks->panels;
    bool    few = panels % threads != 0 && panels < 8 * threads;
    if (few && j->n_rows >= threads * j->kernel->tile_rows)
        wf_pool_run(ex->pool, multiply_rows, j);
    else
        wf_pool_deal(ex->pool, panels, grain, multiply_panels, j);
}

weft_status wf_linear_panels(wf_exec *ex, const wf_linear *a, const wf_linear_kernel *kernel)
{
    int32_t          element = kernel->pairs && a->w.format == WF_BF16 ? 2 : 4;
    wf_linear_blocks blocks = {PART_BYTES / (kernel->panel * element), GROUP, false};
    return wf_linear_panels_in(ex, a, kernel, &blocks);
}

weft_status wf_linear_panels_in(wf_exec *ex, const wf_linear *a, const wf_linear_kernel *kernel,
                                const wf_linear_blocks *blocks)
{
    if (a->m <= 0)
        return WEFT_OK;
    uint8_t *rows = wf_exec_scratch(ex, (size_t)wf_linear_scratch_bytes(ex, a->m, a->w.k));
    if (rows == NULL)
        return WEFT_E_NOMEM;
    bool       pairs = kernel->pairs && a->w.format == WF_BF16;
    linear_job job = {.a = a, .kernel = kernel, .blocks = blocks, .rows = rows, .pairs = pairs};
    job.row_bytes = prepared_bytes(a->w.k, pairs ? 2 : 4);
    job.own_floats = own_floats(a->m, blocks->panels, !pairs);
    job.own = (float *)(void *)(rows + block_rows(a->m) * prepared_bytes(a->w.k, 4));
    for (; job.first < a->m; job.first += WF_LINEAR_ROWS) {
        job.n_rows = block_rows(a->m - job.first);
        wf_range_run(ex, job.n_rows, wf_row_grain(a->w.k), prepare_rows, &job);
        multiply_block(ex, &job);
    }
    return WEFT_OK;
}
