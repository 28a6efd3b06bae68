/* SPDX-License-Identifier: Apache-2.0 */
/* A launch: what it may be, its frames, and its blocks in the order that the seed gives. */
#include <stdlib.h>

#include "inside.h"

#define MOST_SHARED 232448u /* of compute capability 9.0; 8.0 has 166912 */

static bool dimensions(const ptx_launch *l, char why[128])
{
    static const uint32_t most_grid[3] = {0x7fffffffu, 65535, 65535},
                          most_block[3] = {1024, 1024, 64};
    uint64_t threads = 1, blocks = 1;
    for (int k = 0; k < 3; k++) {
        if (l->grid[k] == 0 || l->grid[k] > most_grid[k] || l->block[k] == 0 ||
            l->block[k] > most_block[k]) {
            snprintf(why, 128, "a grid of %u,%u,%u blocks of %u,%u,%u threads", l->grid[0],
                     l->grid[1], l->grid[2], l->block[0], l->block[1], l->block[2]);
            return false;
        }
        threads *= l->block[k];
        blocks *= l->grid[k];
        if (threads > 1024 || blocks > PT_THREAD / threads) {
            snprintf(why, 128, "%llu threads in a block, or more than 2^30 in all",
                     (unsigned long long)threads);
            return false;
        }
    }
    return true;
}

static bool possible(const ptx_kernel *k, const ptx_launch *l, char why[128])
{
    const uint64_t shared = (uint64_t)k->facts.shared_bytes + l->shared_bytes;
    const uint32_t threads = l->block[0] * l->block[1] * l->block[2];
    if (!dimensions(l, why))
        return false;
    if (k->facts.max_threads != 0 && threads > k->facts.max_threads) {
        snprintf(why, 128, "%u threads in a block; it was made for %u", threads,
                 k->facts.max_threads);
        return false;
    }
    if (shared > MOST_SHARED) {
        snprintf(why, 128, "%llu bytes of shared memory", (unsigned long long)shared);
        return false;
    }
    return true;
}

static bool open_warp(pt_run *run, uint32_t index)
{
    const ptx_kernel *k = run->k;
    pt_warp          *w = &run->warps[index];
    const uint32_t    first = index * PT_LANES, left = run->n_threads - first;
    *w = (pt_warp){.run = run, .index = index, .first = first};
    w->lanes = left >= PT_LANES ? PT_ALL : (1u << left) - 1;
    w->r = calloc(k->n_regs + 1, sizeof *w->r);
    w->defined = calloc(k->n_regs + 1, sizeof *w->defined);
    w->p = calloc(k->n_regs + 1, sizeof *w->p);
    const uint64_t local = (uint64_t)k->facts.local_bytes * PT_LANES;
    if (w->r == NULL || w->defined == NULL || w->p == NULL || !pt_segment_init(&w->local, 0, local))
        return false;
    w->local.data = malloc(local + 16);
    for (uint32_t r = 0; r < k->n_regs; r++)
        for (uint32_t l = 0; k->constant[r] >= 0 && l < PT_LANES; l++)
            w->r[r][l] = k->constants[k->constant[r]];
    return w->local.data != NULL;
}

static void close_run(pt_run *run)
{
    for (uint32_t k = 0; run->warps != NULL && k < run->n_warps; k++) {
        pt_warp *w = &run->warps[k];
        free(w->r);
        free(w->defined);
        free(w->p);
        pt_segment_close(&w->local);
        for (int l = 0; l < PT_LANES; l++)
            free(w->copies[l].all);
    }
    free(run->warps);
    pt_segment_close(&run->shared);
}

static bool open_run(pt_run *run)
{
    const uint64_t fixed = (run->k->facts.shared_bytes + 127) / 128 * 128;
    const uint64_t shared = (fixed == 0 ? 0 : fixed) + run->l->shared_bytes;
    run->dynamic = (uint32_t)fixed;
    run->warps = calloc(run->n_warps, sizeof *run->warps);
    if (run->warps == NULL || !pt_segment_init(&run->shared, 0, shared))
        return false;
    run->shared.data = aligned_alloc(128, (shared + 255) / 128 * 128);
    if (run->shared.data == NULL)
        return false;
    for (uint32_t k = 0; k < run->n_warps; k++)
        if (!open_warp(run, k))
            return false;
    return true;
}

static uint64_t common(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* All blocks once, in steps that share no divisor with their number. */
static void run_blocks(pt_run *run)
{
    const uint32_t *grid = run->l->grid;
    const uint64_t  n = (uint64_t)grid[0] * grid[1] * grid[2];
    const bool      even = run->l->seed == 0;
    uint64_t        step = even ? 1 : 1 + pt_random(run) % n, at = even ? 0 : pt_random(run) % n;
    while (common(step, n) != 1)
        step++;
    for (uint64_t k = 0; k < n && !run->stop; k++, at = (at + step) % n) {
        run->ctaid[0] = (uint32_t)(at % grid[0]);
        run->ctaid[1] = (uint32_t)(at / grid[0] % grid[1]);
        run->ctaid[2] = (uint32_t)(at / ((uint64_t)grid[0] * grid[1]));
        run->block_thread = (uint32_t)(at * run->n_threads);
        pt_block(run);
    }
}

static void begin(pt_run *run, void *const *args)
{
    const ptx_facts *f = &run->k->facts;
    ptx_memory      *m = run->memory;
    const uint32_t   now = ++m->now;
    for (uint32_t i = 0; i < f->n_params; i++)
        memcpy(run->params + f->param[i].offset, args[i], f->param[i].bytes);
    for (size_t i = 0; i < m->n; i++)
        m->all[i].since = now;
    run->foreign = now;
}

bool ptx_run(ptx_kernel *k, const ptx_launch *l, void *const *args, ptx_report *r)
{
    pt_run run = {.k = k, .memory = k->module->memory, .l = l, .report = r};
    char   why[128];
    if (!possible(k, l, why)) {
        pt_report_run(&run, PTX_BAD_LAUNCH, why);
        return false;
    }
    if (k->unsupported[0] != 0) {
        pt_report_run(&run, PTX_UNSUPPORTED, k->unsupported);
        return false;
    }
    run.n_threads = l->block[0] * l->block[1] * l->block[2];
    run.n_warps = (run.n_threads + PT_LANES - 1) / PT_LANES;
    run.random = (l->seed + 1) * 0x9e3779b97f4a7c15ull;
    run.left = l->limit != 0 ? l->limit : 1ull << 40;
    const bool ok = open_run(&run);
    if (ok) {
        begin(&run, args);
        run_blocks(&run);
    } else {
        pt_report_run(&run, PTX_BAD_LAUNCH, "no memory on the host");
    }
    close_run(&run);
    return ok && !run.stop;
}
