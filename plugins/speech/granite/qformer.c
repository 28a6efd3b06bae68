/* SPDX-License-Identifier: Apache-2.0 */
/* The Q-Former (transformers 4.57, Blip2QFormerModel without text), for all windows at once: in
 * each window the same n_queries learnt queries q are
 *
 *   q = LN q
 *   layer q = LN(q + W_o Attn(q, q, q) + b)
 *         q = LN(q + W_o Attn(q, X, X) + b)    in layers 0, every, 2 every, ...
 *         q = LN(q + down(act(up q)))
 *   tokens = W q + b
 *
 * with X the window's rows. Rows that fill up the last window are zeros, which are asked as well.
 */
#include "calls.h"

typedef struct qformer {
    gsp_run                    *r;
    const gsp_projector_config *c;
    int64_t                     n, n_rows;            /* queries; rows, of all windows */
    weft_tensor                 h, q, k, v, out, mid; /* k, v: room for as many as there are rows */
    weft_tensor                 which, bounds_q, bounds_x;
} qformer;

static void layout(qformer *f, int64_t n_windows, plg_arena *a)
{
    const int64_t d = f->c->d, keys = f->n > f->n_rows ? f->n : f->n_rows;
    f->h = plg_carve(a, WEFT_F32, f->n, d);
    f->q = plg_carve(a, WEFT_F32, f->n, d);
    f->k = plg_carve(a, WEFT_F32, keys, d);
    f->v = plg_carve(a, WEFT_F32, keys, d);
    f->out = plg_carve(a, WEFT_F32, f->n, d);
    f->mid = plg_carve(a, WEFT_F32, f->n, f->c->d_ffn);
    f->which = plg_carve(a, WEFT_I32, f->n, 0);
    f->bounds_q = plg_carve(a, WEFT_I32, n_windows + 1, 0);
    f->bounds_x = plg_carve(a, WEFT_I32, n_windows + 1, 0);
}

/* to[i] = i % modulus * step for i < n, uploaded in pieces; modulus 0: i * step. */
static void count(qformer *f, const weft_tensor *to, int64_t n, int64_t modulus, int64_t step)
{
    int32_t       piece[256];
    const int64_t room = (int64_t)(sizeof piece / sizeof *piece);
    for (int64_t i = 0; i < n; i += room) {
        int64_t     m = n - i < room ? n - i : room;
        weft_tensor part = weft_view(to, (int32_t *)to->data + i, WEFT_I32, 1, &m);
        for (int64_t k = 0; k < m; k++)
            piece[k] = (int32_t)((modulus > 0 ? (i + k) % modulus : i + k) * step);
        plg_upload(&f->r->on, &part, piece);
    }
}

/* h = LN(h + branch) */
static void settle(qformer *f, const weft_tensor *branch, const plg_pair *norm)
{
    plg_add(&f->r->on, &f->h, branch, 1.0f);
    plg_layernorm(&f->r->on, &f->h, &f->h, norm, f->c->eps);
}

/* The queries ask rows x, bounds of which are each window's. */
static void ask(qformer *f, const gsp_attention *w, const weft_tensor *x, const weft_tensor *bounds,
                int64_t n_windows)
{
    const weft_attention how = {.hdr = WEFT_HDR(weft_attention),
                                .q_begin = &f->bounds_q,
                                .k_begin = bounds,
                                .n = (int32_t)n_windows};
    weft_tensor          k = plg_rows(&f->k, 0, x->shape[0], f->c->d);
    weft_tensor          v = plg_rows(&f->v, 0, x->shape[0], f->c->d);
    plg_linear(&f->r->on, &f->q, &f->h, &w->q, WEFT_ACT_NONE);
    plg_linear(&f->r->on, &k, x, &w->k, WEFT_ACT_NONE);
    plg_linear(&f->r->on, &v, x, &w->v, WEFT_ACT_NONE);
    plg_attend(&f->r->on, &f->out, &f->q, &k, &v, f->c->n_heads, &how);
    plg_linear(&f->r->on, &f->q, &f->out, &w->out, WEFT_ACT_NONE);
    settle(f, &f->q, &w->norm);
}

static void layer(qformer *f, const gsp_query_layer *l, int32_t i, const weft_tensor *x,
                  int64_t n_windows)
{
    ask(f, &l->self, &f->h, &f->bounds_q, n_windows);
    if (i % f->c->every == 0)
        ask(f, &l->cross, x, &f->bounds_x, n_windows);
    plg_linear(&f->r->on, &f->mid, &f->h, &l->up, f->c->act);
    plg_linear(&f->r->on, &f->out, &f->mid, &l->down, WEFT_ACT_NONE);
    settle(f, &f->out, &l->norm);
}

void gsp_qformer(gsp_run *r, const gsp_config *c, const gsp_weights *w, int64_t n_windows,
                 const weft_tensor *x, const weft_tensor *tokens, plg_arena *a)
{
    const gsp_projector_config *q = &c->projector;
    qformer f = {.r = r, .c = q, .n = n_windows * q->n_queries, .n_rows = n_windows * q->window};
    layout(&f, n_windows, a);
    if (r == NULL)
        return;
    const int64_t shape[2] = {q->n_queries, q->d};
    weft_tensor   queries = weft_view(&w->queries, w->queries.data, WEFT_F32, 2, shape);
    count(&f, &f.which, f.n, q->n_queries, 1);
    count(&f, &f.bounds_q, n_windows + 1, 0, q->n_queries);
    count(&f, &f.bounds_x, n_windows + 1, 0, q->window);
    plg_gather(&r->on, &f.h, &queries, &f.which);
    plg_layernorm(&r->on, &f.h, &f.h, &w->norm, q->eps);
    for (int32_t i = 0; i < q->n_layers; i++)
        layer(&f, &w->layers[i], i, x, n_windows);
    plg_linear(&r->on, tokens, &f.h, &w->linear, WEFT_ACT_NONE);
}
