/* SPDX-License-Identifier: Apache-2.0 */
/* The buffers that a forward pass works in: how wide, how many bytes, made and freed. */
#include <string.h>

#include "core/base/mem.h"
#include "core/model/forward.h"

typedef struct widths {
    int64_t wide, wide_ffn, att;
} widths;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The widest rows over the core's blocks and the plugins' sites. */
static widths widest(const wf_config *c, const wf_hooks *hooks)
{
    int64_t q = (int64_t)c->n_heads * c->head_dim;
    widths  w = {q + 2 * (int64_t)c->n_kv_heads * c->head_dim, 2 * (int64_t)c->d_ffn, q};
    for (int32_t i = 0; i < hooks->n_sites; i++) {
        const weft_xattn *x = &hooks->sites[i].x;
        int64_t           xq = (int64_t)x->n_heads * x->head_dim;
        w.wide = most(w.wide, most(xq, 2 * (int64_t)x->n_kv_heads * x->head_dim));
        w.wide_ffn = most(w.wide_ffn, 2 * (int64_t)x->d_ffn);
        w.att = most(w.att, xq);
    }
    return w;
}

static int64_t low_columns(const wf_config *c)
{
    return (int64_t)c->n_updated * c->update_rank;
}

bool wf_decoder_bytes(const wf_config *c, const wf_hooks *hooks, int64_t max_rows, int64_t max_out,
                      uint64_t *bytes)
{
    widths   w = widest(c, hooks);
    uint64_t row = (uint64_t)(3 * (int64_t)c->d_model + w.wide + w.att + w.wide_ffn +
                              w.wide_ffn / 2 + c->head_dim + low_columns(c));
    uint64_t out = ((uint64_t)c->d_model + (uint64_t)c->vocab) * sizeof(float), rows = 0, outs = 0;
    return wf_mul(row * sizeof(float), (uint64_t)max_rows, &rows) &&
           wf_mul(out + WF_ROW_BEST_BYTES(WF_BEST_MOST), (uint64_t)max_out, &outs) &&
           wf_add(rows, outs, bytes);
}

weft_status wf_decoder_init(wf_decoder *d, const wf_model *m, const wf_hooks *hooks,
                            wf_kv_pool *pool, weft_queue *q, int64_t max_rows, int64_t max_out,
                            weft_error *err)
{
    const wf_config *c = &m->config;
    widths           w = widest(c, hooks);
    memset(d, 0, sizeof *d);
    d->model = m;
    d->hooks = hooks;
    d->pool = pool;
    d->queue = q;
    d->buffers.device = m->device;
    d->max_rows = max_rows;
    d->max_out = max_out;
    d->wide = w.wide;
    d->wide_ffn = w.wide_ffn;
    const struct {
        float **p;
        int64_t rows, n;
    } want[] = {
        {&d->h, max_rows, c->d_model},       {&d->x, max_rows, c->d_model},
        {&d->a, max_rows, c->d_model},       {&d->qkv, max_rows, w.wide},
        {&d->att, max_rows, w.att},          {&d->gate_up, max_rows, w.wide_ffn},
        {&d->ffn, max_rows, w.wide_ffn / 2}, {&d->cos_sin, max_rows, c->head_dim},
        {&d->out, max_out, c->d_model},      {&d->logits, max_out, c->vocab},
        {&d->low, max_rows, low_columns(c)},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        void *mem;
        if (want[i].n == 0)
            continue;
        weft_status status = wf_buffers_add(
            &d->buffers, q, (uint64_t)(want[i].rows * want[i].n) * sizeof(float), false, &mem, err);
        if (status != WEFT_OK)
            return status;
        *want[i].p = mem;
    }
    void       *best;
    weft_status status = wf_buffers_add(
        &d->buffers, q, (uint64_t)max_out * WF_ROW_BEST_BYTES(WF_BEST_MOST), false, &best, err);
    d->best = status == WEFT_OK ? best : NULL;
    return status;
}

void wf_decoder_free(wf_decoder *d)
{
    wf_buffers_free(&d->buffers);
    memset(d, 0, sizeof *d);
}
