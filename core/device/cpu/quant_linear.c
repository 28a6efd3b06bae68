/* SPDX-License-Identifier: Apache-2.0 */
/* linear with q8 and q4 weights: everything but the kernels. Rows of x are rounded a block at a
 * time; then every thread takes its panels, some groups at a time, through all tiles of the block.
 * The f32 sums stand in scratch meanwhile, a piece for each thread, which changes none of them. */
#include <stdbool.h>

#include "core/device/cpu/internal.h"
#include "core/device/cpu/quant.h"

#define GROUPS_TOGETHER 16 /* of a panel: as many as stay in the first cache for all tiles */
#define PANELS_TOGETHER                                                                            \
    4              /* that go through the same groups of x while the second cache has them         \
                    */
#define AHEAD 2048 /* bytes of weights that a single tile fetches ahead of itself */

/* Groups are wide in some rows: their rests are tiles of those rows alone, group by group. */
typedef struct linear_job {
    const wf_linear        *a;
    const wf_quant_kernels *kernels;
    uint8_t                *rows; /* of this block, tile by tile */
    uint8_t  *rests;              /* [groups, n_rows] of WF_Q_ROW bytes; a group's first are used */
    uint16_t *at;                 /* [groups, n_rows]: the rows that those are of */
    int32_t  *counts;             /* [groups]: how many they are */
    int32_t  *wide;               /* [groups]: the numbers of the groups that have some */
    int32_t  *wide_before;        /* [groups + 1]: how many of these come before a group */
    float    *own;                /* every thread's own sums, own_floats apart */
    int64_t   own_floats, first, n_rows;
    int32_t   tiles, n_wide;
} linear_job;

static int64_t block_rows(int64_t m)
{
    return m < WF_QUANT_ROWS ? m : WF_QUANT_ROWS;
}

static uint64_t aligned(int64_t bytes)
{
    return ((uint64_t)bytes + WF_ALIGN - 1) / WF_ALIGN * WF_ALIGN;
}

/* Of one thread: the sums of some panels, and behind them those of the rests; whole lines. */
static int64_t own_floats(int64_t m)
{
    return 2 * PANELS_TOGETHER * block_rows(m) * WF_Q_PANEL;
}

static uint64_t rows_bytes(int64_t m, int64_t k)
{
    int64_t groups = wf_groups(k), all = block_rows(m) * groups;
    return 2 * aligned(all * WF_Q_ROW) + aligned(all * 2) + 3 * aligned((groups + 1) * 4);
}

uint64_t wf_quant_scratch_bytes(const wf_exec *ex, int64_t m, int64_t k)
{
    int64_t threads = wf_pool_threads(ex->pool);
    return rows_bytes(m, k) + (uint64_t)(threads * own_floats(m) * 4);
}

static void take_scratch(linear_job *j, uint8_t *p)
{
    int64_t groups = wf_groups(j->a->w.k), all = block_rows(j->a->m) * groups;
    j->rows = p;
    j->rests = p + aligned(all * WF_Q_ROW);
    j->at = (uint16_t *)(void *)(j->rests + aligned(all * WF_Q_ROW));
    j->counts = (int32_t *)(void *)((uint8_t *)j->at + aligned(all * 2));
    j->wide = (int32_t *)(void *)((uint8_t *)j->counts + aligned((groups + 1) * 4));
    j->wide_before = (int32_t *)(void *)((uint8_t *)j->wide + aligned((groups + 1) * 4));
    j->own = (float *)(void *)(p + rows_bytes(j->a->m, j->a->w.k));
    j->own_floats = own_floats(j->a->m);
}

/* Tiles are cut evenly: 13 rows are 7 and 6, not 12 and 1. */
static uint8_t *tile_at(const linear_job *j, int32_t t, int64_t *from, int64_t *rows)
{
    int64_t to;
    wf_share(j->n_rows, 1, t, j->tiles, from, &to);
    *rows = to - *from;
    return j->rows + *from * wf_groups(j->a->w.k) * WF_Q_ROW;
}

/* ---- rows of x ---- */

static float dx_at(const uint8_t *tile, int64_t r, int64_t rows, int64_t g)
{
    float dx;
    memcpy(&dx, tile + g * rows * WF_Q_ROW + wf_quant_dx_at(rows) + 4 * r, 4);
    return dx;
}

/* at[g n_rows + row] = whether group g of a row is wide. The row is row r of the tile. */
static void mark_wide(const linear_job *j, int64_t row, const uint8_t *tile, int64_t r,
                      int64_t rows)
{
    int64_t groups = wf_groups(j->a->w.k), sum = 0;
    float   most = 0.0f, up;
    bool    finite = true;
    for (int64_t g = 0; g < groups; g++) {
        float dx = dx_at(tile, r, rows, g);
        finite = finite && dx == dx; /* false of NaN alone */
        most = dx > most ? dx : most;
    }
    up = finite && most > 0.0f ? 65536.0f / most : 0.0f;
    for (int64_t g = 0; g < groups && up > 0.0f; g++)
        sum += (int32_t)(dx_at(tile, r, rows, g) * up);
    for (int64_t g = 0; g < groups; g++) {
        int64_t u = up > 0.0f ? (int32_t)(dx_at(tile, r, rows, g) * up) : 0;
        j->at[g * j->n_rows + row] = 2 * groups * u > 3 * sum;
    }
}

static void prepare_rows(void *ctx, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    const wf_linear  *a = j->a;
    for (int64_t r = begin; r < end; r++) {
        int64_t  from, rows;
        int32_t  t = (int32_t)(((r + 1) * j->tiles - 1) / j->n_rows); /* that r is in */
        uint8_t *tile = tile_at(j, t, &from, &rows);
        j->kernels->prepare(tile, r - from, rows, a->x + (j->first + r) * a->x_stride, a->w.k,
                            a->w.format);
        mark_wide(j, r, tile, r - from, rows);
    }
}

/* Tile t of a group's rests, and its first row among them; NULL: there are not so many. */
static uint8_t *rest_at(const linear_job *j, int64_t g, int32_t t, int64_t *from, int64_t *rows)
{
    int64_t most = j->kernels->rest_rows, left;
    *from = t * most;
    left = j->counts[g] - *from;
    *rows = left < most ? left : most;
    return left > 0 ? j->rests + (g * j->n_rows + *from) * WF_Q_ROW : NULL;
}

static void prepare_row_rest(const linear_job *j, int64_t g, int64_t row, uint8_t *tile, int64_t r,
                             int64_t rows)
{
    const float *x = j->a->x + (j->first + row) * j->a->x_stride + g * WF_GROUP;
    int64_t      left = j->a->w.k - g * WF_GROUP;
    float        last[WF_GROUP] = {0};
    if (left < WF_GROUP)
        memcpy(last, x, (size_t)left * sizeof *last);
    j->kernels->prepare_rest(tile, r, rows, left < WF_GROUP ? last : x, j->a->w.format);
}

static void prepare_rests(void *ctx, int64_t begin, int64_t end)
{
    linear_job *j = ctx;
    for (int64_t g = begin; g < end; g++) {
        uint16_t *at = j->at + g * j->n_rows;
        int64_t   from, rows;
        uint8_t  *tile;
        int32_t   n = 0;
        for (int64_t r = 0; r < j->n_rows; r++)
            if (at[r] != 0)
                at[n++] = (uint16_t)r; /* n is at most r: nothing unread is lost */
        j->counts[g] = n;
        for (int32_t t = 0; (tile = rest_at(j, g, t, &from, &rows)) != NULL; t++)
            for (int64_t r = 0; r < rows; r++)
                prepare_row_rest(j, g, at[from + r], tile, r, rows);
    }
}

/* Most groups are wide in no row, so that panels look at the others alone. */
static void list_wide(linear_job *j)
{
    const int64_t groups = wf_groups(j->a->w.k);
    j->n_wide = 0;
    for (int64_t g = 0; g < groups; g++) {
        j->wide_before[g] = j->n_wide;
        if (j->counts[g] > 0)
            j->wide[j->n_wide++] = (int32_t)g;
    }
    j->wide_before[groups] = j->n_wide;
}

/* ---- panels ---- */

/* Some groups of a panel, and the f32 sums of all rows of the block. */
typedef struct panel_part {
    const uint8_t *w, *next; /* where the part begins; where what is multiplied next does */
    int64_t        begin, groups;
    float         *acc, *rest;
} panel_part;

/* What tile t fetches for every group, of the part that comes next: together they fetch all of it.
 * A single tile would have to wait for that too long, and stays closer to itself. */
static void plan_fetch(const linear_job *j, const panel_part *p, int32_t t, wf_quant_tile *tile)
{
    int64_t all = wf_quant_group(tile->format), each = all / j->tiles / 64 * 64 + 64;
    tile->fetch = j->tiles == 1 ? p->w + AHEAD : p->next + t * each * p->groups;
    tile->fetch_bytes = j->tiles == 1 ? all : t * each < all ? each : 0;
}

static void multiply_groups(const linear_job *j, const panel_part *p)
{
    wf_quant_tile tile = {.w = p->w, .format = j->a->w.format, .groups = p->groups};
    for (int32_t t = 0; t < j->tiles; t++) {
        int64_t        from, rows;
        const uint8_t *x = tile_at(j, t, &from, &rows);
        tile.acc = p->acc + from * WF_Q_PANEL;
        tile.x = x + p->begin * rows * WF_Q_ROW;
        tile.rows = (int32_t)rows;
        plan_fetch(j, p, t, &tile);
        j->kernels->tile(&tile);
    }
}

/* The same groups against what rounding left of the rows in which they are wide. */
static void multiply_rests(const linear_job *j, const panel_part *p)
{
    wf_quant_tile tile = {.acc = p->rest, .format = j->a->w.format, .groups = 1};
    int32_t       end = j->wide_before[p->begin + p->groups];
    for (int32_t i = j->wide_before[p->begin]; i < end; i++) {
        int64_t g = j->wide[i], from, rows;
        tile.w = p->w + (g - p->begin) * wf_quant_group(tile.format);
        for (int32_t t = 0; (tile.x = rest_at(j, g, t, &from, &rows)) != NULL; t++) {
            tile.at = j->at + g * j->n_rows + from;
            tile.rows = (int32_t)rows;
            j->kernels->rest_tile(&tile);
        }
    }
}

/* Of a thread, the sums [n_rows, 32] of the i-th of the panels that go together, and its rests'. */
static float *sums_at(const linear_job *j, float *own, int64_t i)
{
    return own + i * j->n_rows * WF_Q_PANEL;
}

static float *rests_at(const linear_job *j, float *own, int64_t i)
{
    return sums_at(j, own, PANELS_TOGETHER + i);
}

/* Groups from g on of n panels from `first` on. */
static void multiply_parts(const linear_job *j, int64_t first, int64_t n, int64_t g, float *own)
{
    const wf_weight *w = &j->a->w;
    int64_t          groups = wf_groups(w->k), each = wf_quant_group(w->format);
    panel_part       p = {.begin = g, .groups = groups - g};
    p.groups = p.groups < GROUPS_TOGETHER ? p.groups : GROUPS_TOGETHER;
    p.w = (const uint8_t *)w->data + (first * groups + g) * each;
    for (int64_t i = 0; i < n; i++, p.w += groups * each) {
        /* Behind the last panel the first one goes on. */
        p.next = i + 1 < n ? p.w + groups * each : p.w + p.groups * each - i * groups * each;
        p.acc = sums_at(j, own, i);
        p.rest = rests_at(j, own, i);
        multiply_groups(j, &p);
        if (j->n_wide > 0)
            multiply_rests(j, &p);
    }
}

static void finish_panel(const linear_job *j, int64_t panel, const float *acc, const float *rest)
{
    int64_t left = j->a->w.n - panel * WF_Q_PANEL;
    j->kernels->finish(j->a, acc, j->n_wide > 0 ? rest : NULL, j->first, j->n_rows,
                       panel * WF_Q_PANEL, left < WF_Q_PANEL ? left : WF_Q_PANEL);
}

/* Few rows of x stay in the first cache, and panels are best read in the order of memory. */
static int64_t panels_together(const linear_job *j)
{
    return j->tiles > 2 ? PANELS_TOGETHER : 1;
}

static void multiply_panels(void *ctx, int32_t index, int64_t begin, int64_t end)
{
    const linear_job *j = ctx;
    float            *own = j->own + index * j->own_floats;
    int64_t           most = panels_together(j);
    size_t            bytes = (size_t)(j->n_rows * WF_Q_PANEL) * sizeof(float);
    for (int64_t p = begin; p < end; p += most) {
        int64_t n = end - p < most ? end - p : most;
        for (int64_t i = 0; i < n; i++) {
            memset(sums_at(j, own, i), 0, bytes);
            memset(rests_at(j, own, i), 0, j->n_wide > 0 ? bytes : 0);
        }
        for (int64_t g = 0; g < wf_groups(j->a->w.k); g += GROUPS_TOGETHER)
            multiply_parts(j, p, n, g, own);
        for (int64_t i = 0; i < n; i++)
            finish_panel(j, p + i, sums_at(j, own, i), rests_at(j, own, i));
    }
}

static void multiply_block(wf_exec *ex, linear_job *j)
{
    int64_t panels = (j->a->w.n + WF_Q_PANEL - 1) / WF_Q_PANEL, together = panels_together(j);
    int64_t grain = panels < 4 * together * wf_pool_threads(ex->pool) ? 1 : together;
    wf_pool_deal(ex->pool, panels, grain, multiply_panels, j);
}

weft_status wf_quant_linear(wf_exec *ex, const wf_linear *a)
{
    const wf_quant_kernels *kernels = ex->ops->quant;
    if (a->m <= 0)
        return WEFT_OK;
    uint8_t *scratch = wf_exec_scratch(ex, (size_t)wf_quant_scratch_bytes(ex, a->m, a->w.k));
    if (scratch == NULL)
        return WEFT_E_NOMEM;
    linear_job job = {.a = a, .kernels = kernels};
    take_scratch(&job, scratch);
    for (int64_t first = 0; first < a->m; first += WF_QUANT_ROWS) {
        job.first = first;
        job.n_rows = a->m - first < WF_QUANT_ROWS ? a->m - first : WF_QUANT_ROWS;
        job.tiles = (int32_t)((job.n_rows + kernels->tile_rows - 1) / kernels->tile_rows);
        wf_range_run(ex, job.n_rows, wf_row_grain(a->w.k), prepare_rows, &job);
        wf_range_run(ex, wf_groups(a->w.k), wf_row_grain(job.n_rows * WF_GROUP), prepare_rests,
                     &job);
        list_wide(&job);
        multiply_block(ex, &job);
    }
    return WEFT_OK;
}
