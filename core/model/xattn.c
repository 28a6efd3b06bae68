/* SPDX-License-Identifier: Apache-2.0 */
/* A cross-attention site over the rows that see at least one item:
 *   h += gate_attn * Wo attn(norm_q(Wq RMS(h)), items' k, items' v)
 *   h += gate_ffn * Wdown (silu(g) * u), [g; u] = Wgu RMS(h)
 * (transformers models/mllama, Meta's row mask: rows that see nothing are not here.) A site of
 * WEFT_BLIND_FFN_ONLY takes every row through its second line (models/idefics). Items' k and v are
 * projected once and live in pages of the same pool as the text's. */
#include "core/model/xattn.h"

/* RMS norm over head_dim of n_heads heads in rows of the given stride, in place. */
static weft_status head_norm(wf_decoder *d, float *x, const float *w, int64_t m, int64_t stride,
                             int32_t n_heads, int32_t head_dim, float eps, weft_error *err)
{
    wf_op op = {.kind = WF_OP_NORM,
                .u.norm = {.y = x,
                           .x = x,
                           .w = w,
                           .m = m * n_heads,
                           .n = head_dim,
                           .inner = n_heads,
                           .y_stride = stride,
                           .x_stride = stride,
                           .eps = eps,
                           .rms = 1}};
    return w != NULL ? wf_queue_submit(d->queue, &op, err) : WEFT_OK;
}

static weft_status look(wf_decoder *d, const wf_site *s, const wf_seen *seen, float *h,
                        weft_error *err)
{
    const weft_xattn *x = &s->x;
    int64_t           q = (int64_t)x->n_heads * x->head_dim, width = d->model->config.d_model;
    wf_op             norm = {.kind = WF_OP_NORM,
                              .u.norm = {.y = d->a,
                                         .x = h,
                                         .w = s->norm_in,
                                         .m = seen->n,
                                         .n = width,
                                         .inner = 1,
                                         .y_stride = width,
                                         .x_stride = width,
                                         .eps = x->norm_eps,
                                         .rms = 1}};
    wf_op             att = {
                    .kind = WF_OP_ATTEND_PAGES,
                    .u.attend_pages = {.kv = wf_kv_pool_view(d->pool, s->index, x->n_kv_heads, x->head_dim),
                                       .out = d->att,
                                       .q = d->qkv,
                                       .spans = seen->spans,
                                       .row_begin = seen->begin,
                                       .row_end = seen->end,
                                       .row_last = seen->last,
                                       .m = seen->n,
                                       .q_stride = q,
                                       .out_stride = q,
                                       .n_heads = x->n_heads,
                                       .most_spans = (int32_t)seen->most,
                                       .scale = wf_attention_scale(x->head_dim)}};
    weft_status status = wf_queue_submit(d->queue, &norm, err);
    if (status == WEFT_OK)
        status = wf_do_linear(d, d->qkv, q, d->a, width, &s->q, seen->n, err);
    if (status == WEFT_OK)
        status =
            head_norm(d, d->qkv, s->norm_q, seen->n, q, x->n_heads, x->head_dim, x->norm_eps, err);
    if (status == WEFT_OK)
        status = wf_queue_submit(d->queue, &att, err);
    return status == WEFT_OK ? wf_do_linear_add(d, h, d->att, q, &s->o, s->gate_attn, seen->n, err)
                             : status;
}

/* The feed-forward branch of m rows. */
static weft_status feed_forward(wf_decoder *d, const wf_site *s, float *h, int64_t m,
                                weft_error *err)
{
    const weft_xattn *x = &s->x;
    return x->d_ffn == 0 ? WEFT_OK
                         : wf_do_ffn(d, h, s->norm_ffn, x->norm_eps, s->gate_up, &s->down, x->d_ffn,
                                     s->gate_ffn, m, err);
}

/* The seen rows of d->h into d->x, those of nobody as zeros; or back. */
static weft_status move_rows(wf_decoder *d, const wf_seen *seen, bool back, weft_error *err)
{
    int64_t n = d->model->config.d_model;
    wf_op   op = {.kind = WF_OP_ROWS,
                  .u.rows = {.dst = back ? d->h : d->x,
                             .src = back ? d->x : d->h,
                             .dst_index = back ? seen->index : NULL,
                             .src_index = back ? NULL : seen->index,
                             .m = seen->n,
                             .n = n,
                             .dst_stride = n,
                             .src_stride = n}};
    return wf_queue_submit(d->queue, &op, err);
}

weft_status wf_xattn_run(wf_decoder *d, const wf_site *s, const wf_seen *seen, int64_t m,
                         weft_error *err)
{
    const int64_t real = seen->n - seen->n_padding;
    const bool    some = real > 0 && real < m, all = s->x.blind_rows == WEFT_BLIND_FFN_ONLY;
    float        *h = some ? d->x : d->h;
    weft_status   status = some ? move_rows(d, seen, false, err) : WEFT_OK;
    if (status == WEFT_OK && seen->n > 0)
        status = look(d, s, seen, h, err);
    if (status == WEFT_OK && !all)
        status = feed_forward(d, s, h, seen->n, err);
    if (status == WEFT_OK && some)
        status = move_rows(d, seen, true, err);
    return status == WEFT_OK && all ? feed_forward(d, s, d->h, m, err) : status;
}

static weft_status project_site(wf_decoder *d, const wf_site *s, const float *rows, int64_t n,
                                const int64_t *slot, weft_error *err)
{
    const weft_xattn *x = &s->x;
    int64_t           kv = (int64_t)x->n_kv_heads * x->head_dim;
    wf_op             store = {
                    .kind = WF_OP_KV_STORE,
                    .u.kv_store = {.kv = wf_kv_pool_view(d->pool, s->index, x->n_kv_heads, x->head_dim),
                                   .k = d->qkv,
                                   .v = d->qkv + kv,
                                   .slot = slot,
                                   .m = n,
                                   .k_stride = 2 * kv,
                                   .v_stride = 2 * kv}};
    weft_status status = wf_do_linear(d, d->qkv, 2 * kv, rows, x->d_src, &s->kv, n, err);
    if (status == WEFT_OK)
        status = head_norm(d, d->qkv, s->norm_k, n, 2 * kv, x->n_kv_heads, x->head_dim, x->norm_eps,
                           err);
    return status == WEFT_OK ? wf_queue_submit(d->queue, &store, err) : status;
}

weft_status wf_decoder_project(wf_decoder *d, int32_t stream, const float *rows, int64_t n,
                               const int64_t *slot, weft_error *err)
{
    int64_t     d_src = d->hooks->streams[stream].d_src;
    weft_status status = WEFT_OK;
    for (int32_t i = 0; i < d->hooks->n_sites; i++) {
        const wf_site *s = &d->hooks->sites[i];
        if (s->kind != WEFT_HOOK_XATTN || s->stream != stream)
            continue;
        for (int64_t r = 0; r < n && status == WEFT_OK; r += d->max_rows) {
            int64_t part = n - r < d->max_rows ? n - r : d->max_rows;
            status = project_site(d, s, rows + r * d_src, part, slot + r, err);
        }
    }
    return status;
}
