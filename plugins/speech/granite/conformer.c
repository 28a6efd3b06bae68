/* SPDX-License-Identifier: Apache-2.0 */
/* The conformer (transformers 4.57, GraniteSpeechCTCEncoder):
 *
 *   x     = W_in rows + b
 *   block x += 1/2 FFN1(x)                     down(silu(up LN x))
 *         x += W_o Attn(LN x) + b
 *         x += Conv(x)                         down(silu(BN(depth(glu(up LN x)))))
 *         x += 1/2 FFN2(x)
 *         x  = LN x
 *   after block n_layers / 2 (of 1, 2, ...): x += W_mid softmax(W_ctc x + b) + b
 *
 * What comes out is x, and before it on the same row, where the configuration asks for them
 * (Granite Speech Plus), the x's after earlier blocks. The reference adds in place, so that of
 * block n_layers / 2 has the guess in it.
 *
 * Attention stays within blocks of `context` rows. With a row at place c of its block and a key at
 * place r, and R the table of distances (Shaw, arXiv 1803.02155):
 *   score = (q_c . k_r + q_c . R[positions + c - r]) / sqrt(head_dim)
 * The shared kernel wants a table by r - c (../ops/relative.c), so R's rows in question are turned
 * round. The batch norm has the statistics of the training, so a row depends on no other. */
#include "calls.h"

#define EPS 1e-5f /* PyTorch's default for both norms: the configuration has no key for it */

typedef struct conformer {
    gsp_run                  *r;
    const gsp_encoder_config *c;
    int64_t                   n, inner;      /* rows; width of all heads */
    weft_tensor               x, h, wide;    /* x, h [n, d]; h: scratch; wide: see layout() */
    weft_tensor               turned, table; /* rows of R in the kernel's order; those rows */
    weft_tensor               guess;         /* [n, n_ctc] */
} conformer;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void layout(conformer *f, plg_arena *a)
{
    const gsp_encoder_config *c = f->c;
    const int64_t             d = c->d, n_distances = 2 * (int64_t)c->context - 1;
    const int64_t ffn = d * c->ffn_factor, conv = 3 * d * c->conv_factor, attn = 5 * f->inner;
    if (c->n_taps > 0) /* else x is what comes out */
        f->x = plg_carve(a, WEFT_F32, f->n, d);
    f->h = plg_carve(a, WEFT_F32, f->n, d);
    f->wide = plg_carve(a, WEFT_F32, f->n, most(ffn, most(conv, attn)));
    f->turned = plg_carve(a, WEFT_I32, n_distances, 0);
    f->table = plg_carve(a, WEFT_F32, n_distances, c->head_dim);
    f->guess = plg_carve(a, WEFT_F32, f->n, c->n_ctc);
}

static void feed_forward(conformer *f, const gsp_ffn *w)
{
    weft_tensor mid = plg_part(&f->wide, 0, f->n, (int64_t)f->c->d * f->c->ffn_factor);
    plg_layernorm(&f->r->on, &f->h, &f->x, &w->norm, EPS);
    plg_linear(&f->r->on, &mid, &f->h, &w->up, WEFT_ACT_SILU);
    plg_linear(&f->r->on, &f->h, &mid, &w->down, WEFT_ACT_NONE);
    plg_add(&f->r->on, &f->x, &f->h, 0.5f);
}

/* out, q, k, v: [n, inner]. */
static void attend(conformer *f, const weft_tensor *out, const weft_tensor *q, const weft_tensor *k,
                   const weft_tensor *v)
{
    int64_t n_heads = f->c->n_heads, head_dim = f->c->head_dim, side = f->c->context - 1;
    void   *table = f->table.data;
    for (int64_t row = 0; row < f->n; row += f->c->context) {
        int64_t n = f->n - row < f->c->context ? f->n - row : f->c->context;
        float  *to = (float *)out->data + row * f->inner, *from = (float *)q->data + row * f->inner;
        float  *keys = (float *)k->data + row * f->inner;
        float  *values = (float *)v->data + row * f->inner;
        void *args[] = {&to, &from, &keys, &values, &table, &n, &n_heads, &head_dim, &side, &side};
        gsp_launch(f->r, f->r->m->kernels.relative, n * n_heads, 4 * n * head_dim, args);
    }
}

static void attention(conformer *f, const gsp_block *b)
{
    const int64_t one = f->n * f->inner;
    weft_tensor   q = plg_part(&f->wide, 0, f->n, f->inner);
    weft_tensor   kv = plg_part(&f->wide, one, f->n, 2 * f->inner);
    weft_tensor   k = plg_part(&f->wide, 3 * one, f->n, f->inner);
    weft_tensor   v = plg_part(&f->wide, 4 * one, f->n, f->inner);
    weft_tensor   out = plg_part(&f->wide, one, f->n, f->inner);
    plg_layernorm(&f->r->on, &f->h, &f->x, &b->attn_norm, EPS);
    plg_linear(&f->r->on, &q, &f->h, &b->q, WEFT_ACT_NONE);
    plg_linear(&f->r->on, &kv, &f->h, &b->kv, WEFT_ACT_NONE);
    gsp_columns(f->r, &k, &kv, 0);
    gsp_columns(f->r, &v, &kv, f->inner);
    plg_gather(&f->r->on, &f->table, &b->distances, &f->turned);
    attend(f, &out, &q, &k, &v);
    plg_linear(&f->r->on, &f->h, &out, &b->out, WEFT_ACT_NONE);
    plg_add(&f->r->on, &f->x, &f->h, 1.0f);
}

/* y = silu(BN(depthwise convolution of x)) */
static void depthwise(conformer *f, const gsp_block *b, const weft_tensor *y, const weft_tensor *x)
{
    void   *to = y->data, *from = x->data, *w = b->depth.data;
    void   *mean = b->mean.data, *var = b->variance.data;
    void   *scale = b->batch.w.data, *shift = b->batch.b.data;
    int64_t n = f->n, d = x->shape[1], size = f->c->kernel, before = size / 2;
    float   eps = EPS;
    void   *args[] = {&to, &from, &w, &mean, &var, &scale, &shift, &n, &d, &size, &before, &eps};
    gsp_launch(f->r, f->r->m->kernels.depthwise, n, d * (size + 16), args);
}

static void convolution(conformer *f, const gsp_block *b)
{
    const int64_t d = (int64_t)f->c->d * f->c->conv_factor;
    weft_tensor   pair = plg_part(&f->wide, 0, f->n, 2 * d);
    weft_tensor   gated = plg_part(&f->wide, 2 * f->n * d, f->n, d);
    weft_tensor   mid = plg_part(&f->wide, 0, f->n, d);
    plg_layernorm(&f->r->on, &f->h, &f->x, &b->conv_norm, EPS);
    plg_linear(&f->r->on, &pair, &f->h, &b->conv_up, WEFT_ACT_NONE);
    gsp_glu(f->r, &gated, &pair);
    depthwise(f, b, &mid, &gated);
    plg_linear(&f->r->on, &f->h, &mid, &b->conv_down, WEFT_ACT_NONE);
    plg_add(&f->r->on, &f->x, &f->h, 1.0f);
}

/* The rows learn what the CTC head would guess of them. */
static void feed_back(conformer *f, const gsp_weights *w)
{
    plg_run *on = &f->r->on;
    plg_linear(on, &f->guess, &f->x, &w->ctc, WEFT_ACT_NONE);
    if (on->status == WEFT_OK)
        on->status = on->ops->softmax(on->host, on->q, &f->guess, &f->guess, NULL, 1.0f, on->err);
    plg_linear(on, &f->h, &f->guess, &w->feedback, WEFT_ACT_NONE);
    plg_add(on, &f->x, &f->h, 1.0f);
}

/* Keeps x after i blocks where it is asked for. */
static void tap(conformer *f, const weft_tensor *out, int32_t i)
{
    for (int32_t k = 0; k < f->c->n_taps; k++)
        if (f->c->taps[k] == i)
            gsp_put_columns(f->r, out, &f->x, (int64_t)k * f->c->d);
}

/* Row i of the kernel's table is that of distance r - c = i - (context - 1). */
static void turn(conformer *f)
{
    int32_t index[2 * GSP_MAX_CONTEXT - 1];
    for (int32_t i = 0; i < 2 * f->c->context - 1; i++)
        index[i] = f->c->positions + f->c->context - 1 - i;
    plg_upload(&f->r->on, &f->turned, index);
}

/* Called between two blocks: tells how far the work is, and stops where the host was cancelled. */
static void between(plg_run *r, int64_t done, int64_t all)
{
    const weft_host *h = r->host;
    if (WEFT_HAS(h, weft_host, progress) && h->progress != NULL)
        h->progress(h, "encoding", (uint64_t)done, (uint64_t)all, "layers");
    if (r->status == WEFT_OK && h->cancelled(h))
        r->status = weft_fail(r->err, WEFT_E_CANCELLED, "cancelled");
}

void gsp_conformer(gsp_run *r, const gsp_config *c, const gsp_weights *w, int64_t n_rows,
                   const weft_tensor *rows, const weft_tensor *out, plg_arena *a)
{
    const gsp_encoder_config *e = &c->encoder;
    conformer                 f = {
                        .r = r, .c = e, .n = n_rows, .inner = (int64_t)e->n_heads * e->head_dim, .x = *out};
    layout(&f, a);
    if (r == NULL)
        return;
    turn(&f);
    plg_linear(&r->on, &f.x, rows, &w->in, WEFT_ACT_NONE);
    tap(&f, out, 0);
    for (int32_t i = 0; i < e->n_layers && r->on.status == WEFT_OK; i++) {
        const gsp_block *b = &w->blocks[i];
        feed_forward(&f, &b->ffn1);
        attention(&f, b);
        convolution(&f, b);
        feed_forward(&f, &b->ffn2);
        plg_layernorm(&r->on, &f.x, &f.x, &b->last, EPS);
        if (i + 1 == e->n_layers / 2)
            feed_back(&f, w);
        tap(&f, out, i + 1);
        between(&r->on, i + 1, e->n_layers);
    }
    if (e->n_taps > 0)
        gsp_put_columns(r, out, &f.x, (int64_t)e->n_taps * e->d);
}
